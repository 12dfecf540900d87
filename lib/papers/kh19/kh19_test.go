// SPDX-License-Identifier: Apache-2.0

package kh19

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/papers/internal/spots"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/hebbian"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

var (
	few   = &experiment.Data{Train: spots.Set(600, "train"), Test: spots.Set(200, "test")}
	small = Setting{
		Units: 30, Features: Features{P: 3, K: 2, Delta: 0.2, Rate: 0.05, Epochs: 1},
		Power: 2, LossPower: 4, Relative: true, Rate: 0.01, Epochs: 1, Batch: 100, Seed: 3,
	}.On(few)
)

// passes shortens the epochs of a test: it sets the number of images so that an epoch is one pass.
func passes(s Setting) Setting {
	s.Images = EpochImages
	return s
}

// Compares the settings with the document's [KH19, appendix B]: p = 4 and Delta = 0.4 (digits) and 0.3 (photographs);
// rates 0.04 and 0.02 that fall to 0 in 100 epochs; 2000 units; batches of 100; n = 4.5 and 10, m = 10 and 6; with
// labels, batches of 100 and 10, and 300 and 500 epochs at 0.001 and 0.004; end to end, n = 1, m = 4 and 100 epochs at
// 0.004 and 0.001. The article has p = 3, k = 7. The doc comments list the differences.
func TestSettings(t *testing.T) {
	for name, c := range map[string]struct {
		setting Setting
		want    string
	}{
		"digits": {Digits(), `{"data":"","checksum":"","images":0,"units":2000,` +
			`"features":{"p":4,"k":2,"delta":0.4,"rate":0.04,"epochs":100},` +
			`"power":4.5,"lossPower":6,"relative":true,"rate":0.0003,"epochs":60,"batch":100,"seed":0}`},
		"article": {Article(), `{"data":"","checksum":"","images":0,"units":2000,` +
			`"features":{"p":3,"k":7,"delta":0.4,"rate":0.04,"epochs":100},` +
			`"power":4.5,"lossPower":6,"relative":true,"rate":0.0003,"epochs":60,"batch":100,"seed":0}`},
		"photographs": {Photographs(), `{"data":"","checksum":"","images":0,"units":2000,` +
			`"features":{"p":4,"k":2,"delta":0.3,"rate":0.02,"unitLength":true,"epochs":100},` +
			`"power":10,"lossPower":6,"relative":true,"rate":0.0002,"epochs":500,"batch":10,"seed":0}`},
		"end to end": {Reference(Digits()), `{"data":"","checksum":"","images":0,"units":2000,"endToEnd":true,` +
			`"features":{"p":0,"k":0,"delta":0,"rate":0,"epochs":0},` +
			`"power":1,"lossPower":4,"rate":0.001,"epochs":100,"batch":100,"seed":0}`},
	} {
		got, err := json.Marshal(c.setting)
		if err != nil || string(got) != c.want {
			t.Errorf("%s is\n%s\nwant\n%s (%v)", name, got, c.want, err)
		}
	}
	rates := []float64{}
	s := Digits()
	s.Images = EpochImages
	for _, epoch := range []float64{0, 19.9, 20, 30, 40, 50, 59.9} {
		rates = append(rates, math.Round(s.Schedule()(epoch)/s.Rate*1e6)/1e6)
	}
	if want := []float64{1, 1, 0.5, 0.1, 0.05, 0.01, 0.01}; !slices.Equal(rates, want) {
		t.Errorf("rates %v, want %v: 1, 0.5, 0.1, 0.05 and 0.01 of the first", rates, want)
	}
}

// Train gives the same weights, bit for bit, as the lines below: they train the competing units and then a classifier
// on their features.
func TestTrainStepByStep(t *testing.T) {
	s := passes(small)
	s.Features.Epochs, s.Epochs = 3, 4
	d := &experiment.Data{Train: few.Train, Test: few.Test}
	got := &Result{}
	hidden, err := got.learnFeatures(t.Context(), s, d.Train, experiment.Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	l := hebbian.NewLearner(hebbian.Competition{Rule: hebbian.Rule{P: 3}, K: 2, Delta: 0.2, Scale: hebbian.MaxNormalised},
		hebbian.NewWeights(30, 64, 3))
	l.Rate = optim.Linear(0.05, 0, 3)
	if _, err := train.Run(t.Context(), train.Config{Learner: l, Train: d.Train, Epochs: 3, Seed: 3}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(hidden.Weights().Data(), l.Weights().Data()) || got.Metrics.Norm == 0 ||
		got.Metrics.Largest <= got.Metrics.Smallest {
		t.Errorf("the hidden layer has other weights; %+v", got.Metrics)
	}

	net := hebbian.NewNet(l.Weights(), 4, 2, 0.001, tensor.Stream(3, "classifier"))
	net.Relative = true
	h, err := train.Run(t.Context(), train.Config{
		Learner: &train.GradientDescent{Model: net.OutputLayer(), Schedule: s.Schedule(),
			Loss: func(b *train.Batch) *autograd.Var {
				c := net.ReadOut(b.X)
				b.Error(c)
				return loss.Power(c, b.Y, 4)
			}},
		Train: net.Encode(d.Train, 1<<20), Valid: net.Encode(d.Test, 1<<20), Epochs: 4, Seed: 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	got.Net = s.Network(hidden.Weights(), d.Train)
	if err := got.learn(t.Context(), s, got.Net.OutputLayer(), got.Net.ReadOut, got.Net.Encode(d.Train, 1<<20),
		got.Net.Encode(d.Test, 1<<20), experiment.Options{}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Net.Out.Data(), net.Out.Data()) ||
		!slices.Equal(got.Metrics.TestErrors, h.ValidSeries("error")) {
		t.Errorf("the classifier has other weights, or its errors %v are not %v", got.Metrics.TestErrors,
			h.ValidSeries("error"))
	}
}

// Both kinds of network learn, and a run that was stopped in either phase resumes and reaches the same result.
func TestTrain(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for several seconds")
	}
	d := &experiment.Data{Train: spots.Set(6000, "train"), Test: few.Test} // ten passes per epoch
	end := Reference(small)
	end.Epochs = 1
	for _, s := range []Setting{small.On(d), end.On(d)} {
		want, err := Train(t.Context(), s, d, experiment.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if m := want.Metrics; m.TestError > 0.1 || len(m.TestErrors) != 10 || (want.Features == nil) != s.EndToEnd {
			t.Errorf("%v: %+v", s, m)
		}
		for _, stop := range []int{70, 670} { // of 600 steps for each phase
			o := experiment.Options{Dir: t.TempDir()}
			ctx, cancel := context.WithCancel(t.Context())
			steps := 0
			o.OnStep = func(*train.Event) {
				if steps++; steps == stop {
					cancel()
				}
			}
			_, err := Train(ctx, s, d, o)
			if s.EndToEnd && stop > 600 {
				continue // end to end, there is only one phase
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("%v: error %v", s, err)
			}
			got, err := Train(t.Context(), s, d, experiment.Options{Dir: o.Dir, Workers: 1})
			if err != nil || !slices.Equal(got.Net.Out.Data(), want.Net.Out.Data()) ||
				fmt.Sprint(got.Metrics) != fmt.Sprint(want.Metrics) {
				t.Errorf("%v, stopped after %d steps: %+v, %v; want %+v", s, stop, got.Metrics, err, want.Metrics)
			}
		}
	}
}

// With HoldOut, neither the test images nor their labels are used.
func TestHoldOut(t *testing.T) {
	s := small
	learn, judge := s.Labelled(few)
	if learn != few.Train || judge != few.Test {
		t.Error("not all training images, or not the test images")
	}
	s.HoldOut = true
	learn, judge = s.Labelled(few)
	if learn.Len() != 200 || judge.Len() != 100 {
		t.Errorf("%d and %d of 600 images", learn.Len(), judge.Len())
	}
	seen := map[string]bool{}
	for i := range learn.Len() {
		seen[fmt.Sprint(learn.X.Row(i))] = true
	}
	for i := range judge.Len() {
		if seen[fmt.Sprint(judge.X.Row(i))] {
			t.Errorf("image %d is judged and learnt from", i)
		}
		seen[fmt.Sprint(judge.X.Row(i))] = true
	}
	for i := range few.Test.Len() {
		if seen[fmt.Sprint(few.Test.X.Row(i))] {
			t.Errorf("test image %d is among them", i)
		}
	}
}

func TestCheck(t *testing.T) {
	for want, change := range map[string]func(*Setting){
		"Units is 0":                  func(s *Setting) { s.Units = 0 },
		"Power is 0.5":                func(s *Setting) { s.Power = 0.5 },
		"LossPower is NaN":            func(s *Setting) { s.LossPower = math.NaN() },
		"kh19: Rate is 0":             func(s *Setting) { s.Rate = 0 },
		"kh19: Epochs is 0":           func(s *Setting) { s.Epochs = 0 },
		"Batch is 0":                  func(s *Setting) { s.Batch = 0 },
		"Features.P is +Inf":          func(s *Setting) { s.Features.P = math.Inf(1) },
		"Features.K is 31: want at":   func(s *Setting) { s.Features.K = 31 },
		"Features.K is 1: want at":    func(s *Setting) { s.Features.K = 1 },
		"Features.Delta is -1":        func(s *Setting) { s.Features.Delta = -1 },
		"Features.Rate is 0":          func(s *Setting) { s.Features.Rate = 0 },
		"Features.Epochs is 0":        func(s *Setting) { s.Features.Epochs = 0 },
		"adapt it with its method On": func(s *Setting) { s.Checksum = "other" },
		"the setting is for no data":  func(s *Setting) { s.Source = experiment.Source{} },
	} {
		s := small
		change(&s)
		if _, err := Train(t.Context(), s, few, experiment.Options{}); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func TestGrids(t *testing.T) {
	src := experiment.Source{Data: "digits", Checksum: "a", Images: 10000}
	for _, profile := range experiment.Profiles() {
		for _, g := range Grids.List(profile) {
			seen := map[Setting]bool{}
			for _, s := range g.Settings(src) {
				if err := s.Check(); err != nil || seen[s] {
					t.Errorf("%s, %s, %v: %v, seen before: %v", profile, g.Name, s, err, seen[s])
				}
				seen[s] = true
			}
		}
	}
	if s := Digits().At(src, 1); s.Passes(3) != 18 || s.Samples() != 160*6*10000 {
		t.Errorf("%d passes for 3 epochs, %d images in all", s.Passes(3), s.Samples())
	}
	g, err := Grids.Lookup("kh19", experiment.Paper)
	if err != nil || g.Cells[0] != Digits() || g.Cells[1] != Article() || g.Cells[2] != Reference(Digits()) ||
		g.Seeds != 3 {
		t.Errorf("figure 3 has the settings %v, %v", g.Cells, err)
	}
}

// The settings behind figure 3.
func Example() {
	for _, s := range []Setting{Digits(), Article(), Reference(Digits())} {
		fmt.Println(s)
	}
	// Output:
	// 2000 units, p = 4, k = 2, Δ = 0.4, n = 4.5, seed 0
	// 2000 units, p = 3, k = 7, Δ = 0.4, n = 4.5, seed 0
	// 2000 units, end to end, n = 1, seed 0
}
