// SPDX-License-Identifier: Apache-2.0

package hebbian_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	. "github.com/lateral-ml/lateral/lib/hebbian"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// Computed by hand: W v = (3, -1), n = 2, so h = (9, 0); S h = 0.9 and -0.9.
func TestNetByHand(t *testing.T) {
	net := NewNet(tensor.From([]float32{1, 1, 1, -1}, 2, 2), 2, 2, 0.1, tensor.Stream(1, "out"))
	copy(net.Out.Data(), []float32{0.1, 5, -0.1, 5})
	v := autograd.NewTape(1).Input(tensor.From([]float32{1, 2}, 1, 2))
	c := net.Forward(v).Data()
	near(t, "first output", float64(c[0]), math.Tanh(0.9), 1e-6)
	near(t, "second output", float64(c[1]), -math.Tanh(0.9), 1e-6)
	net.Gain = 2
	near(t, "output with gain", float64(net.Forward(v).Data()[0]), math.Tanh(1.8), 1e-6)
	net.Relative = true
	near(t, "relative feature", float64(net.Features(v).Data()[0]), 2, 1e-6)
}

func TestNetGradients(t *testing.T) {
	for _, power := range []float64{1, 4.5} {
		for _, relative := range []bool{false, true} {
			net := NewNet(normal("w", 7, 5), 3, power, 0.05, tensor.Stream(1, "out"))
			x := uniform("x", 4, 5)
			net.FitGain(x)
			net.Relative = relative
			err := gradcheck.Check(gradcheck.Config{Step: 0.003}, func(t *autograd.Tape) *autograd.Var {
				return loss.Power(net.Forward(t.Input(x)), []int{0, 1, 2, 1}, 6)
			}, net.Hidden, net.Out)
			if err != nil {
				t.Errorf("power %v, relative %v: %v", power, relative, err)
			}
		}
	}
}

func TestFitGain(t *testing.T) {
	set := examples(700)
	net := NewNet(normal("w", 9, 30), 2, 4.5, 0.1, tensor.Stream(1, "out"))
	net.FitGain(set.X)
	h := net.Features(autograd.NewTape(1).Input(set.X)).Data()
	var squares float64
	for _, x := range h {
		squares += float64(x) * float64(x)
	}
	near(t, "mean square", squares/float64(len(h)), 1, 1e-4)
}

// The brightness of the images affects neither relative features nor features with a fitted gain. Here weights of 0.02
// and 0.01 are applied to one pixel, and the features have the ratio 2^10 to 1.
func TestFeaturesOfFaintImages(t *testing.T) {
	for _, ink := range []float32{1e25, 1, 1. / 255, 1e-4, 1e-20, 1e-25} {
		net := NewNet(tensor.From([]float32{0.02, 0.01}, 2, 1), 2, 10, 0.1, tensor.Stream(1, "out"))
		x := tensor.From([]float32{ink}, 1, 1)
		net.FitGain(x)
		for _, relative := range []bool{true, false} {
			net.Relative = relative
			h := net.Features(autograd.NewTape(1).Input(x)).Data()
			scale := 2 / 1025. // mean 1, or mean square 1
			if !relative {
				scale = math.Sqrt(2. / (1 + 1<<20))
			}
			what := fmt.Sprintf("ink %v, relative %v: first feature", ink, relative)
			near(t, what, float64(h[0])/(1024*scale), 1, 1e-4)
			near(t, fmt.Sprintf("ink %v, relative %v: second feature", ink, relative), float64(h[1])/scale, 1, 1e-4)
		}
	}
}

// Features computed once equal features computed for each batch.
func TestEncode(t *testing.T) {
	set := examples(1100)
	set.Target, set.Weight = normal("target", 1100, 2), normal("weight", 1100).Data()
	net := NewNet(normal("w", 9, 30), 2, 4.5, 0.1, tensor.Stream(1, "out"))
	net.Relative = true
	kept, lazy := net.Encode(set, 1<<20), net.Encode(set, 100)
	var first, second dataset.Batch
	idx := []int{1099, 3, 500, 3}
	kept.Gather(&first, idx)
	lazy.Gather(&second, idx)
	a, b, y, z := &first.X, &second.X, first.Y, second.Y
	if fmt.Sprintf("%T", kept) == fmt.Sprintf("%T", lazy) {
		t.Error("the memory allowed does not matter")
	}
	same := slices.Equal(y, z) && slices.Equal(a.Shape(), b.Shape()) && slices.Equal(a.Data(), b.Data()) &&
		slices.Equal(first.Target.Data(), second.Target.Data()) && first.Target.Len() == 8 &&
		slices.Equal(first.Weight.Data(), second.Weight.Data()) && first.Weight.Len() == 4
	if kept.Len() != 1100 || lazy.Len() != 1100 || !same {
		t.Errorf("labels %v and %v, features of shape %v and %v", y, z, a.Shape(), b.Shape())
	}
	if dataset.Fingerprint(kept) != dataset.Fingerprint(lazy) {
		t.Error("they have different fingerprints")
	}
	if want := net.Features(autograd.NewTape(1).Input(set.X.Slice(3, 4))).Data(); !slices.Equal(a.Row(1), want) {
		t.Errorf("features %v, want %v", a.Row(1), want)
	}
}

func TestUnitLength(t *testing.T) {
	set := examples(5)
	clear(set.X.Row(2))
	before := set.X.Clone()
	unit := UnitLength(set)
	for i := range 5 {
		want := 1.0
		if i == 2 {
			want = 0
		}
		near(t, fmt.Sprintf("length of image %d", i), Rule{P: 2}.PNorms(unit.X.Reshape(5, 30))[i], want, 1e-6)
	}
	if !slices.Equal(set.X.Data(), before.Data()) {
		t.Error("the set itself was changed")
	}
	for _, ink := range []float32{1e-44, 1e-30, 1e-15, 1e15, 1e38} {
		for j := range set.X.Row(0) {
			set.X.Row(0)[j] = ink
		}
		length := Rule{P: 2}.PNorms(UnitLength(set).X.Reshape(5, 30))[0]
		near(t, fmt.Sprintf("length of an image of ink %v", ink), length, 1, 1e-6)
	}
	if unit.Sum == set.Sum {
		t.Error("other data have the same sum")
	}
}

// The second phase changes only the output weights and learns to separate the classes.
func TestSecondPhase(t *testing.T) {
	set := examples(200)
	for i := range set.Len() { // class 1 has larger values in the first half
		for j := range 15 {
			set.X.Row(i)[j] += 0.8 * float32(set.Y[i])
		}
	}
	net := NewNet(normal("w", 30, 30), 2, 2, 0.001, tensor.Stream(1, "out"))
	net.Relative = true
	hidden := net.Hidden.Value().Clone()
	if got := nn.Params(net.OutputLayer()); len(got) != 1 || got[0] != net.Out {
		t.Fatalf("the output layer has parameters %v", got)
	}
	history, err := train.Run(context.Background(), train.Config{
		Learner: &train.GradientDescent{
			Model: net.OutputLayer(), Workers: 1,
			Loss: func(b *train.Batch) *autograd.Var {
				c := net.ReadOut(b.X)
				b.Error(c)
				return loss.Power(c, b.Y, 6)
			},
		},
		Train: net.Encode(set, 1<<20), Epochs: 30, BatchSize: 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	if e := history.Epochs[29].Train["error"]; !(e < 0.05) {
		t.Errorf("error %v after training", e)
	}
	if !slices.Equal(net.Hidden.Data(), hidden.Data()) {
		t.Error("the hidden weights changed")
	}
}

func ExampleNet() {
	net := NewNet(tensor.From([]float32{1, 0, 0, 1}, 2, 2), 2, 3, 0.01, tensor.Stream(1, "out"))
	v := autograd.NewTape(1).Input(tensor.From([]float32{2, -1}, 1, 2))
	fmt.Println(net.Features(v).Data())
	// Output: [8 0]
}
