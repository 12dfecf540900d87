// SPDX-License-Identifier: Apache-2.0

package onnx_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/competitive"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/onnx"
	"github.com/lateral-ml/lateral/lib/tensor"
)

var update = flag.Bool("update", false, "write the outputs of onnxruntime to testdata")

// A network of the tests, with the shape of a sample.
type network struct {
	name  string
	shape []int
	net   nn.Module
}

func block(op func(*autograd.Var, int) *autograd.Var, n int) nn.Func {
	return func(x *autograd.Var) *autograd.Var { return op(x, n) }
}

func sparse(w *autograd.Var) *tensor.Tensor {
	mask := tensor.New(w.Shape()...)
	for i := range mask.Data() {
		if i%3 == 0 {
			mask.Data()[i] = 1
		}
	}
	return mask
}

func networks() []network {
	rng := tensor.Stream(1, "onnx")
	dense := func(in, out int) *nn.Dense { return nn.NewDense(in, out, nil, rng) }
	conv := func(c, k, side int, s autograd.ConvShape) *nn.Conv2D {
		return nn.NewConv2D(c, k, side, side, s, nil, rng)
	}
	filled := func(n *nn.Norm) *nn.Norm { // as after training
		for _, t := range []*tensor.Tensor{n.Mean, n.Variance} {
			if t != nil {
				rng.Uniform(t.Data(), 0.5, 2)
			}
		}
		if n.Scale != nil {
			rng.Uniform(n.Scale.Data(), 0.5, 2)
			rng.Uniform(n.Shift.Data(), -1, 1)
		}
		return n
	}
	noBias := dense(6, 4)
	noBias.Bias = nil
	gate := nn.NewGate(8)
	gate.Mask.Data()[3] = 0
	maxPool := nn.Func(func(x *autograd.Var) *autograd.Var { return autograd.MaxPool2D(x, autograd.Pool{H: 2, W: 2}) })
	odd := autograd.ConvShape{StrideH: 2, StrideW: 1, PadH: 1, PadW: 2}
	narrow := conv(3, 4, 3, odd)
	up := autograd.ConvShape{StrideH: 2, StrideW: 2, PadH: 1, PadW: 1, OutputPadH: 1, OutputPadW: 1}
	return []network{
		{"dense", []int{6}, nn.Sequential{dense(6, 8), nn.Func(autograd.ReLU), gate, nn.NewDropout(0.5, rng), dense(8, 3),
			nn.Func(autograd.Softmax)}},
		{"lwta", []int{6}, nn.Sequential{dense(6, 8), block(competitive.LWTA, 4), dense(8, 6),
			block(competitive.Maxout, 3), dense(2, 3)}},
		{"kwta", []int{6}, nn.Sequential{dense(6, 9), block(competitive.KWTA, 4), dense(9, 3)}},
		{"conv", []int{3, 9, 8}, nn.Sequential{conv(3, 4, 3, odd), filled(nn.NewBatchNorm(4)), nn.Func(autograd.ReLU),
			maxPool, dense(4*2*5, 3)}},
		{"convlwta", []int{3, 8, 8}, nn.Sequential{conv(3, 4, 3, autograd.SamePadding(3, 3)), block(competitive.LWTA, 2),
			conv(4, 6, 3, autograd.ConvShape{}), block(competitive.Maxout, 2), block(competitive.KWTA, 20), dense(3*36, 2)}},
		{"sparse", []int{3, 9, 8}, nn.Sequential{nn.NewSparseConv2D(narrow, sparse(narrow.Weight)), nn.Func(autograd.Tanh),
			nn.NewSparseDense(dense(4*5*10, 5), sparse(dense(200, 5).Weight))}},
		{"decoder", []int{3, 4, 5}, nn.Sequential{nn.NewConvTranspose2D(3, 4, 3, 3, up, nil, rng), nn.Func(autograd.Sigmoid),
			nn.Func(func(x *autograd.Var) *autograd.Var { return autograd.PixelShuffle(x, 2) }),
			nn.Func(func(x *autograd.Var) *autograd.Var {
				return autograd.MeanPool2D(x, autograd.Pool{H: 3, W: 2, PadH: 1, StrideH: 2})
			})}},
		{"spatial", []int{3, 6, 6}, nn.Sequential{conv(3, 5, 3, autograd.ConvShape{}), nn.Func(competitive.Spatial)}},
		{"layernorm", []int{6}, nn.Sequential{dense(6, 8), filled(nn.NewLayerNorm(8)), filled(nn.NewGroupNorm(8, 2)),
			nn.NewDivisiveNorm(3, 4, 1), dense(8, 2)}},
		{"divisive", []int{4, 6, 7}, nn.Sequential{filled(nn.NewGroupNorm(4, 2)), nn.NewDivisiveNorm(3, 4, 0.5),
			nn.NewNorm(4, nn.Scheme{Sigma: 0.1, A: nn.Field{}, B: nn.Field{Window: 5}})}},
		{"softmax", []int{2, 5, 4}, nn.Sequential{conv(2, 3, 3, autograd.ConvShape{}), nn.Func(autograd.Softmax)}},
		{"arithmetic", []int{6}, nn.Func(nil)},
	}
}

// arithmetic uses the operations without layers.
type arithmetic struct{ W *autograd.Var }

func (a *arithmetic) Forward(x *autograd.Var) *autograd.Var {
	bias := x.Tape().Input(tensor.From([]float32{1, 2, 3, 4, 5, 6}, 6))
	y := autograd.Add(autograd.Scale(autograd.Square(x), 0.5), bias)
	y = autograd.Div(autograd.Clamp(y, 1.5, 5), autograd.AddScalar(autograd.Exp(autograd.Mul(x, a.W)), 1))
	y = autograd.Concat(1, autograd.Slice(y, 1, 2, 5), autograd.RectifiedPower(x, 1.5),
		autograd.Abs(autograd.Sub(x, bias)))
	y = autograd.Transpose(autograd.Reshape(y, x.Rows(), 3, 5))
	return autograd.Max(autograd.Sqrt(autograd.AddScalar(autograd.Log(autograd.AddScalar(autograd.Square(y), 1)), 1)),
		autograd.Tanh(y))
}

func all() []network {
	list := networks()
	w := tensor.New(6)
	tensor.Stream(1, "arithmetic").Normal(w.Data(), 0, 1)
	list[len(list)-1].net = &arithmetic{autograd.NewParam(w)}
	return list
}

func (n network) input() *tensor.Tensor {
	x := tensor.New(append([]int{3}, n.shape...)...)
	tensor.Stream(2, n.name).Normal(x.Data(), 0, 1)
	return x
}

func forward(net nn.Module, x *tensor.Tensor) *tensor.Tensor {
	return net.Forward(autograd.NewTape(1).Input(x)).Value()
}

// A golden is what onnxruntime computed from a file.
type golden struct {
	Sum     string // SHA-256 of the file
	Outputs []float32
}

const goldenFile = "testdata/onnxruntime.json"

// The exported files are, byte for byte, those that onnxruntime ran, and its outputs are ours to 1e-5.
func TestOutputsOfOnnxruntime(t *testing.T) {
	goldens := map[string]golden{}
	if *update {
		goldens = run(t)
		text, _ := json.MarshalIndent(goldens, "", "\t")
		if err := os.WriteFile(goldenFile, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &goldens); err != nil {
		t.Fatal(err)
	}
	for _, n := range all() {
		m, err := onnx.Export(n.net, n.input())
		if err != nil {
			t.Errorf("%s: %v", n.name, err)
			continue
		}
		want := goldens[n.name]
		if got := fmt.Sprintf("%x", sha256.Sum256(m.Encode())); got != want.Sum {
			t.Errorf("%s: the file differs from that which onnxruntime ran: run the test with -update", n.name)
		}
		compare(t, n, want.Outputs)
	}
}

func compare(t *testing.T, n network, want []float32) {
	t.Helper()
	got := forward(n.net, n.input())
	if got.Len() != len(want) || got.Len() == 0 {
		t.Errorf("%s: outputs %v, onnxruntime has %d", n.name, got.Shape(), len(want))
		return
	}
	for i, v := range got.Data() {
		if !(math.Abs(float64(v-want[i])) <= 1e-5) {
			t.Errorf("%s: output %d is %v, onnxruntime's %v", n.name, i, v, want[i])
			return
		}
	}
}

// If LATERAL_PYTHON names a Python with onnxruntime, it runs the files now.
func TestOnnxruntime(t *testing.T) {
	for name, g := range run(t) {
		for _, n := range all() {
			if n.name == name {
				compare(t, n, g.Outputs)
			}
		}
	}
}

func run(t *testing.T) map[string]golden {
	t.Helper()
	python := os.Getenv("LATERAL_PYTHON")
	if python == "" || exec.Command(python, "-c", "import onnxruntime, numpy").Run() != nil {
		t.Skip("LATERAL_PYTHON names no Python with onnxruntime and numpy")
	}
	dir, goldens := t.TempDir(), map[string]golden{}
	for _, n := range all() {
		path := filepath.Join(dir, n.name)
		if err := onnx.Save(path+".onnx", n.net, n.input(), nil); err != nil {
			t.Fatal(err)
		}
		b, _ := os.ReadFile(path + ".onnx")
		goldens[n.name] = golden{Sum: fmt.Sprintf("%x", sha256.Sum256(b))}
		saveNPY(t, path+".npy", n.input())
	}
	cmd := exec.Command(python, "testdata/run_onnx.py", dir)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &problems)
	}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		g, ok := goldens[words[0]]
		if !ok {
			t.Fatalf("%s", out)
		}
		for _, w := range words[1:] {
			v, err := strconv.ParseFloat(w, 32)
			if err != nil {
				t.Fatal(err)
			}
			g.Outputs = append(g.Outputs, float32(v))
		}
		goldens[words[0]] = g
	}
	return goldens
}

func saveNPY(t *testing.T, path string, x *tensor.Tensor) {
	t.Helper()
	shape := strings.Trim(strings.ReplaceAll(fmt.Sprint(x.Shape()), " ", ", "), "[]")
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }\n", shape)
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	b, _ = binary.Append(append(b, header...), binary.LittleEndian, x.Data())
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
}

// Decode reads everything that Encode writes.
func TestRoundTrip(t *testing.T) {
	for _, n := range all() {
		m, err := onnx.Export(n.net, n.input())
		if err != nil {
			t.Fatal(err)
		}
		m.Metadata = map[string]string{"classes": "a,b"}
		got, err := onnx.Decode(m.Encode())
		if err != nil {
			t.Fatalf("%s: %v", n.name, err)
		}
		if !reflect.DeepEqual(got, m) || !bytes.Equal(got.Encode(), m.Encode()) {
			t.Errorf("%s: got\n%+v\nwant\n%+v", n.name, got, m)
		}
	}
}

// A tiny model, byte for byte as the schema onnx.proto3 says.
func TestBytes(t *testing.T) {
	m := onnx.Model{IR: 8, Opset: 17, Producer: "p", Graph: onnx.Graph{
		Name: "g", Nodes: []onnx.Node{{Op: "Relu", Name: "n", Inputs: []string{"x"}, Outputs: []string{"y"}}},
		Tensors: []onnx.Tensor{{Name: "w", Shape: []int{1}, Floats: []float32{1}}},
		Inputs:  []onnx.Value{{Name: "x", Shape: []int{-1, 2}}}, Outputs: []onnx.Value{{Name: "y", Shape: []int{-1, 2}}},
	}}
	value := func(name string) string {
		// name; type, tensor type: element type 1, shape: dimensions "N" and 2
		return "\x0a\x01" + name + "\x12\x0f\x0a\x0d\x08\x01\x12\x09\x0a\x03\x12\x01N\x0a\x02\x08\x02"
	}
	want := "\x08\x08" + "\x12\x01p" + "\x3aO" + // version, producer, graph of 79 bytes
		"\x0a\x0f" + "\x0a\x01x" + "\x12\x01y" + "\x1a\x01n" + "\x22\x04Relu" + // node
		"\x12\x01g" + // name
		"\x2a\x0d" + "\x08\x01" + "\x10\x01" + "\x42\x01w" + "\x4a\x04\x00\x00\x80\x3f" + // tensor
		"\x5a\x14" + value("x") + "\x62\x14" + value("y") + // input and output
		"\x42\x04" + "\x0a\x00" + "\x10\x11" // operators of version 17
	if got := m.Encode(); string(got) != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

// Operations without a translation are named.
func TestNoTranslation(t *testing.T) {
	rng := tensor.Stream(1, "none")
	layer := nn.NewDense(4, 4, nil, rng)
	for want, f := range map[string]nn.Func{
		"Lifetime":       func(x *autograd.Var) *autograd.Var { return competitive.Lifetime(x, 0.5) },
		"Mean":           func(x *autograd.Var) *autograd.Var { return autograd.Reshape(autograd.Mean(x), 1, 1) },
		"samples":        func(x *autograd.Var) *autograd.Var { return autograd.Slice(x, 0, 0, 1) },
		"adds samples":   func(x *autograd.Var) *autograd.Var { return autograd.Concat(0, x, x) },
		"exchanges samp": autograd.Transpose,
	} {
		_, err := onnx.Export(nn.Sequential{layer, f}, tensor.New(2, 4))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
	nowhere := filepath.Join(t.TempDir(), "none", "x.onnx")
	if err := onnx.Save(nowhere, nn.Sequential{layer}, tensor.New(1, 4), nil); err == nil {
		t.Error("a folder that is not there")
	}
}

func FuzzDecode(f *testing.F) {
	m, err := onnx.Export(nn.Sequential{nn.NewDense(2, 2, nil, tensor.Stream(1, ""))}, tensor.New(1, 2))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.Encode())
	f.Add([]byte{0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := onnx.Decode(b)
		if err != nil {
			return
		}
		if _, err := onnx.Decode(m.Encode()); err != nil {
			t.Errorf("%+v: %v", m, err)
		}
	})
}

func Example() {
	rng := tensor.Stream(1, "weights")
	net := nn.Sequential{nn.NewDense(4, 6, nn.He, rng), nn.Func(autograd.ReLU), nn.NewDense(6, 3, nn.He, rng)}
	m, err := onnx.Export(net, tensor.New(1, 4))
	if err != nil {
		log.Fatal(err)
	}
	for _, n := range m.Graph.Nodes {
		fmt.Println(n.Op, n.Inputs, n.Outputs)
	}
	// Output:
	// Gemm [input 0.weight 0.bias] [Gemm]
	// Relu [Gemm] [Relu]
	// Gemm [Relu 2.weight 2.bias] [Gemm_2]
	// Identity [Gemm_2] [output]
}
