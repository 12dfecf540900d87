// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"
	"math"
	"testing"

	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Both ways of computing the image gradient give the same result, with and without a bias, stored and accumulated.
func TestSpreadEqualsGather(t *testing.T) {
	chosen := map[bool]int{}
	for _, key := range []convKey{
		{channels: 1, h: 5, w: 5, filters: 1, kh: 3, kw: 3},
		{channels: 6, h: 18, w: 18, filters: 16, kh: 11, kw: 11},
		{channels: 3, h: 9, w: 11, filters: 4, kh: 3, kw: 5, shape: FullPadding(3, 5)},
		{channels: 17, h: 8, w: 10, filters: 3, kh: 3, kw: 3, shape: ConvShape{StrideH: 2, StrideW: 3, PadH: 1, PadW: 1}},
		{channels: 2, h: 8, w: 9, filters: 3, kh: 1, kw: 2, shape: ConvShape{StrideH: 2, StrideW: 3}},
		{channels: 2, h: 4, w: 4, filters: 2, kh: 3, kw: 3, shape: ConvShape{PadH: 4, PadW: 5}},
	} {
		t.Run(fmt.Sprintf("%+v", key), func(t *testing.T) {
			key.shape = key.shape.strides()
			p := newConvPlan(key)
			chosen[p.spread]++
			const n = 21
			rng := tensor.Stream(1, "test")
			random := func(n int) []float32 {
				x := make([]float32, n)
				rng.Uniform(x, -1, 1)
				return x
			}
			w, dy, bias := random(p.filters*p.taps), random(n*p.filters*p.oh*p.ow), random(p.channels)
			old := random(n * p.channels * p.h * p.w)
			packed := make([]float32, max(p.packedTransposedLen, p.kh*p.kw*simd.PackedFilters(p.channels, p.filters))+1<<14)
			for _, acc := range []bool{false, true} {
				if acc {
					bias = nil
				}
				var results [2][]float32
				for i, spread := range []bool{false, true} {
					p.spread = spread
					p.packTransposed(packed, w)
					results[i] = append([]float32(nil), old...)
					p.correlateTransposed(results[i], dy, packed, bias, acc)
				}
				for i, want := range results[0] {
					if got := results[1][i]; !(math.Abs(float64(got-want)) <= 2e-7*float64(p.filters*p.kh*p.kw+10)) {
						t.Fatalf("acc %v: element %d is %g, gathered %g", acc, i, got, want)
					}
				}
			}
		})
	}
	if chosen[true] == 0 || chosen[false] == 0 {
		t.Errorf("plans chose to spread %d times and to gather %d times: both must be possible", chosen[true], chosen[false])
	}
}
