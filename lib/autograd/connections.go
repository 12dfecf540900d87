// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// Connections says which weights of a layer exist, for [SparseLinear] and [SparseConv2D]. A vector of weights goes with
// it, one for each connection. It does not change, so that layers and tapes may share it.
type Connections struct {
	inputs int
	bounds []int32 // [units+1]: unit u has the connections from bounds[u] to bounds[u+1]
	source []int32 // [connections]: the input of each

	byUnit  simd.Sparse // the weights as a matrix [units, inputs], without values
	byInput simd.Sparse // and as [inputs, units]
	order   []int32     // the connections by input, then by unit
}

// NewConnections returns the connections of units that have counts[0], counts[1], ... of them, to the given sources
// among so many inputs: first those of unit 0, then those of unit 1, and so on. Sums are taken in the order of a
// unit's sources. It returns an error if the numbers do not fit, or a unit has two connections to one input.
func NewConnections(inputs int, counts, sources []int32) (*Connections, error) {
	c := &Connections{inputs: inputs, bounds: make([]int32, 1, len(counts)+1), source: append([]int32(nil), sources...)}
	if inputs < 0 || len(sources) > math.MaxInt32 {
		return nil, fmt.Errorf("autograd: %d connections to %d inputs", len(sources), inputs)
	}
	seen := make([]int, inputs) // the unit that was connected to an input last, counted from 1
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

// Inputs returns the number of inputs that units may be connected to.
func (c *Connections) Inputs() int { return c.inputs }

// Len returns the number of connections.
func (c *Connections) Len() int { return len(c.source) }

// Of returns the inputs that a unit is connected to, and the number of its first connection. Do not change them.
func (c *Connections) Of(unit int) (sources []int32, first int) {
	lo, hi := c.bounds[unit], c.bounds[unit+1]
	return c.source[lo:hi], int(lo)
}

// spread sets the elements of rows lo to hi of a matrix [units, inputs], given from row lo on, where there are
// connections.
func (c *Connections) spread(whole, w []float32, lo, hi int) {
	for u := lo; u < hi; u++ {
		row := whole[(u-lo)*c.inputs:]
		for e := c.bounds[u]; e < c.bounds[u+1]; e++ {
			row[c.source[e]] = w[e]
		}
	}
}

// pick is the way back.
func (c *Connections) pick(w, whole []float32, lo, hi int) {
	for u := lo; u < hi; u++ {
		row := whole[(u-lo)*c.inputs:]
		for e := c.bounds[u]; e < c.bounds[u+1]; e++ {
			w[e] = row[c.source[e]]
		}
	}
}
