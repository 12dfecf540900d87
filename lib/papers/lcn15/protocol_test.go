// SPDX-License-Identifier: Apache-2.0

package lcn15

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/papers/internal/spots"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/nn"
)

// Compares the networks with what is known of them. [LCN15] gives three hidden layers, 1000 units in the last, batches
// of 100, patience on the validation error (figures 3 and 4), and three layers of 800 units (section 3.4), and says
// that the maxout networks are those of [GWMCB13]. From the configurations of that paper's authors come layers, dropout
// (0.2 of the inputs without rescaling, 0.5 of hidden units), max-norms (0.9 and 1.9365, the square root of 3.75; 1.9
// in the dense layer for photographs), initial weights in ±0.005, and for photographs a rate of 0.17 that decays
// linearly to a hundredth, momentum from 0.5 to 0.65 and 474 epochs. The rest is ours, as the doc comments say.
func TestSettings(t *testing.T) {
	const known = `"data":"","checksum":"","images":0,`
	relu := func(units int, rest string) string {
		layer := fmt.Sprintf(`{"units":%d}`, units)
		return `{` + known + `"competition":"relu","hidden":[` + strings.Join([]string{layer, layer, layer}, ",") +
			`],"out":{"units":0},` + rest + `}`
	}
	for name, c := range map[string]struct {
		setting Setting
		want    string
	}{
		"relu": {ReLUNet(), relu(1000, `"init":0.02,"rate":0.1,"finalRate":0.001,"linearDecay":false,"momentum":0.9,`+
			`"finalMomentum":0.9,"batch":100,"epochs":25,"patience":10,"seed":0`)},
		"lwta": {LWTANet(), `{` + known +
			`"competition":"lwta","hidden":[{"units":1000,"block":2,"dropout":0.2,"maxNorm":2},` +
			`{"units":1000,"block":2,"dropout":0.3,"maxNorm":2},{"units":1000,"block":2,"dropout":0.3,"maxNorm":2}],` +
			`"out":{"units":0,"dropout":0.3,"maxNorm":2},"init":0.02,"rate":0.03,"finalRate":0.0003,` +
			`"linearDecay":true,` +
			`"momentum":0.9,"finalMomentum":0.9,"batch":100,"epochs":36,"seed":0}`},
		"maxout": {MaxoutNet(), `{` + known + `"competition":"maxout","hidden":[` +
			`{"units":1200,"block":5,"dropout":0.2,"noRescale":true,"maxNorm":1.9365},` +
			`{"units":1200,"block":5,"dropout":0.5,"maxNorm":1.9365}],"out":{"units":0,"dropout":0.5,` +
			`"maxNorm":1.9365},` +
			`"init":0.005,"rate":0.05,"finalRate":0.0005,"linearDecay":true,"momentum":0.9,"finalMomentum":0.9,` +
			`"batch":100,` +
			`"epochs":84,"finetuneEpochs":16,"finetuneRate":0.02,"seed":0}`},
		"without dropout": {DropoutNet(false), relu(800,
			`"init":0.02,"rate":0.1,"finalRate":0.001,"linearDecay":false,`+
				`"momentum":0.9,"finalMomentum":0.9,"batch":100,"epochs":25,"patience":10,"seed":0`)},
		"with dropout": {DropoutNet(true), `{` + known + `"competition":"relu","hidden":[{"units":800,"dropout":0.2},` +
			`{"units":800,"dropout":0.5},{"units":800,"dropout":0.5}],"out":{"units":0,"dropout":0.5},` +
			`"init":0.02,"rate":0.1,` +
			`"finalRate":0.0005,"linearDecay":true,"momentum":0.9,"finalMomentum":0.9,"batch":100,"epochs":25,` +
			`"seed":0}`},
		"convolutional": {ConvNet(1), `{` + known + `"competition":"maxout","hidden":[` +
			`{"units":96,"block":2,"kernel":8,"pool":4,"poolStride":2,"poolPad":1,"dropout":0.2,` +
			`"noRescale":true,"maxNorm":0.9},` +
			`{"units":96,"block":2,"kernel":8,"pad":3,"pool":4,"poolStride":2,"poolPad":1,"dropout":0.5,` +
			`"maxNorm":1.9365},` +
			`{"units":96,"block":4,"kernel":5,"pad":3,"pool":2,"poolStride":2,"dropout":0.5,"maxNorm":1.9365}],` +
			`"out":{"units":0,"dropout":0.5,"maxNorm":1.9365},"init":0.005,"rate":0.05,"finalRate":0.0005,` +
			`"linearDecay":true,` +
			`"momentum":0.5,"finalMomentum":0.7,"batch":128,"epochs":250,"seed":0}`},
		"photographs": {PhotoNet(), `{` + known + `"competition":"maxout","hidden":[` +
			`{"units":192,"block":2,"kernel":8,"pad":4,"pool":4,"poolStride":2,"poolPad":1,"dropout":0.2,` +
			`"noRescale":true,"maxNorm":0.9,"lrScale":0.05},` +
			`{"units":384,"block":2,"kernel":8,"pad":3,"pool":4,"poolStride":2,"poolPad":1,"dropout":0.5,` +
			`"maxNorm":1.9365,"lrScale":0.05},` +
			`{"units":384,"block":2,"kernel":5,"pad":3,"pool":2,"poolStride":2,"poolPad":1,"dropout":0.5,` +
			`"maxNorm":1.9365,"lrScale":0.05},` +
			`{"units":2500,"block":5,"dropout":0.5,"maxNorm":1.9}],"out":{"units":0,"dropout":0.5,"maxNorm":1.9365},` +
			`"init":0.005,"rate":0.17,"finalRate":0.0017,"linearDecay":true,"momentum":0.5,"finalMomentum":0.65,` +
			`"batch":128,` +
			`"epochs":474,"shift":8,"flip":true,"seed":0}`},
		"small photographs": {SmallPhotoNet(), `{` + known + `"competition":"maxout","hidden":[` +
			`{"units":48,"block":2,"kernel":5,"pad":2,"pool":3,"poolStride":2,"maxNorm":1.9365},` +
			`{"units":64,"block":2,"kernel":3,"pad":1,"pool":3,"poolStride":2,"maxNorm":1.9365},` +
			`{"units":64,"block":2,"kernel":3,"pad":1,"pool":3,"poolStride":2,"maxNorm":1.9365},` +
			`{"units":500,"block":5,"maxNorm":1.9}],"out":{"units":0,"dropout":0.5,"maxNorm":1.9365},` +
			`"init":0.05,"rate":0.02,"finalRate":0.0002,"linearDecay":true,"momentum":0.9,"finalMomentum":0.9,` +
			`"batch":100,` +
			`"epochs":10,"shift":2,"flip":true,"seed":0}`},
	} {
		got, err := json.Marshal(c.setting)
		if err != nil || string(got) != c.want {
			t.Errorf("%s is\n%s\nwant\n%s (%v)", name, got, c.want, err)
		}
		if err := c.setting.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The validation images choose the epoch whose weights are kept. The labels of the test images are changed here, so
// that they would choose another epoch and all errors would differ.
func TestValidationImagesChooseTheEpoch(t *testing.T) {
	d := &experiment.Data{Train: small.Train, Valid: small.Valid, Test: spots.Set(200, "other")}
	for i := range d.Test.Y {
		d.Test.Y[i] = (d.Test.Y[i] + 1) % 4
	}
	s := settings()["relu"]
	s.Epochs, s.Rate, s.FinalRate = 12, 0.4, 0.3 // the error rises and falls
	r, err := Train(t.Context(), s.On(d), d, experiment.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for i, y := range r.Net.Predictions(d.Valid.X) {
		if y != d.Valid.Y[i] {
			wrong++
		}
	}
	errors := r.History.ValidSeries("error")
	if got := float64(wrong) / float64(d.Valid.Len()); math.Abs(got-slices.Min(errors)) > 1e-12 {
		t.Errorf("the network kept has a validation error of %v, the least of %v", got, errors)
	}
	if slices.Max(errors) == slices.Min(errors) {
		t.Errorf("validation errors %v do not tell epochs apart", errors)
	}
}

// The first step of fine-tuning is a gradient descent step with the rate FinetuneRate: doubling the rate doubles the
// step.
func TestFinetuneRate(t *testing.T) {
	step := func(rate float64) (step []float64) {
		s := settings()["relu"]
		s.Out.MaxNorm, s.Out.Dropout = 0, 0
		for i := range s.Hidden {
			s.Hidden[i].MaxNorm, s.Hidden[i].Dropout = 0, 0
		}
		s.Epochs, s.Momentum, s.FinalMomentum, s.Batch = 1, 0, 0, 800 // all 600 + 200 images
		s.FinetuneEpochs, s.FinetuneRate, s.FinalRate = 1, rate, 0.0001
		r := mustTrain(t, s, experiment.Options{Workers: 1})
		for i, p := range nn.Params(r.Net) {
			for j, v := range p.Data() {
				step = append(step, float64(v)-float64(nn.Params(r.BeforeFinetune)[i].Data()[j]))
			}
		}
		return step
	}
	once, twice := step(0.05), step(0.1)
	var along, square float64
	for i, v := range once {
		along += v * twice[i]
		square += v * v
	}
	if ratio := along / square; !(math.Abs(ratio-2) < 1e-3) {
		t.Errorf("at twice the rate the step is %v times as long", ratio)
	}
}

// Measure uses the right images for the number of neighbours and for the network's output: it chooses k on the
// validation images, with the network that was not trained on them, and counts errors on the test images afterwards.
func TestMeasure(t *testing.T) {
	for _, name := range []string{"lwta", "convolutional"} {
		r := mustTrain(t, settings()[name], experiment.Options{Workers: 1})
		m, last := r.Measure(small), len(r.Net.Hidden)-1
		if m.Images != 400 || m.Epoch != r.History.Best+1 || !slices.Equal(m.Valid, r.History.ValidSeries("error")) {
			t.Errorf("%s: %+v", name, m)
		}
		// Errors by plain loops over distances between unpacked codes.
		wrong := func(n *Net, among, asked *dataset.Set, k int) (errors int) {
			codes, queries := n.Submasks(among.X, last).Unpack(), n.Submasks(asked.X, last).Unpack()
			for q, y := range asked.Y {
				distances, order := make([]float64, among.Len()), make([]int, among.Len())
				for i := range order {
					order[i] = i
					for j, bit := range codes.Row(i) {
						distances[i] += math.Abs(float64(bit - queries.Row(q)[j]))
					}
				}
				slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(distances[a], distances[b]) })
				votes := make([]float64, 4)
				for _, i := range order[:k] {
					votes[among.Y[i]] += 1 / max(distances[i], 1e-12)
				}
				best := among.Y[order[0]]
				for _, i := range order[:k] { // ties go to the class that comes first
					if votes[among.Y[i]] > votes[best] {
						best = among.Y[i]
					}
				}
				if best != y {
					errors++
				}
			}
			return errors
		}
		k, fewest := 0, math.MaxInt
		for _, n := range Neighbours {
			if e := wrong(r.ValidationNet(), small.Train, small.Valid, n); e < fewest {
				k, fewest = n, e
			}
		}
		if want := wrong(r.Net, r.TrainingSet(small), small.Test, k); m.K != k || m.Submask != want {
			t.Errorf("%s: %d errors with k = %d, by loops %d with %d", name, m.Submask, m.K, want, k)
		}
		softmax := 0
		for i, c := range r.Net.Predictions(small.Test.X) {
			if c != small.Test.Y[i] {
				softmax++
			}
		}
		if m.Softmax != softmax {
			t.Errorf("%s: %d errors of the softmax, want %d", name, m.Softmax, softmax)
		}
	}
}

func TestGrids(t *testing.T) {
	src := experiment.Source{Data: "digits", Checksum: "a", Images: 50000}
	for _, profile := range experiment.Profiles() {
		for _, g := range Grids.List(profile) {
			if len(g.Settings(src)) != g.Len() || g.Len() == 0 {
				t.Errorf("%s, %s: %d settings", profile, g.Name, g.Len())
			}
			for _, s := range g.Settings(src) {
				if err := s.Check(); err != nil || Grids.Cost(s, small) <= 0 {
					t.Errorf("%s, %s, %v: %v", profile, g.Name, s, err)
				}
			}
		}
	}
	whole := MaxoutNet()
	quick := Sized(whole, experiment.Quick)
	if quick.Hidden[0].Units != 240 || quick.Init != 5*whole.Init || quick.Epochs != 42 || quick.FinetuneEpochs != 8 {
		t.Errorf("a quick network is %+v", quick)
	}
	if whole.Hidden[0].Units != 1200 || Sized(whole, experiment.Standard).Hidden[0].Units != 1200 {
		t.Error("the setting that was sized has changed")
	}
}
