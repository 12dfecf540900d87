// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// Connections describe which weights of a layer exist, for [SparseLinear] and [SparseConv2D]. The weights themselves
// are in a separate vector, with one element per connection. Connections are immutable, so that layers and tapes can
// share them.
type Connections struct {
	inputs int
	bounds []int32 // [units+1]: unit u has connections bounds[u] to bounds[u+1]-1
	source []int32 // [connections]: the input of each connection

	byUnit  simd.Sparse // the weights as a matrix [units, inputs], without values
	byInput simd.Sparse // the same as a matrix [inputs, units]
	order   []int32     // the connections, sorted by input and then by unit
}

// NewConnections returns the connections of a layer: unit u has counts[u] of them. The slice sources holds the inputs
// to which unit 0 is connected, then those of unit 1, and so on; they are less than inputs. Sums are computed in the
// order of a unit's sources. NewConnections returns an error if the numbers are inconsistent, or if a unit is connected
// to the same input twice.
func NewConnections(inputs int, counts, sources []int32) (*Connections, error) {
	c := &Connections{inputs: inputs, bounds: make([]int32, 1, len(counts)+1), source: append([]int32(nil), sources...)}
	if inputs < 0 || len(sources) > math.MaxInt32 {
		return nil, fmt.Errorf("autograd: %d connections to %d inputs", len(sources), inputs)
	}
	seen := make([]int, inputs) // for each input, the last unit connected to it, counted from 1
	left := sources
	for u, n := range counts {
		if n < 0 || int(n) > len(left) {
			return nil, fmt.Errorf("autograd: unit %d has %d connections of the %d that are left", u, n, len(left))
		}
		for _, i := range left[:n] {
			if i < 0 || int(i) >= inputs || seen[i] == u+1 {
				return nil, fmt.Errorf("autograd: unit %d is connected to input %d, of %d, or twice", u, i, inputs)
			}
			seen[i] = u + 1
		}
		left = left[n:]
		c.bounds = append(c.bounds, c.bounds[u]+n)
	}
	if len(left) > 0 {
		return nil, fmt.Errorf("autograd: %d connections belong to no unit", len(left))
	}
	c.byUnit.Share(inputs, c.bounds, c.source, make([]float32, len(sources)))
	c.turn()
	return c, nil
}

// turn sorts the connections by input.
func (c *Connections) turn() {
	bounds := make([]int32, c.inputs+1)
	for _, i := range c.source {
		bounds[i+1]++
	}
	for i := range c.inputs {
		bounds[i+1] += bounds[i]
	}
	next := append([]int32(nil), bounds...)
	units := make([]int32, len(c.source))
	c.order = make([]int32, len(c.source))
	for u := range c.Units() {
		for e := c.bounds[u]; e < c.bounds[u+1]; e++ {
			at := &next[c.source[e]]
			units[*at], c.order[*at] = int32(u), e
			*at++
		}
	}
	c.byInput.Share(c.Units(), bounds, units, make([]float32, len(units)))
}

// Units returns the number of units.
func (c *Connections) Units() int { return len(c.bounds) - 1 }

// Inputs returns the number of inputs of the layer.
func (c *Connections) Inputs() int { return c.inputs }

// Len returns the number of connections.
func (c *Connections) Len() int { return len(c.source) }

// Of returns the inputs to which a unit is connected, and the index of its first connection. The caller must not change
// them.
func (c *Connections) Of(unit int) (sources []int32, first int) {
	lo, hi := c.bounds[unit], c.bounds[unit+1]
	return c.source[lo:hi], int(lo)
}

// spread copies the weights w of rows lo to hi into a matrix [units, inputs]. The slice whole starts at row lo.
func (c *Connections) spread(whole, w []float32, lo, hi int) {
	for u := lo; u < hi; u++ {
		row := whole[(u-lo)*c.inputs:]
		for e := c.bounds[u]; e < c.bounds[u+1]; e++ {
			row[c.source[e]] = w[e]
		}
	}
}

// pick is the inverse of spread.
func (c *Connections) pick(w, whole []float32, lo, hi int) {
	for u := lo; u < hi; u++ {
		row := whole[(u-lo)*c.inputs:]
		for e := c.bounds[u]; e < c.bounds[u+1]; e++ {
			w[e] = row[c.source[e]]
		}
	}
}
