// SPDX-License-Identifier: Apache-2.0

package pruning_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/nn"
	. "github.com/lateral-ml/lateral/lib/papers/ninai17/pruning"
	"github.com/lateral-ml/lateral/lib/prune"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// bars are images of 28 x 28 in ten classes: a bar at one of ten heights, and noise.
func bars() *experiment.Data {
	set := func(n int, seed uint64) *dataset.Set {
		s := &dataset.Set{Name: "Bars", Sum: fmt.Sprint("bars ", seed), X: tensor.New(n, 1, 28, 28), Y: make([]int, n),
			Classes: strings.Split("0123456789", "")}
		rng := tensor.Stream(seed, "bars")
		rng.Uniform(s.X.Data(), -0.3, 0.3)
		for i := range n {
			s.Y[i] = i % 10
			for x := 4; x < 24; x++ {
				for y := range 2 {
					s.X.Set(1, i, 0, 3+2*s.Y[i]+y, x)
				}
			}
		}
		return s
	}
	return &experiment.Data{Train: set(600, 1), Test: set(200, 2)}
}

func leNet(d *experiment.Data) Setting {
	s := LeNet(prune.Magnitude).On(d)
	s.Base.Epochs = 3
	s.Stages = []Stage{{Keep: []float64{0.66, 0.3, 0.2, 0.4}, Epochs: 2, Spread: 2},
		{Keep: []float64{0.66, 0.12, 0.08, 0.19}, Epochs: 2}}
	return s
}

// A LeNet-5 keeps the shares of each stage and still knows the bars; results are the same when the run is stopped, or
// when another setting has trained the base before.
func TestLeNet(t *testing.T) {
	d := bars()
	s := leNet(d)
	r, err := Train(t.Context(), s, d, experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.LeNet) != 3 || len(r.History) != 3 || r.Metrics.Base.Weight != 430500 || r.Metrics.Base.Error > 0.02 {
		t.Fatalf("%d networks, base %+v", len(r.LeNet), r.Metrics.Base)
	}
	for i, m := range r.Metrics.Stages {
		for l, k := range m.Kept {
			if math.Abs(k-s.Stages[i].Keep[l]) > 0.002 {
				t.Errorf("stage %d keeps %v", i, m.Kept)
			}
		}
		if m.Error > 0.05 || len(m.Active) != 4 || m.Active[3] != 1 {
			t.Errorf("stage %d: %+v", i, m)
		}
	}
	if n := r.Metrics.Stages[1].Weight; n != 330+3000+32000+950 {
		t.Errorf("%d weights", n)
	}
	dir := t.TempDir()
	other := s
	other.Score = prune.Random
	if _, err := Train(t.Context(), other, d, experiment.Options{Dir: dir + "/other"}); err != nil {
		t.Fatal(err)
	}
	for stop := 25; ; stop += 40 {
		ctx, cancel := context.WithCancelCause(t.Context())
		steps := 0
		again, err := Train(ctx, s, d, experiment.Options{Dir: dir + "/this", OnStep: func(*train.Event) {
			if steps++; steps == stop {
				cancel(errors.New("stopped"))
			}
		}})
		if err != nil {
			continue
		}
		if !reflect.DeepEqual(again.Metrics, r.Metrics) ||
			!slices.Equal(nn.Params(again.LeNet[2])[4].Data(), nn.Params(r.LeNet[2])[4].Data()) {
			t.Errorf("%+v, without a stop %+v", again.Metrics, r.Metrics)
		}
		break
	}
}

// Units of a LeNet-5, by use.
func TestLeNetUnits(t *testing.T) {
	d := bars()
	s := LeNetUnits(prune.Use).On(d)
	s.Base.Epochs = 3
	s.Stages = []Stage{{Keep: DocumentUnits, Epochs: 2}}
	r, err := Train(t.Context(), s, d, experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := r.Metrics.Stages[0]
	if m.Error > 0.05 || !near(m.Kept, DocumentUnits, 0.002) || m.Active[1] > 0.4 {
		t.Errorf("%+v", m)
	}
}

func near(a, b []float64, d float64) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(x float64) bool {
		return math.Abs(x-b[slices.Index(a, x)]) > d
	})
}

// The DRMM, by all scores, weights and units: removed weights are zero in the network with averaged weights, too.
func TestDRMM(t *testing.T) {
	d := bars()
	for i, s := range []Setting{DRMM(prune.Magnitude), DRMM(prune.Use), DRMMUnitsOff(prune.Use)} {
		s = s.On(d)
		s.Base = Base{Epochs: 2, Channel: 8, Images: 300}
		stage := s.Stages[0]
		stage.Epochs, stage.Spread = 1, min(stage.Spread, 1)
		s.Stages = []Stage{stage}
		r, err := Train(t.Context(), s, d, experiment.Options{})
		if err != nil {
			t.Fatal(err)
		}
		m := r.Metrics.Stages[0]
		if !near(m.Kept, stage.Keep, 0.03) || m.Error > r.Metrics.Base.Error+0.3 || len(r.DRMM) != 2 {
			t.Errorf("%v: %+v, base %+v", s, m, r.Metrics.Base)
		}
		pruned := float64(m.Weight) / float64(r.Metrics.Base.Weight)
		if most := []float64{0.45, 0.8, 1}[i]; pruned > most {
			t.Errorf("%v: %.3f of the weights remain", s, pruned)
		}
		if len(m.TopDown) != 6 || !(m.TopDown[0] <= m.Active[0]/4+1e-6) {
			t.Errorf("%v: active %v, top-down %v", s, m.Active, m.TopDown)
		}
	}
}

// A new LeNet-5 has the sizes of the document's tables, and shares of its layers add up to the share of the whole.
func TestShapes(t *testing.T) {
	net := NewLeNet5(10, tensor.Stream(1, "w"))
	var sizes []int
	for _, p := range nn.Params(net) {
		if len(p.Shape()) > 1 {
			sizes = append(sizes, p.Value().Len())
		}
	}
	if !slices.Equal(sizes, []int{500, 25000, 400000, 5000}) {
		t.Errorf("weights %v", sizes)
	}
	for _, keep := range []float64{1, 0.8, 0.2, 1. / 12, 1. / 100} {
		total := 0.0
		shares := LeNetShares(keep)
		for i, n := range sizes {
			total += shares[i] * float64(n)
		}
		if math.Abs(total/430500-keep) > 1e-6 {
			t.Errorf("shares %v keep %g, want %g", shares, total/430500, keep)
		}
	}
}

func TestCheck(t *testing.T) {
	d := bars()
	for want, change := range map[string]func(s *Setting){
		`Net is "vgg"`:                   func(s *Setting) { s.Net = "vgg" },
		`Score is "age"`:                 func(s *Setting) { s.Score = "age" },
		"use or random for units":        func(s *Setting) { s.Units = true; s.Stages[0].Keep = []float64{0.5} },
		"Base.Epochs is 0":               func(s *Setting) { s.Base.Epochs = 0 },
		"Rate is NaN":                    func(s *Setting) { s.Rate = math.NaN() },
		"Stages is []":                   func(s *Setting) { s.Stages = nil },
		"Stages[0].Keep is 1.5":          func(s *Setting) { s.Stages[0].Keep = []float64{1.5} },
		"Stages[0].Keep is 0":            func(s *Setting) { s.Stages[0].Keep = []float64{0} },
		"want one share, or 4":           func(s *Setting) { s.Stages[0].Keep = []float64{0.5, 0.5} },
		"Stages[1].Keep is 0.9":          func(s *Setting) { s.Stages[1].Keep = []float64{0.9} },
		"Stages[0].Spread is 9":          func(s *Setting) { s.Stages[0].Spread = 9 },
		"adapt it with its method On":    func(s *Setting) { s.Images = 7 },
		"Regrow is 1: want a number >= ": func(s *Setting) { s.Regrow = 1 },
	} {
		s := leNet(d)
		change(&s)
		if _, err := Train(t.Context(), s, d, experiment.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// The setting behind Table 17.
func Example() {
	s := LeNet(prune.Use)
	fmt.Println(s)
	fmt.Printf("%.3v\n", LeNetShares(1./30))
	// Output:
	// lenet5, weights by use, keep 0.66/0.07/0.08/0.26, seed 0
	// [0.414 0.0472 0.0315 0.0747]
}
