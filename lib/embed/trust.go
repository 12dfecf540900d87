// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"fmt"
	"runtime"

	"github.com/lateral-ml/lateral/lib/internal/parallel"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Trustworthiness measures whether samples that are near on a map y [N, D] are truly near, from 0 to 1:
//
//	T = 1 - 2/(N k (2N - 3k - 1)) · sum over i and over the k nearest j of i on the map of max(0, r(i,j) - k)
//
// where r(i,j) is the rank of j among the true neighbours of i, from 1 [VK01]. distances sets d to the true distances
// of sample i from all samples; only their order counts. Ties go to the lower index. Trustworthiness calls distances
// concurrently from several goroutines: workers of them, or one per core if workers is 0. It panics unless 1 <= k <
// N/2.
func Trustworthiness(y *tensor.Tensor, k int, distances func(i int, d []float32), workers int) float64 {
	n := y.Rows()
	if k < 1 || 2*k >= n {
		panic(fmt.Sprintf("embed: Trustworthiness: %d neighbours of %d samples", k, n))
	}
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	t := &trust{y: y, k: k, distances: distances, penalty: make([]int, n)}
	parallel.For(workers, n, 16, t, trustRange)
	penalty := 0
	for _, p := range t.penalty {
		penalty += p
	}
	return 1 - 2*float64(penalty)/(float64(n)*float64(k)*float64(2*n-3*k-1))
}

type trust struct {
	y         *tensor.Tensor
	k         int
	distances func(i int, d []float32)
	penalty   []int // one per sample
}

func trustRange(arg any, lo, hi int) {
	t := arg.(*trust)
	truth, onMap := make([]float32, t.y.Rows()), make([]float32, t.y.Rows())
	near := make([]int, t.k)
	for i := lo; i < hi; i++ {
		t.distances(i, truth)
		for j := range onMap {
			onMap[j] = 0
			for c, v := range t.y.Row(j) {
				d := v - t.y.Row(i)[c]
				onMap[j] += d * d
			}
		}
		nearest(near, onMap, i)
		for _, j := range near {
			rank := 1
			for l, d := range truth {
				if l != i && (d < truth[j] || d == truth[j] && l < j) {
					rank++
				}
			}
			t.penalty[i] += max(0, rank-t.k)
		}
	}
}

// nearest sets near to the indices of the smallest elements of d, except element self, in order.
func nearest(near []int, d []float32, self int) {
	n := 0
	for j, v := range d {
		if j == self || n == len(near) && v >= d[near[n-1]] {
			continue
		}
		if n < len(near) {
			n++
		}
		at := n - 1
		for ; at > 0 && v < d[near[at-1]]; at-- {
			near[at] = near[at-1]
		}
		near[at] = j
	}
}
