// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"fmt"
	"math"
	"testing"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// Four samples: 0.9 right, 0.8 wrong in the upper bin of two; 0.6 right there too; nothing in the lower bin.
func TestCalibration(t *testing.T) {
	p := tensor.From([]float32{0.9, 0.1, 0.2, 0.8, 0.4, 0.6}, 3, 2)
	bins, ece := Calibration(p, []int{0, 0, 1}, 2)
	if bins[0].Samples != 0 || !math.IsNaN(bins[0].Accuracy) || bins[1].Samples != 3 {
		t.Errorf("%+v", bins)
	}
	if b := bins[1]; !(math.Abs(b.Confidence-2.3/3) < 1e-6 && math.Abs(b.Accuracy-2./3) < 1e-12) {
		t.Errorf("%+v", b)
	}
	if !(math.Abs(ece-0.1) < 1e-6) {
		t.Errorf("ECE %v, want |2/3 - 2.3/3| = 0.1", ece)
	}
	// A probability of 1 belongs to the last bin; two bins with opposite errors do not cancel.
	_, ece = Calibration(tensor.From([]float32{1, 0, 0.45, 0.55}, 2, 2), []int{1, 1}, 10)
	if !(math.Abs(ece-(1+0.45)/2) < 1e-6) {
		t.Errorf("ECE %v", ece)
	}
	if _, ece := Calibration(tensor.New(0, 2), nil, 3); !math.IsNaN(ece) {
		t.Errorf("without samples: %v", ece)
	}
}

func ExampleCalibration() {
	p := tensor.From([]float32{0.8, 0.2, 0.8, 0.2, 0.8, 0.2, 0.8, 0.2, 0.8, 0.2}, 5, 2)
	_, ece := Calibration(p, []int{0, 0, 0, 0, 1}, 10) // sure to 80 %, and right in 4 of 5
	fmt.Printf("%.2f\n", ece)
	// Output: 0.00
}
