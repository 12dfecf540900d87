// SPDX-License-Identifier: Apache-2.0

package nn

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// LearntNorm is divisive normalisation with learnt constants, the estimate of a Gaussian scale mixture in a deep
// rendering model,
//
//	v = x - mean(x),   y = v / sqrt((Alpha + mean(v²)/Sigma²) / 2) + Shift,
//
// with both means over the same window, across all channels; see [Norm] for edges. Alpha must stay above 0.
//
//	x [N, L] or [N, C, H, W] -> y of the same shape
//
// Source: [NINAI17, appendix on divisive normalisation as a MAP estimate], with Beta = 1 and a shift.
type LearntNorm struct {
	Window              int           // side of the window
	Sigma, Alpha, Shift *autograd.Var // one number each
}

// NewLearntNorm returns a layer with the given window, Sigma 0.5, Alpha 1 and Shift 0, the values of the reference
// program, whose windows are as large as the filters of the layer. It panics if window < 1.
func NewLearntNorm(window int) *LearntNorm {
	NewDivisiveNorm(window, window, 1) // checks the window
	constant := func(x float32) *autograd.Var { return autograd.NewParam(tensor.From([]float32{x}, 1)) }
	return &LearntNorm{Window: window, Sigma: constant(0.5), Alpha: constant(1), Shift: constant(0)}
}

// leastAlpha is the least Alpha that Constrain allows. The quotient is then at most sqrt(2000)·v.
const leastAlpha = 1e-3

// Constrain sets Alpha to at least 0.001. Call it after each step of an optimiser.
func (l *LearntNorm) Constrain() { l.Alpha.Data()[0] = max(l.Alpha.Data()[0], leastAlpha) }

// Forward normalises x. It panics if the window is larger than x, or Alpha is not above 0.
func (l *LearntNorm) Forward(x *autograd.Var) *autograd.Var {
	if alpha := l.Alpha.Data()[0]; !(alpha > 0) {
		panic(fmt.Sprintf("nn: LearntNorm: Alpha is %v, want > 0: call Constrain after each step", alpha))
	}
	f := Field{Window: max(l.Window, 1)}
	n := Norm{A: f, B: f}
	// y = sqrt(2)·|Sigma|·v / sqrt(Alpha·Sigma² + mean(v²)) + Shift
	tau, _ := autograd.RecordOn[learntConstantOp](x.Tape(), "LearntNorm constant", l.Sigma, l.Alpha)
	tau.Resize(1)
	tau.Data()[0] = l.Alpha.Data()[0] * l.Sigma.Data()[0] * l.Sigma.Data()[0]
	v := n.ForwardWith(x, tau)
	y, op := autograd.Record[learntGainOp]("LearntNorm", v, l.Sigma, l.Shift)
	y.Resize(x.Shape()...)
	op.gain = float32(math.Sqrt2 * math.Abs(float64(l.Sigma.Data()[0])))
	autograd.For(y, y.Value().Len(), 1<<14, (*learntGainOp).forward)
	return y
}

// learntConstantOp is Alpha·Sigma².
type learntConstantOp struct{}

func (*learntConstantOp) Backward(y *autograd.Var) {
	sigma, alpha, d := y.In(0), y.In(1), y.Grad().Data()[0]
	sigma.GradSum()[0] += 2 * alpha.Data()[0] * sigma.Data()[0] * d
	alpha.GradSum()[0] += sigma.Data()[0] * sigma.Data()[0] * d
}

// learntGainOp is sqrt(2)·|Sigma|·v + Shift.
type learntGainOp struct{ gain float32 }

func (op *learntGainOp) forward(y *autograd.Var, lo, hi int) {
	simd.Normalize(y.Data()[lo:hi], y.In(0).Data()[lo:hi], 0, op.gain, y.In(2).Data()[0])
}

func (op *learntGainOp) Backward(y *autograd.Var) {
	v, sigma, shift, dy := y.In(0), y.In(1), y.In(2), y.Grad().Data()
	const part = 1 << 12 // the sum of a part in float32, those of all parts in float64
	var product, sum float64
	for at := 0; at < len(dy); at += part {
		end := min(at+part, len(dy))
		product += float64(simd.Dot(dy[at:end], v.Data()[at:end]))
		sum += float64(simd.Sum(dy[at:end]))
	}
	sigma.GradSum()[0] += float32(math.Copysign(math.Sqrt2, float64(sigma.Data()[0])) * product)
	shift.GradSum()[0] += float32(sum)
	if !v.NeedsGrad() {
		return
	}
	if dv, accumulate := v.GradBuffer(); accumulate {
		simd.Axpy(dv, op.gain, dy)
	} else {
		simd.Scale(dv, op.gain, dy)
	}
}
