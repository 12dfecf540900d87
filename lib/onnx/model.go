// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The messages of ONNX that a network needs, with the numbers of their fields in onnx.proto3 of ONNX 1.12.

// A Model is a graph with its version.
type Model struct {
	IR       int64             // ModelProto.ir_version
	Opset    int64             // version of the standard operators
	Producer string            // name of the program that wrote it
	Metadata map[string]string // for people and programs
	Graph    Graph
}

// A Graph is a list of nodes in the order of execution.
type Graph struct {
	Name    string
	Nodes   []Node
	Tensors []Tensor // constants: weights, shapes
	Inputs  []Value
	Outputs []Value
}

// A Node applies a standard operator.
type Node struct {
	Op, Name        string
	Inputs, Outputs []string
	Attributes      []Attribute
}

// An Attribute is a setting of a node: an int64, a float32, a string, or []int64.
type Attribute struct {
	Name  string
	Value any
}

// A Tensor is a constant of float32 or int64.
type Tensor struct {
	Name   string
	Shape  []int
	Floats []float32 // nil for a tensor of integers
	Ints   []int64
}

// A Value is an input or an output of float32.
type Value struct {
	Name  string
	Shape []int // -1 for the number of samples, which may vary
}

const (
	typeFloat, typeInt64 = 1, 7 // TensorProto.DataType

	attributeFloat, attributeInt, attributeString, attributeInts = 1, 2, 3, 7 // AttributeProto.AttributeType
)

// message builds a protocol buffer.
type message []byte

func (m *message) text(field protowire.Number, s string) {
	*m = protowire.AppendString(protowire.AppendTag(*m, field, protowire.BytesType), s)
}

func (m *message) number(field protowire.Number, v int64) {
	*m = protowire.AppendVarint(protowire.AppendTag(*m, field, protowire.VarintType), uint64(v))
}

func (m *message) bytes(field protowire.Number, b []byte) {
	*m = protowire.AppendBytes(protowire.AppendTag(*m, field, protowire.BytesType), b)
}

// Encode returns the model in the format of an .onnx file. Equal models give equal bytes, but for the order of
// Metadata.
func (m *Model) Encode() []byte {
	var b, opset message
	b.number(1, m.IR)
	b.text(2, m.Producer)
	b.bytes(7, m.Graph.encode())
	opset.text(1, "") // the standard operators
	opset.number(2, m.Opset)
	b.bytes(8, opset)
	for k, v := range m.Metadata {
		var entry message
		entry.text(1, k)
		entry.text(2, v)
		b.bytes(14, entry)
	}
	return b
}

func (g *Graph) encode() (b message) {
	for _, n := range g.Nodes {
		b.bytes(1, n.encode())
	}
	b.text(2, g.Name)
	for _, t := range g.Tensors {
		b.bytes(5, t.encode())
	}
	for _, v := range g.Inputs {
		b.bytes(11, v.encode())
	}
	for _, v := range g.Outputs {
		b.bytes(12, v.encode())
	}
	return b
}

func (n *Node) encode() (b message) {
	for _, s := range n.Inputs {
		b.text(1, s)
	}
	for _, s := range n.Outputs {
		b.text(2, s)
	}
	b.text(3, n.Name)
	b.text(4, n.Op)
	for _, a := range n.Attributes {
		b.bytes(5, a.encode())
	}
	return b
}

func (a *Attribute) encode() (b message) {
	b.text(1, a.Name)
	switch v := a.Value.(type) {
	case float32:
		b = protowire.AppendFixed32(protowire.AppendTag(b, 2, protowire.Fixed32Type), math.Float32bits(v))
		b.number(20, attributeFloat)
	case int64:
		b.number(3, v)
		b.number(20, attributeInt)
	case string:
		b.text(4, v)
		b.number(20, attributeString)
	case []int64:
		for _, i := range v {
			b.number(8, i)
		}
		b.number(20, attributeInts)
	default:
		panic(fmt.Sprintf("onnx: attribute %s is a %T", a.Name, a.Value))
	}
	return b
}

func (t *Tensor) encode() (b message) {
	for _, d := range t.Shape {
		b.number(1, int64(d))
	}
	var raw []byte
	if t.Floats != nil {
		b.number(2, typeFloat)
		for _, v := range t.Floats {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
		}
	} else {
		b.number(2, typeInt64)
		for _, v := range t.Ints {
			raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
		}
	}
	b.text(8, t.Name)
	b.bytes(9, raw)
	return b
}

func (v *Value) encode() (b message) {
	var shape, tensor, kind message
	for _, d := range v.Shape {
		var dim message
		if d < 0 {
			dim.text(2, "N")
		} else {
			dim.number(1, int64(d))
		}
		shape.bytes(1, dim)
	}
	tensor.number(1, typeFloat)
	tensor.bytes(2, shape)
	kind.bytes(1, tensor)
	b.text(1, v.Name)
	b.bytes(2, kind)
	return b
}

// Decode reads what [Model.Encode] writes. It is meant for looking at an exported file, not for networks of other
// programs: it skips fields that it does not know.
func Decode(b []byte) (*Model, error) {
	m := new(Model)
	err := fields(b, func(field protowire.Number, n uint64, b []byte) (err error) {
		switch field {
		case 1:
			m.IR = int64(n)
		case 2:
			m.Producer = string(b)
		case 7:
			err = m.Graph.decode(b)
		case 8:
			err = fields(b, func(field protowire.Number, n uint64, _ []byte) error {
				if field == 2 {
					m.Opset = int64(n)
				}
				return nil
			})
		case 14:
			var entry [3]string
			err = fields(b, func(field protowire.Number, _ uint64, b []byte) error {
				if field == 1 || field == 2 {
					entry[field] = string(b)
				}
				return nil
			})
			if m.Metadata == nil {
				m.Metadata = map[string]string{}
			}
			m.Metadata[entry[1]] = entry[2]
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("onnx: the file is damaged: %w", err)
	}
	return m, nil
}

// fields calls use with each field of a message: a number, or bytes.
func fields(b []byte, use func(field protowire.Number, n uint64, b []byte) error) error {
	for len(b) > 0 {
		field, kind, size := protowire.ConsumeTag(b)
		if size < 0 {
			return protowire.ParseError(size)
		}
		b = b[size:]
		var n uint64
		var content []byte
		switch kind {
		case protowire.VarintType:
			n, size = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var v uint32
			v, size = protowire.ConsumeFixed32(b)
			n = uint64(v)
		case protowire.BytesType:
			content, size = protowire.ConsumeBytes(b)
		default:
			size = protowire.ConsumeFieldValue(field, kind, b)
		}
		if size < 0 {
			return protowire.ParseError(size)
		}
		b = b[size:]
		if err := use(field, n, content); err != nil {
			return err
		}
	}
	return nil
}

func (g *Graph) decode(b []byte) error {
	return fields(b, func(field protowire.Number, _ uint64, b []byte) error {
		switch field {
		case 1:
			g.Nodes = append(g.Nodes, Node{})
			return g.Nodes[len(g.Nodes)-1].decode(b)
		case 2:
			g.Name = string(b)
		case 5:
			g.Tensors = append(g.Tensors, Tensor{})
			return g.Tensors[len(g.Tensors)-1].decode(b)
		case 11:
			g.Inputs = append(g.Inputs, Value{})
			return g.Inputs[len(g.Inputs)-1].decode(b)
		case 12:
			g.Outputs = append(g.Outputs, Value{})
			return g.Outputs[len(g.Outputs)-1].decode(b)
		}
		return nil
	})
}

func (n *Node) decode(b []byte) error {
	return fields(b, func(field protowire.Number, _ uint64, b []byte) error {
		switch field {
		case 1:
			n.Inputs = append(n.Inputs, string(b))
		case 2:
			n.Outputs = append(n.Outputs, string(b))
		case 3:
			n.Name = string(b)
		case 4:
			n.Op = string(b)
		case 5:
			n.Attributes = append(n.Attributes, Attribute{})
			return n.Attributes[len(n.Attributes)-1].decode(b)
		}
		return nil
	})
}

func (a *Attribute) decode(b []byte) error {
	var list []int64
	kind := 0
	err := fields(b, func(field protowire.Number, n uint64, b []byte) error {
		switch field {
		case 1:
			a.Name = string(b)
		case 2:
			a.Value = math.Float32frombits(uint32(n))
		case 3:
			a.Value = int64(n)
		case 4:
			a.Value = string(b)
		case 8:
			list = append(list, int64(n))
		case 20:
			kind = int(n)
		}
		return nil
	})
	if kind == attributeInts {
		a.Value = list
	}
	if err == nil && a.Value == nil {
		err = fmt.Errorf("the attribute %q has the unknown type %d", a.Name, kind)
	}
	return err
}

func (t *Tensor) decode(b []byte) error {
	var kind uint64
	var raw []byte
	err := fields(b, func(field protowire.Number, n uint64, b []byte) error {
		switch field {
		case 1:
			t.Shape = append(t.Shape, int(n))
		case 2:
			kind = n
		case 8:
			t.Name = string(b)
		case 9:
			raw = b
		}
		return nil
	})
	size := 1
	for _, d := range t.Shape {
		if d < 0 || d > 0 && size > math.MaxInt32/d {
			return fmt.Errorf("the tensor %q has the shape %v", t.Name, t.Shape)
		}
		size *= d
	}
	switch {
	case err != nil:
		return err
	case kind == typeFloat && len(raw) == 4*size:
		t.Floats = make([]float32, 0, size)
		for ; len(raw) > 0; raw = raw[4:] {
			t.Floats = append(t.Floats, math.Float32frombits(binary.LittleEndian.Uint32(raw)))
		}
	case kind == typeInt64 && len(raw) == 8*size:
		for ; len(raw) > 0; raw = raw[8:] {
			t.Ints = append(t.Ints, int64(binary.LittleEndian.Uint64(raw)))
		}
	default:
		return fmt.Errorf("the tensor %q of type %d and shape %v has %d bytes", t.Name, kind, t.Shape, len(raw))
	}
	return nil
}

var errValue = errors.New("an input or output is not a tensor")

func (v *Value) decode(b []byte) error {
	return fields(b, func(field protowire.Number, _ uint64, b []byte) error {
		if field == 1 {
			v.Name = string(b)
		}
		if field != 2 {
			return nil
		}
		return fields(b, func(field protowire.Number, _ uint64, b []byte) error { // TypeProto
			if field != 1 {
				return errValue
			}
			return fields(b, func(field protowire.Number, _ uint64, b []byte) error { // its tensor type
				if field != 2 {
					return nil
				}
				return fields(b, func(_ protowire.Number, _ uint64, b []byte) error { // a dimension of its shape
					size := -1
					err := fields(b, func(field protowire.Number, n uint64, _ []byte) error {
						if field == 1 {
							size = int(n)
						}
						return nil
					})
					v.Shape = append(v.Shape, size)
					return err
				})
			})
		})
	})
}
