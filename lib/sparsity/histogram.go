// SPDX-License-Identifier: Apache-2.0

package sparsity

import (
	"fmt"
	"math"
)

// A Histogram counts values in bins of equal width from Min to Max, such as the coefficients of sparse codes [Thesis21,
// fig. 1.2].
type Histogram struct {
	Min, Max float64
	Counts   []int // [bins]; bin i holds the values from Edge(i) up to, but not including, Edge(i+1), the last one Max too
	Below    int   // values below Min
	Above    int   // values above Max, and NaN
}

// NewHistogram returns an empty histogram. It panics unless min < max, both finite, and bins > 0.
func NewHistogram(min, max float64, bins int) *Histogram {
	if !(min < max) || math.IsInf(max-min, 1) || bins < 1 {
		panic(fmt.Sprintf("sparsity: NewHistogram: %d bins from %g to %g", bins, min, max))
	}
	return &Histogram{Min: min, Max: max, Counts: make([]int, bins)}
}

// Add counts values.
func (h *Histogram) Add(values ...float32) {
	scale := float64(len(h.Counts)) / (h.Max - h.Min)
	for _, v := range values {
		switch x := float64(v); {
		case x < h.Min:
			h.Below++
		case x <= h.Max:
			h.Counts[min(int((x-h.Min)*scale), len(h.Counts)-1)]++
		default:
			h.Above++
		}
	}
}

// N returns the number of values counted, with those outside.
func (h *Histogram) N() int {
	n := h.Below + h.Above
	for _, c := range h.Counts {
		n += c
	}
	return n
}

// Edge returns the lower edge of bin i, and Max for i = len(Counts).
func (h *Histogram) Edge(i int) float64 {
	return h.Min + float64(i)*(h.Max-h.Min)/float64(len(h.Counts))
}

// Density returns the centres of the bins and the share of all values in each, for a unit of width: an estimate of the
// probability density, which integrates to 1 if no value lies outside. It is 0 if there are no values.
func (h *Histogram) Density() (centres, density []float64) {
	width := (h.Max - h.Min) / float64(len(h.Counts))
	all := max(1, h.N())
	for i, c := range h.Counts {
		centres = append(centres, h.Edge(i)+width/2)
		density = append(density, float64(c)/(width*float64(all)))
	}
	return centres, density
}
