// SPDX-License-Identifier: Apache-2.0

package golden

import (
	"context"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/drmm"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/papers/ninai17"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// renderingMixtures records small rendering mixtures of every variant and with every term [NINAI17], their inferences
// and renderings, and a shallow one that learns without gradients.
func renderingMixtures() []subject {
	setting := func(variant string) ninai17.Setting {
		s := ninai17.Digits(20, variant)
		s.Shape = "4x5x5 full pool, 6x3x3 valid, 6x3x3 full pool, 8x3x3 valid, 10x1x1 valid"
		s.Epochs, s.Batch, s.Average, s.FinalRate, s.Seed = 2, 20, 0.9, 0.001, 2
		s.RampFrom, s.RampTo = 0.3, 1
		if variant == ninai17.Sup {
			s.Steps = 6
		} else {
			s.Ratio, s.Unlabelled = 1, 60
		}
		return s
	}
	all := func(s *ninai17.Setting) {
		s.Weights.Consistency, s.Rendered, s.MarginalEnd, s.Hold = 1, 12, 1.6, 0.5
	}
	model := func(name string, s ninai17.Setting, change func(s *ninai17.Setting)) subject {
		if change != nil {
			change(&s)
		}
		return subject{name: "drmm: " + name, record: func(t *testing.T, r *record) {
			recordMixture(t, r, s, trainMixture(t, s, glyphs(), 0))
		}}
	}
	resumed := func(stop int) subject {
		return subject{name: "drmm: all terms, resumed", like: "drmm: all terms", record: func(t *testing.T, r *record) {
			s := setting(ninai17.NNVI)
			all(&s)
			recordMixture(t, r, s, trainMixture(t, s, glyphs(), stop))
		}}
	}
	large := subject{name: "drmm: five layers of the document's size", large: true, record: func(t *testing.T, r *record) {
		s := ninai17.Long()
		s.Unlabelled, s.Epochs, s.RampFrom, s.RampTo, s.MarginalEnd = 180, 2, 0.4, 0.8, 1.5
		recordMixture(t, r, s, trainMixture(t, s, glyphs().few(), 0))
	}}
	return []subject{
		model("labels alone", setting(ninai17.Sup), nil),
		model("mpc", setting(ninai17.MPC), nil),
		model("nn-mpc", setting(ninai17.NNMPC), func(s *ninai17.Setting) {
			s.Reduction, s.Weights.Reconstruction, s.Weights.NonNegativity = ninai17.Sum, 0.02, 0.001
		}),
		model("vi", setting(ninai17.VI), func(s *ninai17.Setting) { s.Optimizer, s.Rate = ninai17.RMSProp, 0.002 }),
		model("nn-vi", setting(ninai17.NNVI), nil),
		model("nn-vi, sgd, no averages, no noise", setting(ninai17.NNVI), func(s *ninai17.Setting) {
			s.Optimizer, s.Average, s.Noise, s.Ratio, s.Batch = ninai17.SGD, 0, 0, 3, 40
		}),
		model("all terms", setting(ninai17.NNVI), all),
		resumed(7),
		large,
		{name: "drmm: priors and samples", record: recordSamples},
		{name: "drmm: one place, hard EM", record: recordHardEM},
	}
}

// trainMixture trains a model, in two parts if stop is the number of steps after which to interrupt it.
func trainMixture(t *testing.T, s ninai17.Setting, images digits, stop int) (trained *ninai17.Result) {
	t.Helper()
	d, o := images.whole(), experiment.Options{}
	run := func(ctx context.Context) (err error) {
		s.Source = d.Source()
		trained, err = ninai17.Train(ctx, s, d, o)
		return err
	}
	if stop == 0 {
		if err := run(t.Context()); err != nil {
			t.Fatal(err)
		}
		return trained
	}
	o.Dir = t.TempDir()
	interrupted(t, stop, run)
	return trained
}

func recordMixture(t *testing.T, r *record, s ninai17.Setting, trained *ninai17.Result) {
	m := trained.Metrics
	r.weights("weights and running statistics", trained.Net)
	r.numbers("error, last error", m.Error, m.LastError)
	r.numbers("errors", m.Errors...)
	r.numbers("labels, reconstruct, kl, marginal, negativity",
		m.Labels, m.Reconstruction, m.KL, m.Marginal, m.NonNegativity)
	terms := []string{"loss", "error", "labels"}
	for term, weight := range map[string]float64{
		"reconstruct": s.Weights.Reconstruction, "kl": s.Weights.KL, "marginal": s.Weights.Marginal,
		"negativity": s.Weights.NonNegativity, "agreement": s.Weights.Consistency,
	} {
		if weight != 0 {
			terms = append(terms, term)
		}
	}
	tests := []string{"loss", "error"}
	if s.Average > 0 {
		tests = append(tests, "average error")
	}
	r.history("run", trained.History, terms, tests)

	x := autograd.NewTape(1).Input(glyphs().test.X.Slice(0, 40))
	var found drmm.Inference
	trained.Net.Infer(&found, x)
	bits(r, "logits", found.Logits.Data())
	bits(r, "switches", found.Switches[0].At)
	var rendered drmm.Rendering
	trained.Net.Render(&rendered, drmm.OneHotArgmax(found.Logits), found.Switches)
	bits(r, "rendered images", rendered.Image().Data())
}

// recordSamples draws images from the priors of an untrained network.
func recordSamples(t *testing.T, r *record) {
	shape, err := drmm.ParseShape("4x3x3 same pool, 6x3x3 full pool, 5x2x2 valid")
	if err != nil {
		t.Fatal(err)
	}
	net, err := drmm.NewNet(shape, drmm.Size{Channels: 1, H: 28, W: 28}, 10, tensor.Stream(4, "weights"))
	if err != nil {
		t.Fatal(err)
	}
	priors, tape := drmm.NewPriors(net), autograd.NewTape(1)
	var found drmm.Inference
	for from := 0; from < 60; from += 30 {
		tape.Reset()
		net.Infer(&found, tape.Input(glyphs().train.X.Slice(from, from+30)))
		priors.Observe(&found)
	}
	r.numbers("priors of the classes", priors.Classes...)
	bits(r, "priors of being on", priors.Layers[1].Active)
	bits(r, "priors of the places", priors.Layers[1].Positions)
	var rendered drmm.Rendering
	draw := priors.Draw(20, tensor.Stream(4, "draw"))
	bits(r, "samples", net.Sample(&rendered, tape, draw, 0.3, tensor.Stream(4, "noise")).Data())
	bits(r, "samples without noise", rendered.Image().Data())
}

func recordHardEM(_ *testing.T, r *record) {
	x := glyphs().train.X.Slice(0, 100)
	m := drmm.NewMixture(x, 12, 24, 24, tensor.Stream(4, "mixture"))
	var likelihoods []float64
	for range 4 {
		likelihoods = append(likelihoods, m.Step(x))
	}
	r.numbers("log-likelihoods", likelihoods...)
	r.numbers("on, variance", m.Active, m.Variance)
	r.numbers("classes", m.Classes...)
	bits(r, "templates", m.Templates.Data())
	bits(r, "rendered", m.Render(m.Infer(x)[3], 28, 28).Data())
}
