// SPDX-License-Identifier: Apache-2.0

package loss

import (
	"fmt"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// Power returns the loss
//
//	C = (1/N) sum_n sum_c |x_n,c - t_n,c|^m,   t_n,c = 1 for the label's class and -1 for the others,
//
// of outputs between -1 and 1, such as those of tanh [KH19, appendix B]. For large m, the worst output dominates: the
// gradient almost vanishes within a distance of 1 from the target and grows steeply beyond. The document sums over the
// samples of a batch instead of averaging.
//
//	outputs x [N, C], labels y of length N, 0 <= y < C, m >= 1 -> one number
//
// Power panics unless there is one label for each row, every label is a class, and m >= 1.
func Power(x *autograd.Var, labels []int, m float64) *autograd.Var {
	if !(m >= 1) {
		panic(fmt.Sprintf("loss: Power: power %v, want at least 1", m))
	}
	checkLabels("Power", x, labels)
	classes := x.Width()
	y, op := autograd.Record[powerOp]("Power", x)
	y.Resize()
	op.m = float32(m)
	op.off = slices.Grow(op.off[:0], x.Value().Len())[:x.Value().Len()]
	op.slope = slices.Grow(op.slope[:0], len(op.off))[:len(op.off)]
	simd.AddScalar(op.off, 1, x.Data())
	for r, c := range labels {
		op.off[r*classes+c] -= 2
	}
	simd.Abs(op.slope, op.off)
	simd.Pow(op.slope, op.slope, float32(m-1))
	var sum float64
	for i, d := range op.off {
		sum += float64(op.slope[i]) * float64(max(d, -d))
	}
	y.Data()[0] = float32(sum / float64(x.Rows()))
	return y
}

type powerOp struct {
	m          float32
	off, slope []float32 // x - t, |x - t|^(m-1)
}

// Backward adds m |x - t|^(m-1) sign(x - t) / N.
func (op *powerOp) Backward(y *autograd.Var) {
	x := y.In(0)
	if !x.NeedsGrad() {
		return
	}
	dx, s := x.GradSum(), op.m*y.Grad().Data()[0]/float32(x.Rows())
	for i, d := range op.off {
		switch {
		case d > 0:
			dx[i] += s * op.slope[i]
		case d < 0:
			dx[i] -= s * op.slope[i]
		}
	}
}
