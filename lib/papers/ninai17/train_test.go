// SPDX-License-Identifier: Apache-2.0

package ninai17

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/drmm"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/internal/race"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/sweep"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// bars returns images of 8 x 8 pixels, each with noise and a bar of 4 pixels at a random position: horizontal in class
// a, vertical in class b, diagonal in class c.
func bars(n int, name string) *dataset.Set {
	rng := tensor.Stream(5, name)
	s := &dataset.Set{Name: "bars", X: tensor.New(n, 1, 8, 8), Classes: []string{"a", "b", "c"}, Sum: name}
	rng.Uniform(s.X.Data(), 0, 0.3)
	for i := range n {
		c := i % 3
		s.Y = append(s.Y, c)
		row, col := rng.IntN(5), rng.IntN(5)
		for j := range 4 {
			s.X.Set(1, i, 0, row+j*min(c, 1), col+j*[]int{1, 0, 1}[c])
		}
	}
	return s
}

func barData() *experiment.Data {
	return &experiment.Data{Train: bars(60, "train"), Test: bars(30, "test")}
}

func barSetting(d *experiment.Data, variant string) Setting {
	s := Digits(6, variant)
	s.Source = d.Source()
	s.Shape, s.Ratio = "8x3x3 full pool, 8x2x2 valid, 3x1x1 valid", min(s.Ratio, 1)
	s.Epochs, s.Batch, s.Rate, s.FinalRate, s.Average = 3, 12, 0.01, 0.001, 0.9
	if s.Unlabelled > 0 {
		s.Unlabelled = 60
	} else {
		s.Steps = 10
	}
	return s
}

func mustTrain(t *testing.T, s Setting, d *experiment.Data, o experiment.Options) *Result {
	t.Helper()
	trained, err := Train(context.Background(), s, d, o)
	if err != nil {
		t.Fatal(err)
	}
	return trained
}

// weights returns everything that training changes.
func weights(n *drmm.Net) (all []float32) {
	for _, t := range tensors(n) {
		all = append(all, t.Data()...)
	}
	return all
}

func TestVariantsLearn(t *testing.T) {
	d := &experiment.Data{Train: bars(180, "train"), Test: bars(60, "test")}
	for _, variant := range Variants() {
		s := barSetting(d, variant)
		s.Shape = "12x3x3 full pool, 12x2x2 valid, 3x1x1 valid"
		if s.Unlabelled > 0 {
			s.Unlabelled = 180
		}
		s.Labels, s.Epochs, s.Batch = 30, 15, 20
		got := mustTrain(t, s, d, experiment.Options{})
		first, last := got.History.Epochs[0], got.History.Epochs[14]
		if got.Metrics.Error > 0.2 || len(got.Metrics.Errors) != 15 {
			t.Errorf("%s: error %v after 15 epochs: %v", variant, got.Metrics.Error, got.Metrics.Errors)
		}
		if _, there := last.Train["reconstruction"]; there != (variant != Sup) {
			t.Errorf("%s: reconstruction is there: %v", variant, there)
		} else if there && !(last.Train["reconstruction"] < first.Train["reconstruction"]) {
			t.Errorf("%s: reconstruction went from %v to %v", variant, first.Train["reconstruction"],
				last.Train["reconstruction"])
		}
		if _, there := last.Train["kl"]; there != (variant == VI || variant == NNVI) {
			t.Errorf("%s: KL is there: %v", variant, there)
		}
	}
}

func TestTrainingForAnyWorkers(t *testing.T) {
	d := barData()
	s := barSetting(d, NNVI)
	// Large enough for the workers to share work.
	s.Shape, s.Batch = "24x3x3 full pool, 32x3x3 full, 3x1x1 valid", 60
	s.Weights.Consistency = 1
	var want []float32
	for _, workers := range []int{1, 2, 5} {
		got := weights(mustTrain(t, s, d, experiment.Options{Workers: workers}).Net)
		if want == nil {
			want = got
		} else if !slices.Equal(got, want) {
			t.Errorf("%d workers give other bits than 1", workers)
		}
	}
}

func TestKilledRunGoesOnToTheSameBits(t *testing.T) {
	d := barData()
	s := barSetting(d, NNVI)
	s.Noise, s.Weights.Consistency, s.Rendered, s.MarginalEnd = 0.1, 1, 5, 2
	want := mustTrain(t, s, d, experiment.Options{})
	dir := filepath.Join(t.TempDir(), "run")
	for _, stop := range []int{3, 17} { // during the ramp and after it
		ctx, cancel := context.WithCancel(context.Background())
		_, err := Train(ctx, s, d, experiment.Options{Dir: dir, OnStep: func(e *train.Event) {
			if e.Step == stop {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v, want one about the interruption", err)
		}
	}
	got := mustTrain(t, s, d, experiment.Options{Dir: dir})
	if !slices.Equal(weights(got.Net), weights(want.Net)) {
		t.Error("the resumed run has other weights")
	}
	got.Metrics.Hours, want.Metrics.Hours = 0, 0
	if !reflect.DeepEqual(got.Metrics, want.Metrics) {
		t.Errorf("metrics %+v, want %+v", got.Metrics, want.Metrics)
	}
	s.Weights.KL *= 2
	if _, err := Train(context.Background(), s, d, experiment.Options{Dir: dir}); err == nil ||
		!strings.Contains(err.Error(), "Key") {
		t.Errorf("error %v, want one that names the key of the checkpoint", err)
	}
}

func TestStepAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	d := barData()
	s := barSetting(d, NNVI)
	s.Epochs, s.RampFrom, s.RampTo = 40, 0, 0
	s.Weights.Consistency, s.Rendered = 1, 5
	// An epoch has 10 steps. Other goroutines of the test binary may allocate meanwhile, so the minimum over many epochs
	// counts.
	var before uint64
	fewest := uint64(math.MaxUint64)
	count := func(e *train.Event) {
		switch e.Step % 10 {
		case 1:
			before = mallocs()
		case 9:
			fewest = min(fewest, mallocs()-before)
		}
	}
	mustTrain(t, s, d, experiment.Options{Workers: 2, OnStep: count})
	if fewest != 0 {
		t.Errorf("%d allocations in 8 steps", fewest)
	}
}

func TestAveragesFollowTheWeights(t *testing.T) {
	d := barData()
	s := barSetting(d, MPC)
	tr, mix, err := newTrainer(s, d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := train.Run(context.Background(), tr.config(mix, d, experiment.Options{})); err != nil {
		t.Fatal(err)
	}
	if slices.Equal(weights(tr.average), weights(tr.model.Net)) {
		t.Error("the averages are the weights")
	}
	// Steps that do not change the weights make the averages converge to them.
	for range 20000 {
		tr.afterStep()
	}
	a, b := weights(tr.average), weights(tr.model.Net)
	for i := range a {
		if d := a[i] - b[i]; !(d*d < 1e-6) {
			t.Fatalf("average %d is %v, the weight %v", i, a[i], b[i])
		}
	}
}

// The labelled half of a batch has the labels of its images, and an epoch visits every unlabelled image once.
func TestSemiSupervisedData(t *testing.T) {
	d := barData()
	s := barSetting(d, NNVI)
	s.Unlabelled = 40
	m, err := s.data(d.Train)
	if err != nil {
		t.Fatal(err)
	}
	if m.Len() != 40 || m.Labelled.Len() != 6 {
		t.Fatalf("%d samples, %d labelled", m.Len(), m.Labelled.Len())
	}
	seen := map[string]int{}
	var b dataset.Batch
	x := &b.X
	for at := 0; at < 40; at += 8 {
		m.Gather(&b, dataset.Order(40, 1, 0)[at:at+8])
		if x.Rows() != 16 || len(b.Y) != 8 {
			t.Fatalf("%d rows with %d labels, want 16 and 8", x.Rows(), len(b.Y))
		}
		for i, label := range b.Y {
			at := slices.IndexFunc(texts(d.Train), func(r string) bool { return r == fmt.Sprint(x.Row(i)) })
			if at < 0 || d.Train.Y[at] != label {
				t.Errorf("sample %d has label %d, but is image %d", i, label, at)
			}
			seen[fmt.Sprint(x.Row(8+i))]++
		}
	}
	if len(seen) != 40 {
		t.Errorf("%d different unlabelled images, want 40", len(seen))
	}
}

// With a ratio of 3, every labelled image of a step comes with three unlabelled ones, and an epoch still visits each
// unlabelled image.
func TestShareOfAStep(t *testing.T) {
	d := barData()
	s := barSetting(d, NNVI)
	s.Unlabelled, s.Ratio, s.Batch = 40, 3, 16
	m, err := s.data(d.Train)
	if err != nil {
		t.Fatal(err)
	}
	if m.Len() != 14 || s.Samples() != 3*4*16 {
		t.Fatalf("%d samples, want 40/3 rounded up; %d images in 3 epochs", m.Len(), s.Samples())
	}
	seen := map[string]int{}
	var b dataset.Batch
	x := &b.X
	for at := 0; at < 14; at += 4 {
		idx := dataset.Order(14, 1, 0)[at:min(at+4, 14)]
		m.Gather(&b, idx)
		if x.Rows() != 4*len(idx) {
			t.Fatalf("%d rows, want %d", x.Rows(), 4*len(idx))
		}
		for i := range 3 * len(idx) {
			seen[fmt.Sprint(x.Row(len(idx)+i))]++
		}
		for i, label := range b.Y {
			if at := slices.Index(texts(d.Train), fmt.Sprint(x.Row(i))); at < 0 || d.Train.Y[at] != label {
				t.Errorf("sample %d has label %d, but is image %d", i, label, at)
			}
		}
	}
	if len(seen) != 40 {
		t.Errorf("%d different unlabelled images, want 40", len(seen))
	}
	got := mustTrain(t, s, d, experiment.Options{})
	if n := len(got.History.Epochs); n != 3 {
		t.Errorf("%d epochs", n)
	}
}

// texts returns the images as strings.
func texts(s *dataset.Set) (rows []string) {
	for i := range s.Len() {
		rows = append(rows, fmt.Sprint(s.X.Row(i)))
	}
	return rows
}

func TestSettingsAreChecked(t *testing.T) {
	d := barData()
	for want, change := range map[string]func(s *Setting){
		"Variant":           func(s *Setting) { s.Variant = "all" },
		"layer 1":           func(s *Setting) { s.Shape = "" },
		"is larger than":    func(s *Setting) { s.Shape = "3x9x9 valid" },
		"Reduction":         func(s *Setting) { s.Reduction = "" },
		"Optimizer":         func(s *Setting) { s.Optimizer = "lbfgs" },
		"Labels":            func(s *Setting) { s.Labels = 0 },
		"equally":           func(s *Setting) { s.Labels = 7 },
		"fewer than the 30": func(s *Setting) { s.Labels = 90 },
		"fewer than the 61": func(s *Setting) { s.Unlabelled = 61 },
		"Weights":           func(s *Setting) { s.Variant = Sup },
		"Noise":             func(s *Setting) { s.Noise = -1 },
		"RampTo":            func(s *Setting) { s.RampFrom = 9 },
		"Rate":              func(s *Setting) { s.Rate = 0 },
		"FinalRate":         func(s *Setting) { s.FinalRate = 1 },
		"Epochs":            func(s *Setting) { s.Epochs = 0 },
		"Hold":              func(s *Setting) { s.Hold = 3 },
		"Average":           func(s *Setting) { s.Average = 1 },
		"Average is 0":      func(s *Setting) { s.Weights.Consistency, s.Average = 1, 0 },
		"Rendered":          func(s *Setting) { s.Rendered = 13 },
		"MarginalEnd":       func(s *Setting) { s.MarginalEnd = s.RampTo },
		"Ratio":             func(s *Setting) { s.Ratio = 0 },
		"Batch":             func(s *Setting) { s.Batch = 13 },
		"Steps":             func(s *Setting) { s.Steps = 2 },
		"Unlabelled":        func(s *Setting) { s.Unlabelled = 0 },
		"method On":         func(s *Setting) { s.Checksum = "other" },
	} {
		s := barSetting(d, NNVI)
		change(&s)
		if _, err := Train(context.Background(), s, d, experiment.Options{}); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	for _, variant := range Variants() {
		for _, labels := range []int{50, 100, 1000} {
			s := Digits(labels, variant)
			if err := s.Check(); err != nil {
				t.Errorf("%v: %v", s, err)
			}
			text, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			var back Setting
			if err := json.Unmarshal(text, &back); err != nil || back != s {
				t.Errorf("%s came back as %+v, %v", text, back, err)
			}
		}
	}
}

// Every setting of every grid is valid and occurs once; the table has every variant.
func TestGrids(t *testing.T) {
	few := experiment.Source{Data: "digits", Checksum: "a b", Images: 6000}
	for _, profile := range experiment.Profiles() {
		for _, g := range Grids.List(profile) {
			settings := g.Settings(few)
			if len(settings) != g.Len() || g.Len() == 0 {
				t.Errorf("%s, %s: %d settings, want %d", profile, g.Name, len(settings), g.Len())
			}
			seen, variants := map[Setting]bool{}, map[string]bool{}
			for _, s := range settings {
				if err := s.Check(); err != nil || seen[s] || s.Unlabelled > 6000 || s.Source != few {
					t.Errorf("%s, %s, %v: %v, seen before: %v", profile, g.Name, s, err, seen[s])
				}
				seen[s], variants[s.Variant] = true, true
			}
			if g.Name == "drmm" && len(variants) != len(Variants()) {
				t.Errorf("%s: variants %v", profile, variants)
			}
		}
	}
}

func TestRates(t *testing.T) {
	s := Setting{Rate: 1, FinalRate: 0.01, Epochs: 12, Hold: 2, RampFrom: 1, RampTo: 3}
	for epoch, want := range map[float64]float64{0: 1, 2: 1, 7: 0.1, 12: 0.01} {
		if got := s.rate(epoch); !(got > 0.999*want && got < 1.001*want) {
			t.Errorf("rate %v at %v, want %v", got, epoch, want)
		}
	}
	for epoch, want := range map[float64]float64{0: 0, 1: 0, 2: 0.5, 3: 1, 9: 1} {
		if got := s.ramp(epoch); got != want {
			t.Errorf("ramp %v at %v, want %v", got, epoch, want)
		}
	}
	for epoch, want := range map[float64]float64{0: 1, 3: 1, 4: 0.75, 7: 0, 9: 0} {
		s.MarginalEnd = 7
		if got := s.fade(epoch); got != want {
			t.Errorf("fade %v at %v, want %v", got, epoch, want)
		}
		s.MarginalEnd = 0
		if got := s.fade(epoch); got != 1 {
			t.Errorf("fade %v at %v without an end", got, epoch)
		}
	}
}

// A larger weight of the consistency term makes the term smaller.
func TestConsistency(t *testing.T) {
	d := barData()
	var found []float64
	for _, weight := range []float64{0.001, 10} {
		s := barSetting(d, NNVI)
		s.Epochs, s.RampFrom, s.RampTo, s.Weights.Consistency = 8, 0, 0, weight
		found = append(found, mustTrain(t, s, d, experiment.Options{}).History.Epochs[7].Train["consistency"])
	}
	if !(found[1] < 0.7*found[0]) {
		t.Errorf("divergences %v: the second, with the larger weight, should be clearly less", found)
	}
}

// The reconstruction terms are means over the last images of a batch; the setting gives their number.
func TestRendered(t *testing.T) {
	d := barData()
	s := barSetting(d, NNMPC)
	all := mustTrain(t, s, d, experiment.Options{})
	s.Rendered = s.Batch
	if same := mustTrain(t, s, d, experiment.Options{}); !slices.Equal(weights(same.Net), weights(all.Net)) {
		t.Error("all images of a batch give other weights than 0, which means all")
	}
	s.Rendered, s.Noise = 4, 0
	tr, mix, err := newTrainer(s, d)
	if err != nil {
		t.Fatal(err)
	}
	c := tr.config(mix, d, experiment.Options{})
	c.Learner.(*train.GradientDescent).Loss = func(b *train.Batch) *autograd.Var {
		cost := tr.objective(b)
		if image := tr.rendered.Image(); b.Training() && image.Rows() != 4 {
			t.Fatalf("%d images are rendered, want 4", image.Rows())
		}
		return cost
	}
	if _, err := train.Run(context.Background(), c); err != nil {
		t.Fatal(err)
	}
}

func TestSweepOfSettings(t *testing.T) {
	d := barData()
	settings := []Setting{barSetting(d, Sup), barSetting(d, NNVI)}
	dir := t.TempDir()
	grid := Grids.Sweep(settings, d, filepath.Join(dir, "drmm.jsonl"))
	ctx, cancel := context.WithCancel(context.Background())
	grid.Workers, grid.OnResult = 1, func(e *sweep.Event[Setting]) {
		if e.Setting != nil {
			cancel() // after the first step
		}
	}
	if _, err := grid.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want one about the interruption", err)
	}
	grid.OnResult = nil
	rows, err := grid.Run(context.Background())
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if kept, _ := filepath.Glob(filepath.Join(dir, "checkpoints", "*", "checkpoint.json")); len(kept) != 2 {
		t.Errorf("checkpoints %q, want two", kept)
	}
	again, err := Grids.Sweep(settings, d, "").Run(context.Background())
	if err != nil || !reflect.DeepEqual(rows, again) {
		t.Errorf("another run gives %v, %v", again, err)
	}
}

// The state in a checkpoint has names, including those of the averages and of the step count.
func TestNamesInACheckpoint(t *testing.T) {
	d := barData()
	tr, _, err := newTrainer(barSetting(d, NNVI), d)
	if err != nil {
		t.Fatal(err)
	}
	state := nn.StateOf(tr.model)
	var names []string
	for _, p := range state.Params {
		names = append(names, p.Name)
	}
	for _, b := range state.Buffers {
		names = append(names, b.Name)
	}
	for _, want := range []string{"net.layers.0.filters", "net.layers.2.norm.scale", "net.out.weight",
		"net.layers.1.norm.variance", "averages.0", "steps"} {
		if !slices.Contains(names, want) {
			t.Errorf("no %q among %q", want, names)
		}
	}
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}
