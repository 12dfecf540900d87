// SPDX-License-Identifier: Apache-2.0

package ninai17

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/drmm"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/train"
)

// Continue starts from the given network, which stays as it is, and trains with the wrapped learner.
func TestContinue(t *testing.T) {
	d := barData()
	s := barSetting(d, NNVI)
	first, err := Train(t.Context(), s, d, experiment.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	before := slices.Clone(nn.Params(first.Net)[0].Data())
	s.Rate, s.FinalRate = 1e-9, 1e-9 // so that weights hardly move
	wrapped := false
	again, err := Continue(t.Context(), s, first.Net, func(live, average *drmm.Net, l train.Learner) train.Learner {
		wrapped = live != nil && (average != nil) == (s.Average > 0)
		return l
	}, d, experiment.Options{Workers: 1})
	if err != nil || !wrapped {
		t.Fatal(wrapped, err)
	}
	if !slices.Equal(nn.Params(first.Net)[0].Data(), before) {
		t.Error("the network that was given changed")
	}
	for i, v := range nn.Params(again.Net)[0].Data() {
		if math.Abs(float64(v-before[i])) > 1e-5 {
			t.Fatalf("weight %d is %g after a start from %g", i, v, before[i])
		}
	}
	s.Shape = "4x5x5 full pool, 10x1x1 valid"
	_, err = Continue(t.Context(), s, first.Net, nil, d, experiment.Options{})
	if err == nil || !strings.Contains(err.Error(), "the setting 4x5x5 full pool, 10x1x1 valid") {
		t.Errorf("another shape: %v", err)
	}
}
