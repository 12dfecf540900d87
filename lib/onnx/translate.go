// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A translation adds the nodes that compute y and returns the name of their result. in holds the names of y's inputs.
type translation func(e *exporter, y *autograd.Var, in []string) (string, error)

// broadcasts lists the operations whose ONNX operators broadcast.
var broadcasts = map[string]bool{"Add": true, "Sub": true, "Mul": true, "Div": true, "Max": true}

var translations map[string]translation

func init() { // breaks the cycle of the functions that translate inputs
	translations = map[string]translation{
		"Linear": linear, "SparseLinear": sparseLinear, "MatMul": same("MatMul"),
		"Conv2D": conv, "ConvTranspose2D": convTranspose, "SparseConv2D": sparseConv,
		"MaxPool2D": pool("MaxPool"), "MeanPool2D": pool("AveragePool", Attribute{"count_include_pad", int64(1)}),
		"ReLU": same("Relu"), "Sigmoid": same("Sigmoid"), "Tanh": same("Tanh"), "Exp": same("Exp"), "Log": same("Log"),
		"Sqrt": same("Sqrt"), "Abs": same("Abs"), "Softmax": softmax,
		"Add": same("Add"), "Sub": same("Sub"), "Mul": same("Mul"), "Div": same("Div"), "Max": same("Max"),
		"Square": square, "Scale": constant("Mul"), "AddScalar": constant("Add"),
		"RectifiedPower": rectifiedPower, "Clamp": clamp, "Reshape": reshape, "Transpose": transpose, "Slice": slice,
		"Concat": concat, "PixelShuffle": pixelShuffle,
		"LWTA": lwta, "Maxout": maxout, "KWTA": kwta, "Spatial": same("ReduceMax", Attribute{"axes", list(2, 3)},
			Attribute{"keepdims", int64(0)}),
		"BatchNorm": batchNorm, "Norm": sampleNorm, "Gate": gate, "FillMissing": fillMissing,
	}
}

// same translates an operation that ONNX has too.
func same(op string, attributes ...Attribute) translation {
	return func(e *exporter, _ *autograd.Var, in []string) (string, error) {
		return e.node(op, in, attributes...), nil
	}
}

// constant translates an operation with a number.
func constant(op string) translation {
	return func(e *exporter, y *autograd.Var, in []string) (string, error) {
		return e.node(op, []string{in[0], e.number("number", settings[float32](y))}), nil
	}
}

func settings[T any](y *autograd.Var) T { return y.Operation().(autograd.Configured).Settings(y).(T) }

func linear(e *exporter, y *autograd.Var, in []string) (string, error) {
	if len(y.In(0).Shape()) > 2 {
		in = slices.Clone(in)
		in[0] = e.node("Flatten", in[:1])
	}
	return e.node("Gemm", in, Attribute{"transB", int64(1)}), nil
}

// whole returns the name of the weights of a sparse layer, with zeros for the missing ones.
func (e *exporter) whole(w *autograd.Var, c *autograd.Connections, shape ...int) string {
	all := tensor.New(c.Units(), c.Inputs())
	for u := range c.Units() {
		sources, first := c.Of(u)
		for i, at := range sources {
			all.Set(w.Data()[first+i], u, int(at))
		}
	}
	return e.floats(w.Name+".dense", shape, all.Data())
}

func sparseLinear(e *exporter, y *autograd.Var, in []string) (string, error) {
	s := settings[autograd.Sparsity](y)
	in = slices.Clone(in)
	in[1] = e.whole(y.In(1), s.Connections, s.Connections.Units(), s.Connections.Inputs())
	return linear(e, y, in)
}

// windows returns the attributes of a window that moves over an image.
func windows(h, w, strideH, strideW, padH, padW int) []Attribute {
	return []Attribute{
		{"kernel_shape", list(h, w)}, {"strides", list(max(1, strideH), max(1, strideW))},
		{"pads", list(padH, padW, padH, padW)},
	}
}

func conv(e *exporter, y *autograd.Var, in []string) (string, error) {
	s, w := settings[autograd.ConvShape](y), y.In(1).Shape()
	return e.node("Conv", in, windows(w[2], w[3], s.StrideH, s.StrideW, s.PadH, s.PadW)...), nil
}

func sparseConv(e *exporter, y *autograd.Var, in []string) (string, error) {
	s := settings[autograd.Sparsity](y)
	k, c := s.Kernel, s.Shape
	in = slices.Clone(in)
	in[1] = e.whole(y.In(1), s.Connections, s.Connections.Units(), k[0], k[1], k[2])
	return e.node("Conv", in, windows(k[1], k[2], c.StrideH, c.StrideW, c.PadH, c.PadW)...), nil
}

func convTranspose(e *exporter, y *autograd.Var, in []string) (string, error) {
	s, w := settings[autograd.ConvShape](y), y.In(1).Shape()
	attributes := append(windows(w[2], w[3], s.StrideH, s.StrideW, s.PadH, s.PadW),
		Attribute{"output_padding", list(s.OutputPadH, s.OutputPadW)})
	return e.node("ConvTranspose", in, attributes...), nil
}

func pool(op string, attributes ...Attribute) translation {
	return func(e *exporter, y *autograd.Var, in []string) (string, error) {
		p := settings[autograd.Pool](y)
		return e.node(op, in, append(windows(p.H, p.W, p.StrideH, p.StrideW, p.PadH, p.PadW), attributes...)...), nil
	}
}

func square(e *exporter, _ *autograd.Var, in []string) (string, error) {
	return e.node("Mul", []string{in[0], in[0]}), nil
}

// softmax normalises over all elements of a sample.
func softmax(e *exporter, y *autograd.Var, in []string) (string, error) {
	axis := Attribute{"axis", int64(-1)}
	if len(y.Shape()) == 2 {
		return e.node("Softmax", in, axis), nil
	}
	flat := e.node("Softmax", []string{e.node("Flatten", in)}, axis)
	return e.reshape(flat, append([]int{0}, y.Shape()[1:]...)...), nil
}

func rectifiedPower(e *exporter, y *autograd.Var, in []string) (string, error) {
	return e.node("Pow", []string{e.node("Relu", in), e.number("exponent", settings[float32](y))}), nil
}

func clamp(e *exporter, y *autograd.Var, in []string) (string, error) {
	limits := settings[[2]float32](y)
	return e.node("Clip", []string{in[0], e.number("low", limits[0]), e.number("high", limits[1])}), nil
}

func reshape(e *exporter, y *autograd.Var, in []string) (string, error) {
	if len(y.Shape()) == 0 {
		return "", errors.New("the operation Reshape to a single number mixes samples")
	}
	return e.reshape(in[0], free(y.Shape())...), nil
}

func transpose(e *exporter, y *autograd.Var, in []string) (string, error) {
	d := len(y.Shape())
	if d < 3 {
		return "", errors.New("the operation Transpose of a matrix exchanges samples and features")
	}
	axes := make([]int, d)
	for i := range axes {
		axes[i] = i
	}
	axes[d-2], axes[d-1] = d-1, d-2
	return e.node("Transpose", in, Attribute{"perm", list(axes...)}), nil
}

func slice(e *exporter, y *autograd.Var, in []string) (string, error) {
	s := settings[[2]int](y)
	axis, from := s[0], s[1]
	if slices.Equal(y.Shape(), y.In(0).Shape()) {
		return in[0], nil
	}
	if axis == 0 {
		return "", errors.New("the operation Slice takes some of the samples")
	}
	to := from + y.Shape()[axis]
	return e.node("Slice", []string{in[0], e.ints("from", from), e.ints("to", to), e.ints("axis", axis)}), nil
}

func concat(e *exporter, y *autograd.Var, in []string) (string, error) {
	axis := settings[int](y)
	if axis == 0 {
		return "", errors.New("the operation Concat adds samples")
	}
	return e.node("Concat", in, Attribute{"axis", int64(axis)}), nil
}

func pixelShuffle(e *exporter, y *autograd.Var, in []string) (string, error) {
	return e.node("DepthToSpace", in, Attribute{"blocksize", int64(settings[int](y))}, Attribute{"mode", "CRD"}), nil
}

// inBlocks splits the units or maps of x [N, U, ...] into blocks [N, U/B, B, ...].
func (e *exporter) inBlocks(x *autograd.Var, name string, block int) string {
	shape := append([]int{0, x.Shape()[1] / block, block}, x.Shape()[2:]...)
	return e.reshape(name, shape...)
}

// lwta marks the winner of each block, the first of several, and passes it.
func lwta(e *exporter, y *autograd.Var, in []string) (string, error) {
	block := settings[int](y)
	blocks := e.inBlocks(y.In(0), in[0], block)
	winner := e.node("ArgMax", []string{blocks}, Attribute{"axis", int64(2)}, Attribute{"keepdims", int64(1)})
	members := make([]int, block)
	for i := range members {
		members[i] = i
	}
	index := e.ints("members", members...)
	if places := len(y.Shape()) - 2; places > 0 {
		shape := slices.Repeat([]int{1}, places+1)
		shape[0] = block
		index = e.reshape(index, shape...)
	}
	wins := e.node("Equal", []string{winner, index})
	passed := e.node("Where", []string{wins, blocks, e.number("zero", 0)})
	return e.reshape(passed, append([]int{0}, y.Shape()[1:]...)...), nil
}

func maxout(e *exporter, y *autograd.Var, in []string) (string, error) {
	blocks := e.inBlocks(y.In(0), in[0], settings[int](y))
	return e.node("ReduceMax", []string{blocks}, Attribute{"axes", list(2)}, Attribute{"keepdims", int64(0)}), nil
}

// kwta scatters the k largest of each row into zeros.
func kwta(e *exporter, y *autograd.Var, in []string) (string, error) {
	rows := e.node("Flatten", in)
	name := e.unique("TopK")
	top := []string{name + "_values", name + "_indices"}
	e.graph.Nodes = append(e.graph.Nodes, Node{"TopK", name, []string{rows, e.ints("k", settings[int](y))}, top,
		[]Attribute{{"axis", int64(1)}}})
	zeros := e.node("ConstantOfShape", []string{e.node("Shape", []string{rows})})
	passed := e.node("ScatterElements", []string{zeros, top[1], top[0]}, Attribute{"axis", int64(1)})
	return e.reshape(passed, append([]int{0}, y.Shape()[1:]...)...), nil
}

func gate(e *exporter, y *autograd.Var, in []string) (string, error) {
	mask := e.floats("mask", y.Shape()[1:], settings[[]float32](y))
	return e.node("Mul", []string{in[0], mask}), nil
}

// fillMissing replaces each NaN by the number that the operation has for its place in the sample.
func fillMissing(e *exporter, y *autograd.Var, in []string) (string, error) {
	fill := e.floats("fill", y.Shape()[1:], settings[[]float32](y))
	return e.node("Where", []string{e.node("IsNaN", in), fill, in[0]}), nil
}

func batchNorm(e *exporter, y *autograd.Var, in []string) (string, error) {
	m := settings[nn.BatchMoments](y)
	channels := []int{len(m.Mean)}
	if len(in) < 3 { // without scale and shift
		in = []string{in[0], e.floats("scale", channels, slices.Repeat([]float32{1}, len(m.Mean))),
			e.floats("shift", channels, make([]float32, len(m.Mean)))}
	}
	in = append(slices.Clone(in), e.floats("mean", channels, m.Mean), e.floats("variance", channels, m.Variance))
	return e.node("BatchNormalization", in, Attribute{"epsilon", float32(m.Sigma2)}), nil
}

// sampleNorm translates normalisation over the sample, over groups of its channels, or over windows.
func sampleNorm(e *exporter, y *autograd.Var, in []string) (string, error) {
	n, shape := settings[nn.SampleNorm](y), y.Shape()
	windowed := n.A[1] > 0 || n.B[1] > 0
	var x string
	switch {
	case len(in) == 2 || len(in) > 3:
		return "", errors.New("the operation Norm with a learnt sigma has no translation")
	case windowed && n.Groups > 1:
		return "", fmt.Errorf("the operation Norm with windows in %d groups has no translation", n.Groups)
	case !windowed:
		x = e.reshape(in[0], 0, n.Groups, 1, -1)
	case len(shape) == 2:
		x = e.reshape(in[0], 0, 1, 1, shape[1])
	case len(shape) == 3:
		x = e.reshape(in[0], 0, shape[1], 1, shape[2])
	default:
		x = in[0]
	}
	mean := func(v string, window [2]int) string {
		axes := list(1, 2, 3)
		if !windowed {
			axes = list(3) // of the group
		} else if window[1] > 0 {
			axes = list(1) // of the channels, and then of the window
		}
		m := e.node("ReduceMean", []string{v}, Attribute{"axes", axes}, Attribute{"keepdims", int64(1)})
		if h, w := window[0], window[1]; w > 0 {
			m = e.node("AveragePool", []string{m}, Attribute{"kernel_shape", list(h, w)},
				Attribute{"pads", list((h-1)/2, (w-1)/2, h/2, w/2)}, Attribute{"count_include_pad", int64(1)})
		}
		return m
	}
	v := e.node("Sub", []string{x, mean(x, n.A)})
	power := e.node("Add", []string{mean(e.node("Mul", []string{v, v}), n.B), e.number("sigma2", float32(n.Sigma2))})
	out := e.node("Div", []string{v, e.node("Sqrt", []string{power})})
	if !windowed || len(shape) < 4 {
		out = e.reshape(out, append([]int{0}, shape[1:]...)...)
	}
	if len(in) == 3 {
		perChannel := append([]int{shape[1]}, slices.Repeat([]int{1}, len(shape)-2)...)
		out = e.node("Mul", []string{out, e.reshape(in[1], perChannel...)})
		out = e.node("Add", []string{out, e.reshape(in[2], perChannel...)})
	}
	return out, nil
}
