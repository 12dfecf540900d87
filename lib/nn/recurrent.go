// SPDX-License-Identifier: Apache-2.0

package nn

import (
	"fmt"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Recurrent layer maps sequences to sequences, one step after the other.
//
// Sequences are ordered by time: x [T·N, D] holds step 0 of all N sequences, then step 1, and so on, and so does the
// result y [T·N, H]. Before the first step the units have the state s, and afterwards s holds the state of the last
// step, so that a further call continues the sequences. No gradient flows back into s: training on parts of T steps is
// truncated back-propagation through time.
//
// penalty is the sum of the layer's activity penalties, nil if it has none.
type Recurrent interface {
	Forward(x *autograd.Var, s []*tensor.Tensor) (y, penalty *autograd.Var)
	// NewState returns the state of n sequences before their first step, zeros [n, H].
	NewState(n int) []*tensor.Tensor
}

// Embedding holds one vector per token, such as a word.
type Embedding struct {
	Weight *autograd.Var // [V, D]
}

// NewEmbedding returns vectors of the given width for so many tokens. init draws them from rng; a nil init means
// UniformRange(0.1).
func NewEmbedding(tokens, width int, init Init, rng *tensor.RNG) *Embedding {
	if init == nil {
		init = UniformRange(0.1)
	}
	w := tensor.New(tokens, width)
	init(w, tensor.New(width), tokens, width, rng)
	return &Embedding{autograd.NewParam(w)}
}

// Forward returns the vectors of tokens, recorded on t: tokens [N], each from 0 to V-1 -> [N, D]. It panics if a token
// is outside this range.
func (e *Embedding) Forward(t *autograd.Tape, tokens []int) *autograd.Var {
	return autograd.Gather(t, e.Weight, tokens)
}

// RNN is a layer of recurrent units,
//
//	a_t = W·x_t + b + U·h_{t-1},   h_t = f(Norm(a_t)),
//
// with the activation function f. Source: [NINAI17, appendix], in which f is tanh or ReLU.
type RNN struct {
	Input     *Dense        // W [H, D] and b [H]
	Recurrent *autograd.Var // U [H, H]
	Norms
	Activate func(a *autograd.Var) *autograd.Var // f; nil means autograd.Tanh

	steps sequence
}

// Norms are the normalisations of a recurrent layer, each nil for none, and their penalty.
type Norms struct {
	OfInput     *Norm // of W·x_t + b, before the sum
	OfRecurrent *Norm // of U·h_{t-1}, before the sum
	OfSum       *Norm // of the sum a_t; for the LSTM, use fields in 4 groups, one for each gate
	OfCell      *Norm // of the cell state before its tanh, in the LSTM only

	// L1 is the weight alpha of [CentredL1], once for each step of OfSum and OfCell; in the LSTM, once for each gate
	// too.
	L1 float32
}

// NewRNN returns a layer of recurrent units without normalisation. init draws W, b and U from rng; a nil init means
// [Uniform]. The fan-in of U is units.
func NewRNN(in, units int, activate func(*autograd.Var) *autograd.Var, init Init, rng *tensor.RNG) *RNN {
	input, own := NewDense(in, units, init, rng), recurrent(units, units, init, rng)
	return &RNN{Input: input, Recurrent: own, Activate: activate}
}

// recurrent returns the weights [out, units] of a recurrent layer.
func recurrent(units, out int, init Init, rng *tensor.RNG) *autograd.Var {
	d := NewDense(units, out, init, rng)
	return d.Weight
}

// NewState implements [Recurrent]: the state is h.
func (r *RNN) NewState(n int) []*tensor.Tensor {
	return []*tensor.Tensor{tensor.New(n, r.Recurrent.Rows())}
}

// Forward implements [Recurrent]. It panics if the shapes do not fit.
func (r *RNN) Forward(x *autograd.Var, s []*tensor.Tensor) (y, penalty *autograd.Var) {
	activate := r.Activate
	if activate == nil {
		activate = autograd.Tanh
	}
	steps := &r.steps
	steps.begin("RNN", r.Input, x, s, 1, r.Recurrent.Width())
	h := steps.state(0)
	for t := range steps.length() {
		a := r.sum(steps, t, h, r.Recurrent)
		h = activate(r.normalise(steps, r.OfSum, a, 1))
		steps.out[t] = h
	}
	return steps.end(h)
}

// sum returns the net inputs of step t, given the previous activations h.
func (n *Norms) sum(s *sequence, t int, h, weights *autograd.Var) *autograd.Var {
	if n.OfInput == nil && n.OfRecurrent == nil {
		return s.netInputs(t, h, weights)
	}
	a := autograd.Slice(s.x, 0, t*s.n, (t+1)*s.n)
	b := autograd.Linear(h, weights, nil)
	if n.OfInput != nil {
		a = n.OfInput.Forward(a)
	}
	if n.OfRecurrent != nil {
		b = n.OfRecurrent.Forward(b)
	}
	return autograd.Add(a, b)
}

// normalise applies a normalisation, if there is one, to activations that consist of so many parts, and adds the
// penalties of the parts.
func (n *Norms) normalise(s *sequence, norm *Norm, a *autograd.Var, parts float32) *autograd.Var {
	if norm == nil {
		return a
	}
	a = norm.Forward(a)
	if n.L1 > 0 {
		penalty := CentredL1(a, parts*n.L1)
		if s.penalty != nil {
			penalty = autograd.Add(s.penalty, penalty)
		}
		s.penalty = penalty
	}
	return a
}

// A sequence is the forward pass of a recurrent layer. Its memory is reused.
type sequence struct {
	x        *autograd.Var // W·x + b of all steps
	n        int           // number of sequences
	out      []*autograd.Var
	penalty  *autograd.Var
	s        []*tensor.Tensor
	previous []float32 // h of the step before each step
}

func (q *sequence) length() int { return len(q.out) }

// begin checks the shapes, for a state of so many tensors [N, units], and computes W·x + b for all steps at once,
// because a product of many rows is faster.
func (q *sequence) begin(layer string, input *Dense, x *autograd.Var, s []*tensor.Tensor, tensors, units int) {
	fits := len(s) == tensors && s[0].Rows() > 0 && x.Rows() > 0 && x.Rows()%s[0].Rows() == 0
	for _, t := range s {
		fits = fits && t.Rows() == s[0].Rows() && t.Width() == units
	}
	if !fits {
		panic(fmt.Sprintf("nn: %s: x of shape %v with a state of %v: want x [T·N, D] with T >= 1, and NewState(N)",
			layer, x.Shape(), s))
	}
	q.n, q.s, q.penalty = s[0].Rows(), s, nil
	length := x.Rows() / q.n
	q.out = slices.Grow(q.out[:0], length)[:length]
	q.x = input.Forward(x)
	q.previous = slices.Grow(q.previous[:0], x.Rows()*units)[:x.Rows()*units]
}

// netInputs returns the net inputs of step t, rows t·N to (t+1)·N of W·x + b plus h·Uᵀ, given the previous
// activations h [N, H] and U [G, H].
func (q *sequence) netInputs(t int, h, weights *autograd.Var) *autograd.Var {
	y, op := autograd.Record[netInputsOp]("recurrent net inputs", q.x, h, weights)
	gates := weights.Rows()
	y.Resize(q.n, gates)
	size := q.n * h.Width()
	copy(q.previous[t*size:(t+1)*size], h.Data())
	op.step, op.previous = t, q.previous
	copy(y.Data(), q.x.Data()[t*q.n*gates:])
	autograd.For(y, gates, 1<<19/(q.n*h.Width()+1)+1, (*netInputsOp).forward)
	return y
}

type netInputsOp struct {
	step       int
	previous   []float32 // h before each step of the sequence
	accumulate bool
}

func (op *netInputsOp) forward(y *autograd.Var, lo, hi int) {
	h, n, units, gates := y.In(1).Data(), y.In(1).Rows(), y.In(1).Width(), y.Width()
	w, out := y.In(2).Data()[lo*units:hi*units], y.Data()[lo:(n-1)*gates+hi]
	simd.Gemm(false, true, n, hi-lo, units, h, units, w, units, out, gates, true)
}

// Backward adds dy to the step's rows of the gradient of W·x + b, and dy·U to that of h. The gradient of U is a
// product of all rows of all steps, which is faster than one for each step: it is left to the first step, whose
// backward pass is the last.
func (op *netInputsOp) Backward(y *autograd.Var) {
	x, h, w := y.In(0), y.In(1), y.In(2)
	rows := x.GradSum()[op.step*y.Value().Len():][:y.Value().Len()]
	simd.Add(rows, rows, y.Grad().Data())
	if h.NeedsGrad() {
		_, op.accumulate = h.GradBuffer()
		autograd.For(y, h.Rows(), 1<<19/w.Value().Len()+1, (*netInputsOp).stateGrad)
	}
	if op.step == 0 && w.NeedsGrad() {
		_, op.accumulate = w.GradBuffer()
		autograd.For(y, w.Rows(), 1<<19/(len(op.previous)+1)+1, (*netInputsOp).weightGrad)
	}
}

func (op *netInputsOp) stateGrad(y *autograd.Var, lo, hi int) {
	gates, units := y.Width(), y.In(1).Width()
	dy, dh := y.Grad().Data()[lo*gates:hi*gates], y.In(1).Grad().Data()[lo*units:hi*units]
	simd.Gemm(false, false, hi-lo, units, gates, dy, gates, y.In(2).Data(), units, dh, units, op.accumulate)
}

// weightGrad computes rows lo to hi of dU, dxᵀ·previous.
func (op *netInputsOp) weightGrad(y *autograd.Var, lo, hi int) {
	x, gates, units := y.In(0), y.Width(), y.In(1).Width()
	dx, dw := x.Grad().Data(), y.In(2).Grad().Data()[lo*units:hi*units]
	simd.Gemm(true, false, hi-lo, units, x.Rows(), dx[lo:], gates, op.previous, units, dw, units, op.accumulate)
}

// state returns tensor i of the state as a constant on the tape. It is a copy, because the state moves on before the
// backward pass.
func (q *sequence) state(i int) *autograd.Var {
	v, _ := autograd.RecordOn[constantOp](q.x.Tape(), "State")
	v.Resize(q.n, q.s[i].Width())
	copy(v.Data(), q.s[i].Data())
	return v
}

type constantOp struct{}

func (constantOp) Backward(*autograd.Var) {}

// end stores the last state and returns the activations of all steps and the penalty.
func (q *sequence) end(last ...*autograd.Var) (y, penalty *autograd.Var) {
	for i, v := range last {
		copy(q.s[i].Data(), v.Data())
	}
	return autograd.Concat(0, q.out...), q.penalty
}
