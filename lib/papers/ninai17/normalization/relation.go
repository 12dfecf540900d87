// SPDX-License-Identifier: Apache-2.0

package normalization

import (
	"math"
	"slices"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Relation says how much the filters of a layer have in common, as the last row of figure 11: means over all pairs of
// filters.
type Relation struct {
	Correlation float64 `json:"correlation"` // of the magnitudes |rho|
	Information float64 `json:"information"` // mutual information in nats, see [MutualInformation]
}

// informationBins is the number of intervals along each axis of a joint histogram. The document does not give its own.
const informationBins = 20

// Relate returns the relation of the responses of filters, one row of z [filters, places] each.
func Relate(z *tensor.Tensor) Relation {
	var r Relation
	filters, pairs := z.Rows(), 0
	bins := make([][]int, filters)
	for i := range bins {
		bins[i] = quantiles(z.Row(i), informationBins)
	}
	for i := range filters {
		for j := range i {
			r.Correlation += math.Abs(Correlation(z.Row(i), z.Row(j)))
			r.Information += information(bins[i], bins[j], informationBins)
			pairs++
		}
	}
	r.Correlation /= float64(max(pairs, 1))
	r.Information /= float64(max(pairs, 1))
	return r
}

// Correlation returns Pearson's correlation of x and y, 0 if one of them is constant.
func Correlation(x, y []float32) float64 {
	var sx, sy, sxx, syy, sxy float64
	for i := range x {
		a, b := float64(x[i]), float64(y[i])
		sx, sy, sxx, syy, sxy = sx+a, sy+b, sxx+a*a, syy+b*b, sxy+a*b
	}
	n := float64(len(x))
	if d := (n*sxx - sx*sx) * (n*syy - sy*sy); d > 0 {
		return (n*sxy - sx*sy) / math.Sqrt(d)
	}
	return 0
}

// MutualInformation estimates the mutual information of x and y in nats,
//
//	sum over a and b of p(a, b) log(p(a, b) / (p(a) p(b))),
//
// from a joint histogram whose intervals hold equal numbers of the values of either. It does not depend on monotone
// transformations of x and y, and overestimates by about (bins-1)²/(2n) for n values.
func MutualInformation(x, y []float32, bins int) float64 {
	return information(quantiles(x, bins), quantiles(y, bins), bins)
}

func information(a, b []int, bins int) (sum float64) {
	joint, pa, pb := make([]float64, bins*bins), make([]float64, bins), make([]float64, bins)
	each := 1 / float64(len(a))
	for i := range a {
		joint[a[i]*bins+b[i]] += each
		pa[a[i]] += each
		pb[b[i]] += each
	}
	for i, p := range joint {
		if p > 0 {
			sum += p * math.Log(p/(pa[i/bins]*pb[i%bins]))
		}
	}
	return sum
}

// JointBins is the number of intervals along each axis of a [JointHistogram].
const JointBins = 31

// JointHistogram counts the pairs of responses a and b of two filters, of equal length, in squares of a fifth of their
// root mean squares, from three below 0 to three above. The count of row r and column c is at r·[JointBins] + c; a
// grows from column to column, and b falls from row to row. Pairs outside are left out. Filters that never respond have
// no counts.
func JointHistogram(a, b []float32) []int {
	counts := make([]int, JointBins*JointBins)
	scale := func(x []float32) float64 {
		sum := 0.0
		for _, v := range x {
			sum += float64(v) * float64(v)
		}
		return (JointBins - 1) / (6 * math.Sqrt(sum/float64(len(x))))
	}
	sa, sb := scale(a), scale(b)
	for i := range a {
		c := math.Round(float64(a[i])*sa) + JointBins/2
		r := JointBins/2 - math.Round(float64(b[i])*sb)
		if c >= 0 && c < JointBins && r >= 0 && r < JointBins { // false for NaN
			counts[int(r)*JointBins+int(c)]++
		}
	}
	return counts
}

// quantiles returns the interval of each value: equal values are in the same one.
func quantiles(x []float32, bins int) []int {
	sorted := slices.Clone(x)
	slices.Sort(sorted)
	edges := make([]float32, bins-1)
	for i := range edges {
		edges[i] = sorted[(i+1)*len(sorted)/bins]
	}
	in := make([]int, len(x))
	for i, v := range x {
		at, found := slices.BinarySearch(edges, v)
		if found {
			for at < len(edges) && edges[at] == v {
				at++
			}
		}
		in[i] = at
	}
	return in
}
