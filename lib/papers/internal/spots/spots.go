// SPDX-License-Identifier: Apache-2.0

// Package spots makes images that the tests of the documents' packages learn from in a second.
package spots

import (
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Set returns n images of 8 x 8 pixels in four classes: a bright quarter over noise, drawn from the named stream, which is
// its check sum too.
func Set(n int, stream string) *dataset.Set {
	s := &dataset.Set{
		Name: "Spots", X: tensor.New(n, 1, 8, 8), Y: make([]int, n), Classes: []string{"a", "b", "c", "d"}, Sum: stream,
	}
	tensor.Stream(1, stream).Uniform(s.X.Data(), 0, 0.7)
	for i := range n {
		s.Y[i] = i % 4
		for p := range 16 {
			row, col := p/4+4*(s.Y[i]/2), p%4+4*(s.Y[i]%2)
			s.X.Row(i)[8*row+col] += 0.3
		}
	}
	return s
}
