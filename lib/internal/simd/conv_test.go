// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lateral-ml/lateral/lib/internal/race"
)

// stencils are those of the test: small and large, with starts in pairs and anywhere, cut off after any run.
func stencils() map[string]*Stencil {
	rng := rand.New(rand.NewPCG(1, 1))
	list := map[string]*Stencil{}
	for _, taps := range []int{1, 2, 3, 4, 5, 9, 27, 101} {
		var offsets, anywhere, pairs []int32
		for range taps {
			offsets = append(offsets, rng.Int32N(300))
		}
		for range 7 {
			anywhere = append(anywhere, rng.Int32N(200))
		}
		for r := range int32(3) {
			pairs = append(pairs, 31*r, 31*r+Run)
		}
		list[fmt.Sprintf("%d taps, anywhere", taps)] = NewStencil(offsets, anywhere)
		list[fmt.Sprintf("%d taps, pairs", taps)] = NewStencil(offsets, pairs)
	}
	return list
}

// TestCorrelate compares outputs and gradients with float64 sums, the outputs also with the chain that the
// documentation promises, and watches what lies around the results.
func TestCorrelate(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		checked := 0
		for name, s := range stencils() {
			for _, m := range []int{1, 2, 3, 5, 6, 7, 13, 14, 15, 31} {
				for _, runs := range []int{1, 2, 5, 6} {
					if race.Enabled && (m+runs)%3 > 0 { // it sees no assembly, but slows the Go bodies down
						continue
					}
					checked += checkCorrelate(t, fmt.Sprintf("%s, %d filters, %d runs", name, m, runs), s, m, runs)
				}
			}
		}
		if checked == 0 {
			t.Fatal("nothing was checked")
		}
	})
}

func checkCorrelate(t *testing.T, name string, s *Stencil, m, runs int) (checked int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(m), uint64(runs)))
	x, w := guarded(t, s.Span()), make([]float32, m*s.taps)
	fillNormal(rng, x.x)
	fillNormal(rng, w)
	filters := guarded(t, PackedFilters(m, s.taps))
	PackFilters(filters.x, w, m, s.taps)
	filters.check(t, name)

	ld := RowLen(runs) + 3
	y := guarded(t, (m-1)*ld+RowLen(runs))
	Correlate(y.x, ld, filters.x, m, x.x, s, runs)
	y.check(t, name)
	for i := range m {
		for r := range runs {
			for j := range Run {
				var want, size float64
				var chain float32
				for p := range s.taps {
					f, v := w[i*s.taps+p], x.x[int(s.starts[r]+s.offsets[p])+j]
					want += float64(f) * float64(v)
					size += math.Abs(float64(f) * float64(v))
					chain = fma32(f, v, chain)
				}
				got := y.x[i*ld+r*Run+j]
				if !(math.Abs(float64(got)-want) <= float64(s.taps+1)*0x1p-24*size) || Name() != "go" && got != chain {
					t.Fatalf("%s: filter %d, run %d, output %d is %g, want %g, as a chain %g", name, i, r, j, got, want, chain)
				}
				checked++
			}
		}
	}

	// The gradient of a row of outputs that is zero where the runs are filled up.
	dy := guarded(t, len(y.x))
	for i := range m {
		fillNormal(rng, dy.x[i*ld:][:runs*Run])
	}
	ldw := GradLen(s.taps) + 5
	dw := guarded(t, (m-1)*ldw+GradLen(s.taps))
	fillNormal(rng, dw.x)
	before := copied(dw.x)
	CorrelateGrad(dw.x, ldw, dy.x, ld, m, x.x, s, runs)
	dw.check(t, name)
	for i := range m {
		for p := range s.taps {
			want := float64(before[i*ldw+p])
			size := math.Abs(want)
			for r := range runs {
				for j := range Run {
					term := float64(dy.x[i*ld+r*Run+j]) * float64(x.x[int(s.starts[r]+s.offsets[p])+j])
					want += term
					size += math.Abs(term)
				}
			}
			if got := float64(dw.x[i*ldw+p]); !(math.Abs(got-want) <= float64(runs*Run+1)*0x1p-24*size) {
				t.Fatalf("%s: gradient of filter %d, tap %d is %g, want %g", name, i, p, got, want)
			}
			checked++
		}
		for p := GradLen(s.taps); p < ldw && i+1 < m; p++ {
			if dw.x[i*ldw+p] != before[i*ldw+p] {
				t.Fatalf("%s: wrote between the rows of the gradient at %d", name, p)
			}
		}
	}
	return checked + checkSpread(t, name, s, m, runs)
}

// checkSpread compares Spread for three channels with float64 sums.
func checkSpread(t *testing.T, name string, s *Stencil, m, runs int) (checked int) {
	t.Helper()
	const plane, channels = 501, 3
	rng := rand.New(rand.NewPCG(uint64(m), uint64(runs)))
	size := PackedFilters(channels, m)
	filters, w := make([]float32, s.taps*size), make([]float32, s.taps*channels*m)
	fillNormal(rng, w)
	for p := range s.taps {
		PackFilters(filters[p*size:], w[p*channels*m:][:channels*m], channels, m)
	}
	ld := RowLen(runs)
	dy, dx := make([]float32, m*ld), guarded(t, s.Span()+(channels-1)*plane)
	for i := range m {
		fillNormal(rng, dy[i*ld:][:runs*Run])
	}
	fillNormal(rng, dx.x)
	want, sizes := make([]float64, len(dx.x)), make([]float64, len(dx.x))
	for i, v := range dx.x {
		want[i], sizes[i] = float64(v), math.Abs(float64(v))
	}
	for p := range s.taps {
		for c := range channels {
			for r := range runs {
				for j := range Run {
					at := int(s.starts[r]+s.offsets[p]) + j + c*plane
					for i := range m {
						term := float64(w[(p*channels+c)*m+i]) * float64(dy[i*ld+r*Run+j])
						want[at] += term
						sizes[at] += math.Abs(term)
					}
				}
			}
		}
	}
	Spread(dx.x, plane, filters, channels, dy, ld, m, s, runs)
	dx.check(t, name)
	for i, got := range dx.x {
		if !(math.Abs(float64(got)-want[i]) <= float64(m+s.taps*runs)*0x1p-23*sizes[i]) {
			t.Fatalf("%s: spread to element %d: %g, want %g", name, i, got, want[i])
		}
		checked++
	}
	return checked
}

// TestCorrelatePathsAgree compares the bits of the assembly paths.
func TestCorrelatePathsAgree(t *testing.T) {
	assemblyAgrees(t, "67e753a2c5430754", func() (results []float32) {
		all := stencils()
		for _, name := range slices.Sorted(maps.Keys(all)) {
			results = append(results, everyConvolution(all[name])...)
		}
		return results
	})
}

// everyConvolution returns the results of all kernels for random numbers.
func everyConvolution(s *Stencil) (results []float32) {
	const m, runs = 17, 6
	rng := rand.New(rand.NewPCG(3, 3))
	x, w, dy := make([]float32, s.Span()), make([]float32, m*s.taps), make([]float32, m*RowLen(runs))
	fillNormal(rng, x)
	fillNormal(rng, w)
	for j := range m {
		fillNormal(rng, dy[j*RowLen(runs):][:runs*Run])
	}
	filters, y := make([]float32, PackedFilters(m, s.taps)), make([]float32, m*RowLen(runs))
	PackFilters(filters, w, m, s.taps)
	Correlate(y, RowLen(runs), filters, m, x, s, runs)
	dw := make([]float32, m*GradLen(s.taps))
	CorrelateGrad(dw, GradLen(s.taps), dy, RowLen(runs), m, x, s, runs)
	dx := make([]float32, s.Span())
	for p := range s.taps { // one channel
		packed := make([]float32, PackedFilters(1, m))
		PackFilters(packed, w[p*m:][:m], 1, m)
		one := NewStencil(s.offsets[p:p+1], s.starts)
		Spread(dx, 0, packed, 1, dy, RowLen(runs), m, one, runs)
	}
	results = append(results, dx...)
	for j := range m {
		results = append(results, y[j*RowLen(runs):][:runs*Run]...)
		results = append(results, dw[j*GradLen(s.taps):][:s.taps]...)
	}
	return results
}

func TestRowsThatLieApart(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		for n := range 70 {
			for _, rows := range []int{0, 1, 2, 5} {
				rng := rand.New(rand.NewPCG(uint64(n), uint64(rows)))
				ds, ss := n+rng.IntN(4), n+rng.IntN(4)
				dst, src := guarded(t, max(rows*ds-(ds-n), 0)), guarded(t, max(rows*ss-(ss-n), 0))
				fillNormal(rng, dst.x)
				fillNormal(rng, src.x)
				want := copied(dst.x)
				for r := range rows {
					for j := range n {
						want[r*ds+j] += src.x[r*ss+j]
					}
				}
				AddToRows(dst.x, ds, src.x, ss, rows, n)
				dst.check(t, "AddToRows")
				if !sameBits(dst.x, want) {
					t.Fatalf("AddToRows: %d rows of %d: %v, want %v", rows, n, dst.x, want)
				}
				for r := range rows {
					for j := range n {
						want[r*ds+j] = src.x[r*ss+j] + 0.7
					}
				}
				CopyRowsAdd(dst.x, ds, src.x, ss, rows, n, 0.7)
				dst.check(t, "CopyRowsAdd")
				if !sameBits(dst.x, want) {
					t.Fatalf("CopyRowsAdd: %d rows of %d: %v, want %v", rows, n, dst.x, want)
				}
			}
		}
	})
}
