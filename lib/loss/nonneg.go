// SPDX-License-Identifier: Apache-2.0

package loss

import (
	"math"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// NonNegativity returns the price of negative elements,
//
//	(1/N) sum_n ||max(0, -z_n)||²,
//
// which is 0 if and only if no element of z is negative (or each is too small for its square).
//
//	z [N, ...] -> one number
//
// Sum it over the intermediate rendered templates of a mixture model to keep them non-negative.
// Source: [NINAI17, eq. 4].
func NonNegativity(z *autograd.Var) *autograd.Var {
	y := z.Tape().Op("NonNegativity", func(y *autograd.Var) {
		z := y.In(0)
		if !z.NeedsGrad() {
			return
		}
		// dL/dz = 2 min(0, z) / N
		z.GradSum()
		y.Keep(0, 2*y.Grad().Data()[0]/float32(z.Rows()))
		y.Tape().For(y, z.Rows(), rowsWorthSharing(z), func(y *autograd.Var, lo, hi int) {
			z := y.In(0)
			w := z.Width()
			simd.Axpy(z.Grad().Data()[lo*w:hi*w], y.Kept(0), y.Saved(z.Value().Len() + z.Rows())[lo*w:hi*w])
		})
	}, z)
	y.Resize()
	y.Saved(z.Value().Len() + z.Rows()) // the negative parts, and the sum of squares of each row
	y.Tape().For(y, z.Rows(), rowsWorthSharing(z), func(y *autograd.Var, lo, hi int) {
		z := y.In(0)
		s, w := y.Saved(z.Value().Len()+z.Rows()), z.Width()
		for n := lo; n < hi; n++ {
			negative := s[n*w : (n+1)*w]
			simd.Clamp(negative, z.Value().Row(n), float32(math.Inf(-1)), 0)
			s[z.Value().Len()+n] = simd.SumSquares(negative)
		}
	})
	var sum float64
	for _, squares := range y.Saved(z.Value().Len() + z.Rows())[z.Value().Len():] {
		sum += float64(squares)
	}
	y.Data()[0] = float32(sum / float64(z.Rows()))
	return y
}

// rowsWorthSharing returns how many rows are worth a goroutine.
func rowsWorthSharing(z *autograd.Var) int { return 1<<14/max(z.Width(), 1) + 1 }
