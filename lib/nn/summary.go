// SPDX-License-Identifier: Apache-2.0

package nn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/tables"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Summary lists the operations of a network for one sample. It is printed as a table, and a notebook shows it as one.
type Summary struct {
	Layers []Layer
	Input  []int // shape of a sample
}

// A Layer is an operation of a network.
type Layer struct {
	Name   string  // of the parameters that it uses, without the last part: "hidden" for "hidden.weight"; "" for none
	Op     string  // "Linear", "LWTA"
	Shape  []int   // of its result, for a sample
	Params int     // numbers in its parameters; those shared with an earlier operation are not counted again
	FLOPs  int     // additions and multiplications for a sample; those that skip zeros are counted too
	Active float64 // share of the result's elements that are not zero, over all samples
}

// Summarize runs a network on samples x [N, ...], as in prediction, and describes its operations. FLOPs are those of
// the products of Linear, Conv2D and their sparse and transposed forms, two for each weight that is used; any other
// operation counts one for each element of its result. It panics as the network does if x does not fit.
func Summarize(model Module, x *tensor.Tensor) *Summary {
	StateOf(model) // names the parameters
	tape := autograd.NewTape(0)
	model.Forward(tape.Input(x))
	s := &Summary{Input: slices.Clone(x.Shape()[1:])}
	seen := map[*autograd.Var]bool{}
	for y := range tape.Results() {
		if y.Operation() == nil || y.Op() == "Expand" {
			continue
		}
		l := Layer{Op: y.Op(), Shape: slices.Clone(y.Shape()[1:])}
		for i := range y.Inputs() {
			if p := y.In(i); p.Tape() == nil {
				if l.Name == "" {
					l.Name, _, _ = cutLast(p.Name, ".")
				}
				if !seen[p] {
					seen[p], l.Params = true, l.Params+p.Value().Len()
				}
			}
		}
		l.FLOPs = flops(y)
		nonzero := 0
		for _, v := range y.Data() {
			if v != 0 {
				nonzero++
			}
		}
		l.Active = float64(nonzero) / float64(max(1, y.Value().Len()))
		s.Layers = append(s.Layers, l)
	}
	return s
}

// cutLast cuts s around the last separator.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// flops returns the operations of a result for one sample.
func flops(y *autograd.Var) int {
	switch y.Op() {
	case "Linear", "MatMul":
		return 2 * y.Width() * y.In(0).Width()
	case "SparseLinear":
		return 2 * y.In(1).Value().Len()
	case "Conv2D":
		return 2 * y.Width() * y.In(1).Width()
	case "ConvTranspose2D":
		return 2 * y.In(0).Width() * y.In(1).Width()
	case "SparseConv2D":
		positions := y.Width() / y.Shape()[1]
		return 2 * y.In(1).Value().Len() * positions
	case "Reshape":
		return 0
	}
	return y.Width()
}

// Params returns the number of parameters.
func (s *Summary) Params() int { return s.total(func(l Layer) int { return l.Params }) }

// FLOPs returns the number of additions and multiplications for a sample.
func (s *Summary) FLOPs() int { return s.total(func(l Layer) int { return l.FLOPs }) }

// Bytes returns the memory of the parameters and, for one sample, of all results.
func (s *Summary) Bytes() int {
	return 4 * s.total(func(l Layer) int { return l.Params + elements(l) })
}

func (s *Summary) total(of func(Layer) int) int {
	sum := 0
	for _, l := range s.Layers {
		sum += of(l)
	}
	return sum
}

// elements returns the number of elements of a result that has memory of its own.
func elements(l Layer) int {
	if l.Op == "Reshape" {
		return 0
	}
	n := 1
	for _, d := range l.Shape {
		n *= d
	}
	return n
}

// table returns the summary as a table.
func (s *Summary) table() *tables.Table {
	t := &tables.Table{
		Columns: []string{"layer", "operation", "result", "parameters", "FLOPs", "memory (kB)", "active (%)"},
		Caption: fmt.Sprintf("%s parameters, %s FLOPs and %s kB for a sample of shape %v", grouped(s.Params()),
			grouped(s.FLOPs()), kilobytes(s.Bytes()), s.Input),
	}
	for _, l := range s.Layers {
		t.Rows = append(t.Rows, []string{
			l.Name, l.Op, strings.Trim(strings.ReplaceAll(fmt.Sprint(l.Shape), " ", " × "), "[]"), grouped(l.Params),
			grouped(l.FLOPs), kilobytes(4 * (l.Params + elements(l))), fmt.Sprintf("%.1f", 100*l.Active),
		})
	}
	return t
}

func kilobytes(n int) string { return fmt.Sprintf("%.1f", float64(n)/1e3) }

// grouped formats a number with commas between groups of three digits.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// String returns the summary as lines of text, as Text does.
func (s *Summary) String() string { return s.Text() }

// Text returns the summary as lines of text with aligned columns.
func (s *Summary) Text() string { return s.table().Text() }

// HTML returns the summary as an HTML table, which a notebook displays.
func (s *Summary) HTML() string { return s.table().HTML() }

// Markdown returns the summary as a pipe table.
func (s *Summary) Markdown() string { return s.table().Markdown() }
