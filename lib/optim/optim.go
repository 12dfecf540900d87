// SPDX-License-Identifier: Apache-2.0

// Package optim provides optimisers, which update parameters from gradients, and schedules for learning rates.
//
// An optimiser is a struct with its hyper-parameters as fields; its zero value has the documented defaults.
//
//	opt := &optim.Adam{LR: 0.002}
//	for ... {
//		tape.Backward(loss)
//		opt.Step(params)
//	}
package optim

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/parallel"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// An Optimizer updates parameters from their gradients.
type Optimizer interface {
	// Step applies the gradients to the parameters, which must be the same ones in each call, and clears the gradients. A
	// parameter without a gradient does not change.
	Step(params []*autograd.Var)
	// SetLR changes the learning rate.
	SetLR(lr float64)
	// State returns the optimiser's state for params. It is live: writing to it restores a saved state.
	State(params []*autograd.Var) *State
}

// State is the state of an optimiser between steps.
type State struct {
	Steps int            // number of steps taken
	Slots []tensor.Named // moving averages, one of each kind for every parameter
}

// memory holds the state of an optimiser with some kinds of slots.
type memory struct {
	state     State
	kinds     int
	scheduled bool // SetLR was called: a rate of 0 means 0, not the default

	now task
}

// A task is the step of one parameter, which goroutines may share.
type task struct {
	w, g             []float32
	slots            [2][]float32
	lr               float32
	unbias1, unbias2 float32 // Adam's 1 - Beta^t
}

// stepWorthSharing is the number of elements from which a second goroutine pays.
const stepWorthSharing = 1 << 14

// share calls do on ranges of the elements of parameter i, whose state must exist.
func (m *memory) share(i int, p *autograd.Var, lr float32, optimizer any, do func(optimizer any, lo, hi int)) {
	m.now.w, m.now.g, m.now.lr = p.Data(), p.Grad().Data(), lr
	for k := range m.kinds {
		m.now.slots[k] = m.state.Slots[i*m.kinds+k].Tensor.Data()
	}
	parallel.For(p.Workers(), len(m.now.w), stepWorthSharing, optimizer, do)
	p.ZeroGrad()
}

// rate returns the learning rate of the next step.
func (m *memory) rate(lr, otherwise float64) float32 {
	if m.scheduled {
		return float32(lr)
	}
	return float32(or(lr, otherwise))
}

// slots returns the state, created on first use: slot k of parameter p is at p·len(kinds) + k.
func (m *memory) slots(params []*autograd.Var, kinds ...string) *State {
	if m.state.Slots == nil {
		m.kinds = len(kinds)
		for i, p := range params {
			name := p.Name
			if name == "" {
				name = fmt.Sprint(i)
			}
			for _, kind := range kinds {
				slot := tensor.Named{Name: kind + "." + name, Tensor: tensor.New(p.Shape()...)}
				m.state.Slots = append(m.state.Slots, slot)
			}
		}
	}
	if len(m.state.Slots) != len(params)*len(kinds) {
		panic(fmt.Sprintf("optim: an optimiser of %d parameters was given %d",
			len(m.state.Slots)/max(len(kinds), 1), len(params)))
	}
	return &m.state
}

// SGD is stochastic gradient descent with momentum:
//
//	v = Momentum·v + g + WeightDecay·w,   w = w - LR·v
//
// With Nesterov, w moves by LR·(g + WeightDecay·w + Momentum·v).
type SGD struct {
	LR          float64 // learning rate; default 0.01
	Momentum    float64 // 0 <= Momentum < 1; 0 is plain gradient descent
	WeightDecay float64
	Nesterov    bool
	memory
}

// Step implements [Optimizer].
func (o *SGD) Step(params []*autograd.Var) {
	lr := o.rate(o.LR, 0.01)
	o.State(params).Steps++
	for i, p := range params {
		if p.Grad() != nil {
			o.share(i, p, lr, o, func(optimizer any, lo, hi int) {
				o := optimizer.(*SGD)
				w, g, v := o.now.w[lo:hi], o.now.g[lo:hi], o.now.slots[0][lo:hi]
				if o.Momentum == 0 {
					simd.SGD(w, g, o.now.lr, float32(o.WeightDecay))
				} else {
					simd.Momentum(w, g, v, o.now.lr, float32(o.Momentum), float32(o.WeightDecay), o.Nesterov)
				}
			})
		}
	}
}

// SetLR implements [Optimizer].
func (o *SGD) SetLR(lr float64) { o.LR, o.scheduled = lr, true }

// State implements [Optimizer].
func (o *SGD) State(params []*autograd.Var) *State { return o.slots(params, "velocity") }

// Adam keeps moving averages m of the gradient and v of its square:
//
//	m = Beta1·m + (1-Beta1)·g,   v = Beta2·v + (1-Beta2)·g²
//	w = w - LR · m/(1-Beta1^t) / (sqrt(v/(1-Beta2^t)) + Eps)
//
// with g + WeightDecay·w in place of g. Source: [KB15].
type Adam struct {
	LR          float64 // learning rate; default 0.001
	Beta1       float64 // default 0.9
	Beta2       float64 // default 0.999
	Eps         float64 // default 1e-8
	WeightDecay float64
	memory
}

// Step implements [Optimizer].
func (o *Adam) Step(params []*autograd.Var) {
	lr, state := o.rate(o.LR, 0.001), o.State(params)
	state.Steps++
	t := float64(state.Steps)
	o.now.unbias1 = float32(1 - math.Pow(or(o.Beta1, 0.9), t))
	o.now.unbias2 = float32(1 - math.Pow(or(o.Beta2, 0.999), t))
	for i, p := range params {
		if p.Grad() != nil {
			o.share(i, p, lr, o, func(optimizer any, lo, hi int) {
				o := optimizer.(*Adam)
				w, g, m, v := o.now.w[lo:hi], o.now.g[lo:hi], o.now.slots[0][lo:hi], o.now.slots[1][lo:hi]
				simd.Adam(w, g, m, v, o.now.lr, float32(or(o.Beta1, 0.9)), float32(or(o.Beta2, 0.999)),
					float32(or(o.Eps, 1e-8)), o.now.unbias1, o.now.unbias2, float32(o.WeightDecay))
			})
		}
	}
}

// SetLR implements [Optimizer].
func (o *Adam) SetLR(lr float64) { o.LR, o.scheduled = lr, true }

// State implements [Optimizer].
func (o *Adam) State(params []*autograd.Var) *State { return o.slots(params, "mean", "variance") }

// RMSProp divides the gradient by a moving average of its size:
//
//	v = Alpha·v + (1-Alpha)·g²,   w = w - LR · g / (sqrt(v) + Eps)
//
// with g + WeightDecay·w in place of g. Source: [TH12]. The average begins at 0 and is too small at first: the first
// step goes 1/sqrt(1-Alpha) = 10 times as far as LR says. With Unbiased, step t has the rate LR·sqrt(1-Alpha^t), as in
// [KB15].
type RMSProp struct {
	LR          float64 // learning rate; default 0.001
	Alpha       float64 // default 0.99
	Eps         float64 // default 1e-8
	WeightDecay float64
	Unbiased    bool `train:"omitempty"`
	memory
}

// Step implements [Optimizer].
func (o *RMSProp) Step(params []*autograd.Var) {
	lr := o.rate(o.LR, 0.001)
	state := o.State(params)
	state.Steps++
	if o.Unbiased {
		lr *= float32(math.Sqrt(1 - math.Pow(or(o.Alpha, 0.99), float64(state.Steps))))
	}
	for i, p := range params {
		if p.Grad() != nil {
			o.share(i, p, lr, o, func(optimizer any, lo, hi int) {
				o := optimizer.(*RMSProp)
				simd.RMSProp(o.now.w[lo:hi], o.now.g[lo:hi], o.now.slots[0][lo:hi], o.now.lr,
					float32(or(o.Alpha, 0.99)), float32(or(o.Eps, 1e-8)), float32(o.WeightDecay))
			})
		}
	}
}

// SetLR implements [Optimizer].
func (o *RMSProp) SetLR(lr float64) { o.LR, o.scheduled = lr, true }

// State implements [Optimizer].
func (o *RMSProp) State(params []*autograd.Var) *State { return o.slots(params, "variance") }

// or returns x, or the default if x is 0.
func or(x, otherwise float64) float64 {
	if x == 0 {
		return otherwise
	}
	return x
}
