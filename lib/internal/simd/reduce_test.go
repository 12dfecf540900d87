// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestSums(t *testing.T) {
	sums := []struct {
		name string
		run  func(a, b []float32) float32
		term func(a, b float64) float64
	}{
		{"Sum", func(a, b []float32) float32 { return Sum(a) }, func(a, b float64) float64 { return a }},
		{"AbsSum", func(a, b []float32) float32 { return AbsSum(a) }, func(a, b float64) float64 { return math.Abs(a) }},
		{"SumSquares", func(a, b []float32) float32 { return SumSquares(a) }, func(a, b float64) float64 { return a * a }},
		{"Dot", Dot, func(a, b float64) float64 { return a * b }},
		{"CentredSquares", func(a, b []float32) float32 { return CentredSquares(a, 0.5) },
			func(a, b float64) float64 { return (a - 0.5) * (a - 0.5) }},
		{"CentredDot", func(a, b []float32) float32 { return CentredDot(a, b, -0.25) },
			func(a, b float64) float64 { return a * (b + 0.25) }},
	}
	eachImplementation(t, func(t *testing.T) {
		checked := 0
		for _, s := range sums {
			for _, n := range append(lengths(), 100_003) {
				rng := rand.New(rand.NewPCG(uint64(n), 3))
				a, b := guarded(t, n), guarded(t, n)
				fillNormal(rng, a.x)
				fillNormal(rng, b.x)
				var want, size float64
				for i := range n {
					term := s.term(float64(a.x[i]), float64(b.x[i]))
					want += term
					size += math.Abs(term)
				}
				got := s.run(a.x, b.x)
				// Each element passes through n/64 additions of a lane and six of the tree, one product and one difference.
				if !(math.Abs(float64(got)-want) <= float64(n/lanes+8)*0x1p-24*size) {
					t.Fatalf("%s of %d elements is %g, want %g", s.name, n, got, want)
				}
				if s.name == "Sum" && got != goSum(a.x) || s.name == "AbsSum" && got != goAbsSum(a.x) {
					t.Fatalf("%s of %d elements is not added in the order of the lanes", s.name, n)
				}
				checked++
				for _, bad := range []float64{math.NaN(), math.Inf(1)} {
					if n == 0 {
						continue
					}
					at := rng.IntN(n)
					old := a.x[at]
					a.x[at] = float32(bad)
					if got := float64(s.run(a.x, b.x)); !math.IsNaN(got) && !math.IsInf(got, 0) {
						t.Fatalf("%s of %d elements with %g at %d is %g", s.name, n, bad, at, got)
					}
					a.x[at] = old
				}
			}
		}
		if checked == 0 {
			t.Fatal("nothing was checked")
		}
	})
}

func TestChoicesAndCounts(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	eachImplementation(t, func(t *testing.T) {
		checked := 0
		check := func(x []float32) {
			t.Helper()
			best, nonZero, positive := 0, 0, 0
			for i, v := range x {
				if v > x[best] || v != v && x[best] == x[best] {
					best = i
				}
				if v != 0 {
					nonZero++
				}
				if v > 0 {
					positive++
				}
			}
			if got := ArgMax(x); got != best {
				t.Fatalf("ArgMax of %d elements is %d (%g), want %d (%g)", len(x), got, x[got], best, x[best])
			}
			got, want := Max(x), x[best]+0
			if math.Float32bits(got) != math.Float32bits(want) && !(got != got && want != want) {
				t.Fatalf("Max of %d elements is %g, want %g", len(x), got, want)
			}
			if got := CountNonZero(x); got != nonZero {
				t.Fatalf("CountNonZero of %d elements is %d, want %d", len(x), got, nonZero)
			}
			if got := CountPositive(x); got != positive {
				t.Fatalf("CountPositive of %d elements is %d, want %d", len(x), got, positive)
			}
			checked++
		}
		for _, n := range lengths() {
			if n == 0 {
				if CountNonZero(nil) != 0 || CountPositive(nil) != 0 {
					t.Fatal("counts of no elements")
				}
				continue
			}
			rng := rand.New(rand.NewPCG(uint64(n), 4))
			g := guarded(t, n)
			for range 8 {
				fillMixed(rng, g.x, true)
				check(g.x)
				for i := range g.x { // no NaN, many ties
					g.x[i] = float32(rng.IntN(4) - 3)
				}
				check(g.x)
				for _, v := range []float32{nan, inf, 5} { // one outstanding element
					g.x[rng.IntN(n)] = v
					check(g.x)
				}
				for i := range g.x {
					g.x[i] = -inf
				}
				check(g.x)
				g.x[rng.IntN(n)] = -math.MaxFloat32
				check(g.x)
			}
		}
		if checked == 0 {
			t.Fatal("nothing was checked")
		}
	})
}

func TestSoftmaxAndLogSumExp(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		for _, cols := range lengths()[1:] {
			rng := rand.New(rand.NewPCG(uint64(cols), 5))
			const rows = 3
			x, y := guarded(t, rows*cols), guarded(t, rows*cols)
			fillNormal(rng, x.x)
			Scale(x.x, 30, x.x)
			AddScalar(x.x, 1000, x.x) // exp would overflow
			SoftmaxRows(y.x, x.x, rows, cols)
			y.check(t, "SoftmaxRows")
			for r := range rows {
				row := x.x[r*cols : (r+1)*cols]
				top, total := math.Inf(-1), 0.0
				for _, v := range row {
					top = math.Max(top, float64(v))
				}
				for _, v := range row {
					total += math.Exp(float64(v) - top)
				}
				for j, v := range row {
					want := math.Exp(float64(v)-top) / total
					if got := float64(y.x[r*cols+j]); !(math.Abs(got-want) <= 1e-6*want+2*math.SmallestNonzeroFloat32) {
						t.Fatalf("softmax of %d classes: row %d column %d is %g, want %g", cols, r, j, got, want)
					}
				}
				want := top + math.Log(total)
				if got := float64(LogSumExp(make([]float32, cols), row)); !(math.Abs(got-want) <= 1e-6*math.Abs(want)) {
					t.Fatalf("LogSumExp of %d elements is %g, want %g", cols, got, want)
				}
			}
		}
		inf := float32(math.Inf(1))
		for _, row := range [][]float32{{1, float32(math.NaN()), 2}, {1, inf, 2}, {-inf, -inf, -inf}} {
			y := make([]float32, 3)
			SoftmaxRows(y, row, 1, 3)
			for j, v := range y {
				if v == v {
					t.Errorf("softmax of %v: column %d is %g, not NaN", row, j, v)
				}
			}
		}
		y := make([]float32, 3)
		SoftmaxRows(y, []float32{-inf, 0, 0}, 1, 3)
		if y[0] != 0 || y[1] != 0.5 || y[2] != 0.5 {
			t.Errorf("softmax of (-Inf, 0, 0) is %v", y)
		}
		if got := LogSumExp(y, []float32{-inf, -inf, -inf}); got != -inf {
			t.Errorf("LogSumExp of -Inf is %g", got)
		}
	})
}

func TestRows(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		for _, cols := range lengths() {
			rng := rand.New(rand.NewPCG(uint64(cols), 6))
			for _, rows := range []int{0, 1, 2, 7} {
				x, y, bias := guarded(t, rows*cols), guarded(t, rows*cols), guarded(t, cols)
				fillNormal(rng, x.x)
				fillNormal(rng, bias.x)
				AddRowVector(y.x, x.x, bias.x, rows, cols)
				y.check(t, "AddRowVector")
				for i, v := range x.x {
					if y.x[i] != v+bias.x[i%cols] {
						t.Fatalf("AddRowVector: %d x %d: element %d is %g", rows, cols, i, y.x[i])
					}
				}
				AddRowVectorRelu(y.x, x.x, bias.x, rows, cols)
				y.check(t, "AddRowVectorRelu")
				for i, v := range x.x {
					if y.x[i] != max(v+bias.x[i%cols], 0) {
						t.Fatalf("AddRowVectorRelu: %d x %d: element %d is %g", rows, cols, i, y.x[i])
					}
				}
				for _, acc := range []bool{false, true} {
					got, want := guarded(t, cols), make([]float32, cols)
					fillNormal(rng, got.x)
					if acc {
						copy(want, got.x)
					}
					for i, v := range x.x {
						want[i%cols] += v
					}
					whole := copied(got.x)
					SumRows(got.x, x.x, rows, cols, acc)
					got.check(t, "SumRows")
					if !sameBits(got.x, want) {
						t.Fatalf("SumRows: %d x %d, acc %v: %v, want %v", rows, cols, acc, got.x, want)
					}
					cut := cols / 3 // two workers share the columns
					SumRowsStride(whole[:cut], x.x, rows, cut, cols, acc)
					SumRowsStride(whole[cut:], x.x[min(cut, len(x.x)):], rows, cols-cut, cols, acc)
					if !sameBits(whole, want) {
						t.Fatalf("SumRows: %d x %d, acc %v: columns shared at %d differ", rows, cols, acc, cut)
					}
				}
			}
		}
	})
}
