// SPDX-License-Identifier: Apache-2.0

package autograd_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	. "github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	"github.com/lateral-ml/lateral/lib/internal/race"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// param returns a parameter with elements from U(lo, hi).
func param(seed uint64, lo, hi float32, shape ...int) *Var {
	t := tensor.New(shape...)
	tensor.Stream(seed, "test").Uniform(t.Data(), lo, hi)
	return NewParam(t)
}

// onTape returns a variable on the tape that equals v and depends on it.
func onTape(t *Tape, v *Var) *Var {
	zero := t.Input(tensor.New(v.Shape()...))
	return Add(v, zero)
}

func TestGradients(t *testing.T) {
	type unary func(*Var) *Var
	for name, c := range map[string]struct {
		f      unary
		lo, hi float32
	}{
		"ReLU":      {ReLU, -2, 2},
		"Sigmoid":   {Sigmoid, -4, 4},
		"Tanh":      {Tanh, -2, 2},
		"Exp":       {Exp, -2, 2},
		"Log":       {Log, 0.5, 3},
		"Sqrt":      {Sqrt, 0.5, 3},
		"Square":    {Square, -2, 2},
		"Abs":       {Abs, -2, 2},
		"Scale":     {func(x *Var) *Var { return Scale(x, -1.7) }, -2, 2},
		"AddScalar": {func(x *Var) *Var { return Square(AddScalar(x, 3)) }, -2, 2},
		"AbsSum":    {func(x *Var) *Var { return Scale(AbsSum(x), 0.3) }, -2, 2},
		"Sum":       {func(x *Var) *Var { return Square(Sum(x)) }, 0, 1},
		"Mean":      {func(x *Var) *Var { return Square(Mean(x)) }, 0, 1},
		"Softmax":   {Softmax, -3, 3},
		"Reshape":   {func(x *Var) *Var { return Square(Reshape(x, 2, 14)) }, -1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			x := param(1, c.lo, c.hi, 4, 7)
			// The input is used twice, to test that gradients accumulate.
			err := gradcheck.Check(gradcheck.Config{}, func(t *Tape) *Var {
				in := onTape(t, x)
				y := c.f(in)
				return Add(y, Scale(c.f(in), 0.5))
			}, x)
			if err != nil {
				t.Error(err)
			}
		})
	}
	for name, f := range map[string]func(a, b *Var) *Var{"Add": Add, "Sub": Sub, "Mul": Mul, "Div": Div} {
		t.Run(name, func(t *testing.T) {
			a, b := param(2, -2, 2, 3, 5), param(3, 0.5, 2, 3, 5)
			err := gradcheck.Check(gradcheck.Config{}, func(t *Tape) *Var {
				in := onTape(t, a)
				return Add(f(in, b), f(f(in, b), b))
			}, a, b)
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLinearAndMatMulGradients(t *testing.T) {
	x, w, b := param(4, -1, 1, 6, 2, 4), param(5, -1, 1, 5, 8), param(6, -1, 1, 5)
	for name, f := range map[string]func(t *Tape) *Var{
		"with bias":    func(t *Tape) *Var { return Linear(onTape(t, x), w, b) },
		"without bias": func(t *Tape) *Var { return Linear(onTape(t, x), w, nil) },
		"twice": func(t *Tape) *Var {
			in := onTape(t, x)
			return Mul(Linear(in, w, b), Linear(in, w, b))
		},
	} {
		vars := []*Var{x, w, b}
		if name == "without bias" {
			vars = vars[:2]
		}
		if err := gradcheck.Check(gradcheck.Config{}, f, vars...); err != nil {
			t.Errorf("Linear %s: %v", name, err)
		}
	}
	a, c := param(7, -1, 1, 3, 4), param(8, -1, 1, 4, 6)
	err := gradcheck.Check(gradcheck.Config{}, func(t *Tape) *Var { return Square(MatMul(onTape(t, a), c)) }, a, c)
	if err != nil {
		t.Error("MatMul:", err)
	}
}

// Linear on x = (1, 2), w = ((3, 4), (5, 6)), b = (10, 20): y = (1·3+2·4+10, 1·5+2·6+20).
func TestLinearByHand(t *testing.T) {
	tape := NewTape(1)
	x := tape.Leaf(tensor.From([]float32{1, 2}, 1, 2))
	w := NewParam(tensor.From([]float32{3, 4, 5, 6}, 2, 2))
	b := NewParam(tensor.From([]float32{10, 20}, 2))
	y := Linear(x, w, b)
	if want := []float32{21, 37}; !slices.Equal(y.Data(), want) {
		t.Errorf("y = %v, want %v", y.Data(), want)
	}
	tape.Backward(Sum(y))
	for _, c := range []struct {
		name      string
		got, want []float32
	}{
		{"dx", x.Grad().Data(), []float32{8, 10}},
		{"dw", w.Grad().Data(), []float32{1, 2, 1, 2}},
		{"db", b.Grad().Data(), []float32{1, 1}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s = %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestAbsSumAtZero(t *testing.T) {
	tape := NewTape(1)
	x := tape.Leaf(tensor.From([]float32{-2, 0, 3, float32(math.Copysign(0, -1))}, 4))
	y := AbsSum(x)
	tape.Backward(Scale(y, -1))
	if want := []float32{1, 0, -1, 0}; y.Scalar() != 5 || !slices.Equal(x.Grad().Data(), want) {
		t.Errorf("sum %v, gradient %v; want 5, %v", y.Scalar(), x.Grad().Data(), want)
	}
}

func TestGradientsAddUpUntilZeroGrad(t *testing.T) {
	w := NewParam(tensor.From([]float32{3}, 1))
	backward := func() {
		tape := NewTape(1)
		tape.Backward(Mul(tape.Input(tensor.From([]float32{2}, 1)), w))
	}
	if w.Grad() != nil {
		t.Error("a new parameter has a gradient")
	}
	backward()
	backward()
	if g := w.Grad().Data()[0]; g != 4 {
		t.Errorf("after two passes the gradient is %v, want 4", g)
	}
	w.ZeroGrad()
	backward()
	if g := w.Grad().Data()[0]; g != 2 {
		t.Errorf("after ZeroGrad and a pass the gradient is %v, want 2", g)
	}

	// Also over passes of one tape; gradients of results do not.
	w.ZeroGrad()
	tape := NewTape(1)
	x := tape.Leaf(tensor.From([]float32{5}, 1))
	y := Mul(x, w)
	loss := Square(y)
	for pass := float32(1); pass <= 3; pass++ {
		tape.Backward(loss)
		dw, dx, dy := w.Grad().Data()[0], x.Grad().Data()[0], y.Grad().Data()[0]
		if dw != pass*150 || dx != pass*90 || dy != 30 {
			t.Errorf("after %v passes of a tape the gradients are %v, %v and %v", pass, dw, dx, dy)
		}
	}
}

// network runs a step of a network that is wide enough for several goroutines to share its products.
func network(tape *Tape, x *tensor.Tensor, w1, b1, w2 *Var) *Var {
	tape.Reset()
	h := ReLU(Linear(tape.Input(x), w1, b1))
	loss := Mean(Square(Linear(h, w2, nil)))
	tape.Backward(loss)
	return loss
}

func TestResultsDoNotDependOnWorkers(t *testing.T) {
	x := param(1, -1, 1, 301, 257).Value()
	w1, b1, w2 := param(2, -1, 1, 523, 257), param(3, -1, 1, 523), param(4, -1, 1, 401, 523)
	var want []float32
	for _, workers := range []int{1, 2, 3, 7} {
		for _, p := range []*Var{w1, b1, w2} {
			p.ZeroGrad()
		}
		loss := network(NewTape(workers), x, w1, b1, w2)
		got := slices.Concat(loss.Data(), w1.Grad().Data(), b1.Grad().Data(), w2.Grad().Data())
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Errorf("results with %d workers differ from those with 1", workers)
		}
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	for _, workers := range []int{1, 2} {
		x := param(1, -1, 1, 256, 256).Value()
		w1, b1, w2 := param(2, -1, 1, 512, 256), param(3, -1, 1, 512), param(4, -1, 1, 10, 512)
		tape := NewTape(workers)
		network(tape, x, w1, b1, w2)
		if n := testing.AllocsPerRun(10, func() { network(tape, x, w1, b1, w2) }); n != 0 {
			t.Errorf("%d workers: a repeated step allocates %v times", workers, n)
		}
	}
}

func TestInputsStayUnchanged(t *testing.T) {
	x := param(1, -1, 1, 5, 6)
	before := slices.Clone(x.Data())
	tape := NewTape(1)
	in := tape.Leaf(x.Value())
	tape.Backward(Sum(Softmax(Abs(Tanh(ReLU(Sigmoid(Exp(in))))))))
	if !slices.Equal(before, x.Data()) {
		t.Error("an operation changed its input")
	}
}

func TestFirstNonFinite(t *testing.T) {
	tape := NewTape(1)
	w := NewParam(tensor.From([]float32{-1}, 1, 1))
	w.Name = "out.weight"
	y := Linear(tape.Input(tensor.From([]float32{1}, 1, 1)), w, nil)
	if where, found := tape.FirstNonFinite(); found {
		t.Errorf("found %s among finite results", where)
	}
	Exp(Log(y))
	where, found := tape.FirstNonFinite()
	if !found || !strings.HasPrefix(where, "Log") {
		t.Errorf("FirstNonFinite = %q, %v; want the logarithm", where, found)
	}
	w.Data()[0] = float32(math.NaN())
	tape.Reset()
	Linear(tape.Input(tensor.From([]float32{1}, 1, 1)), w, nil)
	if where, _ := tape.FirstNonFinite(); !strings.Contains(where, "out.weight") {
		t.Errorf("FirstNonFinite = %q, want the parameter named", where)
	}
}

// A refused is a call that must panic and a part of the message.
type refused struct {
	want string
	f    func()
}

func refuse(t *testing.T, cases []refused) {
	for _, c := range cases {
		t.Run(c.want, func(t *testing.T) {
			defer func() {
				if msg := fmt.Sprint(recover()); !strings.Contains(msg, c.want) {
					t.Errorf("panic %q", msg)
				}
			}()
			c.f()
		})
	}
}

func TestMistakesPanic(t *testing.T) {
	tape := NewTape(1)
	x, w := tape.Input(tensor.New(2, 3)), param(1, 0, 1, 4, 5)
	refuse(t, []refused{
		{"Linear: want x [N, D], w [U, D], b [U], got [2 3] [4 5]", func() { Linear(x, w, nil) }},
		{"MatMul: want a [M, K], b [K, N], got [2 3] [4 5]", func() { MatMul(x, w) }},
		{"Add: shapes [2 3] and [4 5] do not broadcast", func() { Add(x, w) }},
		{"no input is on a tape", func() { ReLU(w) }},
		{"two different tapes", func() { Add(x, NewTape(1).Input(tensor.New(2, 3))) }},
		{"the loss must be one number, but has shape [2 3]", func() { tape.Backward(x) }},
		{"depends on no parameter", func() { tape.Backward(Sum(x)) }},
	})
}

func BenchmarkSmallOperation(b *testing.B) {
	tape, x := NewTape(1), tensor.New(1, 16)
	for b.Loop() {
		tape.Reset()
		ReLU(tape.Input(x))
	}
}

func ExampleTape() {
	w := NewParam(tensor.From([]float32{3}, 1))
	tape := NewTape(1)
	x := tape.Input(tensor.From([]float32{2}, 1))
	y := Square(Mul(x, w)) // (2w)², whose derivative is 8w
	tape.Backward(y)
	fmt.Println(y.Scalar(), w.Grad().Data())
	// Output: 36 [24]
}
