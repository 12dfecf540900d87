// SPDX-License-Identifier: Apache-2.0

package linear_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "github.com/lateral-ml/lateral/lib/linear"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// golden returns the samples of testdata/golden.py.
func golden() (x *tensor.Tensor, y []int, weights []float32) {
	x = tensor.New(60, 7)
	for i := range 60 {
		for j := range 7 {
			x.Set(float32(max(0, math.Sin(1+0.7*float64(i)+float64(i*j))+float64(i%3)/4)), i, j)
		}
		label := i
		if i%11 == 0 {
			label++
		}
		y, weights = append(y, label%3), append(weights, 0.5+float32(i%4)/2)
	}
	return x, y, weights
}

// compress returns the compressed rows of x.
func compress(x *tensor.Tensor) *Features {
	f := Compressed(x.Width())
	f.Append(x)
	return f
}

// blobs returns samples around a point for each class, a third of whose features are zero.
func blobs(n, width, classes int, spread float32) (*tensor.Tensor, []int) {
	rng := tensor.Stream(3, "blobs")
	centres := tensor.New(classes, width)
	rng.Normal(centres.Data(), 0, 1)
	x, y := tensor.New(n, width), make([]int, n)
	rng.Normal(x.Data(), 0, spread)
	for i := range y {
		y[i] = i % classes
		for j, c := range centres.Row(y[i]) {
			if x.Row(i)[j] += c; rng.IntN(3) == 0 {
				x.Row(i)[j] = 0
			}
		}
	}
	return x, y
}

// Weights, intercepts and objectives are those of scikit-learn, with dense and with compressed features.
func TestGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Loss         string
		Classes      int
		C, Intercept float64
		Weighted     bool
		Objective    []float64
		Weights      [][]float64
		Bias         []float64
	}
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) < 12 {
		t.Fatal(err, len(cases))
	}
	x, labels, weights := golden()
	for _, want := range cases {
		c := Config{C: want.C, Intercept: want.Intercept, Tolerance: 1e-9}
		for c.Loss.String() != want.Loss {
			c.Loss++
		}
		y := slices.Clone(labels)
		if want.Classes == 2 {
			for i := range y {
				y[i] /= 2
			}
		}
		if want.Weighted {
			c.Weights = weights
		}
		for _, f := range []*Features{Dense(x), compress(x)} {
			m, err := c.Fit(t.Context(), f, y)
			if err != nil {
				t.Errorf("%v, C %v, %v: %v", c.Loss, c.C, f, err)
				continue
			}
			for k, objective := range want.Objective {
				if got := m.Objective[k]; !(math.Abs(got/objective-1) < 2e-7) {
					t.Errorf("%v, C %v, %v: objective %d is %v, want %v", c.Loss, c.C, f, k, got, objective)
				}
			}
			for k := range want.Classes {
				far := math.Abs(float64(m.Bias.Data()[k]) - want.Bias[k])
				for j, w := range m.Weights.Row(k) {
					far = max(far, math.Abs(float64(w)-want.Weights[k][j]))
				}
				if !(far < 1e-3*(1+math.Sqrt(want.C))) {
					t.Errorf("%v, C %v, %v: the weights of class %d differ by %v", c.Loss, c.C, f, k, far)
				}
			}
		}
	}
}

// Two samples at 1 and -1 have a closed solution: f = ½ w² + 2 C (1 - w)², so that w = 4C/(1 + 4C), and b = 0.
func TestClosedCase(t *testing.T) {
	x := tensor.From([]float32{-1, 1}, 2, 1)
	for _, c := range []float64{0.01, 0.25, 3, 1000} {
		m, err := Config{C: c, Tolerance: 1e-8}.Fit(t.Context(), Dense(x), []int{0, 1})
		if err != nil {
			t.Fatal(err)
		}
		want := 4 * c / (1 + 4*c)
		objective := want*want/2 + 2*c*(1-want)*(1-want)
		w, b := m.Weights.Data(), m.Bias.Data()
		if math.Abs(float64(w[1])-want) > 1e-6 || w[0] != -w[1] || math.Abs(float64(b[1])) > 1e-6 ||
			math.Abs(m.Objective[1]/objective-1) > 1e-6 || m.Objective[0] != m.Objective[1] {
			t.Errorf("C %v: w %v, b %v, objective %v, want w %v, b 0 and %v", c, w, b, m.Objective, want, objective)
		}
	}
}

// The bound that a fit reports is the duality gap, computed here from the dual problem
//
//	maximise sum_i a_i - ½ |sum_i a_i y_i x_i|² - sum_i a_i²/(4C),  a_i >= 0
//
// at a_i = 2 C max(0, 1 - y_i x_i·w); it shrinks with the tolerance.
func TestDualityGap(t *testing.T) {
	x, y := blobs(300, 20, 3, 2)
	for _, tolerance := range []float64{1e-1, 1e-3, 1e-5} {
		const c = 0.3
		m, err := Config{C: c, Tolerance: tolerance}.Fit(t.Context(), Dense(x), y)
		if err != nil {
			t.Fatal(err)
		}
		z := m.Scores(Dense(x))
		for k := range 3 {
			primal, dual := float64(m.Bias.At(k)*m.Bias.At(k))/2, 0.0
			for _, w := range m.Weights.Row(k) {
				primal += float64(w) * float64(w) / 2
			}
			v := make([]float64, 21)
			for i := range y {
				sign := -1.0
				if y[i] == k {
					sign = 1
				}
				slack := max(0, 1-sign*float64(z.At(i, k)))
				primal += c * slack * slack
				a := 2 * c * slack
				dual += a - a*a/(4*c)
				for j, x := range x.Row(i) {
					v[j] += a * sign * float64(x)
				}
				v[20] += a * sign
			}
			for _, v := range v {
				dual -= v * v / 2
			}
			gap := (primal - dual) / primal
			if math.Abs(primal/m.Objective[k]-1) > 1e-6 || math.Abs(gap-m.Gap[k]) > 2e-6 || m.Gap[k] > tolerance ||
				gap < -2e-6 {
				t.Errorf("tolerance %v, class %d: objective %v, here %v; gap %v, here %v",
					tolerance, k, m.Objective[k], primal, m.Gap[k], gap)
			}
		}
	}
}

// Sums do not depend on the workers, and the layout of the features matters only by rounding. There are enough samples
// for several waves of chunks.
func TestWorkersAndLayouts(t *testing.T) {
	x, y := blobs(40000, 5, 4, 2)
	for _, loss := range []Loss{SquaredHinge, Logistic, Multinomial} {
		var first *Classifier
		for _, workers := range []int{1, 2, 7} {
			m, err := Config{Loss: loss, C: 0.01, Workers: workers}.Fit(t.Context(), Dense(x), y)
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = m
			} else if !slices.Equal(m.Weights.Data(), first.Weights.Data()) ||
				!slices.Equal(m.Bias.Data(), first.Bias.Data()) {
				t.Errorf("%v: %d workers find other weights", loss, workers)
			}
		}
		m, err := Config{Loss: loss, C: 0.01}.Fit(t.Context(), compress(x), y)
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range m.Weights.Data() {
			if math.Abs(float64(w-first.Weights.Data()[i])) > 1e-4 {
				t.Errorf("%v: weight %d is %v from dense and %v from compressed features", loss, i, first.Weights.Data()[i], w)
			}
		}
		dense, sparse := first.Scores(Dense(x)), first.Scores(compress(x))
		for i, z := range dense.Data() {
			if math.Abs(float64(z-sparse.Data()[i])) > 1e-5 {
				t.Fatalf("%v: score %d is %v from dense and %v from compressed features", loss, i, z, sparse.Data()[i])
			}
		}
	}
}

// A sample of weight 2 counts as two, and one of weight 0 as none.
func TestWeightsAreRepetitions(t *testing.T) {
	x, y := blobs(60, 6, 3, 1)
	weights, idx, labels := make([]float32, 60), []int(nil), []int(nil)
	for i := range weights {
		weights[i] = float32(i % 7 % 3)
		for range i % 7 % 3 {
			idx, labels = append(idx, i), append(labels, y[i])
		}
	}
	for _, loss := range []Loss{SquaredHinge, Logistic, Multinomial} {
		c := Config{Loss: loss, C: 1, Tolerance: 1e-9}
		repeated, err := c.Fit(t.Context(), compress(x).Subset(idx), labels)
		if err != nil {
			t.Fatal(err)
		}
		c.Weights = weights
		weighted, err := c.Fit(t.Context(), Dense(x), y)
		if err != nil {
			t.Fatal(err)
		}
		for k, want := range repeated.Objective {
			if math.Abs(weighted.Objective[k]/want-1) > 1e-6 {
				t.Errorf("%v: objective %v, with repetitions %v", loss, weighted.Objective[k], want)
			}
		}
	}
}

// Nothing changes the features, dense or compressed, or the labels.
func TestInputsStayAsTheyAre(t *testing.T) {
	x, y := blobs(80, 6, 3, 1)
	before, labels, rows := x.Clone(), slices.Clone(y), compress(x)
	zeros := make([]int, 80)
	for _, f := range []*Features{Dense(x), rows} {
		m, _, err := Config{}.Search(t.Context(), f, y, []float64{0.1, 1}, 4, 1)
		if err != nil {
			t.Fatal(err)
		}
		m.Error(f, zeros)
		f.Subset([]int{3, 1})
	}
	again := compress(before)
	first, err := Config{C: 1}.Fit(t.Context(), rows, y)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Config{C: 1}.Fit(t.Context(), again, y)
	if err != nil || !slices.Equal(first.Weights.Data(), second.Weights.Data()) ||
		!slices.Equal(x.Data(), before.Data()) || !slices.Equal(y, labels) {
		t.Errorf("the inputs changed, or %v", err)
	}
}

func TestSaveAndLoad(t *testing.T) {
	x, y := blobs(60, 6, 3, 1)
	m, err := Config{Loss: Logistic, C: 0.1}.Fit(t.Context(), Dense(x), y)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "classifier.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	back, err := Load(path)
	if err != nil || back.Loss != Logistic || back.C != 0.1 ||
		!slices.Equal(back.Predict(Dense(x)), m.Predict(Dense(x))) ||
		!slices.Equal(back.Weights.Data(), m.Weights.Data()) || !slices.Equal(back.Bias.Data(), m.Bias.Data()) {
		t.Errorf("%+v, %v", back, err)
	}
	for _, bad := range []struct {
		tensors []tensor.Named
		want    string
	}{
		{[]tensor.Named{{Name: "weights", Tensor: m.Weights}}, "lacks"},
		{[]tensor.Named{{Name: "weights", Tensor: m.Weights}, {Name: "bias", Tensor: tensor.New(2)}}, "bias of shape [2]"},
		{[]tensor.Named{{Name: "weights", Tensor: m.Weights}, {Name: "bias", Tensor: m.Bias}}, `the loss is ""`},
	} {
		if err := tensor.SaveSafetensors(path, bad.tensors, nil); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path)
		if err == nil || !strings.Contains(err.Error(), bad.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("got the error %v, want %q", err, bad.want)
		}
	}
}

// Whatever is wrong with the input is said before any work.
func TestBadInput(t *testing.T) {
	x, y := blobs(12, 3, 3, 1)
	nan := x.Clone()
	nan.Set(float32(math.NaN()), 7, 2)
	inf := x.Clone()
	inf.Set(float32(math.Inf(1)), 0, 0)
	for _, test := range []struct {
		c    Config
		x    *Features
		y    []int
		want string
	}{
		{Config{}, Dense(x), y, "C is 0"},
		{Config{C: -1}, Dense(x), y, "C is -1"},
		{Config{C: math.NaN()}, Dense(x), y, "C is NaN"},
		{Config{C: 1, Loss: 7}, Dense(x), y, "unknown loss 7"},
		{Config{C: 1, Tolerance: -1}, Dense(x), y, "Tolerance is -1"},
		{Config{C: 1, Steps: -1}, Dense(x), y, "Steps is -1"},
		{Config{C: 1, Intercept: math.Inf(1)}, Dense(x), y, "Intercept is +Inf"},
		{Config{C: 1, Weights: make([]float32, 3)}, Dense(x), y, "3 weights for 12 samples"},
		{Config{C: 1, Weights: []float32{0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0}}, Dense(x), y, "weight of sample 5 is -1"},
		{Config{C: 1}, Dense(x), y[:11], "11 labels for 12 samples"},
		{Config{C: 1}, Dense(x.Slice(0, 1)), y[:1], "all 1 samples are of class 0"},
		{Config{C: 1}, Dense(x.Slice(0, 0)), nil, "no samples"},
		{Config{C: 1}, Dense(x), make([]int, 12), "all 12 samples are of class 0"},
		{Config{C: 1}, Dense(x), []int{0, 1, 3, 0, 1, 3, 0, 1, 3, 0, 1, 3}, "no sample of class 2"},
		{Config{C: 1}, Dense(x), []int{0, 1, -1, 0, 1, 3, 0, 1, 3, 0, 1, 3}, "label -1 of sample 2"},
		{Config{C: 1}, Dense(nan), y, "feature 2 of sample 7 is NaN"},
		{Config{C: 1}, compress(nan), y, "feature 2 of sample 7 is NaN"},
		{Config{C: 1}, compress(inf), y, "feature 0 of sample 0 is +Inf"},
	} {
		m, err := test.c.Fit(t.Context(), test.x, test.y)
		if m != nil || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got the error %v, want %q", err, test.want)
		}
	}
	huge := x.Clone()
	for i, v := range huge.Data() {
		huge.Data()[i] = 1e30 * v
	}
	if _, err := (Config{C: 1}).Fit(t.Context(), Dense(huge), y); err == nil || !strings.Contains(err.Error(), "scale") {
		t.Errorf("features of 1e30 give the error %v", err)
	}
}

func TestInterruptAndLimit(t *testing.T) {
	x, y := blobs(200, 10, 3, 2)
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	steps := 0
	c := Config{C: 10, Progress: func(p Progress) {
		if steps++; p.Step != steps-1 || p.Problems != 3 || p.Done == 3 {
			t.Errorf("progress %+v in step %d", p, steps)
		}
		if p.Step == 2 {
			cancel(stop)
		}
	}}
	if _, err := c.Fit(ctx, Dense(x), y); !errors.Is(err, stop) || steps != 3 {
		t.Errorf("%v after %d steps", err, steps)
	}
	m, err := Config{C: 10, Steps: 2}.Fit(t.Context(), Dense(x), y)
	var inexact *ConvergenceError
	if !errors.As(err, &inexact) || m == nil || inexact.Failed < 1 || inexact.Gap != slices.Max(m.Gap) {
		t.Errorf("%v, %+v", err, m)
	}
}
