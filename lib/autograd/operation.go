// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"
	"iter"

	"github.com/lateral-ml/lateral/lib/internal/parallel"
)

// An Operation is what a tape keeps of how a result was computed: a pointer to a struct that holds whatever the
// gradient needs beside inputs and result. See [Record].
type Operation interface {
	// Backward is called once the gradient of the result y is complete. It reads [Var.Grad] and adds to the gradient of
	// each input that [Var.NeedsGrad].
	Backward(y *Var)
}

// Piecewise is an operation that chooses: which unit wins, on which side of a kink an input lies. Between two inputs
// with the same choices its result is smooth; see [Tape.ActivationPattern].
type Piecewise interface {
	Operation
	Choices(y *Var) iter.Seq[int32]
}

// Record puts an operation with state S on the tape of its inputs. It returns the result, which the caller gives a
// shape with [Var.Resize] and then fills, and the state, which the caller sets; the example shows a whole operation.
//
// The state still holds what the same operation left there when it was last recorded at this place of the tape, so that
// its slices can be used again. Inputs that are nil are left out. Record panics if no input is on a tape, or two are on
// different ones.
func Record[S any, P interface {
	*S
	Operation
}](name string, in ...*Var) (y *Var, state P) {
	return RecordOn[S, P](tapeOf(name, in...), name, in...)
}

// RecordOn is [Record] for an operation whose inputs may all be parameters, which are on no tape.
func RecordOn[S any, P interface {
	*S
	Operation
}](t *Tape, name string, in ...*Var) (y *Var, state P) {
	y = t.next(name)
	for _, x := range in {
		if x == nil {
			continue
		}
		if x.tape == nil {
			x.workers = t.workers
		} else if x.tape != t {
			panic(fmt.Sprintf("autograd: %s: its inputs are on two different tapes", name))
		}
		y.in = append(y.in, x)
		y.needsGrad = y.needsGrad || x.needsGrad
	}
	r, ok := y.record.(*record[S])
	if !ok {
		r = &record[S]{y: y}
		y.record = r
	}
	state = &r.state
	y.operation = state
	return y, state
}

// tapeOf returns the tape of the first input that is on one.
func tapeOf(name string, in ...*Var) *Tape {
	for _, x := range in {
		if x != nil && x.tape != nil {
			return x.tape
		}
	}
	panic(fmt.Sprintf("autograd: %s: no input is on a tape; start from Tape.Input", name))
}

// A record holds the state of an operation and the loop that it is in.
type record[S any] struct {
	state S
	y     *Var
	do    func(op *S, y *Var, lo, hi int)
}

func (r *record[S]) run(lo, hi int) { r.do(&r.state, r.y, lo, hi) }

// For runs do over [0, n), shared among up to [Var.Workers] goroutines in contiguous ranges that are no shorter than
// grain, and returns when all are done. Which range an index falls into must not change its result. Choose grain so
// that a range is at least some ten microseconds of work. op is the state that y was recorded with; do must capture
// nothing, or each call allocates.
func For[S any](y *Var, n, grain int, do func(op *S, y *Var, lo, hi int)) {
	r := y.record.(*record[S])
	if y.tape.workers == 1 || n < 2*grain {
		if n > 0 {
			do(&r.state, y, 0, n)
		}
		return
	}
	r.do = do
	parallel.For(y.tape.workers, n, grain, y, runRange)
}

func runRange(y any, lo, hi int) { y.(*Var).record.run(lo, hi) }

// elementsWorthSharing is the number of elements for which a second goroutine pays in simple arithmetic.
const elementsWorthSharing = 1 << 14

// forEach runs do over the elements of a result.
func forEach[S any](y *Var, do func(op *S, y *Var, lo, hi int)) {
	For(y, y.value.Len(), elementsWorthSharing, do)
}

// forEachGrad runs do over the elements of a result if the gradient of its only input is wanted; do adds to it.
func forEachGrad[S any](y *Var, do func(op *S, y *Var, lo, hi int)) {
	if x := y.in[0]; x.needsGrad {
		x.GradSum()
		forEach(y, do)
	}
}

// parts returns the elements lo to hi of the first input, the result, and their gradients.
func (v *Var) parts(lo, hi int) (x, y, dx, dy []float32) {
	in := v.in[0]
	return in.Data()[lo:hi], v.Data()[lo:hi], in.grad.Data()[lo:hi], v.grad.Data()[lo:hi]
}

// shapeMismatch returns the message for inputs that do not fit together.
func shapeMismatch(op, want string, in ...*Var) string {
	msg := fmt.Sprintf("autograd: %s: want %s, got", op, want)
	for _, v := range in {
		if v != nil {
			msg += fmt.Sprintf(" %v", v.Shape())
		}
	}
	return msg
}
