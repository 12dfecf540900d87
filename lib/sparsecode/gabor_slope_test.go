// SPDX-License-Identifier: Apache-2.0

package sparsecode

import (
	"math"
	"testing"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// The derivatives that the fit follows are those that differences give.
func TestGaborSlopes(t *testing.T) {
	rng := tensor.Stream(1, "slopes")
	for range 50 {
		p := point{
			rng.NormFloat64(), rng.NormFloat64(), 5 * rng.Float64(), 5 * rng.Float64(), 3 * rng.Float64(), 0.3 * rng.Float64(),
			rng.Float64(), rng.Float64(),
		}
		x, y := 6*rng.Float64(), 6*rng.Float64()
		at := func(p point) float64 { return p.value(p.frame(), x, y, nil) }
		var slope point
		p.value(p.frame(), x, y, &slope)
		for i := range p {
			const h = 1e-5
			up, down := p, p
			up[i] += h
			down[i] -= h
			if want := (at(up) - at(down)) / (2 * h); !(math.Abs(slope[i]-want) < 1e-7*(1+math.Abs(want))) {
				t.Errorf("parameter %d: slope %v, by differences %v", i, slope[i], want)
			}
		}
	}
}
