// SPDX-License-Identifier: Apache-2.0

package hebbian

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Rule is how the weights W of one unit follow an input v,
//
//	tau_L dW_i/dt = g (R^p v_i - <W,v> W_i),   <X,Y> = sum_i |W_i|^(p-2) X_i Y_i
//
// where g determines whether the unit learns or unlearns [KH19, eq. 2]. While g <W,v> >= 0 the weights converge to the
// sphere sum_i |W_i|^p = R^p, whatever the input.
//
// With p = 2, R = 1 and g = <W,v> this is Oja's rule, whose fixed point is the first principal component.
//
// Methods panic if vectors differ in length, or if P or R is out of range.
type Rule struct {
	P float64 // exponent of the norm, at least 1; 0 means 2, the Euclidean norm
	R float64 // radius of the sphere, above 0; 0 means 1
}

// withDefaults returns the rule with zero fields replaced by their defaults.
func (r Rule) withDefaults() Rule {
	if r.P == 0 {
		r.P = 2
	}
	if r.R == 0 {
		r.R = 1
	}
	if !(r.P >= 1) || !(r.R > 0) || math.IsInf(r.P, 1) || math.IsInf(r.R, 1) {
		panic(fmt.Sprintf("hebbian: Rule: want P >= 1 and R > 0, got %v and %v", r.P, r.R))
	}
	return r
}

// Current returns the input current of a unit, <W,v> = sum_i sign(W_i) |W_i|^(p-1) v_i. The current ranks the units;
// the forward pass of a network uses the plain inner product instead.
func (r Rule) Current(w, v []float64) float64 {
	p := r.withDefaults().P
	sameLength("Current", w, v)
	var sum float64
	for i, x := range v {
		sum += signedPower(w[i], p-1) * x
	}
	return sum
}

// signedPower returns sign(w) |w|^e.
func signedPower(w, e float64) float64 {
	switch {
	case w == 0:
		return 0
	case e == 1:
		return w
	}
	return math.Copysign(math.Pow(math.Abs(w), e), w)
}

// Norm returns <W,W> = sum_i |W_i|^p, the p-norm to the power p.
func (r Rule) Norm(w []float64) float64 {
	p := r.withDefaults().P
	var sum float64
	for _, x := range w {
		sum += math.Pow(math.Abs(x), p)
	}
	return sum
}

// Q returns <W,v> / <W,W>^((p-1)/p), the argument of the learning activation g: the current that the unit would have if
// its weights were scaled to the sphere of radius 1. It is NaN for weights that are all zero.
func (r Rule) Q(w, v []float64) float64 {
	p := r.withDefaults().P
	return r.Current(w, v) / math.Pow(r.Norm(w), (p-1)/p)
}

// Velocity sets dw to tau_L dW/dt, the right-hand side of the rule, for the learning activation g.
func (r Rule) Velocity(dw, w, v []float64, g float64) {
	sameLength("Velocity", w, v)
	sameLength("Velocity", w, dw)
	r = r.withDefaults()
	pull, current := math.Pow(r.R, r.P), r.Current(w, v)
	for i, x := range v {
		dw[i] = g * (pull*x - current*w[i])
	}
}

// Lyapunov returns L = sum_mu G(Q_mu) of units with the weights w_mu. It never decreases while all of them follow the
// rule with g = G' [KH19, eq. 3 and appendix A].
func (r Rule) Lyapunov(w [][]float64, v []float64, g func(q float64) float64) float64 {
	var sum float64
	for _, row := range w {
		sum += g(r.Q(row, v))
	}
	return sum
}

// PNorms returns the p-norm of each row of the weights, (sum_i |W_i|^p)^(1/p), which converges to R during learning. w
// [units, inputs] -> [units].
func (r Rule) PNorms(w *tensor.Tensor) []float64 {
	p := r.withDefaults().P
	norms := make([]float64, w.Rows())
	for u := range norms {
		var sum float64
		for _, x := range w.Row(u) {
			sum += math.Pow(math.Abs(float64(x)), p)
		}
		norms[u] = math.Pow(sum, 1/p)
	}
	return norms
}

func sameLength(op string, a, b []float64) {
	if len(a) != len(b) {
		panic(fmt.Sprintf("hebbian: %s: vectors of %d and %d elements", op, len(a), len(b)))
	}
}
