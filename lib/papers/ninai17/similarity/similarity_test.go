// SPDX-License-Identifier: Apache-2.0

package similarity

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/dataset/objects"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/siamese"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// few returns images of two solids of each of six kinds, and of six stick figures.
func few() *experiment.Data {
	pick := func(stream string) *objects.Collection {
		all, c := objects.Solids(2, 1, stream), &objects.Collection{}
		for super := range 6 {
			for i := range 2 {
				c.Meshes, c.Super = append(c.Meshes, all.Meshes[14*super+i]), append(c.Super, super)
			}
			c.Names = append(c.Names, all.Names[7*super])
		}
		return c
	}
	set := func(stream string) *dataset.Set {
		return NewSet("few", pick(stream), 4, objects.Views{Side: side, Seed: 1, Stream: stream})
	}
	sticks := NewSet("few", objects.Sticks(6, 1, "test"), 3, objects.Views{Side: side, Seed: 1, Stream: "sticks"})
	return &experiment.Data{Train: set("train"), Valid: set("valid"), Test: join(set("test"), sticks)}
}

// tiny returns a setting that trains in a second.
func tiny(d *experiment.Data) Setting {
	s := Document().Sized(experiment.Quick).On(d)
	s.Channel, s.Features, s.Batch, s.Trials = 24, 8, 16, 50
	s.Pretraining.Epochs, s.Pretraining.Rendered = 1, 4
	s.Pairing.Epochs, s.Pairing.Contrastive, s.Pairing.Classes = 1, 1, 6
	return s
}

// A training is the same whenever it is stopped, and its metrics are complete.
func TestTrain(t *testing.T) {
	d := few()
	for name, change := range map[string]func(s *Setting){
		"bn":   func(s *Setting) { s.Norm = BN },
		"dn":   func(s *Setting) { s.Norm, s.Gentle, s.Pretraining.Labels, s.Pairing.Hard = DN, true, 0.5, true },
		"none": func(s *Setting) { s.Norm, s.Gentle, s.Pairing.Negatives, s.Pretraining.Rendered = None, true, 0, 0 },
		"pruned": func(s *Setting) {
			s.Norm, s.Pretraining.Prune, s.Pretraining.Epochs = BN, true, 21
		},
		"vgg": func(s *Setting) { s.Net, s.Norm, s.Pretraining.Labels = VGG, BN, 0.5 },
	} {
		s := tiny(d)
		change(&s)
		r, err := Train(t.Context(), s, d, experiment.Options{Workers: 1})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var phases []string
		for _, m := range append([]PhaseMetrics{r.Metrics.Untrained}, r.Metrics.Phases...) {
			phases = append(phases, m.Phase)
			if len(m.Valid) != 3 || len(m.Test) != 4 || len(m.Head) != 4 {
				t.Errorf("%s, %s: %+v", name, m.Phase, m)
			}
			if m.Phase != "" && !(m.Loss > 0) {
				t.Errorf("%s, %s: loss %g", name, m.Phase, m.Loss)
			}
			if (m.Kinds > 0 && m.Kinds <= 1) != (m.Phase == "recognition") {
				t.Errorf("%s, %s: error of superclasses %g", name, m.Phase, m.Kinds)
			}
			checkKept(t, r.Net, m, name == "pruned" && m.Phase != "")
		}
		if !slices.Equal(phases, []string{"", "recognition", "pairs", "contrastive"}) || len(r.History) != 3 {
			t.Errorf("%s: phases %q", name, phases)
		}
		if name == "none" { // once is enough
			continue
		}
		dir := t.TempDir()
		for stop := 2; ; stop += 4 {
			ctx, cancel := context.WithCancelCause(t.Context())
			steps := 0
			again, err := Train(ctx, s, d, experiment.Options{Dir: dir, Workers: 2, OnStep: func(*train.Event) {
				if steps++; steps == stop {
					cancel(errors.New("stopped"))
				}
			}})
			if err != nil {
				continue
			}
			if !reflect.DeepEqual(again.Metrics, r.Metrics) {
				t.Errorf("%s: %+v, without a stop %+v", name, again.Metrics, r.Metrics)
			}
			for i, p := range nn.Params(again.Net) {
				if !slices.Equal(p.Data(), nn.Params(r.Net)[i].Data()) {
					t.Errorf("%s: parameter %s differs after a stop", name, p.Name)
				}
			}
			break
		}
	}
}

// checkKept checks that the rat's rates leave 59 % of the weights, after recognition and still after the pairs.
func checkKept(t *testing.T, net *Net, m PhaseMetrics, pruned bool) {
	t.Helper()
	if !pruned {
		if m.Kept != 0 {
			t.Errorf("%s: %g kept without pruning", m.Phase, m.Kept)
		}
		return
	}
	left, all := 0, 0
	for _, l := range net.DRMM.Layers {
		for _, w := range l.Filters.Data() {
			if all++; w != 0 {
				left++
			}
		}
	}
	const want = 0.73 * 0.85 * 0.961 * 0.994
	if share := float64(left) / float64(all); math.Abs(share-want) > 0.01 || math.Abs(m.Kept-want) > 0.01 {
		t.Errorf("%s: %d of %d weights left, %g by its metrics, want %g", m.Phase, left, all, m.Kept, want)
	}
}

// Other pairs go on from the checkpoint of the same recognition.
func TestOtherPairs(t *testing.T) {
	d := few()
	s, dir := tiny(d), t.TempDir()
	epochs := func() (n int) {
		o := experiment.Options{Dir: dir, Workers: 1, OnEpoch: func(*train.Event) { n++ }}
		if _, err := Train(t.Context(), s, d, o); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if got, want := epochs(), s.Pretraining.Epochs+s.Pairing.Epochs+s.Pairing.Contrastive; got != want {
		t.Fatalf("%d epochs, want %d", got, want)
	}
	for _, phase := range []string{"pairs", "contrastive"} {
		if err := os.RemoveAll(filepath.Join(dir, phase)); err != nil {
			t.Fatal(err)
		}
	}
	s.Pairing.Rate /= 2
	s.Pairing.Epochs++
	if got, want := epochs(), s.Pairing.Epochs+s.Pairing.Contrastive; got != want {
		t.Errorf("%d epochs after the same recognition, want %d", got, want)
	}
}

// The document's network has the weights of its Table 7, counted in FACTS by hand.
func TestDocumentShape(t *testing.T) {
	net, err := NewNet(Document(), 36)
	if err != nil {
		t.Fatal(err)
	}
	weights := 0
	for _, l := range net.DRMM.Layers {
		weights += l.Filters.Value().Len()
	}
	if weights != 1_503_072 {
		t.Errorf("%d weights", weights)
	}
	var maps []int
	for _, s := range net.DRMM.Sizes() {
		maps = append(maps, s.H)
	}
	if !slices.Equal(maps, []int{64, 32, 34, 18, 16, 18, 8, 6, 6, 6}) {
		t.Errorf("maps of side %v", maps)
	}
}

// Signals survive nine random layers: features are neither small nor the same for all pictures.
func TestSignals(t *testing.T) {
	d := few()
	for _, norm := range []string{BN, DN, None} {
		s := tiny(d)
		s.Norm, s.Channel, s.Gentle = norm, 6, norm != BN
		net, err := NewNet(s, 6)
		if err != nil {
			t.Fatal(err)
		}
		tape := autograd.NewTape(1)
		tape.SetTraining(true) // statistics of this batch
		var v View
		net.Look(&v, tape.Input(d.Train.X))
		var between, square float64
		for f := range v.Features.Width() {
			var sum, sum2 float64
			for i := range v.Features.Rows() {
				x := float64(v.Features.Value().At(i, f)) / float64(v.Features.Rows())
				sum, sum2 = sum+x, sum2+x*x*float64(v.Features.Rows())
			}
			between, square = between+sum2-sum*sum, square+sum*sum
		}
		size := math.Sqrt(square / float64(v.Features.Width()))
		t.Logf("%s: mean %.3f, relative variance between pictures %.4f", norm, size, between/square)
		if !(size > 0.03) || !(between/square > 0.01) {
			t.Errorf("%s: features of mean %.3g, relative variance between pictures %.3g", norm, size, between/square)
		}
	}
}

// To a network with Gentle, a picture of another brightness and contrast is the same picture.
func TestContrast(t *testing.T) {
	d := few()
	s := tiny(d)
	s.Norm, s.Gentle = DN, true
	net, err := NewNet(s, 6)
	if err != nil {
		t.Fatal(err)
	}
	x := d.Train.X.Slice(0, 2)
	dim := tensor.New(x.Shape()...)
	for i, v := range x.Data() {
		dim.Data()[i] = 0.4*v + 0.3
	}
	a, b := net.Embed(x, 1), net.Embed(dim, 1)
	for i, v := range a.Data() {
		if w := b.Data()[i]; math.Abs(float64(v-w)) > 0.01*math.Abs(float64(v))+1e-3 {
			t.Errorf("feature %d: %v, and %v of the dim picture", i, v, w)
		}
	}
}

// The learning rate starts at 0.001, falls by the same factor after each of 500 epochs, and ends at 0.000001.
func TestDocumentRate(t *testing.T) {
	rate := Document().rate(1e-3, 500)
	factor := math.Pow(1e-3, 1./500)
	for epoch, want := range map[float64]float64{0: 1e-3, 0.9: 1e-3, 1: 1e-3 * factor, 250: math.Sqrt(1e-9), 500: 1e-6} {
		if got := rate(epoch); math.Abs(got/want-1) > 1e-9 {
			t.Errorf("epoch %g: %g, want %g", epoch, got, want)
		}
	}
}

// The head's logarithm of the odds is that of the network's softmax.
func TestSame(t *testing.T) {
	d := few()
	s := tiny(d)
	net, err := NewNet(s, 6)
	if err != nil {
		t.Fatal(err)
	}
	x := net.Embed(d.Valid.X.Slice(0, 5), 1)
	alike := net.Same(x)
	tape := autograd.NewTape(1)
	var p siamese.Pairs
	p.All([]int{0, 1, 2, 3, 4})
	logits := net.Head.Forward(siamese.Differences(tape.Input(x), &p))
	for i := range p.Len() {
		row := logits.Value().Row(i)
		if got, want := alike(p.First[i], p.Second[i]), float64(row[1]-row[0]); math.Abs(got-want) > 1e-5 {
			t.Errorf("pair %d: %g, want %g", i, got, want)
		}
	}
	likeness := net.Predict(d.Valid.X.Slice(0, 1), d.Valid.X.Slice(0, 3))
	cosine := siamese.Cosine(x)
	if math.Abs(likeness[0]-1) > 1e-6 || math.Abs(likeness[2]-cosine(0, 2)) > 1e-5 {
		t.Errorf("Predict gives %v, want 1, %g, %g", likeness, cosine(0, 1), cosine(0, 2))
	}
}

// Sets keep solids and stick figures apart, and superclasses come from names.
func TestParts(t *testing.T) {
	d := few()
	solids, sticks := Solids(d.Test), Sticks(d.Test)
	if solids.Len() != 48 || sticks.Len() != 18 || len(solids.Classes) != 12 || len(sticks.Classes) != 6 {
		t.Errorf("%d images of solids, %d of sticks; %v, %v", solids.Len(), sticks.Len(), solids.Classes, sticks.Classes)
	}
	if slices.Max(sticks.Y) != 5 || slices.Min(sticks.Y) != 0 || Sticks(d.Train).Len() != 0 {
		t.Errorf("labels of stick figures %v", sticks.Y)
	}
	super, names := Super(append(slices.Clone(d.Train.Classes), sticks.Classes[:2]...))
	if !slices.Equal(super, []int{0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7}) || len(names) != 8 || names[0] != "mug" {
		t.Errorf("superclasses %v, %q", super, names)
	}
	if slices.Equal(d.Train.X.Data(), d.Valid.X.Data()) {
		t.Error("training and validation images are the same")
	}
}

// The class itself as a feature answers all questions, pixels almost none.
func TestAsk(t *testing.T) {
	d := few()
	perfect := func(s *dataset.Set) *tensor.Tensor {
		x := tensor.New(s.Len(), len(s.Classes)+len(s.Classes))
		super, _ := Super(s.Classes)
		for i, y := range s.Y {
			x.Row(i)[y], x.Row(i)[len(s.Classes)+super[y]] = 1, 1
		}
		return x
	}
	right, err := Ask(d.Test, 300, 1, perfect, siamese.Cosine)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range Conditions() {
		if right[c] != 1 {
			t.Errorf("%s: %g with perfect features", c, right[c])
		}
	}
	pixels, err := Ask(d.Test, 300, 1, Pixels, siamese.Cosine)
	if err != nil {
		t.Fatal(err)
	}
	for c, a := range pixels {
		if !(a > 0.05 && a < 0.6) {
			t.Errorf("%s: %g with pixels", c, a)
		}
	}
	if one, err := Ask(d.Test.Slice(0, 4), 10, 1, Pixels, siamese.Cosine); err == nil {
		t.Errorf("trials of one class: %v", one)
	}
}

func TestErrors(t *testing.T) {
	d := few()
	for want, change := range map[string]func(s *Setting, d *experiment.Data){
		`Net is "lstm": want drmm or vgg`: func(s *Setting, _ *experiment.Data) { s.Net = "lstm" },
		"Gentle is true":                  func(s *Setting, _ *experiment.Data) { s.Norm, s.Gentle = BN, true },
		`Norm is "ln"`:                    func(s *Setting, _ *experiment.Data) { s.Norm = "ln" },
		"Channel is 0: want 1 to 24":      func(s *Setting, _ *experiment.Data) { s.Channel = 0 },
		"Pretraining.Labels is 0: want":   func(s *Setting, _ *experiment.Data) { s.Pretraining.Labels = 0 },
		"Pairing.Margin is 3: want":       func(s *Setting, _ *experiment.Data) { s.Pairing.Margin = 3 },
		"Pairing.Hard is true: want": func(s *Setting, _ *experiment.Data) {
			s.Pairing.Hard, s.Pairing.Negatives = true, 0
		},
		"Pairing.Negatives is 3: want 0 for a batch": func(s *Setting, _ *experiment.Data) {
			s.Batch, s.Pretraining.Rendered, s.Pairing.Negatives, s.Pairing.Hard = 2, 0, 3, false
		},
		"Pairing.Rate is 0: want a number > 0":      func(s *Setting, _ *experiment.Data) { s.Pairing.Rate = 0 },
		"Batch is 15: want an even":                 func(s *Setting, _ *experiment.Data) { s.Batch = 15 },
		"FinalRate is 2: want at most":              func(s *Setting, _ *experiment.Data) { s.FinalRate = 2 },
		"batches of 40 classes from a set with 12":  func(s *Setting, _ *experiment.Data) { s.Pairing.Classes = 40 },
		"validation images are missing":             func(_ *Setting, d *experiment.Data) { d.Valid = nil },
		"adapt it with its method On":               func(s *Setting, _ *experiment.Data) { s.Images = 3 },
		"images of shape [1 8 8]: want grey images": func(_ *Setting, d *experiment.Data) { d.Test = small(d.Test) },
		"class 0 (mug 1) has 1 images: a pair needs": func(_ *Setting, d *experiment.Data) {
			d.Train = d.Train.Slice(3, d.Train.Len())
		},
	} {
		s, data := tiny(d), *d
		change(&s, &data)
		if data.Valid != nil && s.Images == d.Train.Len() {
			s = s.On(&data)
		}
		if _, err := Train(t.Context(), s, &data, experiment.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	want := "use objects-small, objects, objects-large, objects-paper or omniglot"
	if _, err := Load("solids"); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("unknown images: %v", err)
	}
}

// small returns the set with images of 8 x 8.
func small(s *dataset.Set) *dataset.Set {
	c := *s
	c.X = tensor.New(s.Len(), 1, 8, 8)
	return &c
}

// All settings of all grids are valid, and the paper's are those of the document.
func TestGrids(t *testing.T) {
	for _, profile := range experiment.Profiles() {
		for _, g := range Grids.List(profile) {
			for _, s := range g.Cells {
				if err := s.Check(); err != nil {
					t.Errorf("%s, %s: %v", profile, g.Name, err)
				}
				batch := map[string]int{NineLevel: 200, VGG: 32}[s.Net]
				if profile == experiment.Paper && (s.Channel != 1 || s.Batch != 2 && (s.Batch != batch || s.FinalRate != 1e-6)) {
					t.Errorf("%s: %+v", g.Name, s)
				}
			}
		}
	}
}

// The setting of the document.
func Example() {
	s := Document()
	fmt.Println(s)
	fmt.Println(s.Shape()[6:])
	fmt.Println(s.Sized(experiment.Quick))
	// Output:
	// drmm with 1/1 of the channels, dn, 500 epochs of recognition, 250 and 250 of pairs, seed 0
	// 192x3x3 valid, 192x1x1 valid, 720x1x1 valid
	// drmm with 1/12 of the channels, dn, 2 epochs of recognition, 2 and 1 of pairs, seed 0
}

// Why the DRMM with divisive normalisation needs Gentle: without it, its features vanish within a hundred steps.
func TestGentle(t *testing.T) {
	if os.Getenv("LATERAL_TEST_LONG") == "" {
		t.Skip("takes half a minute: set LATERAL_TEST_LONG=1")
	}
	d, err := Load("objects-small")
	if err != nil {
		t.Fatal(err)
	}
	size := func(gentle bool) (square float64) {
		s := Small().On(d)
		s.Norm, s.Gentle, s.Pretraining.Epochs = DN, gentle, 2
		s.Pairing.Epochs, s.Pairing.Contrastive = 0, 0
		r, err := Train(t.Context(), s, d, experiment.Options{})
		if err != nil {
			t.Fatal(err)
		}
		features := r.Net.Embed(d.Valid.X.Slice(0, 60), 0).Data()
		for _, v := range features {
			square += float64(v) * float64(v) / float64(len(features))
		}
		return square
	}
	raw, gentle := size(false), size(true)
	t.Logf("mean square of the features: %.2g, with Gentle %.2g", raw, gentle)
	if !(raw < 1e-6) || !(gentle > 1e-4) {
		t.Errorf("mean square of the features: %.2g, with Gentle %.2g", raw, gentle)
	}
}
