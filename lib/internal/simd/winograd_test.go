// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// A winogradCase is a size of tile with its matrices as the documentation has them.
type winogradCase struct {
	r         Winograd
	bT, g, aT [][]float64
}

func winogradCases() []winogradCase {
	const a, b = 0.75, 1.5
	const f0, fa, fb = a * a * b * b, 2 * a * a * (a*a - b*b), 2 * b * b * (b*b - a*a)
	bT := [][]float64{
		{a * a * b * b, 0, -a*a - b*b, 0, 1, 0},
		{0, -a * b * b, -b * b, a, 1, 0},
		{0, a * b * b, -b * b, -a, 1, 0},
		{0, -a * a * b, -a * a, b, 1, 0},
		{0, a * a * b, -a * a, -b, 1, 0},
		{0, a * a * b * b, 0, -a*a - b*b, 0, 1},
	}
	const c, e, s = 0.5, 2., 1 + 0.25 + 4
	const fc, fd, fe = 2 * c * c * (c*c - 1) * (c*c - e*e), 2 * (1 - c*c) * (1 - e*e), 2 * e * e * (e*e - c*c) * (e*e - 1)
	bT8 := [][]float64{{1, 0, -s, 0, s, 0, -1, 0}}
	for _, p := range [][3]float64{{c, 1, e}, {1, c, e}, {e, c, 1}} { // a point, and the others
		x, product, sum := p[0], p[1]*p[1]*p[2]*p[2], p[1]*p[1]+p[2]*p[2]
		bT8 = append(bT8, []float64{0, x * product, product, -x * sum, -sum, x, 1, 0})
		bT8 = append(bT8, []float64{0, -x * product, product, x * sum, -sum, -x, 1, 0})
	}
	bT8 = append(bT8, []float64{0, -1, 0, s, 0, -s, 0, 1})
	powers := func(x, divisor float64) []float64 {
		return []float64{1 / divisor, x / divisor, x * x / divisor, x * x * x / divisor, x * x * x * x / divisor}
	}
	return []winogradCase{
		{
			r:  Winograd{2, 3},
			bT: [][]float64{{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}},
			g:  [][]float64{{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}},
			aT: [][]float64{{1, 1, 1, 0}, {0, 1, -1, -1}},
		},
		{
			r: Winograd{4, 3}, bT: bT,
			g: [][]float64{
				{1 / f0, 0, 0},
				{1 / fa, a / fa, a * a / fa}, {1 / fa, -a / fa, a * a / fa},
				{1 / fb, b / fb, b * b / fb}, {1 / fb, -b / fb, b * b / fb},
				{0, 0, 1},
			},
			aT: [][]float64{
				{1, 1, 1, 1, 1, 0},
				{0, a, -a, b, -b, 0},
				{0, a * a, a * a, b * b, b * b, 0},
				{0, a * a * a, -a * a * a, b * b * b, -b * b * b, 1},
			},
		},
		{
			r: Winograd{2, 5}, bT: bT,
			g: [][]float64{
				{1 / f0, 0, 0, 0, 0}, powers(a, fa), powers(-a, fa), powers(b, fb), powers(-b, fb), {0, 0, 0, 0, 1},
			},
			aT: [][]float64{{1, 1, 1, 1, 1, 0}, {0, a, -a, b, -b, 1}},
		},
		{
			r: Winograd{4, 5}, bT: bT8,
			g: [][]float64{
				{1, 0, 0, 0, 0},
				powers(c, fc), powers(-c, fc), powers(1, fd), powers(-1, fd), powers(e, fe), powers(-e, fe),
				{0, 0, 0, 0, 1},
			},
			aT: [][]float64{
				{1, 1, 1, 1, 1, 1, 1, 0},
				{0, c, -c, 1, -1, e, -e, 0},
				{0, c * c, c * c, 1, 1, e * e, e * e, 0},
				{0, c * c * c, -c * c * c, 1, -1, e * e * e, -e * e * e, 1},
			},
		},
	}
}

func times(m [][]float64, x []float64) []float64 {
	y := make([]float64, len(m))
	for i, row := range m {
		for j, v := range row {
			y[i] += v * x[j]
		}
	}
	return y
}

func transposed(m [][]float64) [][]float64 {
	t := make([][]float64, len(m[0]))
	for j := range t {
		for i := range m {
			t[j] = append(t[j], m[i][j])
		}
	}
	return t
}

// The matrices filter: what they are for.
func TestWinogradMatrices(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for _, c := range winogradCases() {
		g, x := make([]float64, c.r.Taps), make([]float64, c.r.Side())
		for i := range g {
			g[i] = rng.NormFloat64()
		}
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		products := times(c.bT, x)
		for i, v := range times(c.g, g) {
			products[i] *= v
		}
		for i, got := range times(c.aT, products) {
			want := 0.0
			for u, v := range g {
				want += v * x[i+u]
			}
			if !(math.Abs(got-want) < 1e-13) {
				t.Errorf("%+v: output %d is %g, want %g", c.r, i, got, want)
			}
		}
	}
}

// A winogradMap is one of the kernels with its matrix.
type winogradMap struct {
	name   string
	apply  func(dst, src Vectors, count, n int)
	matrix [][]float64
}

func (c winogradCase) maps() []winogradMap {
	return []winogradMap{
		{"Input", c.r.Input, c.bT},
		{"Output", c.r.Output, c.aT},
		{"OutputT", c.r.OutputT, transposed(c.aT)},
		{"Filter", c.r.Filter, c.g},
		{"FilterT", c.r.FilterT, transposed(c.g)},
	}
}

// TestWinograd compares the maps with their matrices, for vectors of any length that lie in any way.
func TestWinograd(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		checked := 0
		for _, c := range winogradCases() {
			for _, m := range c.maps() {
				for n := range 70 {
					for _, count := range []int{0, 1, 3} {
						name := fmt.Sprintf("%s of %+v, %d items of %d", m.name, c.r, count, n)
						checked += checkWinograd(t, name, m, count, n)
					}
				}
			}
		}
		if checked == 0 {
			t.Fatal("nothing was checked")
		}
	})
}

// between returns vectors of n floats and items of them with gaps between, of random lengths, the planes within an item
// or the items within a plane.
func between(t *testing.T, rng *rand.Rand, vectors, count, n int) (Vectors, guardedSlice) {
	v := Vectors{Plane: n + rng.IntN(4), Step: n + rng.IntN(4)}
	if rng.IntN(2) == 0 {
		v.Step += vectors * v.Plane
	} else {
		v.Plane += count * v.Step
	}
	g := guarded(t, (vectors-1)*v.Plane+max(0, count-1)*v.Step+n)
	fillNormal(rng, g.x)
	v.Data = g.x
	return v, g
}

func checkWinograd(t *testing.T, name string, m winogradMap, count, n int) (checked int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(n), uint64(count)))
	src, _ := between(t, rng, len(m.matrix[0]), count, n)
	dst, around := between(t, rng, len(m.matrix), count, n)
	before, written := copied(dst.Data), make([]bool, len(dst.Data))
	m.apply(dst, src, count, n)
	around.check(t, name)
	for item := range count {
		for e := range n {
			for i, row := range m.matrix {
				at := item*dst.Step + i*dst.Plane + e
				written[at] = true
				var want, size float64
				for j, f := range row {
					term := f * float64(src.Data[item*src.Step+j*src.Plane+e])
					want += term
					size += math.Abs(term)
				}
				if got := float64(dst.Data[at]); !(math.Abs(got-want) <= 4*0x1p-24*size) {
					t.Fatalf("%s: vector %d of item %d, element %d is %g, want %g", name, i, item, e, got, want)
				}
				checked++
			}
		}
	}
	for i, v := range dst.Data {
		if !written[i] && math.Float32bits(v) != math.Float32bits(before[i]) {
			t.Fatalf("%s: wrote between the vectors, at %d", name, i)
		}
	}
	return checked
}

// TestWinogradPathsAgree compares the bits of the assembly paths.
func TestWinogradPathsAgree(t *testing.T) {
	assemblyAgrees(t, "e86cc9b92281f8fe", func() (results []float32) {
		for _, c := range winogradCases() {
			for i, m := range c.maps() {
				const n = 45
				rng := rand.New(rand.NewPCG(4, uint64(i)))
				src, dst := make([]float32, 8*n), make([]float32, 8*n)
				fillNormal(rng, src)
				m.apply(Vectors{dst, n, 0}, Vectors{src, n, 0}, 1, n)
				results = append(results, dst...)
			}
		}
		return results
	})
}

func TestWinogradPanics(t *testing.T) {
	x := make([]float32, 100)
	for name, f := range map[string]func(){
		"vectors that do not fit": func() { Winograd{2, 3}.Input(Vectors{x, 30, 0}, Vectors{x, 33, 0}, 1, 20) },
		"items that do not fit":   func() { Winograd{2, 3}.Output(Vectors{x, 10, 20}, Vectors{x, 10, 10}, 9, 10) },
		"a negative distance":     func() { Winograd{4, 3}.Output(Vectors{x, -1, 0}, Vectors{x, 10, 0}, 1, 10) },
		"tiles of 3":              func() { Winograd{3, 3}.Input(Vectors{x, 10, 0}, Vectors{x, 10, 0}, 1, 10) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}

func TestTranspose(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		for rows := range 37 {
			for _, n := range []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 70} {
				rng := rand.New(rand.NewPCG(uint64(rows), uint64(n)))
				stride, dstStride := n+rng.IntN(4), rows+rng.IntN(4)
				src, dst := make([]float32, max(0, rows-1)*stride+n), guarded(t, max(0, n-1)*dstStride+rows)
				fillNormal(rng, src)
				fillNormal(rng, dst.x)
				want := copied(dst.x)
				for i := range rows {
					for j := range n {
						want[j*dstStride+i] = src[i*stride+j]
					}
				}
				Transpose(dst.x, dstStride, src, stride, rows, n)
				dst.check(t, "Transpose")
				if !sameBits(dst.x, want) {
					t.Fatalf("%d rows of %d elements: %v, want %v", rows, n, dst.x, want)
				}
			}
		}
	})
}
