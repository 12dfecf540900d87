// SPDX-License-Identifier: Apache-2.0

package linear

import "slices"

const (
	forcing      = 0.1 // of the gradient, which conjugate gradients may leave
	mostProducts = 1000
)

// conjugates are the conjugate gradients of several problems, each of a group of neighbouring columns.
type conjugates struct {
	group          int
	open           []int       // columns of the problems that are not solved
	d, p, residual [][]float64 // solution, direction and residual of each column
	square, limit  []float64   // of the residual of a problem, in its first column, and what is enough
}

func newConjugates(gradient [][]float64, group int) *conjugates {
	k := len(gradient)
	c := &conjugates{
		group: group, d: make([][]float64, k), p: make([][]float64, k), residual: gradient,
		square: make([]float64, k), limit: make([]float64, k),
	}
	for j, r := range gradient {
		for e, g := range r {
			r[e] = -g
		}
		c.d[j], c.p[j], c.open = make([]float64, len(r)), slices.Clone(r), append(c.open, j)
		c.square[j/group*group] += dot(r, r)
	}
	for j, square := range c.square {
		c.limit[j] = forcing * forcing * square
	}
	return c
}

// directions returns those of the open columns.
func (c *conjugates) directions() [][]float64 {
	list := make([][]float64, len(c.open))
	for to, j := range c.open {
		list[to] = c.p[j]
	}
	return list
}

// advance goes along the directions p of the open columns as far as is best, given (H - 1) p. It closes the problems
// that are solved.
func (c *conjugates) advance(product [][]float64) {
	open := []int(nil)
	for to := 0; to < len(c.open); to += c.group {
		first, bend := c.open[to], 0.0
		for i := range c.group {
			p := c.p[first+i]
			axpy(product[to+i], 1, p)
			bend += dot(p, product[to+i])
		}
		before := c.square[first]
		c.square[first] = 0
		for i := range c.group {
			j := first + i
			axpy(c.d[j], before/bend, c.p[j])
			axpy(c.residual[j], -before/bend, product[to+i])
			c.square[first] += dot(c.residual[j], c.residual[j])
		}
		if c.square[first] <= c.limit[first] {
			continue
		}
		for j := first; j < first+c.group; j++ {
			for e, r := range c.residual[j] {
				c.p[j][e] = r + c.square[first]/before*c.p[j][e]
			}
			open = append(open, j)
		}
	}
	c.open = open
}

func dot(a, b []float64) (sum float64) {
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

func axpy(y []float64, s float64, x []float64) {
	for i, v := range x {
		y[i] += s * v
	}
}
