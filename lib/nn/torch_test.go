// SPDX-License-Identifier: Apache-2.0

package nn_test

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// torchNet has the layers and names of the PyTorch module in testdata/torch_net.py.
type torchNet struct {
	Features nn.Sequential
	FC1      *nn.Dense
	Norm     *nn.Norm
	LSTM     *nn.LSTM
	RNN      *nn.RNN
	Out      *nn.Dense
}

func newTorchNet() *torchNet {
	rng := tensor.Stream(1, "weights")
	return &torchNet{
		Features: nn.Sequential{
			nn.NewConv2D(2, 4, 3, 3, autograd.ConvShape{StrideH: 2, StrideW: 2, PadH: 1, PadW: 1}, nil, rng),
			nn.NewBatchNorm(4), nn.Func(autograd.ReLU),
			nn.Func(func(x *autograd.Var) *autograd.Var { return autograd.MaxPool2D(x, autograd.Pool{H: 2, W: 2}) }),
		},
		FC1: nn.NewDense(16, 6, nil, rng), Norm: nn.NewLayerNorm(6), LSTM: nn.NewLSTM(6, 3, nil, rng),
		RNN: nn.NewRNN(3, 5, nil, nil, rng), Out: nn.NewDense(5, 3, nil, rng),
	}
}

func (n *torchNet) logits(x *tensor.Tensor) *tensor.Tensor {
	tape := autograd.NewTape(1)
	h := autograd.ReLU(n.Norm.Forward(n.FC1.Forward(n.Features.Forward(tape.Input(x)))))
	steps := autograd.Concat(0, h, h, h, h) // the same input four times
	h, _ = n.LSTM.Forward(steps, n.LSTM.NewState(x.Rows()))
	h, _ = n.RNN.Forward(h, n.RNN.NewState(x.Rows()))
	return n.Out.Forward(autograd.Slice(h, 0, 3*x.Rows(), 4*x.Rows())).Value()
}

func torchIO(t *testing.T) (x, y *tensor.Tensor) {
	t.Helper()
	named, _, err := tensor.LoadSafetensors("testdata/torch-io.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range named {
		switch n.Name {
		case "x":
			x = n.Tensor
		case "y":
			y = n.Tensor
		}
	}
	return x, y
}

// Weights of PyTorch give PyTorch's logits. testdata/torch_net.py made the files.
func TestLoadTorch(t *testing.T) {
	x, y := torchIO(t)
	net := newTorchNet()
	if err := nn.LoadTorch("testdata/torch.safetensors", net); err != nil {
		t.Fatal(err)
	}
	for i, v := range net.logits(x).Data() {
		if !(math.Abs(float64(v-y.Data()[i])) < 1e-5) {
			t.Errorf("logit %d: %v, PyTorch's %v", i, v, y.Data()[i])
		}
	}

	// Back and forth, the logits stay the same, bit for bit.
	path := filepath.Join(t.TempDir(), "ours.safetensors")
	if err := nn.SaveTorch(path, net); err != nil {
		t.Fatal(err)
	}
	again := newTorchNet()
	if err := nn.LoadTorch(path, again); err != nil {
		t.Fatal(err)
	}
	want := net.logits(x).Clone()
	for i, v := range again.logits(x).Data() {
		if v != want.Data()[i] {
			t.Errorf("logit %d: %v, %v before", i, v, want.Data()[i])
		}
	}
}

// If LATERAL_PYTHON names a Python with torch and safetensors, PyTorch itself reads what SaveTorch wrote.
func TestTorchReadsOurs(t *testing.T) {
	python := os.Getenv("LATERAL_PYTHON")
	if python == "" || exec.Command(python, "-c", "import torch, safetensors").Run() != nil {
		t.Skip("LATERAL_PYTHON names no Python with torch and safetensors")
	}
	x, _ := torchIO(t)
	net, dir := newTorchNet(), t.TempDir() // with weights of our own
	if err := nn.SaveTorch(filepath.Join(dir, "ours.safetensors"), net); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, "testdata/torch_net.py", "run", filepath.Join(dir, "ours.safetensors"),
		"testdata/torch-io.safetensors", filepath.Join(dir, "y.safetensors")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	named, _, err := tensor.LoadSafetensors(filepath.Join(dir, "y.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range net.logits(x).Data() {
		if !(math.Abs(float64(v-named[0].Tensor.Data()[i])) < 1e-5) {
			t.Errorf("logit %d: %v, PyTorch's %v", i, v, named[0].Tensor.Data()[i])
		}
	}
}

func TestTorchMismatch(t *testing.T) {
	rng := tensor.Stream(1, "weights")
	dir := t.TempDir()
	save := func(name string, named ...tensor.Named) string {
		path := filepath.Join(dir, name)
		if err := tensor.SaveSafetensors(path, named, nil); err != nil {
			t.Fatal(err)
		}
		return path
	}
	weight := tensor.Named{Name: "module.out.weight", Tensor: tensor.New(2, 3)}
	bias := tensor.Named{Name: "module.out.bias", Tensor: tensor.New(2)}
	net := &struct{ Out *nn.Dense }{nn.NewDense(3, 2, nil, rng)}
	if err := nn.LoadTorch(save("good", weight, bias), net); err != nil || net.Out.Weight.Data()[0] != 0 {
		t.Errorf("a common prefix: %v", err)
	}
	five := tensor.Named{Name: "module.out.bias", Tensor: tensor.New(5)}
	for want, path := range map[string]string{
		"it lacks out.bias":                save("few", weight),
		"has shape [5], but the model has": save("shape", weight, five),
		`the model has no ["more"]`: save("more", weight, bias,
			tensor.Named{Name: "module.more", Tensor: tensor.New(1)}),
	} {
		if err := nn.LoadTorch(path, net); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
	mask := tensor.From([]float32{1, 0, 0, 0, 1, 1}, 2, 3)
	sparse := &struct{ Out *nn.SparseDense }{nn.NewSparseDense(nn.NewDense(3, 2, nil, rng), mask)}
	path := filepath.Join(dir, "sparse")
	if err := nn.SaveTorch(path, sparse); err != nil {
		t.Fatal(err)
	}
	if err := nn.LoadTorch(path, sparse); err == nil || !strings.Contains(err.Error(), "prune it") {
		t.Errorf("a sparse layer: %v", err)
	}
	if err := nn.LoadTorch(path, net); err != nil || net.Out.Weight.Data()[1] != 0 || net.Out.Weight.Data()[0] == 0 {
		t.Errorf("a sparse layer with all weights: %v, %v", net.Out.Weight.Data(), err)
	}
	normalised := nn.NewRNN(3, 2, nil, nil, rng)
	normalised.OfSum = nn.NewLayerNorm(2)
	if err := nn.SaveTorch(path, normalised); err == nil || !strings.Contains(err.Error(), "normalised") {
		t.Errorf("a normalised layer: %v", err)
	}
}
