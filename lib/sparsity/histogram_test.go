// SPDX-License-Identifier: Apache-2.0

package sparsity_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/lateral-ml/lateral/lib/sparsity"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func ExampleHistogram() {
	h := sparsity.NewHistogram(-1, 1, 4)
	h.Add(-1, -0.2, 0, 0.1, 0.49, 1, 3)
	fmt.Println(h.Counts, "outside", h.Below, h.Above)
	// Output: [1 1 3 1] outside 0 1
}

func TestHistogram(t *testing.T) {
	h := sparsity.NewHistogram(-4, 4, 80)
	x := make([]float32, 100_000)
	tensor.Stream(1, "histogram").Normal(x, 0, 1)
	h.Add(x...)
	centres, density := h.Density()
	area := 0.0
	for i, c := range centres {
		area += density[i] * 0.1
		if want := math.Exp(-c*c/2) / math.Sqrt(2*math.Pi); math.Abs(density[i]-want) > 0.02 {
			t.Errorf("density %v at %v, want %v", density[i], c, want)
		}
	}
	if inside := 1 - float64(h.Below+h.Above)/1e5; h.N() != 100_000 || math.Abs(area-inside) > 1e-12 {
		t.Errorf("%d values, area %v, %v of them inside", h.N(), area, inside)
	}
	if h.Edge(0) != -4 || h.Edge(80) != 4 {
		t.Errorf("edges %v and %v", h.Edge(0), h.Edge(80))
	}
	odd := sparsity.NewHistogram(0, 1, 2)
	odd.Add(nan, inf, -inf, 0.5, 1, float32(math.Nextafter32(1, 2)))
	if !slices.Equal(odd.Counts, []int{0, 2}) || odd.Below != 1 || odd.Above != 3 {
		t.Errorf("%+v", odd)
	}
	if _, density := sparsity.NewHistogram(0, 1, 1).Density(); density[0] != 0 {
		t.Errorf("the density of nothing is %v", density)
	}
}

func TestAbove(t *testing.T) {
	for _, c := range []struct {
		a     []float32
		share float64
		want  int
	}{
		{nil, 0.1, 0}, {[]float32{0, 0}, 0.1, 0}, {[]float32{-2, 0.19, 0.3, 0}, 0.1, 2}, {[]float32{-2, 0.19, 0.3, 0}, 0, 3},
	} {
		if got := sparsity.Above(c.a, c.share); got != c.want {
			t.Errorf("Above(%v, %v) = %d, want %d", c.a, c.share, got, c.want)
		}
	}
}
