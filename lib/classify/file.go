// SPDX-License-Identifier: Apache-2.0

package classify

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset/photos"
	"github.com/lateral-ml/lateral/lib/dataset/table"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/onnx"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/transform"
)

// fileKey is the metadata entry of a safetensors file that describes the model.
const fileKey = "lateral.classify"

const fileFormat = 1

// A description is what a file holds besides the tensors.
type description struct {
	Format  int             `json:"format"`
	Classes []string        `json:"classes"`
	Shape   []int           `json:"shape"`
	Network Network         `json:"network"`
	Sparse  []int           `json:"sparse"` // positions of layers in Net that hold only some of their weights
	Steps   json.RawMessage `json:"steps"`
	Schema  *table.Schema   `json:"schema"`
	Photos  *photos.Config  `json:"photos"`
}

// content is everything in a model that has tensors, with the names that the file has for it.
type content struct {
	Net   nn.Sequential
	Steps transform.Pipeline
}

// Save writes the model to a file, completely or not at all. The file is a safetensors file that other programs can
// read too. Layers of Net may have been replaced by sparse ones, as [prune.Compress] does; other changes of Net are an
// error.
//
// [prune.Compress]: https://pkg.go.dev/github.com/lateral-ml/lateral/lib/prune#Compress
func (m *Model) Save(path string) error {
	d := description{Format: fileFormat, Classes: m.Classes, Shape: m.Shape, Network: m.Network, Schema: m.schema,
		Photos: m.photos}
	var err error
	if d.Steps, _, err = m.Pipeline.Save(); err != nil {
		return fmt.Errorf("classify: save %s: %w", path, err)
	}
	for i, layer := range m.Net {
		switch layer.(type) {
		case *nn.SparseDense, *nn.SparseConv2D:
			d.Sparse = append(d.Sparse, i)
		}
	}
	if _, err := d.net(m.Pipeline, math.Inf(1), m.Net); err != nil {
		return fmt.Errorf("classify: save %s: %w", path, err)
	}
	text, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("classify: save %s: %w", path, err)
	}
	return nn.SaveWith(path, &content{m.Net, m.Pipeline}, map[string]string{fileKey: string(text)})
}

// Load reads a model that [Model.Save] wrote. It predicts exactly as the saved one.
func Load(path string) (*Model, error) {
	tensors, metadata, err := tensor.LoadSafetensors(path)
	if err != nil {
		return nil, fmt.Errorf("classify: %w", err)
	}
	m, err := restore(path, tensors, metadata[fileKey])
	if err != nil {
		return nil, fmt.Errorf("classify: load %s: %w", path, err)
	}
	return m, nil
}

func restore(path string, tensors []tensor.Named, text string) (*Model, error) {
	if text == "" {
		return nil, errors.New("it was not written by Model.Save: use nn.Load for weights alone")
	}
	var d description
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return nil, fmt.Errorf("its description is damaged: %w", err)
	}
	if d.Format != fileFormat {
		return nil, fmt.Errorf("it has format %d, this version reads %d", d.Format, fileFormat)
	}
	var steps []tensor.Named
	held := 0
	for _, t := range tensors {
		held += t.Tensor.Len()
		if name, ok := strings.CutPrefix(t.Name, "steps."); ok {
			steps = append(steps, tensor.Named{Name: name, Tensor: t.Tensor})
		}
	}
	p, err := transform.Restore(d.Steps, steps)
	if err != nil {
		return nil, err
	}
	// The limit keeps a damaged file from claiming all memory. A pruned network is made with all its weights, so that it
	// needs memory for many more than the file holds.
	net, err := d.net(p, max(largestInput, 1000*float64(held)), nil)
	if err != nil {
		return nil, err
	}
	if err := nn.Load(path, &content{net, p}); err != nil {
		return nil, err
	}
	return &Model{Classes: d.Classes, Net: net, Pipeline: p, Shape: d.Shape, Network: d.Network, schema: d.Schema,
		photos: d.Photos}, nil
}

// largestInput is the number of values of a sample up to which a file is believed.
const largestInput = 1 << 26

// net returns the network that the description describes, or an error if there is none or it has more than limit
// weights. If like is not nil, it must have the same layers.
func (d description) net(p transform.Pipeline, limit float64, like nn.Sequential) (net nn.Sequential, err error) {
	size := 1
	for _, n := range d.Shape {
		if n < 1 || size > largestInput/n {
			return nil, fmt.Errorf("samples of shape %v", d.Shape)
		}
		size *= n
	}
	defer func() { // the steps of a damaged file may not fit together
		if r := recover(); r != nil {
			net, err = nil, fmt.Errorf("its parts do not fit together: %v", r)
		}
	}()
	shape := p.Apply(tensor.New(append([]int{1}, d.Shape...)...)).Shape()[1:]
	if err := d.Network.check(shape); err != nil {
		return nil, err
	}
	if net, err = d.Network.build(shape, len(d.Classes), 0, limit); err != nil {
		return nil, fmt.Errorf("its description is damaged: it is that of %w, too many for this file", err)
	}
	for _, i := range d.Sparse {
		if i < 0 || i >= len(net) {
			return nil, fmt.Errorf("layer %d of %d is sparse", i, len(net))
		}
		switch l := net[i].(type) {
		case *nn.Dense:
			net[i] = nn.NewSparseDense(l, tensor.New(l.Weight.Shape()...))
		case *nn.Conv2D:
			net[i] = nn.NewSparseConv2D(l, tensor.New(l.Weight.Shape()...))
		default:
			return nil, fmt.Errorf("layer %d, a %T, cannot be sparse", i, l)
		}
	}
	if like != nil && !slices.Equal(kinds(net), kinds(like)) {
		return nil, fmt.Errorf("the field Net has the layers %q and its description %q: only layers that Compress made "+
			"sparse can be saved in their place", kinds(like), kinds(net))
	}
	return net, nil
}

// kinds returns the types of the layers.
func kinds(net nn.Sequential) []string {
	list := make([]string, len(net))
	for i, m := range net {
		list[i] = fmt.Sprintf("%T", m)
	}
	return list
}

// Summary describes the layers of the network for one sample, with the share of active units on the given samples [N,
// ...]; nil takes a sample of zeros.
func (m *Model) Summary(x *tensor.Tensor) *nn.Summary {
	if x == nil {
		x = tensor.New(append([]int{1}, m.Shape...)...)
	}
	return nn.Summarize(m.Net, m.Pipeline.Apply(x))
}

// SaveONNX writes the classifier as an ONNX file, from samples as they are read to probabilities, with the names of the
// classes as metadata. The error says so if one of the steps that prepare samples is not Standardize: prepare the
// samples with Pipeline then, and export Net with [onnx.Save].
func (m *Model) SaveONNX(path string) error {
	var module nn.Sequential
	for _, s := range m.Pipeline {
		switch s := s.(type) {
		case *transform.Standardize:
			module = append(module, standardize(s))
		case *transform.Columns:
			if slices.Max(s.Words) > 0 {
				return fmt.Errorf("classify: save %s: the table has columns of words, which are not exported: prepare samples "+
					"with Pipeline, and export Net with onnx.Save", path)
			}
			module = append(module, fill(s))
		default:
			return fmt.Errorf("classify: save %s: the step %T is not exported: prepare samples with Pipeline, and export Net "+
				"with onnx.Save", path, s)
		}
	}
	module = append(module, m.Net, nn.Func(autograd.Softmax))
	x := tensor.New(append([]int{1}, m.Shape...)...)
	return onnx.Save(path, module, x, map[string]string{"classes": strings.Join(m.Classes, ",")})
}

// A fillMissing replaces missing numbers of samples by those given, as an operation that package onnx knows.
type fillMissing struct{ fill []float32 }

// Backward has nothing to do: samples need no gradient.
func (*fillMissing) Backward(*autograd.Var) {}

// Settings implements [autograd.Configured].
func (op *fillMissing) Settings(*autograd.Var) any { return op.fill }

// fill returns the step for columns of numbers as an operation on a tape.
func fill(s *transform.Columns) nn.Func {
	return func(x *autograd.Var) *autograd.Var {
		y, op := autograd.Record[fillMissing]("FillMissing", x)
		op.fill = s.Fill.Data()
		y.Resize(x.Shape()...)
		y.Value().CopyFrom(s.Apply(x.Value()))
		return y
	}
}

// standardize returns a step as operations on a tape.
func standardize(s *transform.Standardize) nn.Func {
	return func(x *autograd.Var) *autograd.Var {
		perChannel := slices.Repeat([]int{1}, len(x.Shape())-1)
		perChannel[0] = s.Mean.Len()
		mean := x.Tape().Input(s.Mean.Reshape(perChannel...))
		std := x.Tape().Input(s.Std.Reshape(perChannel...))
		return autograd.Div(autograd.Sub(x, mean), std)
	}
}

// Label returns the class with the largest of a row of probabilities, and that probability.
func (m *Model) Label(p []float32) (class string, probability float32) {
	best := 0
	for i, v := range p {
		if v > p[best] {
			best = i
		}
	}
	return m.Classes[best], p[best]
}
