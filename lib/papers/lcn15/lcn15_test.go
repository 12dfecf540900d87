// SPDX-License-Identifier: Apache-2.0

package lcn15

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/papers/internal/spots"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/retrieval"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

var small = &experiment.Data{
	Train: spots.Set(600, "train"), Valid: spots.Set(200, "valid"), Test: spots.Set(400, "test"),
}

// settings returns small networks of every kind for the small data set.
func settings() map[string]Setting {
	base := Setting{Rate: 0.1, FinalRate: 0.01, LinearDecay: true, Momentum: 0.5, FinalMomentum: 0.9, Batch: 50,
		Epochs: 8, Seed: 3}
	dense := func(competition string, block int) Setting {
		s := base
		s.Competition, s.Out = competition, Layer{Dropout: 0.2, MaxNorm: 3}
		s.Hidden = []Layer{
			{Units: 24, Block: block, Dropout: 0.1, NoRescale: true, MaxNorm: 2}, {Units: 12, Block: block, MaxNorm: 2},
		}
		return s.On(small)
	}
	conv := dense(Maxout, 3)
	conv.Hidden = []Layer{
		{Units: 12, Block: 2, Kernel: 3, Pad: 1, Pool: 3, PoolStride: 2, LRScale: 0.5}, {Units: 6, Block: 3, Kernel: 2},
	}
	conv.Epochs, conv.FinetuneEpochs, conv.FinetuneRate = 12, 2, 0.05
	return map[string]Setting{"relu": dense(ReLU, 0), "lwta": dense(LWTA, 2), "maxout": dense(Maxout, 3),
		"convolutional": conv}
}

func mustTrain(t *testing.T, s Setting, o experiment.Options) *Result {
	t.Helper()
	trained, err := Train(t.Context(), s, small, o)
	if err != nil {
		t.Fatal(err)
	}
	return trained
}

func TestNetworksLearn(t *testing.T) {
	for name, s := range settings() {
		n := mustTrain(t, s, experiment.Options{Workers: 1}).Net
		if wrong := retrieval.Errors(n.Predictions(small.Test.X), small.Test.Y); wrong > 20 {
			t.Errorf("%s: %d of 400 images are classified wrongly", name, wrong)
		}
		for i, l := range n.setting.Hidden {
			if limit := float64(l.MaxNorm); limit > 0 {
				w := weightOf(n.Hidden[i]).Value()
				for r := range w.Rows() {
					sum := 0.0
					for _, v := range w.Row(r) {
						sum += float64(v) * float64(v)
					}
					if math.Sqrt(sum) > limit*1.0001 {
						t.Fatalf("%s: the weights of unit %d of layer %d have length %g", name, r, i, math.Sqrt(sum))
					}
				}
			}
		}
	}
}

// For every kind of network, the codes match those computed from the net inputs by plain loops that follow the
// definition, layer by layer.
func TestSubmasks(t *testing.T) {
	for name, s := range settings() {
		n := New(s, []int{1, 8, 8}, 4)
		var layers []*retrieval.Codes
		for layer, l := range s.Hidden {
			codes, z := n.Submasks(small.Test.X, layer), n.NetInputs(small.Test.X, layer)
			if codes.Len() != 400 || codes.Bits() != z.Width() {
				t.Fatalf("%s: %d codes of %d bits for net inputs %v", name, codes.Len(), codes.Bits(), z.Shape())
			}
			layers = append(layers, codes)
			places := z.Width() / l.Units
			for i := range 400 {
				for j, v := range z.Row(i) {
					want := v > 0
					if s.Competition != ReLU { // ReLU has no ties
						first := j / places / l.Block * l.Block
						want = true
						for b := range l.Block {
							want = want && z.Row(i)[(first+b)*places+j%places] <= v
						}
					}
					if codes.At(i, j) != want {
						t.Fatalf("%s, layer %d: bit %d of image %d is %v", name, layer, j, i, codes.At(i, j))
					}
				}
				if ones := z.Width() / max(1, l.Block); s.Competition != ReLU && codes.Ones(i) != ones {
					t.Fatalf("%s, layer %d: %d ones, want %d", name, layer, codes.Ones(i), ones)
				}
			}
		}
		whole := n.WholeSubmasks(small.Test.X)
		if want := retrieval.JoinCodes(layers...); whole.Bits() != want.Bits() ||
			!slices.Equal(whole.Words(), want.Words()) {
			t.Errorf("%s: the whole network's codes are not those of its layers", name)
		}
	}
}

// A layer's activations are the inputs of the next layer.
func TestActivations(t *testing.T) {
	for name, s := range settings() {
		n := New(s, []int{1, 8, 8}, 4)
		y := n.Activations(small.Test.X, len(s.Hidden)-1)
		tape := autograd.NewTape(1)
		logits := n.Out.Forward(tape.Input(y))
		for i, class := range n.Predictions(small.Test.X) {
			row := logits.Value().Row(i)
			if row[class] != slices.Max(row) {
				t.Fatalf("%s: the prediction for image %d is %d, the logits are %v", name, i, class, row)
			}
		}
	}
}

// The document's networks have the known sizes.
func TestSizes(t *testing.T) {
	count := func(s Setting, image ...int) (params, bits int) {
		n := New(s, image, 10)
		for _, p := range nn.Params(n) {
			params += p.Value().Len()
		}
		last := len(s.Hidden) - 1
		return params, n.Submasks(tensor.New(append([]int{1}, image...)...), last).Bits()
	}
	for _, c := range []struct {
		name         string
		setting      Setting
		image        []int
		params, bits int
	}{
		{"relu", ReLUNet(), []int{1, 28, 28}, 784*1000 + 1000 + 2*(1000*1000+1000) + 10010, 1000},
		{"maxout", MaxoutNet(), []int{1, 28, 28}, 1233610, 1200},
		{"convolutional", ConvNet(1), []int{1, 28, 28}, 96*64 + 96 + 96*48*64 + 96 + 96*48*25 + 96 + 2170,
			6 * 6 * 24 * 4},
		{"photographs", PhotoNet(), []int{3, 32, 32},
			192*3*64 + 192 + 384*96*64 + 384 + 384*192*25 + 384 + 2500*4801 + 5010, 2500},
	} {
		if params, bits := count(c.setting, c.image...); params != c.params || bits != c.bits {
			t.Errorf("%s: %d parameters and codes of %d bits, want %d and %d", c.name, params, bits, c.params, c.bits)
		}
	}
}

// A run that was stopped resumes and reaches the same weights, during fine-tuning too; a saved network loads unchanged.
func TestResume(t *testing.T) {
	s := settings()["convolutional"]
	s.Shift, s.Flip = 1, true
	want := mustTrain(t, s, experiment.Options{Workers: 1})
	for _, stop := range []int{3, s.Epochs + 1} {
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		epochs := 0
		_, err := Train(ctx, s, small, experiment.Options{Workers: 1, Dir: dir, OnEpoch: func(*train.Event) {
			if epochs++; epochs == stop {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("the error is %v", err)
		}
		got := mustTrain(t, s, experiment.Options{Workers: 2, Dir: dir})
		for i, p := range nn.Params(got.Net) {
			if !slices.Equal(p.Data(), nn.Params(want.Net)[i].Data()) {
				t.Errorf("stopped after %d epochs: parameter %s differs", stop, p.Name)
			}
		}
		cancel()
	}
	alone := s
	alone.FinetuneEpochs, alone.FinetuneRate = 0, 0
	first := mustTrain(t, alone, experiment.Options{Workers: 1})
	dir := t.TempDir()
	if err := want.Save(dir); err != nil {
		t.Fatal(err)
	}
	var back Result
	if err := back.Load(dir); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back.Setting, want.Setting) || len(back.Finetune.Epochs) != s.FinetuneEpochs ||
		!reflect.DeepEqual(back.History, want.History) {
		t.Errorf("the record came back as %+v", back)
	}
	if !slices.Equal(back.Net.Predictions(small.Test.X), want.Net.Predictions(small.Test.X)) {
		t.Error("the network that came back predicts other classes")
	}
	for i, p := range nn.Params(first.ValidationNet()) {
		for _, other := range []*Result{want, &back} {
			if !slices.Equal(p.Data(), nn.Params(other.ValidationNet())[i].Data()) {
				t.Errorf("the network before the epochs on all images has another %s", p.Name)
			}
		}
	}
	if first.TrainingSet(small) != small.Train {
		t.Error("without epochs on all images, others were learnt from")
	}
	all, x := back.TrainingSet(small), slices.Concat(small.Train.X.Data(), small.Valid.X.Data())
	if !slices.Equal(all.X.Data(), x) || !slices.Equal(all.Y, slices.Concat(small.Train.Y, small.Valid.Y)) {
		t.Error("with epochs on all images, others were learnt from")
	}
	if slices.Equal(nn.Params(back.Net)[0].Data(), nn.Params(back.BeforeFinetune)[0].Data()) {
		t.Error("the epochs on all images changed nothing")
	}
	if err := back.Load(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("no error for a folder that is not there")
	}
}

func TestCheckNamesTheField(t *testing.T) {
	for field, change := range map[string]func(*Setting){
		"Competition":      func(s *Setting) { s.Competition = "tanh" },
		"Hidden":           func(s *Setting) { s.Hidden = nil },
		"Hidden[1].Units":  func(s *Setting) { s.Hidden[1].Units = 0 },
		"Hidden[0].Block":  func(s *Setting) { s.Hidden[0].Block = 5 },
		"Out.Dropout":      func(s *Setting) { s.Out.Dropout = 1 },
		"Hidden[1].Kernel": func(s *Setting) { s.Hidden[1].Kernel = 3 },
		"Rate":             func(s *Setting) { s.Rate = math.NaN() },
		"FinalRate":        func(s *Setting) { s.FinalRate = 1 },
		"Momentum":         func(s *Setting) { s.FinalMomentum = 1 },
		"FinetuneRate":     func(s *Setting) { s.FinetuneEpochs = 1 },
		"Epochs":           func(s *Setting) { s.Epochs = 0 },
	} {
		s := settings()["lwta"]
		change(&s)
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("the error for %s is %v", field, err)
		}
		if _, err := Train(t.Context(), s, small, experiment.Options{}); err == nil {
			t.Errorf("Train takes a wrong %s", field)
		}
	}
	other := settings()["relu"]
	other.Checksum = "other"
	if _, err := Train(t.Context(), other, small, experiment.Options{}); err == nil ||
		!strings.Contains(err.Error(), "method On") {
		t.Errorf("the error for other data is %v", err)
	}
}

// Filters that do not fit the images are an error.
func TestStartTooSmall(t *testing.T) {
	_, err := Start(ConvNet(1).On(small), small)
	if err == nil || !strings.Contains(err.Error(), "images of 8x8 are too small: layer 1 has no output") {
		t.Error(err)
	}
}
