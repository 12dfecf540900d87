// SPDX-License-Identifier: Apache-2.0

package prune

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// The shares of nonzero weights from which [Compress] leaves a layer dense, because dense products of so many weights
// are faster. The package's benchmark measures both.
const (
	denseFrom     = 0.5  // of fully connected layers
	denseFromConv = 0.75 // of convolutional layers
)

// Compress returns a network with the same outputs, up to rounding, in which each fully connected layer with less than
// half of its weights, and each convolutional one with less than three quarters, has only these; see [nn.SparseDense]
// and [nn.SparseConv2D]. Other modules are shared. If every layer is dense, the result is equal to net.
func Compress(net nn.Sequential) nn.Sequential {
	fast := make(nn.Sequential, len(net))
	for i, m := range net {
		fast[i] = m
		switch m := m.(type) {
		case *nn.Dense:
			if mask, share := nonzero(m.Weight); share < denseFrom {
				fast[i] = nn.NewSparseDense(m, mask)
			}
		case *nn.Conv2D:
			if mask, share := nonzero(m.Weight); share < denseFromConv {
				fast[i] = nn.NewSparseConv2D(m, mask)
			}
		}
	}
	return fast
}

// nonzero returns a mask of the weights that are not zero, and their share.
func nonzero(w *autograd.Var) (mask *tensor.Tensor, share float64) {
	mask = tensor.New(w.Shape()...)
	for i, v := range w.Data() {
		if v != 0 {
			mask.Data()[i] = 1
			share++
		}
	}
	return mask, share / float64(max(1, mask.Len()))
}

// Trim removes the weights of units that no longer matter in a network of modules in sequence: units of a fully
// connected layer, or filters of a convolutional one, none of whose outgoing weights remains. Its outputs do not change
// in a single bit, except that a zero may lose its sign. Trim returns the number of weights that it removed.
//
// It expects that everything between two layers works on each unit or channel by itself, as rectifiers, pooling and
// batch normalisation do, and that a fully connected layer behind a convolution has the positions of each channel side
// by side.
func Trim(net nn.Sequential) (removed int) {
	var above *autograd.Var
	for i := len(net) - 1; i >= 0; i-- {
		w := weightOf(net[i])
		if w == nil {
			continue
		}
		if above != nil {
			removed += trim(w, above)
		}
		above = w
	}
	return removed
}

func weightOf(m nn.Module) *autograd.Var {
	switch m := m.(type) {
	case *nn.Dense:
		return m.Weight
	case *nn.Conv2D:
		return m.Weight
	}
	return nil
}

// trim removes the rows of w, each of a unit, that no weight of the next layer uses.
func trim(w, above *autograd.Var) (removed int) {
	units := w.Rows()
	if above.Width()%units != 0 {
		panic(fmt.Sprintf("prune: Trim: weights %v after a layer of %d units", above.Shape(), units))
	}
	each := above.Width() / units
	for u := range units {
		used := false
		for r := range above.Rows() {
			for _, v := range above.Value().Row(r)[u*each : (u+1)*each] {
				used = used || v != 0
			}
		}
		if used {
			continue
		}
		for i, v := range w.Value().Row(u) {
			if v != 0 {
				w.Value().Row(u)[i] = 0
				removed++
			}
		}
	}
	return removed
}
