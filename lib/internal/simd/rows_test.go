// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// Multiples of rows are added as defined, in float64, for every length and more rows than a kernel takes; nothing else
// is written to.
func TestAddRows(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		for _, n := range []int{1, 3, 8, 15, 16, 17, 100, 128, 129, 256, 300} {
			for _, entries := range []int{0, 1, 5, 600} {
				rng := rand.New(rand.NewPCG(uint64(n), uint64(entries)))
				const rows, guard = 11, 2
				ld := n + 3
				m, y := make([]float32, (rows-1)*ld+n), make([]float32, n+guard)
				index, value := make([]int32, entries), make([]float32, entries)
				for _, x := range [][]float32{m, y, value} {
					for i := range x {
						x[i] = float32(rng.NormFloat64())
					}
				}
				want := make([]float64, n)
				for j := range want {
					want[j] = float64(y[j])
				}
				for e := range index {
					index[e] = int32(rng.IntN(rows))
					for j := range want {
						want[j] += float64(value[e]) * float64(m[int(index[e])*ld+j])
					}
				}
				behind := fmt.Sprint(y[n:])
				AddRows(y[:n], index, value, m, ld)
				for j, w := range want {
					if !(math.Abs(float64(y[j])-w) <= 1e-6*float64(entries+1)) {
						t.Fatalf("%d elements, %d rows: element %d is %v, want %v", n, entries, j, y[j], w)
					}
				}
				if fmt.Sprint(y[n:]) != behind {
					t.Fatalf("%d elements, %d rows: wrote past the end", n, entries)
				}
			}
		}
	})
}

func TestAddRowsPanics(t *testing.T) {
	m := make([]float32, 11) // three rows of 3, 4 apart
	for _, c := range []struct {
		index []int32
		value []float32
		ld    int
	}{
		{[]int32{3}, []float32{1}, 4}, {[]int32{-1}, []float32{1}, 4}, {[]int32{1}, nil, 4}, {[]int32{1}, []float32{1}, 2},
	} {
		func() {
			defer func() {
				if r := fmt.Sprint(recover()); !strings.HasPrefix(r, "simd: AddRows: ") {
					t.Errorf("%v: panic %q", c, r)
				}
			}()
			AddRows(make([]float32, 3), c.index, c.value, m, c.ld)
		}()
	}
	y := make([]float32, 3)
	if AddRows(y, []int32{2}, []float32{1}, m, 4); y[0] != 0 {
		t.Error("the last row fits")
	}
}
