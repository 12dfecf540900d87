// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"math/rand/v2"
	"testing"
)

// TestMaxPool compares values and positions with a search of each window, with ties, NaN and infinities about.
func TestMaxPool(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		checked := 0
		for cols := 1; cols <= 67; cols++ {
			for _, w := range []PoolWindow{
				{Rows: 1, Step: 2, H: 2, W: 2},
				{Rows: 3, Step: 2, H: 1, W: 1},
				{Rows: 2, Step: 2, H: 3, W: 3},
				{Rows: 2, Step: 1, H: 2, W: 3},
				{Rows: 2, Step: 3, H: 3, W: 2},
			} {
				rng := rand.New(rand.NewPCG(uint64(cols), uint64(w.H)))
				w.Cols, w.Pitch = cols, (cols-1)*w.Step+w.W+rng.IntN(3)
				w.RowStep = 2 * w.Pitch
				const first = 3
				x := guarded(t, first+(w.Rows-1)*w.RowStep+(w.H-1)*w.Pitch+(cols-1)*w.Step+w.W)
				fillMixed(rng, x.x, cols%2 == 0)
				for i := range x.x {
					if rng.IntN(2) == 0 {
						x.x[i] = float32(rng.IntN(3))
					}
				}
				stride := cols + rng.IntN(3)
				dst, index := guarded(t, (w.Rows-1)*stride+cols), make([]int32, (w.Rows-1)*stride+cols+1)
				index[len(index)-1] = -7
				MaxPool(dst.x, index[:len(index)-1], stride, x.x, first, w)
				dst.check(t, "MaxPool")
				if index[len(index)-1] != -7 {
					t.Fatalf("%+v: wrote past the end of the positions", w)
				}
				for r := range w.Rows {
					for c := range cols {
						best := first + r*w.RowStep + c*w.Step
						for u := range w.H {
							for v := range w.W {
								at := first + r*w.RowStep + c*w.Step + u*w.Pitch + v
								if a, b := x.x[at], x.x[best]; a > b || a != a && b == b {
									best = at
								}
							}
						}
						if got := index[r*stride+c]; int(got) != best {
							t.Fatalf("%+v: window %d, %d: element %d (%g) wins, want %d (%g)", w, r, c, got, x.x[got], best, x.x[best])
						}
						if got, want := dst.x[r*stride+c], x.x[best]; got != want && want == want {
							t.Fatalf("%+v: window %d, %d: %g, want %g", w, r, c, got, want)
						}
						checked++
					}
				}
			}
		}
		if checked == 0 {
			t.Fatal("nothing was checked")
		}
	})
}
