// SPDX-License-Identifier: Apache-2.0

package loss

import "github.com/lateral-ml/lateral/lib/autograd"

// LogActivity returns the activity penalty
//
//	lambda · (1/N) sum_n sum_i log(1 + a_n,i²)
//
// of a layer's activations a [N, U], which corresponds to a Cauchy prior on activity. Its slope 2a / (1 + a²) is
// largest at a = 1 and decreases beyond, so that strongly active units pay little for extra activity. Unlike for [L1],
// the slope vanishes at a = 0. Source: the second of Sparsenet's three penalties in chapter 1 of [Thesis21].
func LogActivity(a *autograd.Var, lambda float32) *autograd.Var {
	penalty := autograd.Log(autograd.AddScalar(autograd.Square(a), 1))
	return autograd.Scale(autograd.Sum(penalty), lambda/float32(a.Rows()))
}

// ExpActivity returns the activity penalty
//
//	-lambda · (1/N) sum_n sum_i exp(-a_n,i²)
//
// of a layer's activations a [N, U]. It is a smooth count of active units: -lambda·U if all activations are 0, and at
// most 0. Its slope 2a exp(-a²) vanishes at 0, and for a greater than about 2. Source: the first of Sparsenet's three
// penalties in chapter 1 of [Thesis21].
func ExpActivity(a *autograd.Var, lambda float32) *autograd.Var {
	silent := autograd.Exp(autograd.Scale(autograd.Square(a), -1))
	return autograd.Scale(autograd.Sum(silent), -lambda/float32(a.Rows()))
}
