// SPDX-License-Identifier: Apache-2.0

package loss

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// Power returns the loss
//
//	C = (1/N) sum_n sum_c |x_n,c - t_n,c|^m,   t_n,c = 1 for the label's class and -1 for the others,
//
// of outputs that lie between -1 and 1, such as those of tanh [KH19, appendix B]. A large m makes the worst output
// count for almost everything: the gradient vanishes within 1 of the target and grows steeply beyond. The document
// adds up the examples of a batch instead of averaging them.
//
//	outputs x [N, C], labels y of length N, 0 <= y < C, m >= 1 -> one number
//
// Power panics if there is not one label for each row, a label is no class, or m < 1.
func Power(x *autograd.Var, labels []int, m float64) *autograd.Var {
	n, classes := x.Rows(), x.Width()
	if len(labels) != n || !(m >= 1) {
		panic(fmt.Sprintf("loss: Power: %d labels for outputs of shape %v, power %v: want a label for each row and a power of at least 1",
			len(labels), x.Shape(), m))
	}
	y := x.Tape().Op("Power", powerBackward, x)
	y.Resize()
	y.Keep(0, float32(m))
	saved := y.Saved(2 * n * classes)
	off, slope := saved[:n*classes], saved[n*classes:] // x - t, |x - t|^(m-1)
	simd.AddScalar(off, 1, x.Data())
	for r, c := range labels {
		if c < 0 || c >= classes {
			panic(fmt.Sprintf("loss: Power: label %d of sample %d is none of the %d classes", c, r, classes))
		}
		off[r*classes+c] -= 2
	}
	simd.Abs(slope, off)
	simd.Pow(slope, slope, float32(m-1))
	var sum float64
	for i, d := range off {
		sum += float64(slope[i]) * float64(max(d, -d))
	}
	y.Data()[0] = float32(sum / float64(n))
	return y
}

// powerBackward adds m |x - t|^(m-1) sign(x - t) / N.
func powerBackward(y *autograd.Var) {
	x := y.In(0)
	if !x.NeedsGrad() {
		return
	}
	size := x.Rows() * x.Width()
	saved, dx := y.Saved(2*size), x.GradSum()
	s := y.Kept(0) * y.Grad().Data()[0] / float32(x.Rows())
	for i, d := range saved[:size] {
		switch {
		case d > 0:
			dx[i] += s * saved[size+i]
		case d < 0:
			dx[i] -= s * saved[size+i]
		}
	}
}
