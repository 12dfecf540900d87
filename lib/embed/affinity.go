// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"fmt"
	"math"
	"slices"

	"github.com/lateral-ml/lateral/lib/internal/parallel"
	"github.com/lateral-ml/lateral/lib/retrieval"
)

// Affinities are the joint probabilities of t-SNE for each pair of N samples: p_ij >= 0 with sum 1 over all i and j,
// p_ij = p_ji, and 0 for most pairs.
type Affinities struct {
	start []int     // first entry of the row of sample i, [N+1]
	to    []int32   // the samples j of each row, ascending
	p     []float32 // p_ij
}

// Len returns the number of samples.
func (a *Affinities) Len() int { return len(a.start) - 1 }

// Row returns the samples whose affinity to sample i is not 0, and the affinities. The slices belong to a.
func (a *Affinities) Row(i int) (to []int32, p []float32) {
	return a.to[a.start[i]:a.start[i+1]], a.p[a.start[i]:a.start[i+1]]
}

// NewAffinities returns the affinities of samples with known neighbours, see [retrieval.Neighbours]:
//
//	p_j|i = exp(-b_i d_ij²) / sum over the neighbours k of i of exp(-b_i d_ik²),   p_ij = (p_j|i + p_i|j) / 2N
//
// with b_i such that the perplexity 2^H(p_i), the effective number of neighbours, has the requested value; its
// logarithm is accurate to 1e-5 [MH08, section 2]. Three times as many neighbours as the perplexity are enough: the
// contribution of the others is negligible. For codes d² is the Hamming distance, which is their squared Euclidean
// distance; for vectors it is the square of the given distance.
//
// The error names a sample whose distances are not finite. NewAffinities panics unless 1 <= perplexity <= K and every
// sample has neighbours other than itself. hamming tells it which of the two distances it gets.
func NewAffinities(near *retrieval.Neighbours, hamming bool, perplexity float64) (*Affinities, error) {
	n, k := near.Len(), near.K
	if !(perplexity >= 1 && perplexity <= float64(k)) {
		panic(fmt.Sprintf("embed: NewAffinities: perplexity %g with %d neighbours each", perplexity, k))
	}
	conditional := make([]float64, n*k)
	squares := make([]float64, k)
	for i := range n {
		id, distance := near.Row(i)
		for j, d := range distance {
			if id[j] < 0 || int(id[j]) >= n || int(id[j]) == i {
				panic(fmt.Sprintf("embed: NewAffinities: sample %d of %d has neighbour %d", i, n, id[j]))
			}
			squares[j] = float64(d)
			if !hamming {
				squares[j] *= float64(d)
			}
			if squares[j]-squares[j] != 0 {
				return nil, fmt.Errorf("embed: NewAffinities: sample %d is at distance %g from sample %d", i, d, id[j])
			}
		}
		calibrate(conditional[i*k:(i+1)*k], squares, math.Log(perplexity))
	}
	return joint(near, conditional), nil
}

// calibrate sets p to exp(-b d) / sum exp(-b d) with b such that p has the given entropy, in nats. If many samples are
// equally near, the entropy cannot be that small; p is then its value at the largest b.
func calibrate(p, d []float64, entropy float64) {
	nearest := slices.Min(d) // subtracted from all distances: p is the same, and exp stays in range
	low, high, b := 0.0, math.Inf(1), 1.0
	if mean := sum(d)/float64(len(d)) - nearest; mean > 0 {
		b = 1 / mean
	}
	for range 100 {
		total, weighted := 0.0, 0.0
		for j, v := range d {
			p[j] = math.Exp(-b * (v - nearest))
			total += p[j]
			weighted += p[j] * (v - nearest)
		}
		for j := range p {
			p[j] /= total
		}
		difference := math.Log(total) + b*weighted/total - entropy
		if math.Abs(difference) < 1e-5 {
			return
		}
		if difference > 0 { // too uniform
			low = b
		} else {
			high = b
		}
		if math.IsInf(high, 1) {
			b *= 2
		} else {
			b = (low + high) / 2
		}
	}
}

func sum(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v
	}
	return s
}

// joint combines the conditional probabilities of i given j and of j given i.
func joint(near *retrieval.Neighbours, conditional []float64) *Affinities {
	n, k := near.Len(), near.K
	type edge struct {
		to int32
		p  float64
	}
	rows := make([][]edge, n)
	for i := range n {
		id, _ := near.Row(i)
		for j, to := range id {
			p := conditional[i*k+j] / float64(2*n)
			rows[i] = append(rows[i], edge{to, p})
			rows[to] = append(rows[to], edge{int32(i), p})
		}
	}
	a := &Affinities{start: make([]int, 1, n+1)}
	for _, row := range rows {
		slices.SortStableFunc(row, func(x, y edge) int { return int(x.to) - int(y.to) })
		for e := 0; e < len(row); e++ {
			to, p := row[e].to, row[e].p
			if e+1 < len(row) && row[e+1].to == to { // the sum does not depend on their order
				p += row[e+1].p
				e++
			}
			a.to, a.p = append(a.to, to), append(a.p, float32(p))
		}
		a.start = append(a.start, len(a.to))
	}
	return a
}

// attract sets fx of the samples from lo to hi to the sums of p q (x_i - x_j), and fy accordingly, where q is 1/(1 +
// d²) with the distance d on the map.
func (a *Affinities) attract(fx, fy, x, y []float32, lo, hi int) {
	for i := lo; i < hi; i++ {
		to, p := a.Row(i)
		xi, yi := x[i], y[i]
		var sx, sy float32
		for e, j := range to {
			dx, dy := xi-x[j], yi-y[j]
			w := p[e] / (1 + dx*dx + dy*dy)
			sx += w * dx
			sy += w * dy
		}
		fx[i], fy[i] = sx, sy
	}
}

// divergence returns sum p ln(p (1 + d²)) over all pairs. Adding the logarithm of the sum of all 1/(1 + d²) gives the
// Kullback-Leibler divergence.
func (a *Affinities) divergence(x, y []float32, workers int) float64 {
	d := &divergence{a: a, x: x, y: y, sums: make([]float64, a.Len())}
	parallel.For(workers, a.Len(), 256, d, func(arg any, lo, hi int) {
		d := arg.(*divergence)
		for i := lo; i < hi; i++ {
			to, p := d.a.Row(i)
			for e, j := range to {
				if p[e] > 0 {
					dx, dy := float64(d.x[i]-d.x[j]), float64(d.y[i]-d.y[j])
					d.sums[i] += float64(p[e]) * math.Log(float64(p[e])*(1+dx*dx+dy*dy))
				}
			}
		}
	})
	return sum(d.sums)
}

type divergence struct {
	a    *Affinities
	x, y []float32
	sums []float64 // one per sample
}
