// SPDX-License-Identifier: Apache-2.0

package ninai17

import (
	"testing"

	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/nn"
)

// The normalisations learn too, and constants stay in their range.
func TestNormalizationsLearn(t *testing.T) {
	d := &experiment.Data{Train: bars(180, "train"), Test: bars(60, "test")}
	for _, norm := range []string{BatchNorm, Divisive, NoNorm} {
		s := barSetting(d, Sup)
		s.Norm, s.Shape, s.Unlabelled = norm, "12x3x3 full pool, 12x2x2 valid, 12x1x1 valid", 0
		s.Labels, s.Epochs, s.Batch = 90, 40, 20
		got := mustTrain(t, s, d, experiment.Options{})
		if got.Metrics.Error > 0.25 {
			t.Errorf("%q: test error %v", norm, got.Metrics.Error)
		}
		if l, ok := got.Net.Layers[0].Norm.(*nn.LearntNorm); ok != (norm == Divisive) || ok && !(l.Alpha.Data()[0] > 0) {
			t.Errorf("%q: the normalisation is %T", norm, got.Net.Layers[0].Norm)
		}
	}
}
