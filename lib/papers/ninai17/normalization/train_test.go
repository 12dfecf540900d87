// SPDX-License-Identifier: Apache-2.0

package normalization_test

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
	"github.com/lateral-ml/lateral/lib/language"
	"github.com/lateral-ml/lateral/lib/nn"
	. "github.com/lateral-ml/lateral/lib/papers/ninai17/normalization"
	"github.com/lateral-ml/lateral/lib/superres"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// bars are images in two classes: a bar that stands or lies, anywhere, of any contrast.
func bars() *experiment.Data {
	set := func(n int, seed uint64) *dataset.Set {
		s := &dataset.Set{Name: "Bars", Sum: fmt.Sprintf("%064d", seed), X: tensor.New(n, 1, 28, 28), Y: make([]int, n),
			Classes: []string{"stands", "lies"}}
		rng := tensor.Stream(seed, "bars")
		for i := range n {
			s.Y[i] = i % 2
			at, contrast := 4+rng.IntN(20), 0.2+0.8*float32(rng.Float64())
			for k := 4; k < 24; k++ {
				for d := range 3 {
					row, col := k, at+d
					if s.Y[i] == 1 {
						row, col = at+d, k
					}
					s.X.Set(contrast, i, 0, row, col)
				}
			}
		}
		return s
	}
	return &experiment.Data{Train: set(400, 1), Test: set(100, 2)}
}

// Networks of each kind learn the bars, online too, and the metrics are those of the networks.
func TestTrainImages(t *testing.T) {
	d := bars()
	for _, s := range []ImageSetting{Classified(BN), Classified(DNStar), Online(DN, 1e-4)} {
		if s = s.On(d); s.Batch > 1 {
			s.Epochs, s.Batch, s.Drops, s.Part = 4, 20, []float64{3}, 380
		}
		r, err := TrainImages(t.Context(), s, d, experiment.Options{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		m := r.Metrics
		if m.Error > 0.1 || m.TrainError > 0.1 || len(m.Errors) != s.Epochs || m.First.Correlation <= 0 ||
			m.First.Correlation > 1 || m.First.Information <= 0 {
			t.Errorf("%v: %+v", s, m)
		}
		if online := len(m.Online); (online == 50) != (s.Batch == 1) {
			t.Errorf("%v: %d means of the online error", s, online)
		} else if online > 0 && !(m.Online[0] > m.Online[49]) {
			t.Errorf("the online error goes from %v to %v", m.Online[0], m.Online[49])
		}
	}
}

// A killed training ends with the same network.
func TestResume(t *testing.T) {
	d := bars()
	s := Classified(DNStar).On(d)
	s.Epochs, s.Batch, s.Drops, s.Dropout = 2, 50, nil, 0.2
	want, err := TrainImages(t.Context(), s, d, experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	o := experiment.Options{Dir: t.TempDir(), OnStep: func(e *train.Event) {
		if e.Step == 11 {
			cancel(errors.New("stopped"))
		}
	}}
	if _, err := TrainImages(ctx, s, d, o); err == nil || !strings.Contains(err.Error(), "stopped") {
		t.Fatal(err)
	}
	got, err := TrainImages(t.Context(), s, d, experiment.Options{Dir: o.Dir})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Metrics, want.Metrics) ||
		!slices.Equal(nn.Params(got.Net)[0].Data(), nn.Params(want.Net)[0].Data()) {
		t.Errorf("%+v, without a stop %+v", got.Metrics, want.Metrics)
	}
}

func TestTrainText(t *testing.T) {
	d := &experiment.Data{Text: dataset.Sentences(1)}
	s := Modelled(DNStar, language.Tanh).On(d)
	s.Epochs, s.Tokens, s.Strength.Sigma = 2, 12_000, 0.5
	r, err := TrainText(t.Context(), s, d, experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, words := r.Metrics, float64(d.Text.Vocabulary.Len())
	if len(m.Valid) != 2 || !(m.Valid[1] < m.Valid[0]) || !(m.Test < words/2) || math.Abs(m.Test/m.Valid[1]-1) > 0.3 {
		t.Errorf("%+v with %v words", m, words)
	}
	if len(m.Samples) != 3 || m.Samples[0] == "" || m.Samples[0] == m.Samples[2] {
		t.Errorf("samples %q", m.Samples)
	}
	s.Tokens = 30
	if _, err := TrainText(t.Context(), s, d, experiment.Options{}); err == nil ||
		!strings.Contains(err.Error(), "too short for 20 streams of 20 steps") {
		t.Errorf("a text that is too short: %v", err)
	}
	if _, err := TrainText(t.Context(), s, bars(), experiment.Options{}); err == nil {
		t.Error("images are no text")
	}
}

func TestTrainPhotos(t *testing.T) {
	d := &experiment.Data{Photos: &experiment.Photos{
		Name: "few leaves", Sum: fmt.Sprintf("%064d", 3), Train: superres.Leaves(4, 80, 1, "train"),
		Test: []experiment.TestPhotos{{Name: "leaves", Photos: superres.Leaves(2, 80, 1, "test")}},
	}}
	s := Enlarged(Baseline, 3).On(d)
	s.Crops, s.Epochs, s.Batch = 64, 12, 16
	r, err := TrainPhotos(t.Context(), s, d, experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := r.Metrics
	if n := len(m.Loss); n != 12 || !(m.Loss[11] < m.Loss[0]/2) || !(m.Network["leaves"].PSNR > 16) ||
		!(m.Bicubic["leaves"].PSNR > 15) || m.Bicubic["leaves"].SSIM > 1 {
		t.Errorf("losses %.4f, %+v, bicubic %+v", m.Loss, m.Network, m.Bicubic)
	}
	pair, err := DetailPair(d.Photos.Test, 3)
	if err != nil {
		t.Fatal(err)
	}
	estimate := r.Net.Enlarge(pair.Low, 1)
	psnr, _ := pair.Score(estimate)
	detail := m.Detail
	if detail.Side != 78 || detail.PSNR != psnr || detail.Photo != d.Photos.Test[0].Photos[1].Name {
		t.Errorf("detail of %s, side %d, %g dB", detail.Photo, detail.Side, detail.PSNR)
	}
	for i, v := range estimate.Data() {
		if math.Abs(float64(detail.Pixels[i])-math.Max(0, math.Min(255, float64(v)))) > 0.501 {
			t.Fatalf("pixel %d: %d, estimate %g", i, detail.Pixels[i], v)
		}
	}
}

// Each pair is counted at its place: a from left to right, b from the bottom to the top.
func TestJointHistogram(t *testing.T) {
	a := []float32{1, -1, 1, -1, 0, 4, float32(math.NaN())}
	b := []float32{1, 1, 1, -1, 0, 0, 0}
	for i := range a { // root mean squares of 1
		a[i], b[i] = a[i]*float32(math.Sqrt(6./20)), b[i]*float32(math.Sqrt(6./4))
	}
	counts := JointHistogram(a[:6], b[:6])
	for i, n := range counts {
		want := map[[2]int]int{}
		want[[2]int{15 - 6, 15 + 3}], want[[2]int{15 - 6, 15 - 3}] = 2, 1
		want[[2]int{15 + 6, 15 - 3}], want[[2]int{15, 15}], want[[2]int{15, 15 + 11}] = 1, 1, 1
		if at := [2]int{i / JointBins, i % JointBins}; n != want[at] {
			t.Errorf("row %d, column %d: %d pairs, want %d", at[0], at[1], n, want[at])
		}
	}
	for _, n := range JointHistogram([]float32{0, 0}, []float32{1, float32(math.NaN())}) {
		if n != 0 {
			t.Error("a filter that never responds has counts")
		}
	}
}

func TestSettingsAreChecked(t *testing.T) {
	d := bars()
	for want, change := range map[string]func(s *ImageSetting){
		`there is no variant "XN"`:    func(s *ImageSetting) { s.Variant = "XN" },
		"Sigma is 0: want a number":   func(s *ImageSetting) { s.Sigma = 0 },
		"Batch is 0":                  func(s *ImageSetting) { s.Batch = 0 },
		"Epochs is 0":                 func(s *ImageSetting) { s.Epochs = 0 },
		"Rate is NaN":                 func(s *ImageSetting) { s.Rate = math.NaN() },
		"Drops is [2 1]":              func(s *ImageSetting) { s.Drops = []float64{2, 1} },
		"Dropout is 1":                func(s *ImageSetting) { s.Dropout = 1 },
		"Decay is -1":                 func(s *ImageSetting) { s.Decay = -1 },
		"Part is -1":                  func(s *ImageSetting) { s.Part = -1 },
		"adapt it with its method On": func(s *ImageSetting) { s.Images = 7 },
	} {
		s := Classified(DN).On(d)
		change(&s)
		_, err := TrainImages(t.Context(), s, d, experiment.Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	s := Classified(Baseline).On(d)
	s.L1 = 0.1
	if err := s.Check(); err == nil || !strings.Contains(err.Error(), "has no normalisation") {
		t.Error(err)
	}
	small := &experiment.Data{Train: &dataset.Set{X: tensor.New(2, 1, 8, 8), Y: []int{0, 1}, Classes: []string{"a", "b"}}}
	small.Test = small.Train
	if _, err := TrainImages(t.Context(), Classified(DN).On(small), small, experiment.Options{}); err == nil ||
		!strings.Contains(err.Error(), "[2 1 8 8]: want [N, C, 32, 32]") {
		t.Errorf("small images: %v", err)
	}
}

// Independent responses share nothing, equal ones everything: log(bins) nats for all of the values.
func TestRelate(t *testing.T) {
	z := tensor.New(2, 20_000)
	tensor.Stream(1, "z").Normal(z.Data(), 0, 1)
	if r := Relate(z); r.Correlation > 0.02 || r.Information > 0.02 { // 19²/(2·20000) = 0.009 by chance
		t.Errorf("independent: %+v", r)
	}
	for i, v := range z.Row(0) {
		z.Row(1)[i] = -3 * v
	}
	if r := Relate(z); math.Abs(r.Correlation-1) > 1e-6 || math.Abs(r.Information-math.Log(20)) > 1e-3 {
		t.Errorf("equal: %+v", r)
	}
	x, y := []float32{0, 0, 1, 1}, []float32{0, 1, 0, 1}
	if got := MutualInformation(x, y, 2); got != 0 {
		t.Errorf("%v for independent bits", got)
	}
	if got := MutualInformation(x, x, 2); math.Abs(got-math.Ln2) > 1e-12 {
		t.Errorf("%v for the same bit", got)
	}
}

func TestGrids(t *testing.T) {
	for _, profile := range experiment.Profiles() {
		for _, g := range ImageGrids.List(profile) {
			for _, s := range g.Settings(experiment.Source{Images: 50000}) {
				if err := s.Check(); err != nil {
					t.Errorf("%s, %s: %v", profile, g.Name, err)
				}
			}
		}
		for _, g := range TextGrids.List(profile) {
			for _, s := range g.Settings(experiment.Source{Images: 900000}) {
				if err := s.Check(); err != nil {
					t.Errorf("%s, %s: %v", profile, g.Name, err)
				}
			}
		}
		for _, s := range PhotoGrids.List(profile)[0].Settings(experiment.Source{Images: 200}) {
			if err := s.Check(); err != nil {
				t.Errorf("%s: %v", profile, err)
			}
		}
	}
}
