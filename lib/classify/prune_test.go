// SPDX-License-Identifier: Apache-2.0

package classify_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/classify"
	"github.com/lateral-ml/lateral/lib/dataset"
)

// A pruned model, also one that was loaded, can be pruned further: its sparse layers lose weights as well.
func TestPruneAgain(t *testing.T) {
	digits, _ := dataset.Glyphs(1)
	data := classify.Set(digits.Slice(0, 100))
	m := fit(t, data, classify.Config{Epochs: 1, Network: classify.Network{Filters: []int{5}, Hidden: []int{10}}})
	path := filepath.Join(t.TempDir(), "pruned")
	weights := []int{45, 9800, 100}
	for _, keep := range []float64{0.6, 0.4, 0.2} {
		if err := m.Prune(t.Context(), data, keep, classify.Config{Epochs: 1, Quiet: true}); err != nil {
			t.Fatal(err)
		}
		layers := m.Summary(nil).Layers
		for i, at := range []int{0, 3, 5} {
			biases := []int{5, 10, 10}[i]
			if left := layers[at].Params - biases; keep < 0.5 && left != int(keep*float64(weights[i])) {
				t.Errorf("%s has %d of %d weights, want a share of %g", layers[at].Name, left, weights[i], keep)
			}
		}
		if err := m.Save(path); err != nil {
			t.Fatal(err)
		}
		again, err := classify.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		m = again
	}
	err := m.Prune(t.Context(), data, 0.5, classify.Config{Quiet: true})
	if err == nil || !strings.Contains(err.Error(), "pruning does not add") {
		t.Errorf("more weights than remain: %v", err)
	}
}
