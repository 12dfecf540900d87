// SPDX-License-Identifier: Apache-2.0

package hebbian

import (
	"fmt"
	"math"
	"runtime"

	"github.com/lateral-ml/lateral/lib/internal/parallel"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Competition is the fast form of competitive learning: for each example the unit with the largest current <W,v>
// learns with g = 1, the unit with the k-th largest with g = -Delta, and no other unit learns [KH19, section 3].
type Competition struct {
	Rule
	K     int     // rank of the unit that unlearns, at least 2; 0 means 2
	Delta float64 // strength of the anti-Hebbian learning of that unit, at least 0
	Scale Scale   // how a batch is summed up
}

// A Scale is the way in which the changes for the examples of a batch become one change of the weights.
type Scale int

const (
	// Average is the document's way: the rate times the mean over the batch.
	Average Scale = iota
	// MaxNormalised is the way of the authors' published program: the rate times the sum, divided by the largest magnitude
	// in the whole matrix (or by 1e-30 if that is larger). The weight that changes most changes by exactly the rate.
	MaxNormalised
)

func (s Scale) String() string {
	switch s {
	case Average:
		return "average"
	case MaxNormalised:
		return "max-normalised"
	}
	return fmt.Sprintf("Scale(%d)", int(s))
}

func (c Competition) withDefaults() Competition {
	c.Rule = c.Rule.withDefaults()
	if c.K == 0 {
		c.K = 2
	}
	if c.K < 2 || !(c.Delta >= 0) || math.IsInf(c.Delta, 1) || c.Scale != Average && c.Scale != MaxNormalised {
		panic(fmt.Sprintf("hebbian: Competition: want K >= 2, Delta >= 0 and a known Scale, got %d, %v, %v",
			c.K, c.Delta, c.Scale))
	}
	return c
}

// A Learner changes weights batch by batch. Call Update for each batch, or pass it to [train.Run]:
//
//	l := hebbian.NewLearner(competition, hebbian.NewWeights(2000, 784, seed))
//	l.Rate = optim.Linear(0.04, 0, epochs)
//	history, err := train.Run(ctx, train.Config{Learner: l, Train: images, Epochs: epochs})
//
// Only one goroutine at a time may use it.
//
// An update costs one matrix product, batch x inputs x units. All other work is limited to the rows of the winners and
// of the k-th units: the product needs sign(W)|W|^(p-1), which is cached beside W and updated where W changes. An
// update allocates nothing once the largest batch has been seen, and its result does not depend on the number of
// workers.
type Learner struct {
	Rate    optim.Schedule // learning rate, required by train.Run. The document lowers it linearly from 0.04 to 0
	Workers int            // goroutines for a step; 0 means one per core

	rule  Competition
	w     *tensor.Tensor // [units, inputs]
	power *tensor.Tensor // sign(W)|W|^(p-1), [units, inputs]; w itself if p is 2
	wins  []int
	rate  float64 // of the last step of a run

	// The rest belongs to the update in progress.
	x        *tensor.Tensor     // [batch, inputs]
	product  simd.SparseProduct // skips the zeros of x where that is faster
	currents []float32          // [batch, units]
	ranking  []int32            // [batch, k], the units by rank
	held     []float32          // [batch, k], their currents
	touched  []int32            // units that change, in ascending order
	first    []int32            // [units], the first event of a unit; -1 means none
	next     []int32            // [2·batch], the next event of the same unit
	delta    []float32          // [touched, inputs], the changes of these units
	largest  []float32          // [touched], the largest magnitudes in them
	scratch  []float32          // [touched, inputs]
	factor   float32
	part     func(l *Learner, lo, hi int)
}

// NewWeights returns initial weights [units, inputs], drawn from the standard normal distribution as in the document.
func NewWeights(units, inputs int, seed uint64) *tensor.Tensor {
	w := tensor.New(units, inputs)
	tensor.Stream(seed, "hebbian/weights").Normal(w.Data(), 0, 1)
	return w
}

// NewLearner returns a learner of the weights w [units, inputs], which it changes in place; see [NewWeights]. It panics
// if a setting is out of range or there are fewer than K units.
func NewLearner(c Competition, w *tensor.Tensor) *Learner {
	c = c.withDefaults()
	if w.Rank() != 2 || w.Rows() < c.K {
		panic(fmt.Sprintf(
			"hebbian: NewLearner: weights of shape %v for K = %d: want [units, inputs] with at least K units", w.Shape(), c.K))
	}
	units := w.Rows()
	l := &Learner{
		rule: c, w: w, power: w,
		wins: make([]int, units), first: make([]int32, units), touched: make([]int32, 0, units),
	}
	if c.P != 2 {
		l.power = tensor.New(w.Shape()...)
	}
	for u := range l.first {
		l.first[u] = -1
	}
	l.Refresh()
	return l
}

// Weights returns the weights [units, inputs]. Call Refresh after changing them directly.
func (l *Learner) Weights() *tensor.Tensor { return l.w }

// Refresh recomputes what the learner caches about the weights.
func (l *Learner) Refresh() {
	if l.power == l.w {
		return
	}
	scratch := make([]float32, l.w.Width())
	for u := range l.w.Rows() {
		l.raise(u, scratch)
	}
}

// raise sets a row of power to sign(W)|W|^(p-1).
func (l *Learner) raise(u int, scratch []float32) {
	to, w := l.power.Row(u), l.w.Row(u)
	switch p := l.rule.P; p {
	case 1:
		simd.Sign(to, w)
	case 2: // power is w
	case 3:
		simd.Abs(scratch, w)
		simd.Mul(to, scratch, w)
	case 4:
		simd.Mul(scratch, w, w)
		simd.Mul(to, scratch, w)
	default:
		simd.Abs(to, w)
		simd.Pow(to, to, float32(p-1))
		simd.Sign(scratch, w)
		simd.Mul(to, scratch, to)
	}
}

// Wins returns how often each unit won since the last ResetWins, [units]. The slice belongs to the learner.
func (l *Learner) Wins() []int { return l.wins }

// ResetWins sets the counts of wins to zero.
func (l *Learner) ResetWins() { clear(l.wins) }

// Compete returns the units in descending order of their currents for each example, x [N, inputs] -> [N, K]: the first
// of a row is the winner, the last is the unit that unlearns. Ties go to the lower unit, and NaN counts as the largest
// current. The result is valid until the next call of a method.
func (l *Learner) Compete(x *tensor.Tensor) []int32 {
	if x.Width() != l.w.Width() {
		panic(fmt.Sprintf("hebbian: Compete: examples of shape %v for weights of shape %v", x.Shape(), l.w.Shape()))
	}
	n, units, inputs, k := x.Rows(), l.w.Rows(), x.Width(), l.rule.K
	l.x = x
	l.currents, l.ranking, l.held = grow(l.currents, n*units), grow(l.ranking, n*k), grow(l.held, n*k)
	l.product = simd.SparseProduct{TransB: true, Density: simd.Density(x.Data(), n, inputs)}
	l.share(units, worthSharing/max(1, n*inputs), func(l *Learner, lo, hi int) {
		n, inputs, units := l.x.Rows(), l.x.Width(), l.w.Rows()
		out := l.currents[lo : (n-1)*units+hi]
		l.product.Gemm(n, hi-lo, inputs, l.x.Data(), inputs, l.power.Data()[lo*inputs:hi*inputs], inputs, out, units)
	})
	l.share(n, worthSharing/(16*k*units), func(l *Learner, lo, hi int) {
		for i := lo; i < hi; i++ {
			l.rank(i)
		}
	})
	return l.ranking
}

// rank finds the k largest currents of an example: k times it takes the largest and masks it.
func (l *Learner) rank(i int) {
	units, k := l.w.Rows(), l.rule.K
	currents, ranking, held := l.currents[i*units:(i+1)*units], l.ranking[i*k:(i+1)*k], l.held[i*k:(i+1)*k]
	for r := range ranking {
		u := simd.ArgMax(currents)
		ranking[r], held[r] = int32(u), currents[u]
		currents[u] = float32(math.Inf(-1))
	}
	for r, u := range ranking {
		currents[u] = held[r]
	}
}

// Update lets the units compete for a batch x [N, inputs] and changes the weights by the rule, at the given rate.
//
//	W_mu += rate / N · sum over the examples of g_mu (R^p v - <W_mu,v> W_mu)      with Scale = Average
//
// All examples of a batch use the weights from before the update.
func (l *Learner) Update(x *tensor.Tensor, rate float64) {
	if x.Rows() == 0 {
		return
	}
	l.Compete(x)
	l.group()
	inputs, most := l.w.Width(), min(2*x.Rows(), l.w.Rows())
	l.delta, l.scratch = grow(l.delta, most*inputs), grow(l.scratch, most*inputs)
	l.largest = grow(l.largest, most)[:len(l.touched)]
	l.share(len(l.touched), rowsWorthSharing, func(l *Learner, lo, hi int) {
		for i := lo; i < hi; i++ {
			l.sum(i)
		}
	})
	if l.factor = float32(rate) / float32(x.Rows()); l.rule.Scale == MaxNormalised {
		l.factor = float32(rate) / max(simd.Max(l.largest), 1e-30)
	}
	l.share(len(l.touched), rowsWorthSharing, func(l *Learner, lo, hi int) {
		inputs := l.w.Width()
		for i := lo; i < hi; i++ {
			u, at := int(l.touched[i]), i*inputs
			simd.Axpy(l.w.Row(u), l.factor, l.delta[at:at+inputs])
			l.raise(u, l.scratch[at:at+inputs])
		}
	})
	for _, u := range l.touched {
		l.first[u] = -1
	}
}

// group builds the list of events of each unit: in event 2i it won example i, in event 2i+1 it came k-th.
func (l *Learner) group() {
	k, n := l.rule.K, l.x.Rows()
	l.next = grow(l.next, 2*n)
	add := func(u int32, event int) { l.next[event], l.first[u] = l.first[u], int32(event) }
	for i := n - 1; i >= 0; i-- { // backwards, so that the lists run forwards
		ranking := l.ranking[i*k : (i+1)*k]
		if l.rule.Delta > 0 {
			add(ranking[k-1], 2*i+1)
		}
		add(ranking[0], 2*i)
		l.wins[ranking[0]]++
	}
	l.touched = l.touched[:0]
	for u, event := range l.first {
		if event >= 0 {
			l.touched = append(l.touched, int32(u))
		}
	}
}

// sum adds up the changes for the events of a touched unit.
func (l *Learner) sum(i int) {
	k, inputs, u := l.rule.K, l.w.Width(), l.touched[i]
	d := l.delta[i*inputs : (i+1)*inputs]
	pull := float32(math.Pow(l.rule.R, l.rule.P))
	clear(d)
	var decay float32
	for event := l.first[u]; event >= 0; event = l.next[event] {
		example, g, current := int(event/2), float32(1), l.held[int(event/2)*k]
		if event%2 == 1 {
			g, current = -float32(l.rule.Delta), l.held[example*k+k-1]
		}
		simd.Axpy(d, g*pull, l.x.Data()[example*inputs:(example+1)*inputs])
		decay += g * current
	}
	simd.Axpy(d, -decay, l.w.Row(int(u)))
	if l.rule.Scale == MaxNormalised {
		scratch := l.scratch[i*inputs : (i+1)*inputs]
		simd.Abs(scratch, d)
		l.largest[i] = simd.Max(scratch)
	}
}

const (
	worthSharing     = 1 << 19 // multiply-adds, or elements of a vector, from which a second goroutine pays
	rowsWorthSharing = 8       // rows to change
)

// share calls do on ranges of [0, n) of at least grain, on the learner's workers.
func (l *Learner) share(n, grain int, do func(l *Learner, lo, hi int)) {
	workers := l.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	l.part = do
	parallel.For(workers, n, grain, l, func(arg any, lo, hi int) {
		l := arg.(*Learner)
		l.part(l, lo, hi)
	})
}

// grow returns a slice of n elements, in the memory of s if it is large enough.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
