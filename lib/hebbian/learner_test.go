// SPDX-License-Identifier: Apache-2.0

package hebbian_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	. "github.com/lateral-ml/lateral/lib/hebbian"
	"github.com/lateral-ml/lateral/lib/internal/race"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// normal returns weights, uniform returns examples without negative elements.
func normal(name string, shape ...int) *tensor.Tensor {
	t := tensor.New(shape...)
	tensor.Stream(1, name).Normal(t.Data(), 0, 1)
	return t
}

func uniform(name string, shape ...int) *tensor.Tensor {
	t := tensor.New(shape...)
	tensor.Stream(1, name).Uniform(t.Data(), 0, 1)
	return t
}

// For any batch, one step equals the rule for the winner and the unit that came k-th.
func TestUpdateIsTheRule(t *testing.T) {
	const units, inputs = 6, 9
	for _, batch := range []int{1, 4} {
		for _, c := range []Competition{
			{Rule: Rule{P: 1}, Delta: 0.3},
			{Rule: Rule{P: 2}, Delta: 0.4},
			{Rule: Rule{P: 2.5, R: 2}, K: 3, Delta: 0.2},
			{Rule: Rule{P: 3}, K: 6, Delta: 0.4, Scale: MaxNormalised},
			{Rule: Rule{P: 4}, Delta: 0, Scale: MaxNormalised},
		} {
			w, x := normal(fmt.Sprint("w", c.P), units, inputs), uniform("x", batch, inputs)
			want := online(c, w, x, 0.05)
			NewLearner(c, w).Update(x, 0.05)
			for i, got := range w.Data() {
				near(t, fmt.Sprintf("%+v, batch of %d: weight %d", c, batch, i), float64(got), want[i], 2e-5)
			}
		}
	}
}

// online is the rule in float64, unit by unit.
func online(c Competition, weights, x *tensor.Tensor, rate float64) []float64 {
	k, units, inputs := max(c.K, 2), weights.Rows(), weights.Width()
	w, total, dw := widen(weights.Data()), make([]float64, weights.Len()), make([]float64, inputs)
	for s := range x.Rows() {
		v := widen(x.Row(s))
		order := make([]int, units)
		for u := range order {
			order[u] = u
		}
		current := func(u int) float64 { return c.Current(w[u*inputs:(u+1)*inputs], v) }
		slices.SortStableFunc(order, func(a, b int) int { return -cmp(current(a), current(b)) })
		for rank, g := range map[int]float64{0: 1, k - 1: -c.Delta} {
			u := order[rank]
			c.Velocity(dw, w[u*inputs:(u+1)*inputs], v, g)
			for i, d := range dw {
				total[u*inputs+i] += d
			}
		}
	}
	scale, largest := rate/float64(x.Rows()), 0.0
	for _, d := range total {
		largest = max(largest, math.Abs(d))
	}
	if c.Scale == MaxNormalised {
		scale = rate / largest
	}
	for i, d := range total {
		w[i] += scale * d
	}
	return w
}

func cmp(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func widen(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// Unit 0 has the larger plain product with the example, unit 1 the larger current for p = 4.
func TestRankingUsesThePMetric(t *testing.T) {
	w := tensor.From([]float32{0.6, 0.6, 0.6, 0.9, 0, 0.1}, 2, 3)
	x := tensor.From([]float32{1, 1, 0.5}, 1, 3)
	for p, want := range map[float64]int32{2: 0, 4: 1} {
		if got := NewLearner(Competition{Rule: Rule{P: p}}, w.Clone()).Compete(x); got[0] != want || got[1] != 1-want {
			t.Errorf("p = %v: ranking %v, want unit %d first", p, got, want)
		}
	}
}

func TestTiesGoToTheLowerUnit(t *testing.T) {
	w := tensor.From([]float32{1, 0, 2, 0, 2, 0, 1, 0}, 4, 2)
	got := NewLearner(Competition{K: 4}, w).Compete(tensor.From([]float32{1, 1}, 1, 2))
	if want := []int32{1, 2, 0, 3}; !slices.Equal(got, want) {
		t.Errorf("ranking %v, want %v", got, want)
	}
}

// Learning brings every unit to the sphere of radius R.
func TestNormsConverge(t *testing.T) {
	const units, inputs = 6, 18
	for _, rule := range []Rule{{P: 1.5}, {P: 2}, {P: 3, R: 2}, {P: 4}} {
		// Six kinds of inputs; each unit favours one of them.
		x, w := uniform("x", 60, inputs), uniform("w", units, inputs)
		for s := range x.Rows() {
			for i := range 3 {
				x.Row(s)[3*(s%units)+i] += 3
			}
		}
		for u := range units {
			for i := range 3 {
				w.Row(u)[3*u+i] += 1
			}
		}
		l := NewLearner(Competition{Rule: rule}, w)
		for range 5000 {
			l.Update(x, 0.02)
		}
		for u, norm := range rule.PNorms(w) {
			near(t, fmt.Sprintf("%+v: norm of unit %d", rule, u), norm, max(rule.R, 1), 1e-3)
		}
	}
}

// The learner's cache stays equal to what it would compute from the weights.
func TestKeptPowersStayExact(t *testing.T) {
	for _, p := range []float64{1, 2, 3, 3.5, 4} {
		c := Competition{Rule: Rule{P: p}, K: 3, Delta: 0.4, Scale: MaxNormalised}
		l := NewLearner(c, normal("w", 40, 30))
		for i := range 20 {
			l.Update(uniform(fmt.Sprint("x", i), 16, 30), 0.03)
		}
		x := uniform("x", 16, 30)
		kept := slices.Clone(l.Compete(x))
		anew := NewLearner(c, l.Weights().Clone())
		anew.Compete(x)
		l.Update(x, 0.1)
		anew.Update(x, 0.1)
		if !slices.Equal(kept, anew.Compete(x)) && !slices.Equal(l.Weights().Data(), anew.Weights().Data()) {
			t.Errorf("p = %v: the learner went another way than one that began from its weights", p)
		}
		if !slices.Equal(l.Weights().Data(), anew.Weights().Data()) {
			t.Errorf("p = %v: other weights than those of a learner that began from the same", p)
		}
	}
}

func TestWorkersDoNotMatter(t *testing.T) {
	for _, scale := range []Scale{Average, MaxNormalised} {
		var want []float32
		var wins []int
		for _, workers := range []int{1, 2, 5} {
			l := NewLearner(Competition{Rule: Rule{P: 3}, K: 7, Delta: 0.4, Scale: scale}, normal("w", 301, 784))
			l.Workers = workers
			for i := range 6 {
				l.Update(uniform(fmt.Sprint("x", i), 100-i, 784), 0.04)
			}
			if want == nil {
				want, wins = l.Weights().Data(), l.Wins()
			}
			if !slices.Equal(l.Weights().Data(), want) || !slices.Equal(l.Wins(), wins) {
				t.Errorf("%v: %d workers give other weights than 1", scale, workers)
			}
		}
	}
}

func TestWinsAreCounted(t *testing.T) {
	l := NewLearner(Competition{}, tensor.From([]float32{1, 0, 0, 1, 0.1, 0.1}, 3, 2))
	l.Update(tensor.From([]float32{1, 0, 0, 1, 0.9, 0}, 3, 2), 0)
	if want := []int{2, 1, 0}; !slices.Equal(l.Wins(), want) {
		t.Errorf("wins %v, want %v", l.Wins(), want)
	}
	l.ResetWins()
	if want := []int{0, 0, 0}; !slices.Equal(l.Wins(), want) {
		t.Errorf("wins after ResetWins: %v", l.Wins())
	}
}

func TestUpdateAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	for _, p := range []float64{2, 3.5, 4} {
		for _, workers := range []int{1, 2} {
			l := NewLearner(Competition{Rule: Rule{P: p}, K: 3, Delta: 0.4, Scale: MaxNormalised}, normal("w", 200, 784))
			l.Workers = workers
			x := uniform("x", 100, 784)
			for range 3 {
				l.Update(x, 0.02)
			}
			if n := testing.AllocsPerRun(20, func() { l.Update(x, 0.02) }); n != 0 {
				t.Errorf("p = %v, %d workers: an update allocates %v times", p, workers, n)
			}
		}
	}
}

func ExampleLearner() {
	// Two units share two kinds of inputs between them.
	w := tensor.New(2, 4)
	tensor.Stream(1, "weights").Normal(w.Data(), 0, 1)
	rule := Rule{P: 2}
	l := NewLearner(Competition{Rule: rule, Delta: 0.1}, w)
	x := tensor.From([]float32{
		1, 1, 0, 0,
		0, 0, 1, 1,
	}, 2, 4)
	for range 2000 {
		l.Update(x, 0.05)
	}
	ranking := l.Compete(x)
	fmt.Println("different winners:", ranking[0] != ranking[2])
	fmt.Printf("norms: %.2f\n", rule.PNorms(w))
	// Output:
	// different winners: true
	// norms: [1.00 1.00]
}
