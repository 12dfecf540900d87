// SPDX-License-Identifier: Apache-2.0

package optim_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/race"
	. "github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
)

const n = 37 // parameters: more than two vector registers and a remainder

// rule is an optimiser for one number in float64, written from the documented equations.
type rule func(w, g float64) float64

func sgd(lr, mu, decay float64, nesterov bool) rule {
	var v float64
	return func(w, g float64) float64 {
		g += decay * w
		v = mu*v + g
		if nesterov {
			return w - lr*(g+mu*v)
		}
		return w - lr*v
	}
}

func adam(lr, b1, b2, eps, decay float64) rule {
	var m, v, t float64
	return func(w, g float64) float64 {
		g += decay * w
		t++
		m, v = b1*m+(1-b1)*g, b2*v+(1-b2)*g*g
		return w - lr*m/(1-math.Pow(b1, t))/(math.Sqrt(v/(1-math.Pow(b2, t)))+eps)
	}
}

func rmsprop(lr, alpha, eps, decay float64, unbiased bool) rule {
	var v, t float64
	return func(w, g float64) float64 {
		g += decay * w
		v = alpha*v + (1-alpha)*g*g
		if t++; unbiased {
			return w - lr*math.Sqrt(1-math.Pow(alpha, t))*g/(math.Sqrt(v)+eps)
		}
		return w - lr*g/(math.Sqrt(v)+eps)
	}
}

func TestAgainstTheEquations(t *testing.T) {
	for name, c := range map[string]struct {
		opt  Optimizer
		rule func() rule
	}{
		"SGD defaults": {&SGD{}, func() rule { return sgd(0.01, 0, 0, false) }},
		"SGD decay":    {&SGD{LR: 0.1, WeightDecay: 0.02}, func() rule { return sgd(0.1, 0, 0.02, false) }},
		"SGD momentum": {
			&SGD{LR: 0.1, Momentum: 0.9, WeightDecay: 0.01}, func() rule { return sgd(0.1, 0.9, 0.01, false) },
		},
		"SGD Nesterov": {
			&SGD{LR: 0.1, Momentum: 0.8, Nesterov: true}, func() rule { return sgd(0.1, 0.8, 0, true) },
		},
		"Adam defaults": {&Adam{}, func() rule { return adam(0.001, 0.9, 0.999, 1e-8, 0) }},
		"Adam": {
			&Adam{LR: 0.02, Beta1: 0.5, Beta2: 0.9, Eps: 1e-3, WeightDecay: 0.1},
			func() rule { return adam(0.02, 0.5, 0.9, 1e-3, 0.1) },
		},
		"RMSProp defaults": {&RMSProp{}, func() rule { return rmsprop(0.001, 0.99, 1e-8, 0, false) }},
		"RMSProp unbiased": {
			&RMSProp{Unbiased: true}, func() rule { return rmsprop(0.001, 0.99, 1e-8, 0, true) },
		},
		"RMSProp": {
			&RMSProp{LR: 0.02, Alpha: 0.9, Eps: 1e-3, WeightDecay: 0.1},
			func() rule { return rmsprop(0.02, 0.9, 1e-3, 0.1, false) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, rng := autograd.NewParam(tensor.New(n)), tensor.Stream(1, name)
			rng.Normal(w.Data(), 0, 1)
			want, rules := make([]float64, n), make([]rule, n)
			for i := range want {
				want[i], rules[i] = float64(w.Data()[i]), c.rule()
			}
			for step := range 20 {
				g := make([]float32, n)
				rng.Normal(g, 0, 1)
				setGrad(w, g)
				c.opt.Step([]*autograd.Var{w})
				for i := range want {
					want[i] = rules[i](want[i], float64(g[i]))
					if got := float64(w.Data()[i]); !(math.Abs(got-want[i]) <= 2e-5) {
						t.Fatalf("step %d, parameter %d: %v, want %v", step, i, got, want[i])
					}
				}
			}
			if w.Grad() != nil {
				t.Error("Step kept the gradient")
			}
		})
	}
}

// setGrad sets the gradient of w to g.
func setGrad(w *autograd.Var, g []float32) {
	tape := autograd.NewTape(1)
	tape.Backward(autograd.Sum(autograd.Mul(tape.Input(tensor.From(g, len(g))), w)))
}

func TestParameterWithoutGradientStays(t *testing.T) {
	a, b := autograd.NewParam(tensor.From([]float32{1}, 1)), autograd.NewParam(tensor.From([]float32{1}, 1))
	for _, o := range []Optimizer{&SGD{}, &SGD{Momentum: 0.9}, &Adam{WeightDecay: 1}, &RMSProp{WeightDecay: 1}} {
		setGrad(a, []float32{1})
		o.Step([]*autograd.Var{a, b})
		if b.Data()[0] != 1 {
			t.Errorf("%T changed a parameter without gradient", o)
		}
	}
	if a.Data()[0] == 1 {
		t.Error("no step was made")
	}
}

func TestRateZeroMeansZero(t *testing.T) {
	w := autograd.NewParam(tensor.From([]float32{1}, 1))
	for _, o := range []Optimizer{&SGD{}, &Adam{}, &RMSProp{}} {
		o.SetLR(0)
		setGrad(w, []float32{1})
		o.Step([]*autograd.Var{w})
		if w.Data()[0] != 1 {
			t.Errorf("%T moved a parameter at rate 0", o)
		}
	}
}

func TestStateIsLiveAndNamed(t *testing.T) {
	w := autograd.NewParam(tensor.New(2))
	w.Name = "out.weight"
	o := &Adam{}
	s := o.State([]*autograd.Var{w})
	setGrad(w, []float32{1, 2})
	o.Step([]*autograd.Var{w})
	var names []string
	for _, slot := range s.Slots {
		names = append(names, slot.Name)
	}
	if want := []string{"mean.out.weight", "variance.out.weight"}; !slices.Equal(names, want) {
		t.Errorf("slots %q, want %q", names, want)
	}
	if s.Steps != 1 || s.Slots[0].Tensor.Data()[1] == 0 {
		t.Error("State does not show what Step did")
	}
}

func TestAnotherNumberOfParametersPanics(t *testing.T) {
	defer func() {
		if msg := fmt.Sprint(recover()); !strings.Contains(msg, "optimiser of 1 parameters was given 2") {
			t.Errorf("panic %q", msg)
		}
	}()
	w, o := autograd.NewParam(tensor.New(2)), &Adam{}
	o.Step([]*autograd.Var{w})
	o.Step([]*autograd.Var{w, w})
}

func TestSchedules(t *testing.T) {
	given, inf := []Step{{0, 0.1}, {2, 0.05}, {5, 0.01}}, math.Inf(1)
	steps := Steps(given...)
	given[0].Rate = 7 // not the schedule's rate
	for name, c := range map[string]struct {
		s    Schedule
		at   []float64
		want []float64
	}{
		"constant":    {Constant(0.3), []float64{0, 100}, []float64{0.3, 0.3}},
		"linear":      {Linear(1, 0, 4), []float64{-1, 0, 1, 3.5, 4, 9, inf}, []float64{1, 1, 0.75, 0.125, 0, 0, 0}},
		"exponential": {Exponential(1, 0.5, 0.2), []float64{-1, 0, 1, 2, 3, inf}, []float64{1, 1, 0.5, 0.25, 0.2, 0.2}},
		"cosine":      {Cosine(2, 4), []float64{-1, 0, 2, 4, 8, inf}, []float64{2, 2, 1, 0, 0, 0}},
		"steps":       {steps, []float64{-1, 0, 1.99, 2, 4, 5, inf}, []float64{0.1, 0.1, 0.1, 0.05, 0.05, 0.01, 0.01}},
		// A schedule over 0 epochs is at its end from the start.
		"linear, no epochs":       {Linear(0, 0.01, 0), []float64{-1, 0, 1}, []float64{0.01, 0.01, 0.01}},
		"linear, negative epochs": {Linear(0, 0.01, -2), []float64{-1, 0, 1}, []float64{0.01, 0.01, 0.01}},
		"linear, for ever":        {Linear(0.3, 0.01, inf), []float64{0, 1e9}, []float64{0.3, 0.3}},
		"cosine, no epochs":       {Cosine(0.01, 0), []float64{-1, 0, 1}, []float64{0, 0, 0}},
		"exponential of nothing":  {Exponential(0, 2, 0), []float64{0, 1e9}, []float64{0, 0}},
		"exponential to nothing":  {Exponential(0.1, 0, 0.01), []float64{0, 0.5, 1}, []float64{0.1, 0.01, 0.01}},
	} {
		for i, at := range c.at {
			if got := c.s(at); !(math.Abs(got-c.want[i]) <= 1e-12) {
				t.Errorf("%s at %v: %v, want %v", name, at, got, c.want[i])
			}
		}
	}
	nan := math.NaN()
	for name, wrong := range map[string]func(){
		"no steps":        func() { Steps() },
		"a late start":    func() { Steps(Step{1, 1}) },
		"steps back":      func() { Steps(Step{0, 1}, Step{3, 1}, Step{2, 1}) },
		"a step at NaN":   func() { Steps(Step{0, 1}, Step{nan, 1}, Step{2, 1}) },
		"a NaN rate":      func() { Exponential(nan, 0.5, 0) },
		"negative factor": func() { Exponential(1, -0.5, 0) },
		"NaN factor":      func() { Exponential(1, nan, 0) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			wrong()
		}()
	}
}

func ExampleAdam() {
	// Minimise (w - 3)².
	w := autograd.NewParam(tensor.From([]float32{0}, 1))
	params, opt, tape := []*autograd.Var{w}, &Adam{LR: 0.1}, autograd.NewTape(1)
	for range 300 {
		tape.Reset()
		off := autograd.AddScalar(autograd.Add(w, tape.Input(tensor.New(1))), -3)
		tape.Backward(autograd.Sum(autograd.Square(off)))
		opt.Step(params)
	}
	fmt.Printf("%.2f\n", w.Data()[0])
	// Output: 3.00
}

// A parameter that is large enough to be shared gets the same step from any number of goroutines, without allocation.
func TestSharedSteps(t *testing.T) {
	for name, make := range map[string]func() Optimizer{
		"SGD":      func() Optimizer { return &SGD{LR: 0.1} },
		"momentum": func() Optimizer { return &SGD{LR: 0.1, Momentum: 0.9} },
		"Adam":     func() Optimizer { return &Adam{} },
		"RMSProp":  func() Optimizer { return &RMSProp{} },
	} {
		var want []float32
		for _, workers := range []int{1, 2, 3} {
			w, x := autograd.NewParam(tensor.New(300, 333)), tensor.New(300, 333)
			tensor.Stream(1, "w").Normal(w.Data(), 0, 1)
			tensor.Stream(1, "x").Normal(x.Data(), 0, 1)
			opt, params, tape := make(), []*autograd.Var{w}, autograd.NewTape(workers)
			step := func() {
				tape.Reset()
				tape.Backward(autograd.Sum(autograd.Square(autograd.Mul(tape.Input(x), w))))
				opt.Step(params)
			}
			for range 3 {
				step()
			}
			if want == nil {
				want = slices.Clone(w.Data())
			}
			if !slices.Equal(w.Data(), want) {
				t.Errorf("%s with %d workers gives other weights than with 1", name, workers)
			}
			if n := testing.AllocsPerRun(5, step); n != 0 && !race.Enabled {
				t.Errorf("%s with %d workers: a step allocates %v times", name, workers, n)
			}
		}
	}
}
