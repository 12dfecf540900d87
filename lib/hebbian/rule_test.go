// SPDX-License-Identifier: Apache-2.0

package hebbian_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	. "github.com/lateral-ml/lateral/lib/hebbian"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// vector returns n draws from the standard normal distribution.
func vector(name string, n int) []float64 {
	rng, x := tensor.Stream(1, name), make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// Computed by hand for W = (2, -1), v = (3, 5).
func TestRuleByHand(t *testing.T) {
	w, v, dw := []float64{2, -1}, []float64{3, 5}, make([]float64, 2)
	for _, c := range []struct{ p, r, current, norm, q float64 }{
		{1, 1, 3 - 5, 2 + 1, -2},
		{2, 1, 6 - 5, 4 + 1, 1 / math.Sqrt(5)},
		{3, 1, 12 - 5, 8 + 1, 7 / math.Pow(9, 2./3)},
		{4, 2, 24 - 5, 16 + 1, 19 / math.Pow(17, 3./4)},
	} {
		rule := Rule{P: c.p, R: c.r}
		near(t, fmt.Sprintf("<W,v> for p = %v", c.p), rule.Current(w, v), c.current, 1e-12)
		near(t, fmt.Sprintf("<W,W> for p = %v", c.p), rule.Norm(w), c.norm, 1e-12)
		near(t, fmt.Sprintf("Q for p = %v", c.p), rule.Q(w, v), c.q, 1e-12)
		rule.Velocity(dw, w, v, -0.5)
		for i := range w {
			near(t, "velocity", dw[i], -0.5*(math.Pow(c.r, c.p)*v[i]-c.current*w[i]), 1e-12)
		}
		near(t, "p-norm", rule.PNorms(tensor.From([]float32{2, -1}, 1, 2))[0], math.Pow(c.norm, 1/c.p), 1e-6)
	}
}

// The weights of a unit that learns one input converge to the sphere, and meanwhile the Lyapunov function never
// decreases.
func TestLyapunovNeverFalls(t *testing.T) {
	const units, inputs = 3, 5
	v := vector("v", inputs)
	for _, p := range []float64{1.5, 2, 3, 4.5} {
		rule := Rule{P: p}
		g := func(q float64) float64 { return max(q, 0) }
		integral := func(q float64) float64 { return g(q) * g(q) / 2 }
		all := vector(fmt.Sprint("w", p), units*inputs)
		var w [][]float64
		for u := range units {
			row := all[u*inputs : (u+1)*inputs]
			if rule.Current(row, v) < 0 { // it would not learn
				for i := range row {
					row[i] = -row[i]
				}
			}
			w = append(w, row)
		}
		first, last, steps := rule.Lyapunov(w, v, integral), math.Inf(-1), 0
		_, err := Solver{RelTol: 1e-9, AbsTol: 1e-12}.Integrate(all, 200, func(dy, y []float64) {
			for u := range units {
				row := y[u*inputs : (u+1)*inputs]
				rule.Velocity(dy[u*inputs:(u+1)*inputs], row, v, g(rule.Q(row, v)))
			}
		}, func(_ float64, y, _ []float64) bool {
			now := rule.Lyapunov([][]float64{y[:inputs], y[inputs : 2*inputs], y[2*inputs:]}, v, integral)
			if now < last-1e-9*math.Abs(last) {
				t.Errorf("p = %v: L falls from %v to %v", p, last, now)
			}
			last, steps = now, steps+1
			return true
		})
		if err != nil || steps < 20 || !(last > 1.01*first) {
			t.Fatalf("p = %v: %d steps, from %v to %v, error %v", p, steps, first, last, err)
		}
		for u := range w {
			near(t, fmt.Sprintf("p = %v: norm of unit %d", p, u), rule.Norm(w[u]), 1, 1e-3)
		}
	}
}

// With p = 2 and g = <W,v> the rule is Oja's: averaged over data it converges to the first principal direction.
func TestOjaIsTheFirstPrincipalComponent(t *testing.T) {
	const samples, inputs = 200, 6
	rows := vector("data", samples*inputs)
	for s := range samples { // unequal variances
		for i := range inputs {
			rows[s*inputs+i] *= 1 / float64(1+i)
			rows[s*inputs+i] += 0.5 * rows[s*inputs]
		}
	}
	var svd mat.SVD
	if !svd.Factorize(mat.NewDense(samples, inputs, rows), mat.SVDThin) {
		t.Fatal("no singular values")
	}
	var directions mat.Dense
	svd.VTo(&directions)
	rule, w, one := Rule{P: 2}, vector("start", inputs), make([]float64, inputs)
	_, err := Solver{}.Integrate(w, 500, func(dw, w []float64) {
		clear(dw)
		for s := range samples {
			v := rows[s*inputs : (s+1)*inputs]
			rule.Velocity(one, w, v, rule.Q(w, v))
			for i := range dw {
				dw[i] += one[i] / samples
			}
		}
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var along float64
	for i := range w {
		along += w[i] * directions.At(i, 0)
	}
	near(t, "length", rule.Norm(w), 1, 1e-6)
	near(t, "cosine with the first principal direction", math.Abs(along), 1, 1e-6)
}

func TestSolver(t *testing.T) {
	// A rotation by 10 radians, and a decay that ends after a hundredth of the time.
	y := []float64{1, 0, 1}
	steps := 0
	at, err := Solver{RelTol: 1e-8, AbsTol: 1e-10}.Integrate(y, 10, func(dy, y []float64) {
		dy[0], dy[1], dy[2] = -y[1], y[0], -100*y[2]
	}, func(float64, []float64, []float64) bool { steps++; return true })
	if err != nil || at != 10 {
		t.Fatalf("at %v: %v", at, err)
	}
	near(t, "cos 10", y[0], math.Cos(10), 1e-6)
	near(t, "sin 10", y[1], math.Sin(10), 1e-6)
	near(t, "exp -1000", y[2], 0, 1e-8)
	explode := func(dy, y []float64) { dy[0] = y[0] * y[0] } // infinite at time 1
	if _, err := (Solver{MaxSteps: 2000}).Integrate([]float64{1}, 2, explode, nil); err == nil {
		t.Error("a pole was passed")
	}
	decay := func(dy, y []float64) { dy[0] = -y[0] }
	_, err = Solver{MaxSteps: 3}.Integrate([]float64{1}, 9, decay, nil)
	if err == nil || !strings.Contains(err.Error(), "after 3 steps") {
		t.Errorf("error %v", err)
	}
}

func TestWrongRulesPanic(t *testing.T) {
	w := tensor.New(3, 2)
	for want, call := range map[string]func(){
		"want P >= 1 and R > 0, got 0.5 and 1": func() { Rule{P: 0.5}.Norm(nil) },
		"vectors of 1 and 2 elements":          func() { Rule{}.Current(make([]float64, 1), make([]float64, 2)) },
		"want K >= 2":                          func() { NewLearner(Competition{K: 1}, w) },
		"at least K units":                     func() { NewLearner(Competition{K: 4}, w) },
		"[1 3] for weights of shape [3 2]":     func() { NewLearner(Competition{}, w).Update(tensor.New(1, 3), 1) },
		"Strength, Tau, Until and Settled":     func() { Inhibition{}.SteadyState(nil, nil) },
		"Rate is required":                     func() { NewLearner(Competition{}, w).Step(nil, nil) },
	} {
		func() {
			defer func() {
				if msg := fmt.Sprint(recover()); !strings.Contains(msg, want) {
					t.Errorf("panic %q, want %q", msg, want)
				}
			}()
			call()
		}()
	}
}
