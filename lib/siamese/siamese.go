// SPDX-License-Identifier: Apache-2.0

// Package siamese learns which images are of the same class, also of classes that it has never seen: the same network
// looks at both images of a pair, and the pair is judged by the distance of the two feature vectors [NINAI17, section 4
// and appendix].
//
//	pairs.All(batch.Y)                                       // all pairs of the images of a batch
//	f := siamese.Unit(net(batch.X))                          // features, one row per image
//	d := siamese.Distances(f, &pairs)                        // squared distances
//	cost := loss.Contrastive(d, pairs.Same, 1)               // eqs. 7 to 9
//	logits := head.Forward(siamese.Differences(f, &pairs))   // or the probability that they are the same: eqs. 6, 17
//
// [Batches] draws the images of a batch from a few classes. [Trials] and [Accuracy] measure one-shot classification:
// of several images, which is most like a reference.
package siamese

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Pairs are pairs of the images of a batch. They reuse their memory.
type Pairs struct {
	First, Second []int  // rows of the batch
	Same          []bool // whether both are of the same class
	order         []int
}

// Len returns the number of pairs.
func (p *Pairs) Len() int { return len(p.First) }

func (p *Pairs) clear() {
	p.First, p.Second, p.Same = p.First[:0], p.Second[:0], p.Same[:0]
}

func (p *Pairs) add(i, j int, same bool) {
	p.First, p.Second, p.Same = append(p.First, i), append(p.Second, j), append(p.Same, same)
}

// All makes p the n(n-1)/2 pairs of n images with the given labels, in the order (0, 1), (0, 2), ..., (1, 2), ...
func (p *Pairs) All(labels []int) {
	p.clear()
	for i, a := range labels {
		for j := i + 1; j < len(labels); j++ {
			p.add(i, j, a == labels[j])
		}
	}
}

// Positives returns the number of pairs of the same class.
func (p *Pairs) Positives() (n int) {
	for _, same := range p.Same {
		if same {
			n++
		}
	}
	return n
}

// Labels appends 1 for each pair of the same class and 0 for each other pair to labels[:0] and returns the result.
func (p *Pairs) Labels(labels []int) []int {
	labels = labels[:0]
	for _, same := range p.Same {
		if same {
			labels = append(labels, 1)
		} else {
			labels = append(labels, 0)
		}
	}
	return labels
}

// Hardest makes p all pairs of the same class in from, and the n pairs of different classes with the smallest distances
// d, or all if there are fewer: those that are mistaken most easily. Ties go to the earlier pair. The order of from
// stays. It panics unless there is one distance for each pair, or if n is negative.
func (p *Pairs) Hardest(from *Pairs, d []float32, n int) {
	if len(d) != from.Len() || n < 0 {
		panic(fmt.Sprintf("siamese: Hardest: %d distances of %d pairs, %d to keep", len(d), from.Len(), n))
	}
	p.pick(from, n, func(order []int) {
		slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(d[i], d[j]) })
	})
}

// Random is [Pairs.Hardest] with n random pairs of different classes.
func (p *Pairs) Random(from *Pairs, n int, rng *tensor.RNG) {
	if n < 0 {
		panic(fmt.Sprintf("siamese: Random: %d pairs to keep", n))
	}
	p.pick(from, n, func(order []int) {
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	})
}

// pick keeps the pairs of the same class, and the first n others in the order that arrange makes.
func (p *Pairs) pick(from *Pairs, n int, arrange func(order []int)) {
	p.order = p.order[:0]
	for i, same := range from.Same {
		if !same {
			p.order = append(p.order, i)
		}
	}
	arrange(p.order)
	p.order = p.order[:min(n, len(p.order))]
	slices.Sort(p.order)
	p.clear()
	next := 0
	for i, same := range from.Same {
		chosen := next < len(p.order) && p.order[next] == i
		if chosen {
			next++
		}
		if same || chosen {
			p.add(from.First[i], from.Second[i], same)
		}
	}
}

// check panics unless all rows of the pairs are rows of f [N, F].
func (p *Pairs) check(op string, f *autograd.Var) {
	if len(f.Shape()) != 2 {
		panic(fmt.Sprintf("siamese: %s: features of shape %v: want [N, F]", op, f.Shape()))
	}
	for i, a := range p.First {
		if b := p.Second[i]; a < 0 || b < 0 || a >= f.Rows() || b >= f.Rows() {
			panic(fmt.Sprintf("siamese: %s: pair (%d, %d) of features %v", op, a, b, f.Shape()))
		}
	}
}

// Differences returns the absolute differences of the features of pairs,
//
//	y_p = |f_i - f_j|,   (i, j) = pair p
//
//	f [N, F] -> y [P, F]
//
// Where both are equal the gradient is 0. Source: [NINAI17, eq. 17]. It panics if a pair is not in f.
func Differences(f *autograd.Var, p *Pairs) *autograd.Var {
	p.check("Differences", f)
	y, op := autograd.Record[differencesOp]("Differences", f)
	op.first, op.second = append(op.first[:0], p.First...), append(op.second[:0], p.Second...)
	y.Resize(p.Len(), f.Width())
	autograd.For(y, p.Len(), 1<<13/max(f.Width(), 1)+1, (*differencesOp).forward)
	return y
}

type differencesOp struct{ first, second []int }

func (op *differencesOp) forward(y *autograd.Var, lo, hi int) {
	f := y.In(0).Value()
	for p := lo; p < hi; p++ {
		a, b, out := f.Row(op.first[p]), f.Row(op.second[p]), y.Value().Row(p)
		b, out = b[:len(a)], out[:len(a)]
		for i, v := range a {
			d := v - b[i]
			out[i] = math.Float32frombits(math.Float32bits(d) &^ (1 << 31))
		}
	}
}

func (op *differencesOp) Backward(y *autograd.Var) {
	in := y.In(0)
	if !in.NeedsGrad() {
		return
	}
	in.GradSum()
	f, grad := in.Value(), in.Grad()
	for p := range op.first {
		a, b, dy := f.Row(op.first[p]), f.Row(op.second[p]), y.Grad().Row(p)
		da, db := grad.Row(op.first[p]), grad.Row(op.second[p])
		for i, v := range a {
			d := sign(v-b[i]) * dy[i]
			da[i] += d
			db[i] -= d
		}
	}
}

// sign returns -1, 0 or 1.
func sign(v float32) float32 {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

// Choices yields the signs of the differences.
func (op *differencesOp) Choices(y *autograd.Var) iter.Seq[int32] {
	return func(yield func(int32) bool) {
		f := y.In(0).Value()
		for p := range op.first {
			b := f.Row(op.second[p])
			for i, v := range f.Row(op.first[p]) {
				if !yield(int32(sign(v - b[i]))) {
					return
				}
			}
		}
	}
}

// Distances returns the squared Euclidean distances of the features of pairs,
//
//	d_p = ||f_i - f_j||²,   (i, j) = pair p
//
//	f [N, F] -> d [P]
//
// Between unit vectors (see [Unit]) it is 2 - 2 cos of their angle. Its gradient is 0 where both are equal. Source:
// [NINAI17, eq. 8]. It panics if a pair is not in f.
func Distances(f *autograd.Var, p *Pairs) *autograd.Var {
	p.check("Distances", f)
	y, op := autograd.Record[distancesOp]("Distances", f)
	op.first, op.second = append(op.first[:0], p.First...), append(op.second[:0], p.Second...)
	y.Resize(p.Len())
	autograd.For(y, p.Len(), 1<<13/max(f.Width(), 1)+1, (*distancesOp).forward)
	return y
}

type distancesOp struct{ first, second []int }

func (op *distancesOp) forward(y *autograd.Var, lo, hi int) {
	f := y.In(0).Value()
	for p := lo; p < hi; p++ {
		y.Data()[p] = squaredDistance(f.Row(op.first[p]), f.Row(op.second[p]))
	}
}

func squaredDistance(a, b []float32) float32 {
	b = b[:len(a)]
	var sum float32
	for i, v := range a {
		d := v - b[i]
		sum += d * d
	}
	return sum
}

func (op *distancesOp) Backward(y *autograd.Var) {
	in := y.In(0)
	if !in.NeedsGrad() {
		return
	}
	in.GradSum()
	f, grad := in.Value(), in.Grad()
	for p, dy := range y.Grad().Data() {
		if dy == 0 {
			continue
		}
		a, b := f.Row(op.first[p]), f.Row(op.second[p])
		da, db := grad.Row(op.first[p]), grad.Row(op.second[p])
		for i, v := range a {
			d := 2 * dy * (v - b[i])
			da[i] += d
			db[i] -= d
		}
	}
}

// Unit returns each row divided by its Euclidean length,
//
//	y = f / ||f||
//
//	f [N, F] -> y [N, F]
//
// A row of zeros, which has no direction, stays 0 with gradient 0. Source: [NINAI17, eq. 8].
func Unit(f *autograd.Var) *autograd.Var {
	y, op := autograd.Record[unitOp]("Unit", f)
	y.Resize(f.Shape()...)
	op.inverse = op.inverse[:0]
	for n := range f.Rows() {
		op.inverse = append(op.inverse, unit(y.Value().Row(n), f.Value().Row(n)))
	}
	return y
}

// unit sets y to x divided by its length, and returns the inverse of the length, or 0 for zeros.
func unit(y, x []float32) (inverse float32) {
	var sum float64
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	if sum == 0 {
		clear(y)
		return 0
	}
	scale := 1 / math.Sqrt(sum)
	for i, v := range x {
		y[i] = float32(scale * float64(v))
	}
	return float32(min(scale, math.MaxFloat32))
}

type unitOp struct{ inverse []float32 }

// Backward adds (dy - y (y·dy)) / ||f||.
func (op *unitOp) Backward(y *autograd.Var) {
	in := y.In(0)
	if !in.NeedsGrad() {
		return
	}
	in.GradSum()
	for n, inverse := range op.inverse {
		row, dy, dx := y.Value().Row(n), y.Grad().Row(n), in.Grad().Row(n)
		var along float32
		for i, v := range row {
			along += v * dy[i]
		}
		for i, v := range row {
			dx[i] += inverse * (dy[i] - along*v)
		}
	}
}
