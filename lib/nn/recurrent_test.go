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
	"github.com/lateral-ml/lateral/lib/internal/simd"
	. "github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// One unit, worked out by hand. The net inputs are ln 3, -ln 3, 0 and ln 2, so that the gates are 3/4, 1/4 and 1/2 and
// the candidate is tanh(ln 2) = (2 - 1/2)/(2 + 1/2) = 3/5. From c = 2 follows c' = 1/4·2 + 3/4·3/5 = 0.95, and h =
// 1/2·tanh(0.95) = 0.369892.
func TestLSTMByHand(t *testing.T) {
	l := NewLSTM(1, 1, nil, tensor.Stream(1, ""))
	ln2, ln3 := float32(math.Ln2), float32(math.Log(3))
	// With x = 2 and h = -1, a = 2 W + b - U.
	copy(l.Input.Weight.Data(), []float32{ln3, 0, 1, ln2})
	copy(l.Input.Bias.Data(), []float32{0, -ln3, 0, 0})
	copy(l.Recurrent.Data(), []float32{ln3, 0, 2, ln2})
	s := []*tensor.Tensor{tensor.From([]float32{-1}, 1, 1), tensor.From([]float32{2}, 1, 1)}
	y, penalty := l.Forward(autograd.NewTape(1).Input(tensor.From([]float32{2}, 1, 1)), s)
	near(t, "h", y.Data()[0], 0.369892, 1e-6)
	near(t, "h stored", s[0].Data()[0], 0.369892, 1e-6)
	near(t, "c stored", s[1].Data()[0], 0.95, 1e-6)
	if penalty != nil {
		t.Error("a penalty without a weight")
	}
}

// A reference in float64 that follows the equations step by step.
func TestRecurrentAgainstEquations(t *testing.T) {
	const n, steps, in, units = 3, 4, 2, 5
	rng := tensor.Stream(1, "weights")
	lstm, rnn := NewLSTM(in, units, nil, rng), NewRNN(in, units, nil, nil, rng)
	relu := NewRNN(in, units, autograd.ReLU, nil, rng)
	x := normal("x", 0, 1, steps*n, in)
	net := func(d *Dense, u *autograd.Var, at, unit int, h []float64) float64 {
		a := float64(d.Bias.Data()[unit])
		for i, v := range x.Value().Row(at) {
			a += float64(d.Weight.Value().At(unit, i)) * float64(v)
		}
		for k, v := range h {
			a += float64(u.Value().At(unit, k)) * v
		}
		return a
	}
	s := func(a float64) float64 { return 1 / (1 + math.Exp(-a)) }
	check := func(name string, layer Recurrent, step func(at int, h, c, h2, c2 []float64)) {
		state := layer.NewState(n)
		for _, v := range state {
			tensor.Stream(2, "state").Uniform(v.Data(), -0.5, 0.5)
		}
		first := state[0].Clone()
		cells := first
		if len(state) > 1 {
			cells = state[1].Clone()
		}
		y, _ := layer.Forward(autograd.NewTape(2).Input(x.Value()), state)
		for sequence := range n {
			h, c := make([]float64, units), make([]float64, units)
			for k := range units {
				h[k], c[k] = float64(first.At(sequence, k)), float64(cells.At(sequence, k))
			}
			for step0 := range steps {
				h2, c2 := make([]float64, units), make([]float64, units)
				step(step0*n+sequence, h, c, h2, c2)
				h, c = h2, c2
				for k := range units {
					near(t, fmt.Sprintf("%s: step %d of sequence %d", name, step0, sequence),
						y.Value().At(step0*n+sequence, k), h[k], 1e-5)
				}
			}
			near(t, name+": stored", state[0].At(sequence, units-1), h[units-1], 1e-5)
		}
	}
	check("LSTM", lstm, func(at int, h, c, h2, c2 []float64) {
		for k := range units {
			a := func(gate int) float64 { return net(lstm.Input, lstm.Recurrent, at, gate*units+k, h) }
			c2[k] = s(a(1))*c[k] + s(a(0))*math.Tanh(a(3))
			h2[k] = s(a(2)) * math.Tanh(c2[k])
		}
	})
	check("tanh", rnn, func(at int, h, _, h2, _ []float64) {
		for k := range units {
			h2[k] = math.Tanh(net(rnn.Input, rnn.Recurrent, at, k, h))
		}
	})
	check("ReLU", relu, func(at int, h, _, h2, _ []float64) {
		for k := range units {
			h2[k] = max(0, net(relu.Input, relu.Recurrent, at, k, h))
		}
	})
}

// recurrents returns a layer of each kind, with and without normalisation.
func recurrents(in, units int) map[string]Recurrent {
	rng := tensor.Stream(1, "weights")
	lstm := func(n Norms, store bool) Recurrent {
		l := NewLSTM(in, units, UniformRange(0.7), rng)
		l.Norms, l.StoreNormalized = n, store
		return l
	}
	rnn := func(f func(*autograd.Var) *autograd.Var, n Norms) Recurrent {
		r := NewRNN(in, units, f, UniformRange(0.7), rng)
		r.Norms = n
		return r
	}
	gates := func(window int) *Norm {
		f := Field{Groups: 4, Window: window}
		return NewNorm(4*units, Scheme{A: f, B: f, Sigma: 1})
	}
	batch := func(n int) *Norm {
		return NewNorm(n, Scheme{A: Field{Batch: true}, B: Field{Batch: true}, Sigma: 0.5, Affine: true})
	}
	return map[string]Recurrent{
		"LSTM":      lstm(Norms{}, false),
		"LSTM, DN*": lstm(Norms{OfSum: gates(4), OfCell: NewDivisiveNorm(4, 4, 1), L1: 0.1}, false),
		"LSTM, LN": lstm(Norms{
			OfInput: NewLayerNorm(4 * units), OfRecurrent: NewLayerNorm(4 * units), OfCell: NewLayerNorm(units),
		}, true),
		"LSTM, BN":  lstm(Norms{OfInput: batch(4 * units), OfRecurrent: batch(4 * units)}, false),
		"tanh":      rnn(nil, Norms{}),
		"ReLU, DN*": rnn(autograd.ReLU, Norms{OfSum: NewDivisiveNorm(3, 3, 1), L1: 0.1}),
	}
}

func TestRecurrentGradients(t *testing.T) {
	const n, steps, in, units = 3, 3, 2, 6
	for name, layer := range recurrents(in, units) {
		x, first := normal("x", 0, 1, steps*n, in), layer.NewState(n)
		for _, v := range first {
			tensor.Stream(2, "state").Uniform(v.Data(), -0.5, 0.5)
		}
		state := layer.NewState(n)
		f := func(t *autograd.Tape) *autograd.Var {
			for i, v := range state {
				v.CopyFrom(first[i])
			}
			y, penalty := layer.Forward(x1(t, x), state)
			result := autograd.Mean(autograd.Square(y))
			if penalty != nil {
				result = autograd.Add(result, penalty)
			}
			return result
		}
		vars := append(Params(layer), x)
		if err := gradcheck.Check(gradcheck.Config{Tolerance: 0.01, Step: 0.005, Samples: 20}, f, vars...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Two parts of a sequence give the same as the whole, because the state continues.
func TestRecurrentContinues(t *testing.T) {
	for name, layer := range recurrents(2, 6) {
		if name == "LSTM, BN" {
			continue // depends on the running averages alone here, but these are not the point
		}
		x := normal("x", 0, 1, 8*3, 2)
		tape := autograd.NewTape(1)
		whole, parts := layer.NewState(3), layer.NewState(3)
		y, _ := layer.Forward(tape.Input(x.Value()), whole)
		want := slices.Clone(y.Data())
		a, _ := layer.Forward(tape.Input(x.Value().Slice(0, 9)), parts)
		got := slices.Clone(a.Data())
		b, _ := layer.Forward(tape.Input(x.Value().Slice(9, 24)), parts)
		got = append(got, b.Data()...)
		for i, v := range want {
			near(t, name, got[i], float64(v), 1e-6)
		}
		for i := range whole {
			for k, v := range whole[i].Data() {
				near(t, name+": state", parts[i].Data()[k], float64(v), 1e-6)
			}
		}
	}
}

func TestRecurrentForAnyWorkersWithoutAllocation(t *testing.T) {
	for name, layer := range recurrents(10, 24) {
		x := normal("x", 0, 1, 5*16, 10)
		var want []float32
		for _, workers := range []int{1, 2, 5} {
			state := layer.NewState(16)
			tape := autograd.NewTape(workers)
			tape.SetTraining(true)
			params := Params(layer)
			step := func() {
				tape.Reset()
				for _, p := range params {
					p.ZeroGrad()
				}
				y, penalty := layer.Forward(tape.Input(x.Value()), state)
				cost := autograd.Mean(autograd.Square(y))
				if penalty != nil {
					cost = autograd.Add(cost, penalty)
				}
				tape.Backward(cost)
			}
			step()
			got := slices.Clone(state[0].Data())
			for _, p := range params {
				got = append(got, p.Grad().Data()...)
			}
			if want == nil {
				want = got
			} else if !slices.Equal(got, want) {
				t.Errorf("%s: %d workers give other bits than 1", name, workers)
			}
			if race.Enabled {
				continue
			}
			if n := testing.AllocsPerRun(5, step); n != 0 {
				t.Errorf("%s: %v allocations a step", name, n)
			}
		}
	}
}

// Without input, all that differs between precisions is the product with the previous activations.
func TestRecurrentFollowsPrecision(t *testing.T) {
	const units = 24
	rng := tensor.Stream(1, "weights")
	layers := map[string]Recurrent{"LSTM": NewLSTM(10, units, nil, rng), "tanh": NewRNN(10, units, nil, nil, rng)}
	for name, layer := range layers {
		step := func(precision simd.Precision, workers int) (values []float32) {
			defer simd.SetMatmul(simd.SetMatmul(precision))
			state := layer.NewState(16)
			tensor.Stream(2, "state").Uniform(state[0].Data(), -0.5, 0.5)
			for _, p := range Params(layer) {
				p.ZeroGrad()
			}
			tape := autograd.NewTape(workers)
			y, _ := layer.Forward(tape.Input(tensor.New(5*16, 10)), state)
			tape.Backward(autograd.Mean(autograd.Square(y)))
			for _, p := range Params(layer) {
				values = append(values, p.Grad().Data()...)
			}
			return append(values, state[0].Data()...)
		}
		want := step(simd.Float32, 1)
		for precision, most := range map[simd.Precision]float64{simd.BF16: 0.02, simd.BF16x3: 2e-5} {
			got, sum, difference := step(precision, 1), 0.0, 0.0
			for i, v := range got {
				sum += float64(want[i]) * float64(want[i])
				difference += float64(v-want[i]) * float64(v-want[i])
			}
			if e := math.Sqrt(difference / sum); e == 0 || e > most {
				t.Errorf("%s, %s: relative error %.2g: want more than 0 and at most %g", name, precision, e, most)
			}
			if !slices.Equal(step(precision, 3), got) {
				t.Errorf("%s, %s: 3 workers give other bits than 1", name, precision)
			}
		}
	}
}

func TestEmbedding(t *testing.T) {
	e := NewEmbedding(5, 3, nil, tensor.Stream(1, "words"))
	tokens := []int{4, 0, 4}
	f := func(t *autograd.Tape) *autograd.Var { return autograd.Tanh(e.Forward(t, tokens)) }
	if err := gradcheck.Check(gradcheck.Config{}, f, e.Weight); err != nil {
		t.Error(err)
	}
	for _, w := range e.Weight.Data() {
		if !(max(w, -w) <= 0.1) {
			t.Errorf("weight %v, want it within 0.1", w)
		}
	}
}

func TestRecurrentState(t *testing.T) {
	l := recurrents(2, 6)["LSTM, LN"]
	var names []string
	for _, p := range StateOf(l).Params {
		names = append(names, p.Name)
	}
	want := "input.weight input.bias recurrent norms.ofInput.scale norms.ofInput.shift norms.ofRecurrent.scale " +
		"norms.ofRecurrent.shift norms.ofCell.scale norms.ofCell.shift"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("parameters %s, want %s", got, want)
	}
	defer func() {
		if got := fmt.Sprint(recover()); !strings.HasPrefix(got, "nn: LSTM: x of shape [7 2] with a state of") {
			t.Errorf("panic %q", got)
		}
	}()
	l.Forward(autograd.NewTape(1).Input(tensor.New(7, 2)), l.NewState(3))
}

func ExampleLSTM() {
	rng := tensor.Stream(1, "weights")
	words, layer := NewEmbedding(1000, 8, nil, rng), NewLSTM(8, 16, nil, rng)
	state := layer.NewState(2) // of two sequences
	tape := autograd.NewTape(1)
	x := words.Forward(tape, []int{3, 14, 15, 92, 65, 35}) // 3 steps, in each a word of both
	y, _ := layer.Forward(x, state)
	fmt.Println(y.Shape(), slices.Equal(y.Data()[4*16:], state[0].Data()))
	// Output:
	// [6 16] true
}
