// SPDX-License-Identifier: Apache-2.0

package ninai17

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/drmm"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/sweep"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// Measures are the result of a setting. Errors are shares of the test images, of the last epoch: no epoch is chosen by
// what the test images say.
type Measures struct {
	Error        float64   `json:"error"`        // of the averaged weights where there are, else of the last ones
	LastError    float64   `json:"lastError"`    // of the last weights
	Errors       []float64 `json:"errors"`       // Error after each epoch
	Labels       float64   `json:"labels"`       // L_H and the other terms in the last epoch, without their weights
	Reconstruct  float64   `json:"reconstruct"`  // L_RC
	KL           float64   `json:"kl"`           // L_KL
	Marginal     float64   `json:"marginal"`     // L_M
	Negativity   float64   `json:"negativity"`   // L_NN
	HoursOfSteps float64   `json:"hoursOfSteps"` // time, measuring included; 0 in a sweep
}

// A Trained is a model and what became of it.
type Trained struct {
	Net      *drmm.Net // with the averaged weights where there are
	History  *train.History
	Measures Measures
}

// Options are what does not change a result.
type Options struct {
	Workers int                // goroutines of a step; 0 is one for each core
	Dir     string             // folder for checkpoints, from which a killed run goes on to the same bits; "" keeps none
	Every   time.Duration      // save within an epoch when this much time has passed; 0 saves after epochs only
	OnStep  func(*train.Event) // called after each step; may be nil
	OnEpoch func(*train.Event) // called after each epoch; may be nil
}

// Train trains the model of a setting and measures it on the test images after each epoch.
//
// The history has, of the training batches, the loss and its terms, without their weights, as "labels", "reconstruct",
// "kl", "marginal", "agreement" and "negativity", as far as they are computed, and the "error" of the labelled images; of
// the test images the "error" and, with averaged weights, "average error".
func Train(ctx context.Context, s Setting, d *Data, o Options) (*Trained, error) {
	t, mix, err := newTrainer(s, d)
	if err != nil {
		return nil, err
	}
	history, err := train.Run(ctx, t.config(mix, d, o))
	if err != nil {
		return nil, err
	}
	trained := &Trained{Net: t.model.Net, History: history, Measures: measures(history)}
	if t.average != nil {
		trained.Net = t.average
	}
	return trained, nil
}

// Sweep returns the sweep that trains the models of some settings, one core each, or more where there are fewer models
// than cores. Each keeps its checkpoints in a folder of its own in dir, named by a hash of the setting: a sweep that is
// killed goes on within its models. An empty dir keeps none. Set File, Shard and OnResult of the sweep as needed.
func Sweep(settings []Setting, d *Data, dir string) sweep.Sweep[Setting, Measures] {
	cores := max(1, runtime.GOMAXPROCS(0)/max(1, len(settings)))
	return sweep.Sweep[Setting, Measures]{
		Settings: settings,
		Do: func(ctx context.Context, s Setting) (Measures, error) {
			o := Options{Workers: cores}
			if dir != "" {
				o.Dir, o.Every = s.Dir(dir), 10*time.Minute
			}
			t, err := Train(ctx, s, d, o)
			if err != nil {
				return Measures{}, err
			}
			t.Measures.HoursOfSteps = 0 // what depends on the setting alone is comparable
			return t.Measures, nil
		},
		Cost: func(s Setting) float64 { return float64(s.Images()) },
	}
}

// Dir returns the folder within dir in which [Sweep] keeps the checkpoints of a setting: [Train] with that folder reads
// back a model that a sweep has trained.
func (s Setting) Dir(dir string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("ninai17: Dir: %v: Check knows why", err)) // a number that is none
	}
	return filepath.Join(dir, fmt.Sprintf("%x", sha256.Sum256(text))[:16])
}

// Checkpoints returns the folder for the checkpoints of sweeps with a file of results: one beside it, which all grids
// share. A setting that is in two of them is trained once.
func Checkpoints(file string) string { return filepath.Join(filepath.Dir(file), "drmm-checkpoints") }

func measures(h *train.History) Measures {
	last := h.Epochs[len(h.Epochs)-1]
	m := Measures{
		LastError: last.Valid["error"], Labels: last.Train["labels"], Reconstruct: last.Train["reconstruct"],
		KL: last.Train["kl"], Marginal: last.Train["marginal"], Negativity: last.Train["negativity"],
	}
	for _, e := range h.Epochs {
		value, averaged := e.Valid["average error"]
		if !averaged {
			value = e.Valid["error"]
		}
		m.Error, m.Errors = value, append(m.Errors, value)
		m.HoursOfSteps += e.Seconds / 3600
	}
	return m
}

// A model is what a training run changes.
type model struct {
	Net *drmm.Net
	// Averages are the moving averages of the weights and of the running statistics of Net, in the order of its state.
	Averages []*tensor.Tensor
	Steps    *tensor.Tensor // that were done, one number
	Noise    *tensor.RNG    // of the images
}

// A trainer computes the objective of a setting.
type trainer struct {
	Setting
	model   *model
	average *drmm.Net // a view of the averages as a network; nil for none
	live    []*tensor.Tensor

	found    drmm.Inference
	rendered drmm.Rendering
	switches []drmm.Switches // of the images that are rendered
	noisy    tensor.Tensor

	clean   *autograd.Tape // on which the averaged weights infer
	images  tensor.Tensor  // what they see
	seen    drmm.Inference // what they find
	beliefs tensor.Tensor
}

func newTrainer(s Setting, d *Data) (*trainer, *Mix, error) {
	if err := s.Check(); err != nil {
		return nil, nil, err
	}
	if s.Data != d.Name() || s.Sum != d.Sum() {
		return nil, nil, fmt.Errorf("ninai17: the setting is for the data %s %s, but these are %s %s: set Data and Sum", s.Data, s.Sum, d.Name(), d.Sum())
	}
	mix, err := NewMix(s, d.Train)
	if err != nil {
		return nil, nil, err
	}
	shape, err := drmm.ParseShape(s.Shape)
	if err != nil {
		return nil, nil, err
	}
	image := d.Train.X.Shape()
	draw := func() (*drmm.Net, error) {
		return drmm.NewNet(shape, drmm.Level{Channels: image[1], H: image[2], W: image[3]}, len(d.Train.Classes), tensor.Stream(s.Seed, "weights"))
	}
	net, err := draw()
	if err != nil {
		return nil, nil, err
	}
	t := &trainer{Setting: s, model: &model{Net: net, Steps: tensor.New(1), Noise: tensor.Stream(s.Seed, "noise")}}
	nn.StateOf(t.model) // names the weights as the checkpoint has them
	if s.Average > 0 {
		if t.average, err = draw(); err != nil {
			return nil, nil, err
		}
		t.live, t.model.Averages = tensors(net), tensors(t.average)
	}
	return t, mix, nil
}

// tensors returns all that training changes in a network.
func tensors(n *drmm.Net) (list []*tensor.Tensor) {
	state := nn.StateOf(n)
	for _, p := range state.Params {
		list = append(list, p.Value())
	}
	for _, b := range state.Buffers {
		list = append(list, b.Tensor)
	}
	return list
}

func (t *trainer) config(mix *Mix, d *Data, o Options) train.Config {
	return train.Config{
		Model: t.model, Loss: t.objective, Train: mix, Valid: d.Test, Epochs: t.Epochs, BatchSize: t.labelled(),
		Optimizer: t.optimizer(), Schedule: t.rate, Constrain: t.afterStep, Seed: t.Seed, Workers: o.Workers,
		Monitor: "error", Dir: o.Dir, Every: o.Every, Key: t.Setting, OnStep: o.OnStep, OnEpoch: o.OnEpoch,
	}
}

func (t *trainer) optimizer() optim.Optimizer {
	switch t.Optimizer {
	case SGD:
		return &optim.SGD{Momentum: 0.9}
	case RMSProp:
		return &optim.RMSProp{}
	}
	return &optim.Adam{}
}

// afterStep counts the step and moves the averages. These begin as plain means of the first steps.
func (t *trainer) afterStep() {
	t.model.Steps.Data()[0]++
	k := float64(t.model.Steps.Data()[0])
	momentum := float32(min(t.Average, k/(k+10)))
	for i, average := range t.model.Averages {
		a := average.Data()
		for j, v := range t.live[i].Data() {
			a[j] += float32((1 - momentum) * (v - a[j]))
		}
	}
}

// objective returns the loss of a batch: of labelled images, then unlabelled ones if there are any.
func (t *trainer) objective(b *train.Batch) *autograd.Var {
	if !b.Training() {
		return t.measure(b)
	}
	t.model.Net.Infer(&t.found, t.addNoise(b.X))
	n, all := len(b.Y), b.X.Rows()
	labelled := autograd.Slice(t.found.Logits, 0, n)
	b.Error(labelled)
	cost := t.term(b, "labels", t.Weights.Labels, loss.CrossEntropy(labelled, b.Y))
	if t.Weights.KL != 0 || t.Weights.Marginal != 0 || t.Weights.Agreement != 0 {
		cost = autograd.Add(cost, t.unlabelled(b, autograd.Slice(t.found.Logits, n, all)))
	}
	if t.Weights.Reconstruction != 0 || t.Weights.NonNegativity != 0 {
		from := 0
		if t.Rendered > 0 {
			from = max(0, all-t.Rendered)
		}
		t.switches = t.switches[:0]
		for _, g := range t.found.Switches {
			t.switches = append(t.switches, g.From(from, all))
		}
		t.model.Net.Render(&t.rendered, drmm.Choose(autograd.Slice(t.found.Logits, from, all)), t.switches)
		squares := loss.SumSquare(t.rendered.Image(), autograd.Slice(b.X, from, all))
		cost = autograd.Add(cost, t.term(b, "reconstruct", t.Weights.Reconstruction*t.square(b.X), squares))
		cost = autograd.Add(cost, t.negativity(b))
	}
	return cost
}

// unlabelled returns the terms of the posteriors of unlabelled images, which are the last ones of the batch.
func (t *trainer) unlabelled(b *train.Batch, logits *autograd.Var) *autograd.Var {
	epoch := float64(t.model.Steps.Data()[0]) / float64(t.stepsOfEpoch())
	ramp, fade := t.ramp(epoch), t.fade(epoch)
	cost := t.term(b, "kl", ramp*t.Weights.KL, loss.KL(logits, nil))
	cost = autograd.Add(cost, t.term(b, "marginal", ramp*fade*t.Weights.Marginal, loss.MarginalKL(logits, nil)))
	if t.Weights.Agreement != 0 {
		beliefs := t.believe(b.X, len(b.Y))
		cost = autograd.Add(cost, t.term(b, "agreement", ramp*t.Weights.Agreement, loss.Agreement(logits, beliefs)))
	}
	return cost
}

// believe returns the class posteriors that the averaged weights give the images from some image on, without noise and
// without a gradient.
func (t *trainer) believe(x *autograd.Var, from int) *tensor.Tensor {
	if t.clean == nil {
		t.clean = autograd.NewTape(x.Workers())
	}
	t.clean.Reset()
	s := x.Shape()
	t.images.Resize(s[0]-from, s[1], s[2], s[3])
	copy(t.images.Data(), x.Data()[from*x.Width():])
	t.average.Infer(&t.seen, t.clean.Input(&t.images))
	logits := t.seen.Logits
	t.beliefs.Resize(logits.Shape()...)
	simd.SoftmaxRows(t.beliefs.Data(), logits.Data(), logits.Rows(), logits.Width())
	return &t.beliefs
}

// addNoise returns images with noise, each of its own standard deviation from 0 up: the statistics of the batch
// normalisation must fit images without noise too. What is rendered for them is compared with the images without.
func (t *trainer) addNoise(x *autograd.Var) *autograd.Var {
	if t.Noise == 0 {
		return x
	}
	t.noisy.Resize(x.Shape()...)
	for n := range x.Rows() {
		t.model.Noise.Normal(t.noisy.Row(n), 0, float32(t.Noise)*t.model.Noise.Float32())
	}
	simd.Add(t.noisy.Data(), t.noisy.Data(), x.Data())
	return x.Tape().Input(&t.noisy)
}

// term reports a term of the objective and returns it with its weight.
func (t *trainer) term(b *train.Batch, name string, weight float64, term *autograd.Var) *autograd.Var {
	b.Report(name, float64(term.Scalar()))
	return autograd.Scale(term, float32(weight))
}

// negativity returns L_NN with its weight.
func (t *trainer) negativity(b *train.Batch) *autograd.Var {
	var cost *autograd.Var
	sum := 0.0
	for _, z := range t.rendered.Templates[1:] {
		term := loss.NonNegativity(z)
		sum += float64(term.Scalar())
		term = autograd.Scale(term, float32(t.Weights.NonNegativity*t.square(z)))
		if cost != nil {
			term = autograd.Add(cost, term)
		}
		cost = term
	}
	b.Report("negativity", sum)
	return cost
}

// square returns the factor of a sum of squares over the elements of a sample.
func (t *trainer) square(x *autograd.Var) float64 {
	if t.Squares == Means {
		return 1 / float64(x.Width())
	}
	return 1
}

// measure reports the errors on a batch of test images, and returns the cross-entropy.
func (t *trainer) measure(b *train.Batch) *autograd.Var {
	if t.average != nil {
		t.average.Infer(&t.found, b.X)
		wrong := 0
		for n, y := range b.Y {
			if simd.ArgMax(t.found.Logits.Value().Row(n)) != y {
				wrong++
			}
		}
		b.Report("average error", float64(wrong)/float64(len(b.Y)))
	}
	t.model.Net.Infer(&t.found, b.X)
	b.Error(t.found.Logits)
	return loss.CrossEntropy(t.found.Logits, b.Y)
}
