// SPDX-License-Identifier: Apache-2.0

package ninai17

import (
	"context"
	"errors"
	"fmt"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/drmm"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/metrics"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// Metrics are the results of a setting. Errors are fractions of the test images, after the last epoch: no epoch is
// chosen by its test error.
type Metrics struct {
	Error     float64   `json:"error"`     // of the averaged weights if there are any, otherwise of the last weights
	LastError float64   `json:"lastError"` // of the last weights
	Errors    []float64 `json:"errors"`    // Error after each epoch

	// The unweighted terms in the last epoch.
	Labels         float64 `json:"labels"`         // L_H
	Reconstruction float64 `json:"reconstruction"` // L_RC
	KL             float64 `json:"kl"`             // L_KL
	Marginal       float64 `json:"marginal"`       // L_M
	NonNegativity  float64 `json:"nonnegativity"`  // L_NN

	Hours float64 `json:"hours"` // of training and measuring; 0 in a sweep
}

// A Result is a trained model and the history of its training.
type Result struct {
	Net     *drmm.Net // with the averaged weights if there are any
	History *train.History
	Metrics Metrics
}

// Train trains the model of a setting and evaluates it on the test images after each epoch.
//
// For the training batches, the history contains the loss, the unweighted terms that are computed, named "labels",
// "reconstruction", "kl", "marginal", "consistency" and "nonnegativity", and the "error" of the labelled images. For
// the test images, it contains the "error" and, with averaged weights, the "average error".
func Train(ctx context.Context, s Setting, d *experiment.Data, o experiment.Options) (*Result, error) {
	t, data, err := newTrainer(s, d)
	if err != nil {
		return nil, err
	}
	return t.run(ctx, t.config(data, d, o))
}

// A Wrapper returns the learner to train with instead of l, the gradient descent on the objective of live. average is
// the network with the averaged weights, nil if there are none.
type Wrapper func(live, average *drmm.Net, l train.Learner) train.Learner

// Continue trains as [Train] does, but starts from the weights of a trained network, which does not change, and with
// another learner, for example one that prunes. If the network has gates, the trained ones share them. The network must
// have the shape of the setting.
func Continue(
	ctx context.Context, s Setting, from *drmm.Net, wrap Wrapper, d *experiment.Data, o experiment.Options,
) (*Result, error) {
	t, data, err := newTrainer(s, d)
	if err != nil {
		return nil, err
	}
	if is := from.Shape().String(); is != s.Shape {
		return nil, fmt.Errorf("ninai17: Continue: the network has the shape %s, the setting %s", is, s.Shape)
	}
	t.startFrom(from)
	c := t.config(data, d, o)
	c.Learner = wrap(t.model.Net, t.average, c.Learner)
	return t.run(ctx, c)
}

// startFrom copies the state of a network into the trained one and its average.
func (t *trainer) startFrom(from *drmm.Net) {
	for _, net := range []*drmm.Net{t.model.Net, t.average} {
		if net == nil {
			continue
		}
		for i, l := range from.Layers {
			net.Layers[i].Gate = l.Gate
		}
		for i, v := range tensors(net) {
			v.CopyFrom(tensors(from)[i])
		}
	}
	if t.average != nil {
		t.live, t.model.Averages = tensors(t.model.Net), tensors(t.average)
	}
}

func (t *trainer) run(ctx context.Context, c train.Config) (*Result, error) {
	history, err := train.Run(ctx, c)
	if err != nil {
		return nil, err
	}
	r := &Result{Net: t.model.Net, History: history, Metrics: metricsOf(history)}
	if t.average != nil {
		r.Net = t.average
	}
	return r, nil
}

func metricsOf(h *train.History) Metrics {
	last := h.Epochs[len(h.Epochs)-1]
	m := Metrics{
		LastError: last.Valid["error"], Labels: last.Train["labels"], Reconstruction: last.Train["reconstruction"],
		KL: last.Train["kl"], Marginal: last.Train["marginal"], NonNegativity: last.Train["nonnegativity"],
	}
	for _, e := range h.Epochs {
		value, averaged := e.Valid["average error"]
		if !averaged {
			value = e.Valid["error"]
		}
		m.Error, m.Errors = value, append(m.Errors, value)
		m.Hours += e.Seconds / 3600
	}
	return m
}

// A model is the state that a training run changes.
type model struct {
	Net *drmm.Net
	// Averages are the moving averages of the weights and of the running statistics of Net, in the order of its state.
	Averages []*tensor.Tensor
	Steps    *tensor.Tensor // number of steps so far, a single number
	Noise    *tensor.RNG    // noise of the training images
}

// A trainer computes the objective of a setting.
type trainer struct {
	Setting
	model   *model
	average *drmm.Net // a view of the averages as a network; nil for none
	live    []*tensor.Tensor

	found    drmm.Inference
	rendered drmm.Rendering
	switches []drmm.Switches // of the rendered images
	noisy    tensor.Tensor

	clean   *autograd.Tape // for inference with the averaged weights
	images  tensor.Tensor  // its inputs
	seen    drmm.Inference // its results
	beliefs tensor.Tensor
}

func newTrainer(s Setting, d *experiment.Data) (*trainer, *dataset.SemiSupervised, error) {
	if err := errors.Join(s.Check(), d.Check(s.Source)); err != nil {
		return nil, nil, err
	}
	data, err := s.data(d.Train)
	if err != nil {
		return nil, nil, err
	}
	shape, err := drmm.ParseShape(s.Shape)
	if err != nil {
		return nil, nil, err
	}
	image := d.Train.X.Shape()
	draw := func() (*drmm.Net, error) {
		size := drmm.Size{Channels: image[1], H: image[2], W: image[3]}
		net, err := drmm.NewNet(shape, size, len(d.Train.Classes), tensor.Stream(s.Seed, "weights"))
		if err != nil {
			return nil, err
		}
		switch s.Norm {
		case Divisive:
			err = net.NormalizeDivisively()
		case NoNorm:
			for _, l := range net.Layers {
				l.Norm = nil
			}
		}
		return net, err
	}
	net, err := draw()
	if err != nil {
		return nil, nil, err
	}
	t := &trainer{Setting: s, model: &model{Net: net, Steps: tensor.New(1), Noise: tensor.Stream(s.Seed, "noise")}}
	if s.Average > 0 {
		if t.average, err = draw(); err != nil {
			return nil, nil, err
		}
		t.live, t.model.Averages = tensors(net), tensors(t.average)
	}
	return t, data, nil
}

// tensors returns all tensors of a network that training changes.
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

func (t *trainer) config(data train.Data, d *experiment.Data, o experiment.Options) train.Config {
	return train.Config{
		Learner: &train.GradientDescent{
			Model: t.model, Loss: t.objective, Optimizer: t.optimizer(), Schedule: t.rate, Constrain: t.afterStep,
			Workers: o.Workers,
		},
		Train: data, Valid: d.Test, Epochs: t.Epochs, BatchSize: t.labelled(), Seed: t.Seed,
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

// afterStep restores constraints, counts the step and updates the averages. After k steps their decay is at most
// k/(k+10), so that they soon forget the initial weights.
func (t *trainer) afterStep() {
	t.model.Net.Constrain()
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

// objective returns the loss of a batch, whose labelled images come first, followed by the unlabelled ones if there are
// any.
func (t *trainer) objective(b *train.Batch) *autograd.Var {
	if !b.Training() {
		return t.measure(b)
	}
	t.model.Net.Infer(&t.found, t.addNoise(b.X))
	n, all := len(b.Y), b.X.Rows()
	labelled := autograd.Slice(t.found.Logits, 0, 0, n)
	b.Error(labelled)
	cost := t.term(b, "labels", t.Weights.Labels, loss.CrossEntropy(labelled, b.Y))
	if t.Weights.KL != 0 || t.Weights.Marginal != 0 || t.Weights.Consistency != 0 {
		cost = autograd.Add(cost, t.unlabelled(b, autograd.Slice(t.found.Logits, 0, n, all)))
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
		t.model.Net.Render(&t.rendered, drmm.OneHotArgmax(autograd.Slice(t.found.Logits, 0, from, all)), t.switches)
		squares := loss.SSE(t.rendered.Image(), autograd.Slice(b.X, 0, from, all))
		cost = autograd.Add(cost, t.term(b, "reconstruction", t.Weights.Reconstruction*t.scale(b.X), squares))
		cost = autograd.Add(cost, t.nonNegativity(b))
	}
	return cost
}

// unlabelled returns the terms that depend on the posteriors of the unlabelled images, which come last in the batch.
func (t *trainer) unlabelled(b *train.Batch, logits *autograd.Var) *autograd.Var {
	epoch := float64(t.model.Steps.Data()[0]) / float64(t.stepsOfEpoch())
	ramp, fade := t.ramp(epoch), t.fade(epoch)
	cost := t.term(b, "kl", ramp*t.Weights.KL, loss.KL(logits, nil))
	cost = autograd.Add(cost, t.term(b, "marginal", ramp*fade*t.Weights.Marginal, loss.MarginalKL(logits, nil)))
	if t.Weights.Consistency != 0 {
		beliefs := t.believe(b.X, len(b.Y))
		term := loss.Consistency(logits, beliefs)
		cost = autograd.Add(cost, t.term(b, "consistency", ramp*t.Weights.Consistency, term))
	}
	return cost
}

// believe returns the class posteriors of the averaged weights for the images with index from and above, without noise
// and without a gradient.
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

// addNoise returns the images with noise. The standard deviation is drawn for each image and can be near 0, because the
// statistics of the batch normalisation must fit images without noise too. Reconstructions are compared with the images
// without noise.
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

// term reports a term of the objective and returns it multiplied by its weight.
func (t *trainer) term(b *train.Batch, name string, weight float64, term *autograd.Var) *autograd.Var {
	b.Report(name, float64(term.Scalar()))
	return autograd.Scale(term, float32(weight))
}

// nonNegativity returns L_NN multiplied by its weight.
func (t *trainer) nonNegativity(b *train.Batch) *autograd.Var {
	var cost *autograd.Var
	sum := 0.0
	for _, z := range t.rendered.Templates[1:] {
		term := loss.NonNegativity(z)
		sum += float64(term.Scalar())
		term = autograd.Scale(term, float32(t.Weights.NonNegativity*t.scale(z)))
		if cost != nil {
			term = autograd.Add(cost, term)
		}
		cost = term
	}
	b.Report("nonnegativity", sum)
	return cost
}

// scale returns the factor for a sum of squares over the elements of a sample.
func (t *trainer) scale(x *autograd.Var) float64 {
	if t.Reduction == Mean {
		return 1 / float64(x.Width())
	}
	return 1
}

// measure reports the errors on a batch of test images, and returns the cross-entropy.
func (t *trainer) measure(b *train.Batch) *autograd.Var {
	if t.average != nil {
		t.average.Infer(&t.found, b.X)
		b.Report("average error", metrics.ErrorRate(t.found.Logits.Value(), b.Y, nil))
	}
	t.model.Net.Infer(&t.found, b.X)
	b.Error(t.found.Logits)
	return loss.CrossEntropy(t.found.Logits, b.Y)
}
