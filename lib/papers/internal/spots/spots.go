// SPDX-License-Identifier: Apache-2.0

// Package spots makes images for the tests of the document packages, which learn from them in a second.
package spots

import (
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Set returns n images of 8 x 8 pixels in four classes, each a bright quarter with noise. They are drawn from the named
// stream; its name also serves as the check sum.
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
