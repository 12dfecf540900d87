// SPDX-License-Identifier: Apache-2.0

package nn

import (
	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Dropout silences each element with probability P while training and multiplies the others by Scale, as a rule
// 1/(1-P), so that the mean stays. It passes everything through otherwise. P is rounded to a multiple of 2^-16. Source: [SHKSS14].
type Dropout struct {
	P     float32     // probability of silence, 0 <= P < 1
	Scale float32     // factor on what is not silent while training; 0 is 1/(1-P)
	RNG   *tensor.RNG // where the draws come from

	mask tensor.Tensor
}

// NewDropout returns a dropout layer. It panics unless 0 <= p < 1.
func NewDropout(p float32, rng *tensor.RNG) *Dropout {
	if !(p >= 0 && p < 1) {
		panic("nn: NewDropout: the probability must lie in [0, 1)")
	}
	return &Dropout{P: p, RNG: rng}
}

// Forward drops elements of x if its tape is training.
func (d *Dropout) Forward(x *autograd.Var) *autograd.Var {
	if !x.Tape().Training() || d.P == 0 {
		return x
	}
	d.mask.Resize(x.Shape()...)
	d.draw(d.mask.Data())
	return autograd.Mul(x, x.Tape().Input(&d.mask))
}

// draw fills mask with 0 and the scale. One random number serves four elements, 16 bits each: generating the numbers
// would cost more than the layer otherwise.
func (d *Dropout) draw(mask []float32) {
	silent := uint64(d.P*(1<<16) + 0.5)
	values := [2]float32{0, d.Scale}
	if d.Scale == 0 {
		values[1] = 1 / (1 - d.P)
	}
	for len(mask) > 0 {
		bits := d.RNG.Uint64()
		n := min(4, len(mask))
		for i := range mask[:n] {
			keep := 0
			if bits&0xffff >= silent {
				keep = 1
			}
			mask[i] = values[keep]
			bits >>= 16
		}
		mask = mask[n:]
	}
}
