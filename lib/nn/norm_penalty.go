// SPDX-License-Identifier: Apache-2.0

package nn

import (
	"fmt"
	"iter"

	"github.com/lateral-ml/lateral/lib/autograd"
)

// CentredL1 returns the activity penalty
//
//	alpha/(N·L) · sum over n and j of |v_n,j|
//
// on the centred activations v of a [Norm], from its result y [N, ...] with L activations in a sample [NINAI17, eq.
// 13]. The document marks normalisation with this penalty by a star: DN*. It panics if y is not a result of
// [Norm.Forward].
func CentredL1(y *autograd.Var, alpha float32) *autograd.Var {
	op, ok := y.Operation().(centring)
	if !ok {
		panic(fmt.Sprintf("nn: CentredL1: want the result of Norm.Forward, got that of %s", y.Op()))
	}
	penalty, state := autograd.Record[centredL1Op]("CentredL1", y)
	state.slope = alpha / float32(y.Value().Len())
	penalty.Resize()
	penalty.Data()[0] = float32(float64(state.slope) * op.centredAbsSum(y))
	return penalty
}

// centring is the operation of a Norm.
type centring interface {
	centredAbsSum(y *autograd.Var) float64
	// eachCentred calls do with parts of v until it returns false. The part is valid during the call.
	eachCentred(y *autograd.Var, do func(v []float32) bool)
	// penalise adds slope·sign(v) to the gradient of v in the coming Backward of y.
	penalise(slope float32)
}

type centredL1Op struct{ slope float32 }

// Backward leaves the work to the operation of y, which computes v anyway and comes later in the backward pass.
func (op *centredL1Op) Backward(penalty *autograd.Var) {
	if y := penalty.In(0); y.NeedsGrad() {
		y.GradSum()
		y.Operation().(centring).penalise(op.slope * penalty.Grad().Data()[0])
	}
}

// Choices are the signs of v.
func (op *centredL1Op) Choices(penalty *autograd.Var) iter.Seq[int32] {
	return func(yield func(int32) bool) {
		y := penalty.In(0)
		y.Operation().(centring).eachCentred(y, func(v []float32) bool {
			for _, v := range v {
				sign := int32(0)
				if v > 0 {
					sign = 1
				} else if v < 0 {
					sign = -1
				}
				if !yield(sign) {
					return false
				}
			}
			return true
		})
	}
}
