// SPDX-License-Identifier: Apache-2.0

package nn_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	"github.com/lateral-ml/lateral/lib/internal/race"
	. "github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A normCase is a setting of Norm for samples of one shape.
type normCase struct {
	shape  []int // of x
	scheme Scheme
}

func fields(name string, a, b Field, sigma float64, affine bool) Scheme {
	return Scheme{Name: name, A: a, B: b, Sigma: sigma, Affine: affine}
}

// normCases are settings whose windows reach over the edges on every side, of odd and even sizes, up to whole images.
func normCases() []normCase {
	w := func(n int) Field { return Field{Window: n} }
	g := func(groups, window int) Field { return Field{Groups: groups, Window: window} }
	return []normCase{
		{[]int{2, 4, 5, 6}, fields("DN 3", w(3), w(3), 0.5, false)},
		{[]int{2, 4, 5, 6}, fields("DN 5/3", w(5), w(3), 1, true)},
		{[]int{2, 4, 5, 6}, fields("DN 2/4", w(2), w(4), 0.7, true)},
		{[]int{2, 4, 5, 6}, fields("DN 1", w(1), w(1), 1, false)},
		{[]int{1, 3, 4, 4}, fields("DN 4, one sample", w(4), w(4), 0.3, false)},
		{[]int{2, 6, 3, 4}, fields("DN 3 in groups", g(3, 3), g(3, 2), 0.8, true)},
		{[]int{2, 6, 3, 4}, fields("group", g(2, 0), g(2, 0), 0.1, true)},
		{[]int{2, 6, 3, 4}, fields("channel alone", g(6, 0), g(6, 0), 0.1, true)},
		{[]int{2, 6, 3, 4}, fields("mean of all, DN 3", Field{}, w(3), 0.5, false)},
		{[]int{1, 3, 2, 4}, fields("layer", Field{}, Field{}, 0.1, true)},
		{[]int{2, 3, 7}, fields("signals", w(3), w(4), 0.5, true)},
		{[]int{3, 12}, fields("vectors 5", w(5), w(5), 1, false)},
		{[]int{3, 12}, fields("vectors 6/4", w(6), w(4), 0.6, true)},
		{[]int{3, 12}, fields("vectors 12", w(12), w(12), 0.6, false)},
		{[]int{1, 12}, fields("vector, layer", Field{}, Field{}, 0.2, true)},
		{[]int{2, 12}, fields("gates", g(4, 3), g(4, 2), 0.9, true)},
		{[]int{1, 5}, fields("one vector, DN 2", w(2), w(2), 1, false)},
		{[]int{5, 3, 2, 3}, fields("batch", Field{Batch: true}, Field{Batch: true}, 0.3, true)},
		{[]int{5, 3, 2, 3}, fields("batch, plain", Field{Batch: true}, Field{Batch: true}, 0.3, false)},
		{[]int{6, 4}, fields("batch of vectors", Field{Batch: true}, Field{Batch: true}, 0.3, false)},
	}
}

func (c normCase) module() *Norm {
	n := NewNorm(c.shape[1], c.scheme)
	if n.Scale != nil {
		r := tensor.Stream(2, "module")
		r.Uniform(n.Scale.Data(), 0.5, 1.5)
		r.Normal(n.Shift.Data(), 0, 1)
	}
	return n
}

// mean is the mean over the field of an activation, from its definition, in float64.
func (c normCase) mean(f Field, x []float64, n, ch, r, col int) float64 {
	s := [4]int{c.shape[0], c.shape[1], 1, 1}
	vectors := len(c.shape) == 2
	copy(s[4-len(c.shape)+2:], c.shape[2:])
	at := func(n, c, i, j int) float64 { return x[((n*s[1]+c)*s[2]+i)*s[3]+j] }
	sum, count := 0.0, 0.0
	if f.Batch {
		for n := range s[0] {
			for i := range s[2] {
				for j := range s[3] {
					sum, count = sum+at(n, ch, i, j), count+1
				}
			}
		}
		return sum / count
	}
	group := s[1] / max(f.Groups, 1)
	first := ch / group * group
	if vectors { // the window lies along the units
		if f.Window == 0 {
			for u := first; u < first+group; u++ {
				sum += at(n, u, 0, 0)
			}
			return sum / float64(group)
		}
		for d := range f.Window {
			if u := ch - (f.Window-1)/2 + d; u >= first && u < first+group {
				sum += at(n, u, 0, 0)
			}
		}
		return sum / float64(f.Window)
	}
	for u := first; u < first+group; u++ {
		for i := range s[2] {
			for j := range s[3] {
				di, dj := i-r+(f.Window-1)/2, j-col+(f.Window-1)/2
				if len(c.shape) == 3 {
					di = 0
				}
				if f.Window == 0 || di >= 0 && di < f.Window && dj >= 0 && dj < f.Window {
					sum += at(n, u, i, j)
				}
			}
		}
	}
	if f.Window == 0 {
		return sum / float64(group*s[2]*s[3])
	}
	if len(c.shape) == 3 {
		return sum / float64(group*f.Window)
	}
	return sum / float64(group*f.Window*f.Window)
}

// every calls do with the index and place of each activation.
func (c normCase) every(do func(i, n, ch, r, col int)) {
	s := [4]int{c.shape[0], c.shape[1], 1, 1}
	copy(s[4-len(c.shape)+2:], c.shape[2:])
	i := 0
	for n := range s[0] {
		for ch := range s[1] {
			for r := range s[2] {
				for col := range s[3] {
					do(i, n, ch, r, col)
					i++
				}
			}
		}
	}
}

// The reference follows the definition of the fields, element by element, in float64.
func TestNormAgainstDefinition(t *testing.T) {
	for _, c := range normCases() {
		x, n := normal("x", 0.5, 1.5, c.shape...), c.module()
		tape := autograd.NewTape(2)
		tape.SetTraining(true)
		y := n.Forward(tape.Input(x.Value()))
		size := len(x.Data())
		z, v, squares := make([]float64, size), make([]float64, size), make([]float64, size)
		for i, e := range x.Data() {
			z[i] = float64(e)
		}
		sum := 0.0
		c.every(func(i, n, ch, r, col int) {
			v[i] = z[i] - c.mean(c.scheme.A, z, n, ch, r, col)
			squares[i] = v[i] * v[i]
			sum += math.Abs(v[i])
		})
		c.every(func(i, s, ch, r, col int) {
			want := v[i] / math.Sqrt(c.scheme.Sigma*c.scheme.Sigma+c.mean(c.scheme.B, squares, s, ch, r, col))
			if n.Scale != nil {
				want = float64(n.Scale.Data()[ch])*want + float64(n.Shift.Data()[ch])
			}
			near(t, fmt.Sprintf("%s: element %d", c.scheme.Name, i), y.Data()[i], want, 2e-6)
		})
		near(t, c.scheme.Name+": penalty", CentredL1(y, 0.5).Scalar(), 0.5*sum/float64(size), 1e-5)
	}
}

// The gradients of x, scale and shift, alone and with the penalty, at edges and for a batch of one.
func TestNormGradients(t *testing.T) {
	for _, c := range normCases() {
		for _, alpha := range []float32{0, 2} {
			x, n := normal("x", 0.5, 1.5, c.shape...), c.module()
			vars := []*autograd.Var{x}
			if n.Scale != nil {
				vars = append(vars, n.Scale, n.Shift)
			}
			f := func(t *autograd.Tape) *autograd.Var {
				v := x1(t, x)
				y := n.Forward(v)
				// The second use of v in Backward must add to an existing gradient.
				result := autograd.Mean(autograd.Mul(autograd.Sigmoid(v), autograd.Mul(y, autograd.Tanh(v))))
				if alpha > 0 {
					result = autograd.Add(result, CentredL1(y, alpha))
				}
				return result
			}
			if err := gradcheck.Check(gradcheck.Config{Tolerance: 0.01, Step: 0.005}, f, vars...); err != nil {
				t.Errorf("%s, alpha %v: %v", c.scheme.Name, alpha, err)
			}
			plain := func(t *autograd.Tape) *autograd.Var {
				y := n.Forward(t.Leaf(x.Value()))
				return autograd.Add(autograd.Sum(autograd.Square(y)), CentredL1(y, alpha))
			}
			if n.Scale != nil {
				if err := gradcheck.Check(gradcheck.Config{}, plain, vars[1:]...); err != nil {
					t.Errorf("%s, x not shared: %v", c.scheme.Name, err)
				}
			}
		}
	}
}

// The divisive normalisation of the rendering model, whose constant is learnt.
func TestNormWithLearntConstant(t *testing.T) {
	for _, shape := range [][]int{{2, 4, 5, 6}, {1, 2, 3, 3}, {3, 9}} {
		x, sigma2 := normal("x", 0.5, 1.5, shape...), autograd.NewParam(tensor.From([]float32{0.6}, 1))
		n := NewDivisiveNorm(3, 3, 0)
		f := func(t *autograd.Tape) *autograd.Var {
			v := x1(t, x)
			return autograd.Mul(autograd.Sigmoid(v), n.ForwardWith(v, sigma2))
		}
		if err := gradcheck.Check(gradcheck.Config{Tolerance: 0.01}, f, x, sigma2); err != nil {
			t.Errorf("%v: %v", shape, err)
		}
		n.Sigma = math.Sqrt(float64(float32(0.6)))
		tape := autograd.NewTape(1)
		v := tape.Input(x.Value())
		if a, b := n.ForwardWith(v, sigma2), n.Forward(v); !slices.Equal(a.Data(), b.Data()) {
			t.Errorf("%v: another result with the constant as a variable", shape)
		}
	}
}

// Fields of all units, of a group and of the batch agree where they are the same field.
func TestNormSchemesAgree(t *testing.T) {
	tape := autograd.NewTape(1)
	tape.SetTraining(true)
	same := func(what string, a, b *autograd.Var) {
		t.Helper()
		for i, v := range a.Data() {
			near(t, what, b.Data()[i], float64(v), 2e-6)
		}
	}
	// One sample, each channel alone: the batch's field is the group's.
	one := tape.Input(normal("x", 1, 2, 1, 6, 5, 7).Value())
	same("batch of one image", NewBatchNorm(6).Forward(one), NewGroupNorm(6, 6).Forward(one))
	// Few channels of many samples, as the channels of one.
	many := normal("x", 1, 2, 4, 3, 5, 7)
	x := tape.Input(many.Value())
	flipped := tensor.New(1, 3, 4, 35)
	for n := range 4 {
		for c := range 3 {
			copy(flipped.Data()[(c*4+n)*35:], many.Data()[(n*3+c)*35:(n*3+c+1)*35])
		}
	}
	y, z := NewBatchNorm(3).Forward(x), NewGroupNorm(3, 3).Forward(tape.Input(flipped))
	for n := range 4 {
		for c := range 3 {
			for i := range 35 {
				near(t, "batch", z.Data()[(c*4+n)*35+i], float64(y.Data()[(n*3+c)*35+i]), 2e-6)
			}
		}
	}
	same("layer", NewLayerNorm(3).Forward(x), NewGroupNorm(3, 1).Forward(x))
	// A window around the centre of 5 x 5 that covers everything.
	square := tape.Input(normal("x", 1, 2, 2, 3, 5, 5).Value())
	all := NewNorm(3, Scheme{Sigma: 0.5})
	window := NewNorm(3, Scheme{Sigma: 0.5, B: Field{Window: 5}})
	a, b := all.Forward(square), window.Forward(square)
	for plane := range 6 {
		near(t, "centre", b.Data()[plane*25+12], float64(a.Data()[plane*25+12]), 2e-6)
	}
	// A sample does not depend on its batch.
	dn := NewDivisiveNorm(3, 5, 1)
	alone := tape.Input(many.Value().Slice(2, 3))
	if whole := dn.Forward(x); !slices.Equal(dn.Forward(alone).Data(), whole.Value().Slice(2, 3).Data()) {
		t.Error("divisive normalisation of a sample depends on its batch")
	}
}

func TestNormForAnyWorkers(t *testing.T) {
	for _, s := range append(Schemes(5), fields("DN+", Field{Window: 3}, Field{Window: 4}, 1, true)) {
		s.Sigma = 1
		var want []float32
		for _, workers := range []int{1, 2, 5} {
			x, n := normal("x", 1, 1, 16, 8, 20, 20), NewNorm(8, s)
			tape := autograd.NewTape(workers)
			tape.SetTraining(true)
			y := n.Forward(x1(tape, x))
			tape.Backward(autograd.Add(autograd.Sum(autograd.Square(autograd.Sigmoid(y))), CentredL1(y, 3)))
			got := slices.Clone(x.Grad().Data())
			if n.Scale != nil {
				got = slices.Concat(got, n.Scale.Grad().Data(), n.Shift.Grad().Data())
			}
			if want == nil {
				want = got
			} else if !slices.Equal(got, want) {
				t.Errorf("%s: %d workers give other bits than 1", s.Name, workers)
			}
		}
	}
}

func TestNormAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	for _, s := range Schemes(5) {
		x, n := normal("x", 1, 1, 16, 8, 20, 20), NewNorm(8, s)
		tape := autograd.NewTape(2)
		tape.SetTraining(true)
		step := func() {
			tape.Reset()
			y := n.Forward(tape.Leaf(x.Value()))
			tape.Backward(autograd.Add(autograd.Sum(y), CentredL1(y, 1)))
		}
		step()
		if allocations := testing.AllocsPerRun(10, step); allocations != 0 {
			t.Errorf("%s: %v allocations a step", s.Name, allocations)
		}
	}
}

// A constant field has no quotient for sigma = 0, and the tape says where. With sigma > 0 the result is 0.
func TestNormOfConstants(t *testing.T) {
	x := tensor.New(2, 3, 4, 4)
	x.Fill(7)
	for sigma, bad := range map[float64]bool{0: true, 0.5: false} {
		tape := autograd.NewTape(1)
		y := NewNorm(3, Scheme{Sigma: sigma}).Forward(tape.Leaf(x))
		tape.Backward(autograd.Sum(y))
		if where, found := tape.FirstNonFinite(); found != bad || found && !strings.Contains(where, "Norm") {
			t.Errorf("sigma %v: not finite: %t %s", sigma, found, where)
		}
	}
}

func TestNormOfNothing(t *testing.T) {
	for _, shape := range [][]int{{0, 4}, {0, 4, 3, 3}} {
		n := NewNorm(4, fields("", Field{Window: 3}, Field{}, 1, true))
		tape := autograd.NewTape(1)
		x := tape.Leaf(tensor.New(shape...))
		tape.Backward(autograd.Sum(n.Forward(x)))
		if x.Grad() == nil || slices.ContainsFunc(n.Scale.Grad().Data(), func(g float32) bool { return g != 0 }) {
			t.Errorf("%v: gradients %v and %v", shape, x.Grad(), n.Scale.Grad())
		}
	}
}

func TestNormPanics(t *testing.T) {
	tape := autograd.NewTape(1)
	tape.SetTraining(true)
	input := func(shape ...int) *autograd.Var { return tape.Input(tensor.New(shape...)) }
	batch := Field{Batch: true}
	for want, f := range map[string]func(){
		"window of field B has side 5, larger than the 4 x 6 positions": func() {
			NewDivisiveNorm(3, 5, 1).Forward(input(2, 3, 4, 6))
		},
		"window of field A has side 30, larger than the 1 x 20 positions": func() {
			NewDivisiveNorm(30, 3, 1).Forward(input(2, 20))
		},
		"both of the batch, or both of the sample": func() { NewNorm(3, Scheme{A: batch}) },
		"want Batch alone":                         func() { NewNorm(3, Scheme{A: Field{Batch: true, Window: 3}, B: batch}) },
		"want a finite sigma >= 0":                 func() { NewDivisiveNorm(3, 3, -1) },
		"5 channels in 2 groups":                   func() { NewGroupNorm(5, 2) },
		"nn: Norm: want x [N, 4, ...], got [2 6]":  func() { NewLayerNorm(4).Forward(input(2, 6)) },
		"channels in 4 groups, got [2 6 3]":        func() { NewGroupNorm(8, 4).Forward(input(2, 6, 3)) },
		"x [1 3] has one number per channel":       func() { NewBatchNorm(3).Forward(input(1, 3)) },
		"want the result of Norm.Forward":          func() { CentredL1(autograd.ReLU(input(1, 3)), 1) },
		"want fields of the sample and one number": func() { NewBatchNorm(3).ForwardWith(input(2, 3), input(1)) },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
					t.Errorf("panic %q, want %q", got, want)
				}
			}()
			f()
		}()
	}
}

func ExampleNewDivisiveNorm() {
	// Two samples whose activities differ by a factor of 100 become almost equal.
	n := NewDivisiveNorm(4, 4, 0.1)
	x := tensor.From([]float32{1, 2, 3, 2, 100, 200, 300, 200}, 2, 4)
	y := n.Forward(autograd.NewTape(1).Input(x))
	fmt.Printf("%.2f\n%.2f\n", y.Value().Row(0), y.Value().Row(1))
	// Output:
	// [-0.73 0.00 1.70 1.02]
	// [-0.74 0.00 1.71 1.03]
}

// Without sigma, constant activations are an error that names the place, before anything becomes NaN; with sigma, or
// with activations that vary, there is none.
func TestConstantActivations(t *testing.T) {
	varied, flat := normal("x", 0, 1, 2, 3, 8, 8).Value(), tensor.New(2, 3, 8, 8)
	flat.Fill(0.3)
	half := varied.Clone()
	for c := range 3 {
		for i := range 64 {
			half.Row(1)[c*64+i] = 0.3 // the second sample
		}
	}
	batch := Field{Batch: true}
	for _, c := range []struct {
		scheme Scheme
		x      *tensor.Tensor
		want   string
	}{
		{Scheme{"DN", Field{Window: 3}, Field{Window: 3}, 0, false}, half, "sample 1, group 0, row 2, column 2"},
		{Scheme{"LN", Field{}, Field{}, 0, true}, half, "sample 1, group 0, row 0, column 0"},
		{Scheme{"BN", batch, batch, 0, true}, flat, "channel 0 of the batch"},
		{Scheme{"BN", batch, batch, 0, true}, half, ""},
		{Scheme{"DN", Field{Window: 3}, Field{Window: 3}, 0, false}, varied, ""},
		{Scheme{"DN", Field{Window: 3}, Field{Window: 3}, 0.1, false}, flat, ""},
	} {
		n := NewNorm(3, c.scheme)
		err := n.CheckInput(c.x)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.scheme.Name, err, c.want)
		}
		if n.Mean != nil && (n.Mean.At(0) != 0 || n.Variance.At(0) != 1) {
			t.Errorf("the running averages became %v and %v", n.Mean, n.Variance)
		}
	}
}
