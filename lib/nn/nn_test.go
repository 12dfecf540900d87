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
	. "github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Net has a layer, a sequence, a stream, a buffer, and a parameter shared by two fields.
type Net struct {
	Hidden *Dense
	Stack  Sequential
	Tied   *Dense
	Mean   *tensor.Tensor
	note   string
}

func newNet() *Net {
	rng := tensor.Stream(1, "weights")
	n := &Net{Hidden: NewDense(4, 3, nil, rng), Mean: tensor.New(2), note: "not state"}
	n.Stack = Sequential{NewDropout(0.5, tensor.Stream(1, "dropout")), NewDense(3, 2, Xavier, rng), Func(autograd.ReLU)}
	n.Tied = &Dense{Weight: n.Hidden.Weight}
	return n
}

func TestStateOfNamesEverything(t *testing.T) {
	s := StateOf(newNet())
	var names []string
	for _, p := range s.Params {
		names = append(names, fmt.Sprint(p.Name, p.Shape()))
	}
	for _, b := range s.Buffers {
		names = append(names, b.Name)
	}
	for _, r := range s.Streams {
		names = append(names, r.Name)
	}
	want := []string{
		"hidden.weight[3 4]", "hidden.bias[3]", "stack.1.weight[2 3]", "stack.1.bias[2]", "mean", "stack.0.rng",
	}
	if !slices.Equal(names, want) {
		t.Errorf("state %q, want %q", names, want)
	}
}

func TestStateOfRefusesWhatItCannotRestore(t *testing.T) {
	type hidden struct{ layer *Dense }
	type inSlice struct{ layers []*Dense }
	for want, model := range map[string]any{
		"field layer of nn_test.hidden holds parameters but is not exported":   &hidden{layer: nil},
		"field layers of nn_test.inSlice holds parameters but is not exported": &inSlice{layers: nil},
		"no parameters in struct {}":                                           struct{}{},
	} {
		func() {
			defer func() {
				if msg := fmt.Sprint(recover()); !strings.Contains(msg, want) {
					t.Errorf("panic %q, want %q", msg, want)
				}
			}()
			StateOf(model)
		}()
	}
}

// StateOf ignores unexported fields that hold neither parameters nor layers.
func TestStateOfPassesOverOtherFields(t *testing.T) {
	type options struct{ Rate float32 }
	type model struct {
		Out     *Dense
		options options
		cache   *tensor.Tensor
	}
	m := model{Out: NewDense(2, 1, nil, tensor.Stream(1, "weights")), options: options{0.1}, cache: tensor.New(3)}
	if s := StateOf(&m); len(s.Params) != 2 || len(s.Buffers) != 0 {
		t.Errorf("%d parameters and %d buffers, want 2 and 0", len(s.Params), len(s.Buffers))
	}
}

func TestInitialisers(t *testing.T) {
	const in, out = 300, 200
	for name, c := range map[string]struct {
		init  Init
		std   float64 // standard deviation of the weights
		bound float64 // bound of the weights; 0 for none
	}{
		"Uniform":      {Uniform, 1 / math.Sqrt(3*in), 1 / math.Sqrt(in)},
		"Xavier":       {Xavier, math.Sqrt(2.0 / (in + out)), math.Sqrt(6.0 / (in + out))},
		"He":           {He, math.Sqrt(2.0 / in), 0},
		"Normal":       {Normal(0.3), 0.3, 0},
		"UniformRange": {UniformRange(0.005), 0.005 / math.Sqrt(3), 0.005},
	} {
		d := NewDense(in, out, c.init, tensor.Stream(1, name))
		var sum, squares, largest float64
		for _, w := range d.Weight.Data() {
			sum += float64(w)
			squares += float64(w) * float64(w)
			largest = max(largest, math.Abs(float64(w)))
		}
		n := float64(in * out)
		// Within five standard errors of a mean and of a standard deviation.
		if mean := sum / n; math.Abs(mean) > 5*c.std/math.Sqrt(n) {
			t.Errorf("%s: mean %g", name, mean)
		}
		if std := math.Sqrt(squares / n); math.Abs(std-c.std) > 5*c.std/math.Sqrt(2*n) {
			t.Errorf("%s: standard deviation %g, want %g", name, std, c.std)
		}
		if c.bound > 0 && (largest > c.bound*(1+1e-6) || largest < 0.99*c.bound) {
			t.Errorf("%s: largest weight %g, want just below %g", name, largest, c.bound)
		}
		biases := slices.ContainsFunc(d.Bias.Data(), func(b float32) bool { return b != 0 })
		if biases != (name == "Uniform") {
			t.Errorf("%s: sets biases: %v", name, biases)
		}
	}
}

func TestDropout(t *testing.T) {
	const p, n = 0.3, 100_003
	d := NewDropout(p, tensor.Stream(1, "dropout"))
	x := tensor.New(1, n)
	x.Fill(2)
	tape := autograd.NewTape(1)
	if y := d.Forward(tape.Input(x)); !slices.Equal(y.Data(), x.Data()) {
		t.Error("dropout is active outside training")
	}
	tape.SetTraining(true)
	silent := 0
	for _, v := range d.Forward(tape.Input(x)).Data() {
		switch v {
		case 0:
			silent++
		case 2 * float32(1/(1-float32(p))):
		default:
			t.Fatalf("dropout made %v of 2", v)
		}
	}
	if share := float64(silent) / n; math.Abs(share-p) > 5*math.Sqrt(p*(1-p)/n) {
		t.Errorf("%g of the elements are silent, want about %g", share, p)
	}
	d.Scale = 1
	for _, v := range d.Forward(tape.Input(x)).Data() {
		if v != 0 && v != 2 {
			t.Fatalf("dropout at scale 1 made %v of 2", v)
		}
	}
}

// An element is dropped if the next 16 bits of the stream, lowest bits of each number first, are less than P·2^16. If a
// layer is used twice in a step, each use keeps its own mask for the gradient.
func TestDropoutByItsStream(t *testing.T) {
	const n = 400_001 // enough for each of the 2^16 values to occur
	d := &Dropout{P: 0.4, Scale: 3, RNG: tensor.Stream(7, "dropout")}
	tape := autograd.NewTape(2)
	tape.SetTraining(true)
	x := tensor.New(1, n)
	tensor.Stream(8, "x").Uniform(x.Data(), 1, 2)
	first, second := tape.Leaf(x), tape.Leaf(x)
	y := []*autograd.Var{d.Forward(first), d.Forward(second)}
	tape.Backward(autograd.Sum(autograd.Add(y[0], y[1])))
	rng := tensor.Stream(7, "dropout")
	for use, in := range []*autograd.Var{first, second} {
		var bits uint64
		for i, v := range x.Data() {
			if i%4 == 0 {
				bits = rng.Uint64()
			}
			var factor float32
			if bits%(1<<16) >= 26214 { // 0.4 of 2^16, rounded
				factor = 3
			}
			bits >>= 16
			if y[use].Data()[i] != factor*v || in.Grad().Data()[i] != factor {
				t.Fatalf("use %d: element %d: %v became %v with gradient %v, want a factor of %v",
					use, i, v, y[use].Data()[i], in.Grad().Data()[i], factor)
			}
		}
	}
}

func TestLayersRefuseParameters(t *testing.T) {
	p := autograd.NewParam(tensor.New(2, 3))
	for want, f := range map[string]func(){
		"nn: Dropout: the input is a parameter":                func() { NewDropout(0.5, nil).Forward(p) },
		"nn: BatchNorm: the input is a parameter":              func() { NewBatchNorm(3).Forward(p) },
		"nn: NewDropout: probability 1, want one in [0, 1)":    func() { NewDropout(1, nil) },
		"nn: NewDropout: probability -0.1, want one in [0, 1)": func() { NewDropout(-0.1, nil) },
	} {
		func() {
			defer func() {
				if msg := fmt.Sprint(recover()); !strings.Contains(msg, want) {
					t.Errorf("panic %q, want %q", msg, want)
				}
			}()
			f()
		}()
	}
}

func TestDropoutGradient(t *testing.T) {
	x := autograd.NewParam(tensor.New(4, 9))
	tensor.Stream(2, "x").Normal(x.Data(), 0, 1)
	err := gradcheck.Check(gradcheck.Config{}, func(t *autograd.Tape) *autograd.Var {
		d := NewDropout(0.4, tensor.Stream(1, "dropout")) // a new stream, so that the mask is the same each time
		return autograd.Square(d.Forward(autograd.Scale(autograd.Add(x, t.Input(tensor.New(4, 9))), 1)))
	}, x)
	if err != nil {
		t.Error(err)
	}
}

func TestMaxNorm(t *testing.T) {
	w := autograd.NewParam(tensor.From([]float32{3, 4, 0.3, 0.4, 6, 8, 0.9, 1.2}, 4, 2))
	MaxNorm(w, 2)
	for i, want := range []float32{1.2, 1.6, 0.3, 0.4, 1.2, 1.6, 0.9, 1.2} {
		if got := w.Data()[i]; math.Abs(float64(got-want)) > 1e-6 {
			t.Errorf("w[%d] = %v, want %v", i, got, want)
		}
	}
}

// Names, shapes and counts of the networks that the course trains most often.
func TestParameterLayout(t *testing.T) {
	rng := tensor.Stream(1, "weights")
	model := Sequential{NewDense(784, 128, nil, rng), Func(autograd.ReLU), NewDense(128, 10, nil, rng)}
	total := 0
	var names []string
	for _, p := range Params(model) {
		names = append(names, fmt.Sprintf("%s %v", p.Name, p.Shape()))
		total += p.Value().Len()
	}
	want := []string{"0.weight [128 784]", "0.bias [128]", "2.weight [10 128]", "2.bias [10]"}
	if !slices.Equal(names, want) {
		t.Errorf("parameters %q, want %q", names, want)
	}
	if want := 784*128 + 128 + 128*10 + 10; total != want {
		t.Errorf("%d parameters, want %d", total, want)
	}
}

func ExampleSequential() {
	rng := tensor.Stream(1, "weights")
	model := Sequential{NewDense(784, 128, He, rng), Func(autograd.ReLU), NewDense(128, 10, He, rng)}
	logits := model.Forward(autograd.NewTape(0).Input(tensor.New(100, 1, 28, 28)))
	fmt.Println(logits.Shape())
	for _, p := range Params(model) {
		fmt.Println(p.Name, p.Shape())
	}
	// Output:
	// [100 10]
	// 0.weight [128 784]
	// 0.bias [128]
	// 2.weight [10 128]
	// 2.bias [10]
}
