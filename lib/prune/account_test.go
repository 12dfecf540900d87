// SPDX-License-Identifier: Apache-2.0

package prune_test

import (
	"math"
	"strings"
	"testing"

	. "github.com/lateral-ml/lateral/lib/prune"
)

// two are the sizes of two layers; the second also renders.
var two = []Size{
	{Name: "conv1", Weights: 100, BottomUp: 1000, Units: 40, Pooled: 10},
	{Name: "conv2", Weights: 300, BottomUp: 3000, TopDown: 1000, Units: 20, Pooled: 20},
}

// Worked out by hand: half of the inputs of the second layer are active.
func TestAccount(t *testing.T) {
	shares := []Share{{0.5, 0, 0.6}, {0.25, 0.1, 0.2}}
	for rule, want := range map[Rule][3]float64{ // operations of both layers and in total
		Synapses:    {0.6, (3000*0.1 + 1000*0.02) / 4000, (600 + 300 + 20) / 5000.},
		Neurons:     {0.6, (3000*0.1 + 1000*0.02) / 4000, (600 + 300 + 20) / 5000.},
		NeuronsSame: {0.3, (3000*0.05 + 1000*0.1) / 4000, (300 + 150 + 100) / 5000.},
	} {
		rows, err := Account(two, shares, rule)
		if err != nil || len(rows) != 3 {
			t.Fatal(rows, err)
		}
		for i, w := range want {
			if math.Abs(rows[i].Operations-w) > 1e-12 {
				t.Errorf("%s, row %d: %g of the operations, want %g", rule, i, rows[i].Operations, w)
			}
		}
		kept := (60 + 60) / 400. // by weights
		if rule != Synapses {
			kept = (0.6*40 + 0.2*20) / 60 // by units
		}
		total := rows[2]
		if math.Abs(total.Kept-kept) > 1e-12 || math.Abs(total.Active-10./30) > 1e-12 ||
			math.Abs(total.ActiveTopDown-2./60) > 1e-12 || total.Weights != 400 || total.BottomUp != 4000 {
			t.Errorf("%s: total %+v", rule, total)
		}
	}
}

func TestAccountRefuses(t *testing.T) {
	shares := make([]Share, 2)
	if _, err := Account(two, shares[:1], Synapses); err == nil || !strings.Contains(err.Error(), "2 sizes of layers") {
		t.Errorf("one share: %v", err)
	}
	if _, err := Account(two, shares, "other"); err == nil || !strings.Contains(err.Error(), `no rule "other"`) {
		t.Errorf("rule: %v", err)
	}
	for _, bad := range []float64{-0.1, 1.1, math.NaN()} {
		shares[1].Kept = bad
		if _, err := Account(two, shares, Synapses); err == nil || !strings.Contains(err.Error(), "conv2 has the shares") {
			t.Errorf("share %v: %v", bad, err)
		}
	}
}
