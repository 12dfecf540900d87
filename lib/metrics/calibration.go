// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A CalibrationBin holds the samples whose predicted class has a probability within a range.
type CalibrationBin struct {
	Samples    int
	Confidence float64 // mean probability of the predicted class; NaN without samples
	Accuracy   float64 // share that is predicted correctly; NaN without samples
}

// Calibration compares how sure predictions are with how often they are right: it puts each sample into one of bins of
// equal width by the probability of its predicted class, from 0 to 1. The expected calibration error is the mean of
// |Accuracy - Confidence| over the samples,
//
//	ECE = sum_b n_b/N |Accuracy_b - Confidence_b|
//
// from 0 (calibrated) to 1. p [N, classes], rows that sum to 1, labels y [N]. ECE is NaN without samples. Calibration
// panics if the numbers of samples differ, if there are no classes, or unless bins >= 1. Source: [GPSW17].
func Calibration(p *tensor.Tensor, y []int, bins int) (b []CalibrationBin, ece float64) {
	checkLabels("Calibration", p, y)
	if bins < 1 {
		panic(fmt.Sprintf("metrics: Calibration: %d bins, want at least 1", bins))
	}
	b = make([]CalibrationBin, bins)
	for i, class := range y {
		best := simd.ArgMax(p.Row(i))
		confidence := float64(p.Row(i)[best])
		at := &b[min(bins-1, max(0, int(confidence*float64(bins))))]
		at.Samples++
		at.Confidence += confidence
		if best == class {
			at.Accuracy++
		}
	}
	for i := range b {
		at, n := &b[i], float64(b[i].Samples)
		if n == 0 {
			at.Confidence, at.Accuracy = math.NaN(), math.NaN()
			continue
		}
		ece += math.Abs(at.Accuracy - at.Confidence)
		at.Confidence, at.Accuracy = at.Confidence/n, at.Accuracy/n
	}
	return b, ece / float64(len(y))
}
