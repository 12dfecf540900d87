// SPDX-License-Identifier: Apache-2.0

package optim_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	. "github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// graded returns parameters with the given gradients; nil stands for none.
func graded(grads ...[]float32) []*autograd.Var {
	var params []*autograd.Var
	for _, g := range grads {
		p := autograd.NewParam(tensor.New(max(len(g), 1)))
		if g != nil {
			copy(p.GradSum(), g)
		}
		params = append(params, p)
	}
	return params
}

// The norm of (3, 4) and (12) together is 13.
func TestClipNorm(t *testing.T) {
	p := graded([]float32{3, 4}, nil, []float32{12})
	if norm := ClipNorm(p, 14); norm != 13 || p[2].Grad().Data()[0] != 12 {
		t.Errorf("norm %v and gradient %v below the limit, want 13 and 12", norm, p[2].Grad())
	}
	norm := ClipNorm(p, 6.5)
	if norm != 13 || p[0].Grad().Data()[1] != 2 || p[2].Grad().Data()[0] != 6 || p[1].Grad() != nil {
		t.Errorf("norm %v, gradients %v and %v, want half of them", norm, p[0].Grad(), p[2].Grad())
	}
	inf := graded([]float32{float32(math.Inf(1)), 1})
	if norm := ClipNorm(inf, 1); !math.IsInf(norm, 1) || inf[0].Grad().Data()[1] != 1 {
		t.Errorf("an infinite gradient: norm %v, gradient %v", norm, inf[0].Grad())
	}
	large := graded([]float32{3e25, -4e25})
	norm = ClipNorm(large, 5)
	if g := large[0].Grad().Data(); !(math.Abs(norm/5e25-1) < 1e-6) || !(math.Abs(float64(g[0])-3) < 1e-6) {
		t.Errorf("gradients whose squares are too large for float32: norm %v, %v", norm, g)
	}
	if norm = ClipNorm(graded(make([]float32, 10001)), 1); norm != 0 {
		t.Errorf("norm %v of zeros", norm)
	}
}

func TestClip(t *testing.T) {
	p := graded([]float32{30, 40})
	o := &Clip{Optimizer: &SGD{LR: 1}, Limit: 5}
	o.Step(p)
	if w := p[0].Data(); w[0] != -3 || w[1] != -4 {
		t.Errorf("weights %v after a step, want -3 and -4", w)
	}
	defer func() {
		if got, want := fmt.Sprint(recover()), "optim: ClipNorm: limit 0, want one > 0"; got != want {
			t.Errorf("panic %q, want %q", got, want)
		}
	}()
	(&Clip{Optimizer: &SGD{}}).Step(p)
}

func ExampleClipNorm() {
	w := autograd.NewParam(tensor.From([]float32{3, 4}, 2))
	tape := autograd.NewTape(1)
	tape.Backward(autograd.Sum(autograd.Square(autograd.Add(w, tape.Input(tensor.New(2)))))) // the gradient is 2w
	fmt.Println(ClipNorm([]*autograd.Var{w}, 5), w.Grad().Data())
	// Output:
	// 10 [3 4]
}
