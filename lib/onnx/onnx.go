// SPDX-License-Identifier: Apache-2.0

// Package onnx writes networks in the ONNX format, which onnxruntime and many other programs run. It writes the
// operations of a forward pass, so that it does not matter how the network is programmed: dense, convolutional, sparse
// and normalised layers, pooling, and units that compete (LWTA, Maxout, KWTA, Spatial).
//
//	err := onnx.Save("net.onnx", net, digits.X.Slice(0, 2), nil)
//
// The graph has one input, "input" [N, ...], and one output, "output". The number of samples N may vary.
package onnx

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/durable"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Save writes a network to a file; see [Export]. The file is written completely or not at all.
func Save(path string, model nn.Module, x *tensor.Tensor, metadata map[string]string) error {
	m, err := Export(model, x)
	if err != nil {
		return err
	}
	m.Metadata = metadata
	if err := durable.WriteFile(path, m.Encode()); err != nil {
		return fmt.Errorf("onnx: save %s: %w", path, err)
	}
	return nil
}

// Export returns a network as an ONNX model. It runs the network on samples x [N, ...], as in prediction, and
// translates each operation on the way to the result. x decides only the shape of a sample. The error names an
// operation that has no translation, such as recurrent cells and Lifetime, whose result for a sample depends on the
// other samples. Export panics as the network does if x does not fit.
func Export(model nn.Module, x *tensor.Tensor) (*Model, error) {
	nn.StateOf(model) // names the parameters
	tape := autograd.NewTape(0)
	in := tape.Input(x)
	out := model.Forward(in)
	e := &exporter{names: map[*autograd.Var]string{in: "input"}, used: map[string]bool{"input": true, "output": true}}
	result, err := e.name(out)
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	e.graph.Nodes = append(e.graph.Nodes, Node{Op: "Identity", Name: "result", Inputs: []string{result},
		Outputs: []string{"output"}})
	e.graph.Name = "lateral"
	e.graph.Inputs = []Value{{"input", free(x.Shape())}}
	e.graph.Outputs = []Value{{"output", free(out.Shape())}}
	return &Model{IR: 8, Opset: 17, Producer: "lateral", Graph: e.graph}, nil
}

// free returns a shape with a free number of samples.
func free(shape []int) []int {
	s := slices.Clone(shape)
	s[0] = -1
	return s
}

// An exporter translates the results on a tape into nodes.
type exporter struct {
	graph Graph
	names map[*autograd.Var]string
	used  map[string]bool
}

// name returns the name of a variable in the graph, after adding whatever it is computed from.
func (e *exporter) name(v *autograd.Var) (string, error) {
	if name, ok := e.names[v]; ok {
		return name, nil
	}
	name, err := e.translate(v)
	if err != nil {
		return "", err
	}
	e.names[v] = name
	return name, nil
}

func (e *exporter) translate(v *autograd.Var) (string, error) {
	if v.Operation() == nil { // a parameter or a constant
		name := v.Name
		if name == "" {
			name = "constant"
		}
		return e.floats(name, v.Shape(), v.Data()), nil
	}
	do := translations[v.Op()]
	if do == nil {
		return "", fmt.Errorf("the operation %s, with a result of shape %v, has no translation", v.Op(), v.Shape())
	}
	inputs := make([]string, v.Inputs())
	for i := range inputs {
		in := v.In(i)
		if i == 1 && strings.HasPrefix(v.Op(), "Sparse") {
			continue // its weights are written with zeros for the missing ones
		}
		for in.Operation() != nil && in.Op() == "Expand" && broadcasts[v.Op()] {
			in = in.In(0) // these operators repeat elements by themselves
		}
		var err error
		if inputs[i], err = e.name(in); err != nil {
			return "", err
		}
	}
	return do(e, v, inputs)
}

// unique returns a name that is not used yet.
func (e *exporter) unique(name string) string {
	free := name
	for i := 2; e.used[free]; i++ {
		free = fmt.Sprintf("%s_%d", name, i)
	}
	e.used[free] = true
	return free
}

// node adds a node with one output and returns its name.
func (e *exporter) node(op string, inputs []string, attributes ...Attribute) string {
	name := e.unique(op)
	e.graph.Nodes = append(e.graph.Nodes, Node{op, name, slices.Clone(inputs), []string{name}, attributes})
	return name
}

// floats adds a constant and returns its name.
func (e *exporter) floats(name string, shape []int, data []float32) string {
	name = e.unique(name)
	t := Tensor{Name: name, Shape: slices.Clone(shape), Floats: append([]float32{}, data...)}
	e.graph.Tensors = append(e.graph.Tensors, t)
	return name
}

// number adds a constant without dimensions.
func (e *exporter) number(name string, v float32) string { return e.floats(name, nil, []float32{v}) }

// ints adds a constant vector of integers.
func (e *exporter) ints(name string, v ...int) string {
	name = e.unique(name)
	t := Tensor{Name: name, Shape: []int{len(v)}, Ints: make([]int64, len(v))}
	for i, x := range v {
		t.Ints[i] = int64(x)
	}
	e.graph.Tensors = append(e.graph.Tensors, t)
	return name
}

// reshape adds a node that gives x another shape. Dimension 0, the number of samples, is kept if shape[0] is 0.
func (e *exporter) reshape(x string, shape ...int) string {
	return e.node("Reshape", []string{x, e.ints("shape", shape...)})
}

// list returns integers as the value of an attribute.
func list(v ...int) []int64 {
	l := make([]int64, len(v))
	for i, x := range v {
		l[i] = int64(x)
	}
	return l
}
