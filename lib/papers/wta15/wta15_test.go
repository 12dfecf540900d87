// SPDX-License-Identifier: Apache-2.0

package wta15

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/durable"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	"github.com/lateral-ml/lateral/lib/internal/race"
	"github.com/lateral-ml/lateral/lib/linear"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/papers/internal/spots"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

var (
	few   = &experiment.Data{Train: spots.Set(400, "train"), Test: spots.Set(100, "test")}
	dense = Setting{Batch: 100, Seed: 3, Layers: []Layer{
		{Units: 30, Competition: Lifetime, Share: 0.1, Tied: true, Rate: 0.01, Epochs: 6},
	}}.On(few)
	conv = Setting{Batch: 50, Seed: 3, Layers: []Layer{
		{Units: 6, Competition: Both, Share: 0.2, Kernel: 3, Before: []int{4}, Decoder: 5, Pool: 2, Rate: 0.01, Epochs: 6},
	}}.On(few)
)

// Compares the settings with the document and the re-implementations whose values they take [WTA15]: 2000 units and a
// share of 5 %; batches of 100, Adam at 0.001, 50 epochs, tied weights; convolutions of 5x5, a decoder of 11x11,
// pooling of 4x4.
func TestSettings(t *testing.T) {
	for name, c := range map[string]struct {
		setting Setting
		want    string
	}{
		"FC-WTA": {FullyConnected(), `{"data":"","checksum":"","images":0,"layers":[` +
			`{"units":2000,"competition":"lifetime","share":0.05,"tied":true,"rate":0.001,"epochs":50}],"batch":100,"seed":0}`},
		"CONV-WTA": {Convolutional(128), `{"data":"","checksum":"","images":0,"layers":[` +
			`{"units":128,"competition":"both","share":0.05,"kernel":5,"before":[128,128],"decoder":11,"pool":4,` +
			`"rate":0.001,"epochs":100}],"batch":100,"seed":0}`},
		"stacked": {Stacked(Convolutional(128), 2048), `{"data":"","checksum":"","images":0,"layers":[` +
			`{"units":128,"competition":"both","share":0.05,"kernel":5,"before":[128,128],"decoder":11,"pool":4,` +
			`"rate":0.001,"epochs":100},` +
			`{"units":2048,"competition":"both","share":0.05,"kernel":5,"decoder":5,"pool":2,"rate":0.001,"epochs":100}],` +
			`"batch":100,"seed":0}`},
	} {
		got, err := json.Marshal(c.setting)
		if err != nil || string(got) != c.want {
			t.Errorf("%s is\n%s\nwant\n%s (%v)", name, got, c.want, err)
		}
	}
}

// The loss of every kind of layer has the gradient that differences give, through winners only.
func TestGradients(t *testing.T) {
	for _, c := range []Layer{
		{Units: 5, Competition: None},
		{Units: 5, Competition: Lifetime, Share: 0.4},
		{Units: 5, Competition: Lifetime, Share: 0.4, Tied: true},
		{Units: 5, Competition: Units, Share: 0.4},
		{Units: 3, Competition: None, Kernel: 3, Decoder: 5, Pool: 1},
		{Units: 3, Competition: Spatial, Kernel: 3, Decoder: 5, Pool: 1},
		{Units: 3, Competition: Both, Share: 0.4, Kernel: 3, Before: []int{2}, Decoder: 5, Pool: 1},
	} {
		model, err := NewAutoencoder(c, []int{2, 5, 4}, tensor.Stream(1, "weights"))
		if err != nil {
			t.Fatal(err)
		}
		x := tensor.New(5, 2, 5, 4)
		tensor.Stream(2, "x").Uniform(x.Data(), 0, 1)
		params := nn.Params(model)
		for _, p := range params {
			tensor.Stream(3, p.Name).Normal(p.Data(), 0, 0.5)
		}
		err = gradcheck.Check(gradcheck.Config{Step: 0.002}, func(t *autograd.Tape) *autograd.Var {
			in := t.Input(x)
			_, y := model.Reconstruct(in)
			return loss.SSE(y, in)
		}, params...)
		if err != nil {
			t.Errorf("%v: %v", c, err)
		}
	}
}

// The winners are exactly as many as the share says: per unit, per sample, per map.
func TestWinners(t *testing.T) {
	x := tensor.New(20, 1, 8, 8)
	tensor.Stream(2, "x").Uniform(x.Data(), 0, 1)
	count := func(l Layer, axis int) []int {
		model, err := NewAutoencoder(l, []int{1, 8, 8}, tensor.Stream(1, "weights"))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range nn.Params(model) { // all units active
			for i, v := range p.Data() {
				p.Data()[i] = float32(math.Abs(float64(v)))
			}
		}
		active, y := model.Reconstruct(autograd.NewTape(1).Input(x))
		if !slices.Equal(y.Shape(), x.Shape()) {
			t.Errorf("%v: the reconstruction has shape %v", l, y.Shape())
		}
		counts := make([]int, active.Shape()[axis])
		for i, v := range active.Data() {
			if v > 0 {
				counts[[]int{i / active.Width(), i % active.Width()}[axis]]++
			}
		}
		return counts
	}
	for _, c := range []struct {
		layer Layer
		axis  int
		want  []int
	}{
		{Layer{Units: 10, Competition: Lifetime, Share: 0.15}, 1, slices.Repeat([]int{3}, 10)},
		{Layer{Units: 10, Competition: Units, Share: 0.2}, 0, slices.Repeat([]int{2}, 20)},
		{Layer{Units: 4, Competition: Spatial, Kernel: 3, Decoder: 3, Pool: 1}, 1, slices.Repeat([]int{20}, 4)},
		{Layer{Units: 4, Competition: Both, Share: 0.05, Kernel: 3, Decoder: 3, Pool: 1}, 1, []int{1, 1, 1, 1}},
	} {
		if got := count(c.layer, c.axis); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v winners, want %v", c.layer, got, c.want)
		}
	}
}

// Features have no competition: those of a batch are those of its images alone.
func TestFeatures(t *testing.T) {
	for _, s := range []Setting{dense, conv, Stacked(conv, 5)} {
		stack, err := NewStack(s, []int{1, 8, 8})
		if err != nil {
			t.Fatal(err)
		}
		x := few.Train.X.Slice(0, 150)
		all := stack.Features(x, 1)
		for i := range 150 {
			if one := stack.Features(x.Slice(i, i+1), 2); !slices.Equal(one.Data(), all.Row(i)) {
				t.Fatalf("%v: the features of image %d depend on the batch", s, i)
			}
		}
		if len(s.Layers) == 2 {
			first, both := stack.Features(x, 1, 0), stack.Features(x, 1, 0, 1)
			if !slices.Equal(both.Row(7), slices.Concat(first.Row(7), all.Row(7))) {
				t.Error("the features of both layers are not those of one and of the other")
			}
		}
	}
}

// Layers learn greedily: the first layer of a stack is the one that was trained alone, and the second learns from its
// features.
func TestTrainGreedily(t *testing.T) {
	alone, err := Train(t.Context(), conv, few, experiment.Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	s := Stacked(conv, 5)
	stack, err := Train(t.Context(), s, few, experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(alone.Stack.Layers[0].Filters().Data(), stack.Stack.Layers[0].Filters().Data()) {
		t.Error("the first layer differs from the one trained alone")
	}
	features := &dataset.Set{X: stack.Stack.Features(few.Train.X, 1, 0).Reshape(400, 6, 4, 4)}
	second := s
	second.Layers = s.Layers[1:]
	model, err := NewAutoencoder(s.Layers[1], []int{6, 4, 4}, tensor.Stream(s.Seed, "wta15/weights/2"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = train.Run(t.Context(), train.Config{Learner: NewLearner(s.Layers[1], model, 1), Train: features, Epochs: 6,
		BatchSize: 50, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(model.Filters().Data(), stack.Stack.Layers[1].Filters().Data()) {
		t.Error("the second layer did not learn from the features of the first")
	}
	for i, h := range stack.Histories {
		if losses := h.TrainSeries("loss"); losses[5] > 0.9*losses[0] {
			t.Errorf("layer %d does not learn: losses %v", i+1, losses)
		}
	}
}

// A run that was stopped in either layer resumes and ends with the same weights, and the same dead units.
func TestResume(t *testing.T) {
	s := Stacked(conv, 5)
	want, err := Train(t.Context(), s, few, experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, stop := range []int{13, 61} { // of 48 steps for each layer
		o := experiment.Options{Dir: t.TempDir(), Workers: 1}
		ctx, cancel := context.WithCancel(t.Context())
		steps := 0
		o.OnStep = func(*train.Event) {
			if steps++; steps == stop {
				cancel()
			}
		}
		if _, err := Train(ctx, s, few, o); !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v", err)
		}
		o.OnStep = nil
		got, err := Train(t.Context(), s, few, o)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got.Metrics()) != fmt.Sprint(want.Metrics()) || !slices.Equal(
			got.Stack.Layers[1].Filters().Data(), want.Stack.Layers[1].Filters().Data()) {
			t.Errorf("stopped after %d steps: %+v, want %+v", stop, got.Metrics(), want.Metrics())
		}
	}
}

// What Save wrote, Load reads: the same features, from both layers. A damaged file is an error and changes nothing.
func TestFiles(t *testing.T) {
	s, dir := Stacked(conv, 5), t.TempDir()
	want, err := Train(t.Context(), s, few, experiment.Options{})
	if err == nil {
		err = want.Save(dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	var got Result
	if err := got.Load(dir); err != nil {
		t.Fatal(err)
	}
	x := few.Test.X
	if !slices.Equal(got.Stack.Features(x, 1, 0, 1).Data(), want.Stack.Features(x, 1, 0, 1).Data()) ||
		fmt.Sprint(got.Metrics(), got.Setting) != fmt.Sprint(want.Metrics(), want.Setting) {
		t.Errorf("read %v, %+v", got.Setting, got.Metrics())
	}
	file := filepath.Join(dir, "result.json")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(file, text, 0o666); err != nil {
		t.Fatal(err)
	}
	before := got.Stack
	if err := got.Load(dir); !errors.Is(err, durable.ErrDamaged) || got.Stack != before {
		t.Errorf("error %v", err)
	}
}

// A unit that is never active counts as dead.
func TestDead(t *testing.T) {
	stack, err := NewStack(dense, []int{1, 8, 8})
	if err != nil {
		t.Fatal(err)
	}
	d := stack.Layers[0].(*Dense)
	d.Encoder.Bias.Value().Fill(1)
	for u := range 7 {
		clear(d.Encoder.Weight.Value().Row(3 * u))
		d.Encoder.Bias.Data()[3*u] = -1
	}
	l := dense.Layers[0]
	l.Rate = 1e-9 // so that no other unit dies
	h, err := train.Run(t.Context(), train.Config{Learner: NewLearner(l, d, 1), Train: few.Train, Epochs: 2})
	if err != nil {
		t.Fatal(err)
	}
	if got := h.TrainSeries("dead"); !slices.Equal(got, []float64{7, 7}) {
		t.Errorf("%v dead units, want 7", got)
	}
}

// Classify chooses C on the validation images and measures the error of what the training and validation images taught,
// whatever the scale of the features.
func TestClassify(t *testing.T) {
	d := &experiment.Data{Train: few.Train, Valid: spots.Set(200, "valid"), Test: few.Test}
	r, err := Train(t.Context(), dense.On(d), d, experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cs := []float64{1e-6, 1, 10, 20, 40} // the last is not tried
	got, err := r.Stack.Classify(t.Context(), d, Judge{Cs: cs})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.ValidErrors) != 4 || got.C != 1 || got.Error > 0.2 || got.ValidErrors[0] < 0.1 {
		t.Errorf("%+v", got)
	}
	x := r.Stack.Features(tensor.From(slices.Concat(d.Train.X.Data(), d.Valid.X.Data()), 600, 1, 8, 8), 1)
	test := r.Stack.Features(d.Test.X, 1)
	scale, sum := Scale(x), 0.0
	for _, f := range []*tensor.Tensor{x, test} {
		for i := range f.Data() {
			f.Data()[i] *= scale
		}
	}
	for _, v := range x.Data() {
		sum += float64(v) * float64(v)
	}
	if math.Abs(sum/600-1) > 1e-5 {
		t.Errorf("the mean squared length is %g", sum/600)
	}
	c, err := linear.Config{C: got.C}.Fit(t.Context(), linear.Dense(x), slices.Concat(d.Train.Y, d.Valid.Y))
	if err != nil || c.Error(linear.Dense(test), d.Test.Y) != got.Error {
		t.Errorf("error %g, want that of all labels (%v)", got.Error, err)
	}
	// Without validation images, a sixth of the training images chooses C, and all of them teach.
	part := &experiment.Data{Test: few.Test}
	part.Train, part.Valid = few.Train.Split(5.0/6, tensor.Stream(1, "split"))
	whole, err := r.Stack.Classify(t.Context(), few, Judge{Cs: cs})
	if err != nil {
		t.Fatal(err)
	}
	want, err := r.Stack.Classify(t.Context(), part, Judge{Cs: cs})
	if err != nil || fmt.Sprint(want) != fmt.Sprint(whole) {
		t.Errorf("%+v, want %+v (%v)", whole, want, err)
	}
}

func TestCheck(t *testing.T) {
	convolutional := func(change func(l *Layer)) func(*Setting) {
		return func(s *Setting) {
			*s = conv
			s.Layers = slices.Clone(s.Layers)
			change(&s.Layers[0])
		}
	}
	for want, change := range map[string]func(*Setting){
		"Layers is 0":                             func(s *Setting) { s.Layers = nil },
		"Batch is 0":                              func(s *Setting) { s.Batch = 0 },
		"Layers[0].Units is 0":                    func(s *Setting) { s.Layers[0].Units = 0 },
		"Layers[0].Rate is 0":                     func(s *Setting) { s.Layers[0].Rate = 0 },
		"Layers[0].Epochs is 0":                   func(s *Setting) { s.Layers[0].Epochs = 0 },
		"Layers[0].Share is 0: want a number > 0": func(s *Setting) { s.Layers[0].Share = 0 },
		"Layers[0].Share is NaN":                  func(s *Setting) { s.Layers[0].Share = math.NaN() },
		"Layers[0].Share is 0.009: want a share":  func(s *Setting) { s.Layers[0].Share = 0.009 },
		"smallest one of 305 images has 5":        func(s *Setting) { s.Learn = 305 },
		`Layers[0].Competition is "spatial"`:      func(s *Setting) { s.Layers[0].Competition = Spatial },
		"Layers[0].Decoder is 11: want 0":         func(s *Setting) { s.Layers[0].Decoder = 11 },
		"winner among 30 units": func(s *Setting) {
			s.Layers[0].Competition, s.Layers[0].Share = Units, 0.03
		},
		"Layers[1].Kernel is 3: want 0":          func(s *Setting) { s.Layers = append(s.Layers, conv.Layers[0]) },
		"Layers[0].Kernel is 4":                  convolutional(func(l *Layer) { l.Kernel = 4 }),
		"Layers[0].Pool is 0":                    convolutional(func(l *Layer) { l.Pool = 0 }),
		"8x8 are too small for filters of 17x17": convolutional(func(l *Layer) { l.Kernel = 17 }),
		"and a pooling of 9x9: use larger":       convolutional(func(l *Layer) { l.Pool = 9 }),
		"adapt it with its method On":            func(s *Setting) { s.Checksum = "other" },
	} {
		s := dense
		s.Layers = slices.Clone(s.Layers)
		change(&s)
		steps := 0
		_, err := Train(t.Context(), s, few, experiment.Options{OnStep: func(*train.Event) { steps++ }})
		if err == nil || !strings.Contains(err.Error(), want) || steps > 0 {
			t.Errorf("error %v after %d steps, want one with %q", err, steps, want)
		}
	}
}

func TestGrids(t *testing.T) {
	src := experiment.Source{Data: "digits", Checksum: "a", Images: 50000}
	for _, profile := range experiment.Profiles() {
		for _, g := range Grids.List(profile) {
			seen := map[string]bool{}
			for _, s := range g.Settings(src) {
				key := fmt.Sprintf("%+v", s)
				if err := s.Check(); err != nil || seen[key] {
					t.Errorf("%s, %s, %v: %v, seen before: %v", profile, g.Name, s, err, seen[key])
				}
				seen[key] = true
			}
		}
	}
}

// A step allocates nothing once its memory has grown.
func TestStepsAllocateNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	for _, s := range []Setting{dense, conv} {
		stack, err := NewStack(s, []int{1, 8, 8})
		if err != nil {
			t.Fatal(err)
		}
		l, tape, x := NewLearner(s.Layers[0], stack.Layers[0], 1), autograd.NewTape(1), few.Train.X.Slice(0, 100)
		step := func() {
			tape.Reset()
			in := tape.Input(x)
			active, y := stack.Layers[0].Reconstruct(in)
			l.count(active)
			tape.Backward(loss.SSE(y, in))
		}
		step()
		if n := testing.AllocsPerRun(5, step); n != 0 {
			t.Errorf("%v: a step allocates %g times", s, n)
		}
	}
}

// The settings of the document's experiments.
func Example() {
	for _, s := range []Setting{FullyConnected(), Convolutional(128), Stacked(Convolutional(128), 2048)} {
		fmt.Println(s)
	}
	// Output:
	// 2000 units, lifetime 5%, seed 0
	// 128 maps, both 5%, seed 0
	// 128 maps, both 5% + 2048 maps, both 5%, seed 0
}
