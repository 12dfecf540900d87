// SPDX-License-Identifier: Apache-2.0

package nn_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	"github.com/lateral-ml/lateral/lib/loss"
	. "github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// maskOf returns a mask that keeps about the fraction share of the weights.
func maskOf(seed uint64, w *autograd.Var, share float64) *tensor.Tensor {
	rng := rand.New(rand.NewPCG(seed, 1))
	mask := tensor.New(w.Shape()...)
	for i := range mask.Data() {
		if rng.Float64() < share {
			mask.Data()[i] = 1
		}
	}
	return mask
}

// masked multiplies weights by a mask.
func masked(w *autograd.Var, mask *tensor.Tensor) {
	for i, m := range mask.Data() {
		w.Data()[i] *= m
	}
}

// pruned is a network with missing weights, and full the same network with zeros instead.
type (
	pruned struct {
		Conv *SparseConv2D
		Out  *SparseDense
	}
	full struct {
		Conv *Conv2D
		Out  *Dense
	}
)

func newFull(seed uint64) *full {
	rng := tensor.Stream(seed, "weights")
	return &full{NewConv2D(2, 4, 3, 5, autograd.SamePadding(3, 5), nil, rng), NewDense(4*6*7, 9, nil, rng)}
}

func (f *full) masks(seed uint64) (conv, out *tensor.Tensor) {
	return maskOf(seed, f.Conv.Weight, 0.4), maskOf(seed+1, f.Out.Weight, 0.2)
}

func (f *full) Forward(x *autograd.Var) *autograd.Var {
	return f.Out.Forward(autograd.ReLU(f.Conv.Forward(x)))
}

func (p *pruned) Forward(x *autograd.Var) *autograd.Var {
	return p.Out.Forward(autograd.ReLU(p.Conv.Forward(x)))
}

// TestPrunedTraining trains a pruned network, and the same network with a mask applied after each step. Both must give
// the same outputs.
func TestPrunedTraining(t *testing.T) {
	f := newFull(1)
	convMask, outMask := f.masks(5)
	masked(f.Conv.Weight, convMask)
	masked(f.Out.Weight, outMask)
	p := &pruned{NewSparseConv2D(f.Conv, convMask), NewSparseDense(f.Out, outMask)}
	rng := tensor.Stream(2, "images")
	labels := []int{3, 1, 4, 1, 5}
	models := []Module{f, p}
	opts := []*optim.Adam{{LR: 0.01}, {LR: 0.01}}
	for step := range 20 {
		x := tensor.New(5, 2, 6, 7)
		rng.Normal(x.Data(), 0, 1)
		var losses [2]float32
		for i, m := range models {
			tape := autograd.NewTape(1 + i)
			cost := loss.CrossEntropy(m.Forward(tape.Input(x)), labels)
			tape.Backward(cost)
			losses[i] = cost.Scalar()
			opts[i].Step(Params(m))
		}
		masked(f.Conv.Weight, convMask)
		masked(f.Out.Weight, outMask)
		if losses[0] != losses[1] {
			t.Fatalf("step %d: loss %g with all weights, %g with some", step, losses[0], losses[1])
		}
	}
	if !slices.Equal(p.Out.Dense().Weight.Data(), f.Out.Weight.Data()) {
		t.Error("the dense layer's weights differ")
	}
	if !slices.Equal(p.Conv.Conv2D().Weight.Data(), f.Conv.Weight.Data()) {
		t.Error("the convolution's weights differ")
	}
}

func TestPrunedGradients(t *testing.T) {
	f := newFull(1)
	convMask, outMask := f.masks(5)
	p := &pruned{NewSparseConv2D(f.Conv, convMask), NewSparseDense(f.Out, outMask)}
	x := tensor.New(3, 2, 6, 7)
	tensor.Stream(2, "images").Normal(x.Data(), 0, 1)
	if err := gradcheck.Check(gradcheck.Config{}, func(tape *autograd.Tape) *autograd.Var {
		return loss.CrossEntropy(p.Out.Forward(autograd.Tanh(p.Conv.Forward(tape.Input(x)))), []int{3, 1, 4})
	}, Params(p)...); err != nil {
		t.Error(err)
	}
}

// TestPrunedFiles writes a pruned network, reads it into one with other connections, and checks that inconsistent files
// are rejected.
func TestPrunedFiles(t *testing.T) {
	f := newFull(1)
	build := func(seed uint64) *pruned {
		convMask, outMask := f.masks(seed)
		return &pruned{NewSparseConv2D(f.Conv, convMask), NewSparseDense(f.Out, outMask)}
	}
	saved, path := build(5), filepath.Join(t.TempDir(), "net.safetensors")
	if err := Save(path, saved); err != nil {
		t.Fatal(err)
	}
	f = newFull(2)
	loaded := build(7)
	if err := Load(path, loaded); err != nil {
		t.Fatal(err)
	}
	if !sameParams(saved, loaded) || !slices.Equal(saved.Out.Dense().Weight.Data(), loaded.Out.Dense().Weight.Data()) ||
		!slices.Equal(saved.Conv.Conv2D().Weight.Data(), loaded.Conv.Conv2D().Weight.Data()) {
		t.Error("the network read differs from the one written")
	}
	x := tensor.New(3, 2, 6, 7)
	tape := autograd.NewTape(1)
	got, want := loaded.Forward(tape.Input(x)), saved.Forward(tape.Input(x))
	if !slices.Equal(got.Data(), want.Data()) {
		t.Errorf("outputs %v, want %v", got.Data(), want.Data())
	}
	alone := filepath.Join(t.TempDir(), "layer.safetensors")
	if err := Save(alone, build(3).Out); err != nil {
		t.Fatal(err)
	}
	before := loaded.Out.Dense()
	tensors, _, err := tensor.LoadSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]struct {
		name  string
		first float32 // first element of this tensor
		size  int     // size of the tensor, if it changes
	}{
		"out.counts has 8 units, but the model has 9":  {"out.counts", 1, 8},
		"out.weight has shape [3], but the model has":  {"out.weight", 1, 3},
		"inputs contains 0.5, which is not an integer": {"out.inputs", 0.5, 0},
		"out.inputs are invalid":                       {"out.inputs", 4 * 6 * 7, 0},
		"conv.inputs are invalid: autograd: unit 0 h":  {"conv.counts", -1, 0},
	} {
		var changed []tensor.Named
		for _, n := range tensors {
			c := n.Tensor.Clone()
			if n.Name == change.name {
				c.Data()[0] = change.first
				if change.size > 0 {
					c.Resize(change.size)
				}
			}
			changed = append(changed, tensor.Named{Name: n.Name, Tensor: c})
		}
		bad := filepath.Join(t.TempDir(), "bad.safetensors")
		if err := tensor.SaveSafetensors(bad, changed, nil); err != nil {
			t.Fatal(err)
		}
		if err := Load(bad, loaded); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
	if !slices.Equal(before.Weight.Data(), loaded.Out.Dense().Weight.Data()) {
		t.Error("a refused file changed the model")
	}
	layer := build(9).Out
	written := build(3).Out.Dense()
	if err := Load(alone, layer); err != nil || !slices.Equal(layer.Dense().Weight.Data(), written.Weight.Data()) {
		t.Errorf("a layer by itself was not read: %v", err)
	}
}

// A sparse layer that was passed by value could not get the connections of a file.
func TestCopyOfASparseLayer(t *testing.T) {
	d := NewDense(2, 3, nil, tensor.Stream(1, "weights"))
	s := NewSparseDense(d, maskOf(1, d.Weight, 0.5))
	type model struct{ Layer SparseDense }
	StateOf(&model{*s})
	defer func() {
		want := "nn: a copy of a nn.SparseDense, whose connections could not be restored: pass a pointer"
		if got := recover(); got != want {
			t.Errorf("panic %v, want %q", got, want)
		}
	}()
	StateOf(model{*s})
}

func TestMaskOfAnotherShape(t *testing.T) {
	defer func() {
		if got, want := recover(), "nn: NewSparseDense: mask of shape [3 2] for weights of shape [2 3]"; got != want {
			t.Errorf("panic %v, want %s", got, want)
		}
	}()
	NewSparseDense(NewDense(3, 2, nil, tensor.Stream(1, "weights")), tensor.New(3, 2))
}

// A layer keeps only the largest weight of each unit.
func ExampleNewSparseDense() {
	layer := &Dense{Weight: autograd.NewParam(tensor.From([]float32{1, -3, 2, 0.5, 0, 4}, 2, 3))}
	mask := tensor.From([]float32{0, 1, 0, 0, 0, 1}, 2, 3)
	sparse := NewSparseDense(layer, mask)

	tape := autograd.NewTape(1)
	y := sparse.Forward(tape.Input(tensor.From([]float32{10, 20, 30}, 1, 3)))
	fmt.Println(sparse.Weight.Data(), y.Data())
	fmt.Println(sparse.Dense().Weight.Data())
	// Output:
	// [-3 4] [-60 120]
	// [0 -3 0 0 0 4]
}

// A filter keeps only its middle row.
func ExampleNewSparseConv2D() {
	layer := &Conv2D{
		Weight: autograd.NewParam(tensor.From([]float32{9, 9, 9, -1, 0, 1, 9, 9, 9}, 1, 1, 3, 3)),
		Shape:  autograd.SamePadding(3, 3),
	}
	sparse := NewSparseConv2D(layer, tensor.From([]float32{0, 0, 0, 1, 0, 1, 0, 0, 0}, 1, 1, 3, 3))

	tape := autograd.NewTape(1)
	y := sparse.Forward(tape.Input(tensor.From([]float32{0, 0, 5, 5, 5}, 1, 1, 1, 5)))
	fmt.Println(sparse.Weight.Data(), y.Data())
	// Output:
	// [-1 1] [0 5 5 0 -5]
}
