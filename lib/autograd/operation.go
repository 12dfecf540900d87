// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"
	"iter"

	"github.com/lateral-ml/lateral/lib/internal/parallel"
)

// An Operation records how a result was computed. It is a pointer to a struct that holds whatever the gradient needs
// besides inputs and result. See [Record].
type Operation interface {
	// Backward is called when the gradient of the result y is complete. It reads [Var.Grad] and adds to the gradient of
	// each input with [Var.NeedsGrad].
	Backward(y *Var)
}

// Piecewise is an operation that makes discrete choices, such as which unit wins, or on which side of a kink an input
// lies. While the choices are the same, its result is a smooth function of its inputs; see [Tape.ActivationPattern].
type Piecewise interface {
	Operation
	Choices(y *Var) iter.Seq[int32]
}

// Record records an operation with state S on the tape of its inputs. It returns the result and the state. The caller
// sets the state, gives the result a shape with [Var.Resize], and fills it; the example shows a whole operation.
//
// The state still holds what the same operation stored there when it was last recorded at this position of the tape, so
// that its slices can be reused. Inputs that are nil are omitted. Record panics if no input is on a tape, or if two are
// on different tapes.
func Record[S any, P interface {
	*S
	Operation
}](name string, in ...*Var) (y *Var, state P) {
	return RecordOn[S, P](tapeOf(name, in...), name, in...)
}

// RecordOn is [Record] for an operation whose inputs may all be parameters, which are not on a tape.
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
	panic(fmt.Sprintf("autograd: %s: no input is on a tape; create one with Tape.Input", name))
}

// A record holds the state of an operation and its current parallel loop.
type record[S any] struct {
	state S
	y     *Var
	do    func(op *S, y *Var, lo, hi int)
}

func (r *record[S]) run(lo, hi int) { r.do(&r.state, r.y, lo, hi) }

// For runs do over [0, n), divided among up to [Var.Workers] goroutines into contiguous ranges of at least grain
// indices, and returns when all are done. The result for an index must not depend on the range that contains it. Choose
// grain so that a range takes at least about ten microseconds. op is the state with which y was recorded. The function
// do must not capture variables; otherwise each call allocates.
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

// elementsWorthSharing is the number of elements from which a second goroutine pays in simple arithmetic.
const elementsWorthSharing = 1 << 14

// forEach runs do over the elements of a result.
func forEach[S any](y *Var, do func(op *S, y *Var, lo, hi int)) {
	For(y, y.value.Len(), elementsWorthSharing, do)
}

// forEachGrad runs do over the elements of a result if its only input needs a gradient; do adds to that gradient.
func forEachGrad[S any](y *Var, do func(op *S, y *Var, lo, hi int)) {
	if x := y.in[0]; x.needsGrad {
		x.GradSum()
		forEach(y, do)
	}
}

// parts returns elements lo to hi of the first input, of the result, and of their gradients.
func (v *Var) parts(lo, hi int) (x, y, dx, dy []float32) {
	in := v.in[0]
	return in.Data()[lo:hi], v.Data()[lo:hi], in.grad.Data()[lo:hi], v.grad.Data()[lo:hi]
}

// shapeMismatch returns the message for inputs whose shapes do not match.
func shapeMismatch(op, want string, in ...*Var) string {
	msg := fmt.Sprintf("autograd: %s: want %s, got", op, want)
	for _, v := range in {
		if v != nil {
			msg += fmt.Sprintf(" %v", v.Shape())
		}
	}
	return msg
}
