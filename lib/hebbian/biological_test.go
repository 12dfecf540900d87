// SPDX-License-Identifier: Apache-2.0

package hebbian_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	. "github.com/lateral-ml/lateral/lib/hebbian"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// steadyState solves eq. 4 for dh/dt = 0 by finding the active units: the n units with the largest currents are the
// active ones if each of them has h > 0 and no other unit would.
func steadyState(currents []float64, strength float64) []float64 {
	sorted := slices.Clone(currents)
	slices.Sort(sorted)
	slices.Reverse(sorted)
	var sum, firing float64
	for n := 1; n <= len(sorted); n++ {
		sum += sorted[n-1]
		firing = sum / (1 + strength*float64(n-1)) // the sum of the n equations
		if n == len(sorted) || sorted[n] <= strength*firing {
			break
		}
	}
	h := make([]float64, len(currents))
	for mu, i := range currents {
		if h[mu] = i - strength*firing; h[mu] > 0 {
			h[mu] /= 1 - strength
		}
	}
	return h
}

func TestSettleReachesTheSteadyState(t *testing.T) {
	currents := vector("currents", 60)
	for i := range currents {
		currents[i] += 2
	}
	before := slices.Clone(currents)
	actives := 61
	for _, strength := range []float64{0.05, 0.3, 0.8} {
		h, err := Inhibition{Strength: strength, Settled: 1e-7, Tau: 0.5}.SteadyState(currents, nil)
		if err != nil {
			t.Fatal(err)
		}
		active := 0
		for mu, want := range steadyState(currents, strength) {
			near(t, fmt.Sprintf("strength %v: activity of unit %d", strength, mu), h[mu], want, 1e-4)
			if want > 0 {
				active++
			}
		}
		if active == 0 || active >= actives {
			t.Errorf("strength %v: %d active units, %d with less inhibition", strength, active, actives)
		}
		actives = active
	}
	if !slices.Equal(currents, before) {
		t.Error("SteadyState changed the currents")
	}
}

func TestStrongInhibitionLeavesOneUnit(t *testing.T) {
	currents, last := []float64{1, 3, 2.9, -1}, -1.0
	h, err := Inhibition{Strength: 1.5}.SteadyState(currents, func(at float64, h []float64) {
		if !(at > last) || len(h) != 4 {
			t.Errorf("watch at %v after %v with %d units", at, last, len(h))
		}
		last = at
	})
	if err != nil {
		t.Fatal(err)
	}
	for mu, x := range h {
		if (x > 0) != (mu == 1) {
			t.Errorf("activities %v: want unit 1 alone", h)
		}
	}
	near(t, "the winner's activity", h[1], 3, 1e-3)
}

func TestUnitsThatDoNotSettle(t *testing.T) {
	_, err := Inhibition{Strength: 0.5, Until: 0.01}.SteadyState([]float64{1, 2}, nil)
	if err == nil || !strings.Contains(err.Error(), "allow more time") {
		t.Errorf("error %v", err)
	}
	if _, err := (Inhibition{Strength: 0.5}).SteadyState([]float64{1, math.NaN()}, nil); err == nil {
		t.Error("NaN settled")
	}
}

// If the inhibition leaves two units active and the threshold lies between them, the biological algorithm takes the
// same step as the fast one.
func TestBiologicalStepIsTheFastOne(t *testing.T) {
	w := tensor.From([]float32{0.9, 0.1, 0.8, 0.2, 0.1, 0.7}, 3, 2)
	v := tensor.From([]float32{1, 0.2}, 1, 2)
	rule, fast := Rule{P: 3}, w.Clone()
	NewLearner(Competition{Rule: rule, Delta: 0.4}, fast).Update(v, 0.01)
	b := Biological{Rule: rule, Inhibition: Inhibition{Strength: 0.6}, G: Threshold(0.5, 0.4), TauL: 100}
	h, err := b.Update(w, v.Data())
	if err != nil {
		t.Fatal(err)
	}
	if !(h[0] > 0.5 && h[1] > 0 && h[1] < 0.5 && h[2] < 0) {
		t.Fatalf("activities %v are not the case to test", h)
	}
	for i, want := range fast.Data() {
		near(t, fmt.Sprintf("weight %d", i), float64(w.Data()[i]), float64(want), 1e-6)
	}
}

func ExampleInhibition() {
	// Three units; the two with the larger currents stay active, and the difference between them is enlarged.
	h, err := Inhibition{Strength: 0.75, Settled: 1e-6}.SteadyState([]float64{10, 9, 5}, nil)
	fmt.Printf("%.2f %v\n", h, err)
	// Output: [7.43 3.43 -3.14] <nil>
}
