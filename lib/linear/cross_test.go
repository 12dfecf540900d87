// SPDX-License-Identifier: Apache-2.0

package linear_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/durable"
	. "github.com/lateral-ml/lateral/lib/linear"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Cross-validation gives the errors of classifiers that are fitted to the samples outside each fold, one by one.
func TestCrossValidation(t *testing.T) {
	for _, classes := range []int{2, 3} {
		x, y := blobs(90, 5, classes, 3)
		for _, loss := range []Loss{SquaredHinge, Multinomial} {
			c := Config{Loss: loss, Tolerance: 1e-6}
			scores, err := c.CrossValidate(t.Context(), Dense(x), y, []float64{0.01, 1}, 4, 5)
			if err != nil {
				t.Fatal(err)
			}
			folds := Folds(y, 4, 5)
			for _, score := range scores {
				c.C = score.C
				all := 0.0
				for f, got := range score.Errors {
					var in, out, yIn, yOut []int
					for i := range y {
						if folds[i] == f {
							out, yOut = append(out, i), append(yOut, y[i])
						} else {
							in, yIn = append(in, i), append(yIn, y[i])
						}
					}
					m, err := c.Fit(t.Context(), Dense(x).Subset(in), yIn)
					if err != nil {
						t.Fatal(err)
					}
					want := m.Error(compress(x).Subset(out), yOut)
					all += want * float64(len(out))
					if math.Abs(got-want) > 1e-9 {
						t.Errorf("%d classes, %v, C %v: error %v on fold %d, want %v", classes, loss, c.C, got, f, want)
					}
				}
				if math.Abs(score.Mean-all/90) > 1e-9 || score.Mean == 0 || score.SE == 0 {
					t.Errorf("%d classes, %v, C %v: mean %v ± %v, want %v", classes, loss, c.C, score.Mean, score.SE, all/90)
				}
			}
		}
	}
}

// The folds are drawn from the seed, equal in size, and have the same share of each class.
func TestFolds(t *testing.T) {
	y := make([]int, 103)
	for i := range y {
		y[i] = i * i % 4 // 52 of class 0, 51 of class 1
		y[i] = min(y[i], 1)
	}
	folds := Folds(y, 5, 1)
	if !slices.Equal(folds, Folds(y, 5, 1)) || slices.Equal(folds, Folds(y, 5, 2)) {
		t.Error("folds do not follow from the seed")
	}
	count := [5][2]int{}
	for i, f := range folds {
		count[f][y[i]]++
	}
	for f, c := range count {
		if c[0] < 10 || c[0] > 11 || c[1] < 10 || c[1] > 11 || c[0]+c[1] < 20 || c[0]+c[1] > 21 {
			t.Errorf("fold %d has %v of the classes", f, c)
		}
	}
}

func TestSearchIsDeterministic(t *testing.T) {
	x, y := blobs(120, 8, 3, 3)
	var first []Score
	for _, workers := range []int{1, 3} {
		c := Config{Workers: workers}
		m, scores, err := c.Search(t.Context(), compress(x), y, []float64{0.001, 0.01, 0.1, 1}, 5, 2)
		if err != nil {
			t.Fatal(err)
		}
		if best := Best(scores); m.C != best.C {
			t.Errorf("fitted at C %v, the best is %v", m.C, best.C)
		}
		for _, s := range scores {
			if s.Mean < Best(scores).Mean || s.Mean == Best(scores).Mean && s.C < m.C {
				t.Errorf("C %v is better than %v", s.C, m.C)
			}
		}
		if first == nil {
			first = scores
		} else if !reflect.DeepEqual(first, scores) {
			t.Errorf("%v with %d workers, %v with one", scores, workers, first)
		}
	}
}

// A draw has the share of each class, but at least two of one.
func TestDraw(t *testing.T) {
	var y []int
	for class, n := range []int{500, 300, 195, 5} {
		for range n {
			y = append(y, class)
		}
	}
	idx := Draw(y, 100, tensor.Stream(1, "draw"))
	count := [4]int{}
	for i, at := range idx {
		if count[y[at]]++; i > 0 && at <= idx[i-1] {
			t.Fatalf("indices %d and %d do not ascend", idx[i-1], at)
		}
	}
	if count != [4]int{48, 30, 20, 2} { // shares of 50, 30, 19.5, and 0.5, of which one must be rounded up
		t.Errorf("drawn %v", count)
	}
	if again := Draw(y, 100, tensor.Stream(1, "draw")); !slices.Equal(again, idx) {
		t.Error("another draw from the same stream")
	}
	if all := Draw(y, 1000, tensor.Stream(1, "draw")); len(all) != 1000 || all[999] != 999 {
		t.Errorf("%d drawn of 1000", len(all))
	}
}

// More labels mean fewer errors; C is chosen among the drawn samples; all samples are drawn once.
func TestFewLabels(t *testing.T) {
	x, y := blobs(900, 12, 3, 2)
	train, test := Dense(x.Slice(0, 600)), Dense(x.Slice(600, 900))
	said := 0
	f := FewLabels{
		Sizes: []int{9, 60, 600}, Draws: 3, Cs: []float64{0.001, 0.01, 0.1}, Seed: 1, Drawn: func(LabelScore) { said++ },
	}
	scores, err := f.Run(t.Context(), train, y[:600], test, y[600:])
	if err != nil {
		t.Fatal(err)
	}
	t.Log(scores)
	if said != 3 || len(scores[0].Errors) != 3 || len(scores[1].C) != 3 || len(scores[2].Errors) != 1 ||
		scores[0].Std == 0 ||
		scores[2].Std != 0 || !(scores[0].Mean > scores[1].Mean && scores[1].Mean > scores[2].Mean) {
		t.Errorf("%v", scores)
	}
	again, err := f.Run(t.Context(), compress(x.Slice(0, 600)), y[:600], test, y[600:])
	if err != nil || fmt.Sprint(again[0].C) != fmt.Sprint(scores[0].C) || math.Abs(again[0].Mean-scores[0].Mean) > 0.01 {
		t.Errorf("compressed features: %v, %v", again, err)
	}
}

// A run that was stopped after any draw goes on after it, with the same result; its file belongs to one run.
func TestFewLabelsGoesOn(t *testing.T) {
	x, y := blobs(150, 12, 3, 2)
	train, test := Dense(x.Slice(0, 100)), Dense(x.Slice(100, 150))
	f := FewLabels{Sizes: []int{9, 100, 60}, Draws: 2, Cs: []float64{0.01, 0.1}, Folds: 2, Seed: 1}
	want, err := f.Run(t.Context(), train, y[:100], test, y[100:])
	if err != nil {
		t.Fatal(err)
	}
	f.File = filepath.Join(t.TempDir(), "few.json")
	fits := 0
	run := func(limit int) ([]LabelScore, error) { // stops in the draw after so many
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		g := f
		g.Progress = func(Progress) {
			text, _ := os.ReadFile(f.File)
			fits++
			if drawn(text) >= limit {
				cancel()
			}
		}
		return g.Run(ctx, train, y[:100], test, y[100:])
	}
	for limit := 1; limit <= 4; limit++ {
		scores, err := run(limit)
		if sizes := []int{0, 1, 2, 2}[limit-1]; !errors.Is(err, context.Canceled) || len(scores) != sizes {
			t.Fatalf("stopped after %d draws: %v, %v", limit, scores, err)
		}
	}
	got, err := run(100)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	before := fits
	if again, err := run(100); err != nil || !reflect.DeepEqual(again, want) || fits != before {
		t.Errorf("%v, %v again, after %d steps", again, err, fits-before)
	}

	other := f
	other.Seed = 2
	if _, err := other.Run(t.Context(), train, y[:100], test, y[100:]); err == nil ||
		!strings.Contains(err.Error(), "few.json is of other settings") {
		t.Errorf("another seed: %v", err)
	}
	y[3] = (y[3] + 1) % 3
	if _, err := f.Run(t.Context(), train, y[:100], test, y[100:]); err == nil ||
		!strings.Contains(err.Error(), "few.json is of other settings") {
		t.Errorf("another label: %v", err)
	}
	if err := os.WriteFile(f.File, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Run(t.Context(), train, y[:100], test, y[100:]); !errors.Is(err, durable.ErrDamaged) {
		t.Errorf("a damaged file: %v", err)
	}
}

// drawn returns the number of draws in a stored record.
func drawn(text []byte) (n int) {
	content, err := durable.Open(text)
	if err != nil {
		return 0
	}
	var r struct{ Scores []LabelScore }
	if err := json.Unmarshal(content, &r); err != nil {
		return 0
	}
	for _, s := range r.Scores {
		n += len(s.Errors)
	}
	return n
}

func TestBadProtocols(t *testing.T) {
	x, y := blobs(12, 3, 3, 1)
	cross := func(cs []float64, folds int, y []int) error {
		_, err := Config{}.CrossValidate(t.Context(), Dense(x), y, cs, folds, 1)
		return err
	}
	few := func(f FewLabels, test *tensor.Tensor) error {
		f.Cs, f.Draws = []float64{1}, max(f.Draws, 0)
		_, err := f.Run(t.Context(), Dense(x), y, Dense(test), y[:test.Rows()])
		return err
	}
	lonely := slices.Clone(y)
	for i := range lonely {
		lonely[i] = i % 2
	}
	lonely[5] = 2
	for want, err := range map[string]error{
		"no C to try":               cross(nil, 3, y),
		"[1 0.1]":                   cross([]float64{1, 0.1}, 3, y),
		"[0 1]":                     cross([]float64{0, 1}, 3, y),
		"1 folds of 12":             cross([]float64{1}, 1, y),
		"13 folds of 12":            cross([]float64{1}, 13, y),
		"class 2 has too few":       cross([]float64{1}, 3, lonely),
		"5 labels: want 6":          few(FewLabels{Sizes: []int{5}}, x),
		"13 labels: want 6":         few(FewLabels{Sizes: []int{6, 13}}, x),
		"of the sizes []":           few(FewLabels{}, x),
		"takes no Weights":          few(FewLabels{Sizes: []int{6}, Config: Config{Weights: make([]float32, 12)}}, x),
		"dense features [12 2] to ": few(FewLabels{Sizes: []int{6}}, tensor.New(12, 2)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got the error %v, want %q", err, want)
		}
	}
}
