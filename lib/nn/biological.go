// SPDX-License-Identifier: Apache-2.0

package nn

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/autograd"
)

// Biological is divisive normalisation as it describes the responses of neurons [NINAI17, eq. 5]. The response to
// activities z is
//
//	y_j = Gamma · sum_i u_ji z_i / (Sigma² + sum_k w_jk max(z_k, 0)^P)^(1/P)
//
// where u are the weights of the summation field and w those of the suppression field.
//
//	z [N, L], u and w [L, L] -> y [N, L]
//	z [N, C, H, W], u and w [C, C, k, k] for odd k, centred on the unit, 0 beyond the edge -> y [N, C, H, W]
//
// With a nil Summation, the summation field is the unit alone: the numerator is Gamma·z_j. The activities of a
// suppression field are firing rates, therefore negative ones count as 0. Both weights can be trained. Negative
// suppression weights can make the denominator 0 or undefined; keep them >= 0.
type Biological struct {
	Summation   *autograd.Var // u; nil for the unit alone
	Suppression *autograd.Var // w, >= 0
	Gamma       float32       // the response to strong activity
	Sigma       float32       // semi-saturation constant, > 0
	P           float64       // exponent, >= 1
}

// Forward normalises z. It panics unless the shapes fit, Sigma > 0 and P >= 1.
func (b *Biological) Forward(z *autograd.Var) *autograd.Var {
	if !(b.Sigma > 0) || !(b.P >= 1) || math.IsInf(b.P, 0) {
		panic(fmt.Sprintf("nn: Biological: sigma %v and exponent %v: want sigma > 0 and a finite exponent >= 1", b.Sigma,
			b.P))
	}
	top := z
	if b.Summation != nil {
		top = weighted(z, b.Summation)
	}
	activity := weighted(autograd.RectifiedPower(z, b.P), b.Suppression)
	bottom := autograd.Log(autograd.AddScalar(activity, b.Sigma*b.Sigma))
	return autograd.Mul(autograd.Scale(top, b.Gamma), autograd.Exp(autograd.Scale(bottom, float32(-1/b.P))))
}

// weighted returns the weighted sums of z over a field.
func weighted(z, w *autograd.Var) *autograd.Var {
	s, d := w.Shape(), z.Shape()
	switch {
	case len(d) == 2 && len(s) == 2 && s[0] == d[1] && s[1] == d[1]:
		return autograd.Linear(z, w, nil)
	case len(d) == 4 && len(s) == 4 && s[0] == d[1] && s[1] == d[1] && s[2]%2 == 1 && s[3]%2 == 1:
		return autograd.Conv2D(z, w, nil, autograd.SamePadding(s[2], s[3]))
	}
	panic(fmt.Sprintf("nn: Biological: weights of shape %v for activities %v: want [L, L] for [N, L], or [C, C, "+
		"k, k] with odd k for [N, C, H, W]", s, d))
}
