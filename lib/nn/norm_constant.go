// SPDX-License-Identifier: Apache-2.0

package nn

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// roundingFactor bounds the quotients that CheckInput accepts: activations that differ from their mean by less than a
// millionth of the largest are constant up to rounding.
const roundingFactor = 1e6

// CheckInput returns an error if Sigma = 0 and x has activations that are constant over their suppression field, so
// that their quotient would be 0/0 or the amplified rounding of a float32. The error names the first such place. With
// Sigma > 0 it returns nil at once. Call it with the inputs, before work on them begins. Fields of the batch take x as
// the batch. The running averages do not change. It panics as [Norm.Forward] does.
func (n *Norm) CheckInput(x *tensor.Tensor) error {
	n.check()
	if n.Sigma > 0 || x.Len() == 0 {
		return nil
	}
	most := float32(1e-30)
	for _, v := range x.Data() {
		most = max(most, v, -v)
	}
	constant := func(factor float32) bool { return !(factor*most < roundingFactor) }
	const remedy = "activations are constant there and sigma is 0, so that nothing is left to divide by: use sigma > 0"
	tape := autograd.NewTape(0)
	if n.A.Batch {
		tape.SetTraining(true)
		m := *n
		m.Mean, m.Variance = n.Mean.Clone(), n.Variance.Clone()
		for c, moments := range m.batch(tape.Input(x)).Operation().(*batchNormOp).channels {
			if constant(moments.factor) {
				return fmt.Errorf("nn: Norm: channel %d of the batch: %s", c, remedy)
			}
		}
		return nil
	}
	op := n.sample(tape.Input(x), nil).Operation().(*sampleNormOp)
	for i, factor := range op.factors {
		if constant(factor) {
			places := op.places()
			at := i % places
			return fmt.Errorf("nn: Norm: sample %d, group %d, row %d, column %d: %s", i/places/op.groups, i/places%op.groups,
				at/op.w, at%op.w, remedy)
		}
	}
	return nil
}
