// SPDX-License-Identifier: Apache-2.0

package linear

import (
	"fmt"
	"math"
)

// A Loss measures how wrong the scores of a sample are.
type Loss int

const (
	// SquaredHinge is the loss of the linear support vector machine, one problem per class against the rest: with y = 1
	// for samples of the class and -1 for others,
	//
	//	l(z) = max(0, 1 - y z)²
	SquaredHinge Loss = iota
	// Logistic is logistic regression, one problem per class against the rest: l(z) = log(1 + exp(-y z)).
	Logistic
	// Multinomial is logistic regression of all classes together: l(z) = log(sum_k exp(z_k)) - z_label.
	Multinomial
)

var lossNames = []string{"squared hinge", "logistic", "multinomial"}

func (l Loss) String() string {
	if l < 0 || int(l) >= len(lossNames) {
		return fmt.Sprintf("Loss(%d)", int(l))
	}
	return lossNames[l]
}

// A column is one vector of weights to find: that of a class, without the samples of a fold.
type column struct {
	class, fold int32 // fold is -1 if no sample is held out
	c           float64
}

// A sampleSet is what the losses know about the samples.
type sampleSet struct {
	loss   Loss
	y      []int32
	weight []float32 // nil if all are 1
	fold   []int32   // nil if none is held out
	group  int       // neighbouring columns that share a loss: 1, or the classes for Multinomial
}

// subset returns what is known about some of the samples.
func (s *sampleSet) subset(rows []int) sampleSet {
	part := *s
	part.y, part.weight, part.fold = pick(s.y, rows), pick(s.weight, rows), pick(s.fold, rows)
	return part
}

// cost returns C times the weight of a sample in a column, 0 if the sample is held out.
func (s *sampleSet) cost(i int, c *column) float64 {
	switch {
	case s.fold != nil && s.fold[i] == c.fold:
		return 0
	case s.weight != nil:
		return c.c * float64(s.weight[i])
	}
	return c.c
}

func (s *sampleSet) sign(i int, c *column) float64 {
	if s.y[i] == c.class {
		return 1
	}
	return -1
}

// evaluate adds the losses of the rows from lo to hi to sums, one for each column (for Multinomial the first of its
// group), and sets slope to their derivatives by the scores z [rows, columns]. curvature is set to what bend needs.
func (s *sampleSet) evaluate(lo, hi int, columns []column, z, slope, curvature []float32, sums []float64) {
	k := len(columns)
	for i := lo; i < hi; i++ {
		z, slope, curvature := z[i*k:(i+1)*k], slope[i*k:(i+1)*k], curvature[i*k:(i+1)*k]
		switch s.loss {
		case SquaredHinge:
			for j := range columns {
				c := &columns[j]
				y := s.sign(i, c)
				slope[j], curvature[j] = 0, 0
				if m := 1 - y*float64(z[j]); m > 0 {
					cost := s.cost(i, c)
					sums[j] += cost * m * m
					slope[j], curvature[j] = float32(-2*cost*y*m), float32(2*cost)
				}
			}
		case Logistic:
			for j := range columns {
				c := &columns[j]
				y, cost := s.sign(i, c), s.cost(i, c)
				loss, p := logistic(y * float64(z[j]))
				sums[j] += cost * loss
				slope[j], curvature[j] = float32(-cost*y*p), float32(cost*p*(1-p))
			}
		case Multinomial:
			for g := 0; g < k; g += s.group {
				cost := s.cost(i, &columns[g])
				p := curvature[g : g+s.group]
				sums[g] += cost * softmax(p, z[g:g+s.group], int(s.y[i]))
				for j, p := range p {
					slope[g+j] = float32(cost) * p
				}
				slope[g+int(s.y[i])] -= float32(cost)
			}
		}
	}
}

// bend sets out to the change of the slopes in the direction dz, from the curvature that evaluate found. picks are the
// columns of dz and out among those of the curvature, k in a row.
func (s *sampleSet) bend(lo, hi int, columns []column, picks []int, k int, curvature, dz, out []float32) {
	n := len(picks)
	for i := lo; i < hi; i++ {
		curvature, dz, out := curvature[i*k:(i+1)*k], dz[i*n:(i+1)*n], out[i*n:(i+1)*n]
		if s.loss != Multinomial {
			for j, pick := range picks {
				out[j] = curvature[pick] * dz[j]
			}
			continue
		}
		for g := 0; g < n; g += s.group {
			p, dz, out := curvature[picks[g]:][:s.group], dz[g:][:s.group], out[g:][:s.group]
			mean := float32(0)
			for j, p := range p {
				mean += p * dz[j]
			}
			cost := float32(s.cost(i, &columns[picks[g]]))
			for j, p := range p {
				out[j] = cost * p * (dz[j] - mean)
			}
		}
	}
}

// along adds the first two derivatives, by the length t of a step, of the losses of z + t dz: two sums for each column,
// for Multinomial those of its group in the first.
func (s *sampleSet) along(lo, hi int, columns []column, z, dz []float32, t, sums []float64) {
	k := len(columns)
	p, moved := make([]float32, k), make([]float32, k)
	for i := lo; i < hi; i++ {
		z, dz := z[i*k:(i+1)*k], dz[i*k:(i+1)*k]
		switch s.loss {
		case SquaredHinge:
			for j := range columns {
				c := &columns[j]
				y, d := s.sign(i, c), float64(dz[j])
				if m := 1 - y*(float64(z[j])+t[j]*d); m > 0 {
					cost := s.cost(i, c)
					sums[2*j] -= 2 * cost * y * m * d
					sums[2*j+1] += 2 * cost * d * d
				}
			}
		case Logistic:
			for j := range columns {
				c := &columns[j]
				y, d, cost := s.sign(i, c), float64(dz[j]), s.cost(i, c)
				_, p := logistic(y * (float64(z[j]) + t[j]*d))
				sums[2*j] -= cost * y * p * d
				sums[2*j+1] += cost * p * (1 - p) * d * d
			}
		case Multinomial:
			for g := 0; g < k; g += s.group {
				for j := g; j < g+s.group; j++ {
					moved[j] = z[j] + float32(t[g])*dz[j]
				}
				softmax(p[:s.group], moved[g:g+s.group], int(s.y[i]))
				mean, square := 0.0, 0.0
				for j, p := range p[:s.group] {
					d := float64(dz[g+j])
					mean += float64(p) * d
					square += float64(p) * d * d
				}
				cost := s.cost(i, &columns[g])
				sums[2*g] += cost * (mean - float64(dz[g+int(s.y[i])]))
				sums[2*g+1] += cost * (square - mean*mean)
			}
		}
	}
}

// logistic returns log(1 + exp(-m)) and 1 / (1 + exp(m)).
func logistic(m float64) (loss, p float64) {
	e := math.Exp(-math.Abs(m))
	if m > 0 {
		return math.Log1p(e), e / (1 + e)
	}
	return math.Log1p(e) - m, 1 / (1 + e)
}

// softmax sets p to the probabilities of the classes and returns -log of that of the label.
func softmax(p, z []float32, label int) float64 {
	largest := z[0]
	for _, v := range z {
		largest = max(largest, v)
	}
	sum := 0.0
	for j, v := range z {
		e := math.Exp(float64(v - largest))
		p[j] = float32(e)
		sum += e
	}
	for j := range p {
		p[j] = float32(float64(p[j]) / sum)
	}
	return math.Log(sum) - float64(z[label]-largest)
}
