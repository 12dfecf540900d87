// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// Slice returns the samples of x from up to (not including) to.
//
//	x [N, ...] -> y [to-from, ...]
//
// It panics unless 0 <= from < to <= N.
func Slice(x *Var, from, to int) *Var {
	if from < 0 || to <= from || to > x.Rows() {
		panic(fmt.Sprintf("autograd: Slice: no samples %d to %d in shape %v", from, to, x.Shape()))
	}
	y := tapeOf("Slice", x).Op("Slice", func(y *Var) {
		if x := y.in[0]; x.needsGrad {
			at := y.labels[len(y.labels)-1] * x.Width()
			dx := x.GradSum()[at : at+y.value.Len()]
			simd.Add(dx, dx, y.grad.Data())
		}
	}, x)
	y.KeepLabels(x.Shape())
	y.labels[0] = to - from
	y.Resize(y.labels...)
	y.labels = append(y.labels, from)
	copy(y.Data(), x.Data()[from*x.Width():to*x.Width()])
	return y
}
