// SPDX-License-Identifier: Apache-2.0

package nn

import "github.com/lateral-ml/lateral/lib/autograd"

// BatchMoments are the settings of batch normalisation outside training; see [autograd.Configured].
type BatchMoments struct {
	Mean, Variance []float32 // of each channel
	Sigma2         float64
}

// SampleNorm are the settings of normalisation with fields of the sample; see [autograd.Configured].
type SampleNorm struct {
	A, B   [2]int // height and width of the windows; 0 for the whole group
	Groups int
	Sigma2 float64
}

// Settings implements [autograd.Configured].
func (op *batchNormOp) Settings(*autograd.Var) any {
	m := BatchMoments{Sigma2: op.sigma2}
	for _, c := range op.channels {
		m.Mean, m.Variance = append(m.Mean, c.mean), append(m.Variance, c.variance)
	}
	return m
}

// Settings implements [autograd.Configured].
func (op *sampleNormOp) Settings(*autograd.Var) any {
	return SampleNorm{[2]int{op.a.h, op.a.w}, [2]int{op.b.h, op.b.w}, op.groups, op.sigma2}
}

// Settings returns the mask, a []float32.
func (op *gateOp) Settings(*autograd.Var) any { return op.mask }
