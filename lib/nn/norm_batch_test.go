// SPDX-License-Identifier: Apache-2.0

package nn_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	"github.com/lateral-ml/lateral/lib/internal/race"
	. "github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func normal(name string, mean, std float32, shape ...int) *autograd.Var {
	t := tensor.New(shape...)
	tensor.Stream(1, name).Normal(t.Data(), mean, std)
	return autograd.NewParam(t)
}

// lively returns a module whose parameters and running averages differ from their initial values.
func lively(channels int) *Norm {
	b := NewBatchNorm(channels)
	r := tensor.Stream(2, "module")
	r.Uniform(b.Scale.Data(), -1.5, 1.5)
	r.Normal(b.Shift.Data(), 0, 1)
	r.Normal(b.Mean.Data(), 0, 1)
	r.Uniform(b.Variance.Data(), 0.5, 2)
	return b
}

// The reference is computed in float64, element by element.
func TestBatchNormAgainstLoops(t *testing.T) {
	// Far from zero, a sum of squares would lose the variance.
	const n, channels, places, mean = 7, 5, 33, 100
	x := normal("x", mean, 2, n, channels, 3, 11)
	for _, training := range []bool{true, false} {
		b := lively(channels)
		before := []*tensor.Tensor{b.Mean.Clone(), b.Variance.Clone()}
		tape := autograd.NewTape(2)
		tape.SetTraining(training)
		y := b.Forward(tape.Input(x.Value()))
		for c := range channels {
			var m, v float64
			for i := range n * places {
				m += float64(x.Data()[(i/places*channels+c)*places+i%places])
			}
			m /= n * places
			for i := range n * places {
				d := float64(x.Data()[(i/places*channels+c)*places+i%places]) - m
				v += d * d
			}
			v /= n * places
			if training {
				near(t, "running mean", b.Mean.Data()[c], 0.9*float64(before[0].Data()[c])+0.1*m, 1e-5)
				near(t, "running variance", b.Variance.Data()[c], 0.9*float64(before[1].Data()[c])+0.1*v, 1e-5)
			} else {
				m, v = float64(before[0].Data()[c]), float64(before[1].Data()[c])
				if b.Mean.Data()[c] != before[0].Data()[c] || b.Variance.Data()[c] != before[1].Data()[c] {
					t.Error("measuring has moved the averages")
				}
			}
			for i := range n * places {
				at := (i/places*channels+c)*places + i%places
				want := float64(b.Scale.Data()[c])*(float64(x.Data()[at])-m)/math.Sqrt(v+1e-5) + float64(b.Shift.Data()[c])
				near(t, fmt.Sprintf("element %d, training %v", at, training), y.Data()[at], want, 2e-5)
			}
		}
	}
}

func near(t *testing.T, what string, got float32, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(float64(got)-want) <= tolerance*(1+math.Abs(want))) {
		t.Fatalf("%s is %v, want %v", what, got, want)
	}
}

func TestBatchNormGradients(t *testing.T) {
	for _, shape := range [][]int{{6, 4, 3, 5}, {30, 4}, {2, 4, 25, 25}} {
		for _, training := range []bool{true, false} {
			x, b := normal("x", 0.5, 1.5, shape...), lively(4)
			shared := func(t *autograd.Tape) *autograd.Var {
				t.SetTraining(training)
				v := x1(t, x)
				// The second use of v in Backward must add to an existing gradient.
				return autograd.Mul(autograd.Sigmoid(v), autograd.Mul(b.Forward(v), autograd.Tanh(v)))
			}
			if err := gradcheck.Check(gradcheck.Config{Tolerance: 0.01}, shared, x, b.Scale, b.Shift); err != nil {
				t.Errorf("%v, training %v: %v", shape, training, err)
			}
		}
	}
}

// x1 puts a parameter on a tape.
func x1(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	return autograd.Add(x, t.Input(tensor.New(x.Shape()...)))
}

// A constant channel stays finite, and its result is the shift.
func TestBatchNormOfConstants(t *testing.T) {
	b := lively(2)
	tape := autograd.NewTape(1)
	tape.SetTraining(true)
	x := tensor.New(4, 2, 3, 3)
	x.Fill(7)
	leaf := tape.Leaf(x)
	y := b.Forward(leaf)
	for i, v := range y.Data() {
		if v != b.Shift.Data()[i/9%2] {
			t.Fatalf("element %d is %v, want the shift %v", i, v, b.Shift.Data()[i/9%2])
		}
	}
	tape.Backward(autograd.Sum(y))
	if where, bad := tape.FirstNonFinite(); bad {
		t.Error(where)
	}
}

// An empty batch does not change the averages, whether it has no samples or images without pixels.
func TestBatchNormOfNothing(t *testing.T) {
	for _, shape := range [][]int{{0, 4}, {0, 4, 3, 3}, {2, 4, 0, 3}} {
		b := lively(4)
		mean, variance := b.Mean.Clone(), b.Variance.Clone()
		tape := autograd.NewTape(1)
		tape.SetTraining(true)
		x := tape.Leaf(tensor.New(shape...))
		tape.Backward(autograd.Sum(b.Forward(x)))
		if !slices.Equal(b.Mean.Data(), mean.Data()) || !slices.Equal(b.Variance.Data(), variance.Data()) {
			t.Errorf("%v: running mean %v, was %v; variance %v, was %v", shape, b.Mean, mean, b.Variance, variance)
		}
		for _, p := range []*autograd.Var{b.Scale, b.Shift} {
			if slices.ContainsFunc(p.Grad().Data(), func(g float32) bool { return g != 0 }) {
				t.Errorf("%v: gradient %v", shape, p.Grad())
			}
		}
		if x.Grad() == nil {
			t.Errorf("%v: no gradient", shape)
		}
	}
}

func TestBatchNormForAnyWorkers(t *testing.T) {
	var want []float32
	for _, workers := range []int{1, 2, 5} {
		x, b := normal("x", 1, 1, 16, 24, 20, 20), lively(24)
		tape := autograd.NewTape(workers)
		tape.SetTraining(true)
		tape.Backward(autograd.Sum(autograd.Square(autograd.Sigmoid(b.Forward(x1(tape, x))))))
		got := slices.Concat(x.Grad().Data(), b.Scale.Grad().Data(), b.Shift.Grad().Data(), b.Mean.Data(), b.Variance.Data())
		if want == nil {
			want = got
		} else if !slices.Equal(got, want) {
			t.Errorf("%d workers give other bits than 1", workers)
		}
	}
}

func TestBatchNormAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	x, b := normal("x", 1, 1, 16, 24, 20, 20), lively(24)
	tape := autograd.NewTape(2)
	tape.SetTraining(true)
	params := Params(b)
	step := func() {
		tape.Reset()
		tape.Backward(autograd.Sum(b.Forward(tape.Input(x.Value()))))
		for _, p := range params {
			p.ZeroGrad()
		}
	}
	step()
	if n := testing.AllocsPerRun(10, step); n != 0 {
		t.Errorf("%v allocations a step", n)
	}
}

func TestBatchNormIsSaved(t *testing.T) {
	s := StateOf(NewBatchNorm(3))
	if len(s.Params) != 2 || len(s.Buffers) != 2 || s.Params[0].Name != "scale" || s.Buffers[1].Name != "variance" {
		t.Errorf("state is %v", s)
	}
}

func TestBatchNormRefusesOtherChannels(t *testing.T) {
	defer func() {
		if got, want := fmt.Sprint(recover()), "nn: BatchNorm: want x [N, 3, ...], got [2 4]"; got != want {
			t.Errorf("panic %q, want %q", got, want)
		}
	}()
	NewBatchNorm(3).Forward(autograd.NewTape(1).Input(tensor.New(2, 4)))
}

func ExampleNewBatchNorm() {
	b := NewBatchNorm(1)
	tape := autograd.NewTape(1)
	tape.SetTraining(true)
	y := b.Forward(tape.Input(tensor.From([]float32{2, 4, 6, 8}, 4, 1)))
	fmt.Printf("%.3f\n", y.Data())
	fmt.Printf("running mean %.2f\n", b.Mean.Data())
	// Output:
	// [-1.342 -0.447 0.447 1.342]
	// running mean [0.50]
}
