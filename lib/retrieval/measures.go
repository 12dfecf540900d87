// SPDX-License-Identifier: Apache-2.0

package retrieval

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/internal/parallel"
	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// A Curve is precision and recall for Hamming radii from 0 to the length of the codes.
type Curve struct {
	Precision []float64 // share of the codes within the radius that have the query's class; NaN if none are within it
	Recall    []float64 // share of the codes of the query's class that are within the radius
}

// PrecisionRecall returns precision and recall when all codes within a radius of each query are retrieved. Pairs of a
// query and a code are counted over all queries together, so ties need no rule [LCN15, Fig. 6]. A code is relevant to a
// query if it has the same label. PrecisionRecall panics unless there is one label for each code and query.
func (x *Index) PrecisionRecall(queries *Codes, labels, queryLabels []int) Curve {
	codes := x.Codes
	if queries.bits != codes.bits || len(labels) != codes.n || len(queryLabels) != queries.n {
		panic(fmt.Sprintf(
			"retrieval: PrecisionRecall: %d codes of %d bits with %d labels, %d queries of %d bits with %d labels",
			codes.n, codes.bits, len(labels), queries.n, queries.bits, len(queryLabels)))
	}
	parts := workers(x.Workers)
	h := &histograms{codes: codes, queries: queries, labels: labels, queryLabels: queryLabels,
		parts: parts, pairs: make([][2][]int, parts)}
	parallel.For(parts, parts, 1, h, histogramRange)
	curve := Curve{make([]float64, codes.bits+1), make([]float64, codes.bits+1)}
	relevant := 0
	for _, p := range h.pairs {
		for _, n := range p[1] {
			relevant += n
		}
	}
	all, right := 0, 0
	for d := range codes.bits + 1 {
		for _, p := range h.pairs {
			all += p[0][d] + p[1][d]
			right += p[1][d]
		}
		curve.Precision[d] = float64(right) / float64(all)
		curve.Recall[d] = float64(right) / float64(relevant)
	}
	return curve
}

// histograms count the pairs at each distance. Each worker handles one part of the queries.
type histograms struct {
	codes, queries      *Codes
	labels, queryLabels []int
	parts               int
	pairs               [][2][]int // irrelevant and relevant ones
}

func histogramRange(arg any, lo, hi int) {
	h := arg.(*histograms)
	distances := make([]int32, min(h.codes.n, 1024))
	for part := lo; part < hi; part++ {
		pairs := &h.pairs[part]
		pairs[0], pairs[1] = make([]int, h.codes.bits+1), make([]int, h.codes.bits+1)
		from, to := part*h.queries.n/h.parts, (part+1)*h.queries.n/h.parts
		for first := 0; first < h.codes.n; first += len(distances) {
			codes := h.codes.Slice(first, min(first+len(distances), h.codes.n))
			for q := from; q < to; q++ {
				simd.Hamming(distances[:codes.n], h.queries.Row(q), codes.data)
				for i, d := range distances[:codes.n] {
					relevant := 0
					if h.labels[first+i] == h.queryLabels[q] {
						relevant = 1
					}
					pairs[relevant][d]++
				}
			}
		}
	}
}

// MeanAveragePrecision returns mAP@R, the mean over the queries of
//
//	AP = sum over ranks r = 1..R of P(r) rel(r) / max(1, sum over r = 1..R of rel(r))
//
// where rel(r) is 1 if the neighbour of rank r has the query's label, else 0, and P(r) is the precision of the first r.
// The document prints only the sum [LCN15, section 4.2]; dividing it by the number of relevant results gives a value
// from 0 to 1. R is the K of near. labels are those of the searched codes or vectors. MeanAveragePrecision panics
// unless there is one label for each query, and returns NaN for no queries.
func MeanAveragePrecision(near *Neighbours, labels, queryLabels []int) float64 {
	if len(queryLabels) != near.Len() {
		panic(fmt.Sprintf("retrieval: MeanAveragePrecision: %d labels for %d queries", len(queryLabels), near.Len()))
	}
	mean := 0.0
	for q, want := range queryLabels {
		id, _ := near.Row(q)
		right, sum := 0, 0.0
		for r, i := range id {
			if labels[i] == want {
				right++
				sum += float64(right) / float64(r+1)
			}
		}
		mean += sum / float64(max(1, right))
	}
	return mean / float64(near.Len())
}
