// SPDX-License-Identifier: Apache-2.0

package simd

import "fmt"

// A Pursuit is what a step of orthogonal matching pursuit changes, for K atoms.
type Pursuit struct {
	Older    []float32 // products of the directions taken with all atoms: rows of K
	Products []float32 // of the residual with all atoms [K]
	Lengths  []float32 // squared, of what is orthogonal in the atoms to all directions [K]; nil for the plain pursuit
	Scores   []float32 // |product|, or product² / length [K]
}

// Step appends a direction to n older ones, takes its part off the residual, and returns the atom with the largest
// score, the lowest one of equals:
//
//	next = row + sum_e weights[e] older[e],   products -= z next
//	lengths = max(lengths - inverse next², least)
//
// row [K] are the products of an atom with all others, and inverse is 1 over the squared length of the direction. The
// result is not specified if a number is not finite. Step panics if the lengths do not fit.
func (p *Pursuit) Step(row, weights []float32, z, inverse, least float32) int {
	k, n := len(row), len(weights)
	if k == 0 || len(p.Older) < (n+1)*k || len(p.Products) != k || len(p.Scores) != k ||
		p.Lengths != nil && len(p.Lengths) != k {
		panic(fmt.Sprintf("simd: Pursuit.Step: %d weights, row of %d, %d elements of older directions, %d products, "+
			"%d scores, %d lengths", n, k, len(p.Older), len(p.Products), len(p.Scores), len(p.Lengths)))
	}
	next := p.Older[n*k : (n+1)*k]
	whole := k - k%maxLanes
	var best float32
	if p.Lengths != nil {
		best = max(
			active.pursueOptimized(next[:whole], row, p.Older, k, weights, p.Products, p.Scores, p.Lengths, z, inverse, least),
			goPursueOptimized(next[whole:], row[whole:], p.Older[whole:], k, weights, p.Products[whole:], p.Scores[whole:],
				p.Lengths[whole:], z, inverse, least))
	} else {
		best = max(
			active.pursue(next[:whole], row, p.Older, k, weights, p.Products, p.Scores, z),
			goPursue(next[whole:], row[whole:], p.Older[whole:], k, weights, p.Products[whole:], p.Scores[whole:], z))
	}
	return active.index(p.Scores, best)
}

func goPursue(next, row, older []float32, ld int, weights, products, scores []float32, z float32) (best float32) {
	for j := range next {
		sum := row[j]
		for e, w := range weights {
			sum += w * older[e*ld+j]
		}
		next[j] = sum
		products[j] -= z * sum
		scores[j] = max(products[j], -products[j])
		best = max(best, scores[j])
	}
	return best
}

func goPursueOptimized(
	next, row, older []float32, ld int, weights, products, scores, lengths []float32, z, inverse, least float32,
) (best float32) {
	goPursue(next, row, older, ld, weights, products, scores, z)
	for j, v := range next {
		lengths[j] = max(lengths[j]-v*v*inverse, least)
		scores[j] = products[j] * products[j] / lengths[j]
		best = max(best, scores[j])
	}
	return best
}
