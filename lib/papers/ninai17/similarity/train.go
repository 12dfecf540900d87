// SPDX-License-Identifier: Apache-2.0

package similarity

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/drmm"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/metrics"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/papers/ninai17"
	"github.com/lateral-ml/lateral/lib/papers/ninai17/pruning"
	"github.com/lateral-ml/lateral/lib/prune"
	"github.com/lateral-ml/lateral/lib/siamese"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// A Result is a trained network.
type Result struct {
	Net     *Net
	History []*train.History // of the phases that were run
	Metrics Metrics
}

// Train trains the network of a setting, phase by phase, and measures it after each phase. With o.Dir, each phase keeps
// checkpoints, and a killed call resumes. It returns an error, before any work, if the setting is invalid or the images
// do not fit it: images of another size, a class with a single image, or fewer classes than a batch needs.
func Train(ctx context.Context, s Setting, d *experiment.Data, o experiment.Options) (*Result, error) {
	if err := errors.Join(s.Check(), d.Check(s.Source), checkImages(d)); err != nil {
		return nil, err
	}
	super, names := Super(d.Train.Classes)
	batches, err := siamese.NewBatches(d.Train, s.Pairing.Classes, s.Batch, s.Seed)
	if err != nil {
		return nil, err
	}
	net, err := NewNet(s, len(names))
	if err != nil {
		return nil, err
	}
	t := &trainer{Setting: s, Model: &model{net, tensor.Stream(s.Seed, "negatives")}, super: super}
	t.Optimizer.Unbiased = s.Gentle
	if s.Pretraining.Prune {
		t.layers = pruning.DRMMLayers(net.DRMM, nil, false)
	}
	r := &Result{Net: net}
	if r.Metrics.Untrained, err = Measure(net, s, d, o.Workers); err != nil {
		return nil, err
	}
	pictures, batch := t.recognition(d.Train)
	pre, q := s.Pretraining.Epochs, s.Pairing
	pairing := s.rate(q.Rate, q.Epochs+q.Contrastive)
	rest := func(epoch float64) float64 { return pairing(epoch + float64(q.Epochs)) }
	for _, p := range []phase{
		{"recognition", pre, s.rate(s.Rate, pre), pictures, batch, t.recognise},
		{"pairs", q.Epochs, pairing, batches, s.Batch, t.pairs(0)},
		{"contrastive", q.Contrastive, rest, batches, s.Batch, t.pairs(q.Weight)},
	} {
		if p.epochs == 0 {
			continue
		}
		h, err := t.run(ctx, p, o)
		if err != nil {
			return r, fmt.Errorf("similarity: phase of %s: %w", p.name, err)
		}
		r.History = append(r.History, h)
		m, err := Measure(net, s, d, o.Workers)
		if err != nil {
			return r, err
		}
		m.Phase, m.Loss, m.Error = p.name, last(h, "loss"), last(h, "error")
		if p.name == "recognition" {
			m.Kinds = kinds(net, d.Test, names, o.Workers)
		}
		if t.layers != nil {
			m.Kept = prune.ShareOf(t.layers)
		}
		r.Metrics.Phases = append(r.Metrics.Phases, m)
	}
	return r, nil
}

// last returns a metric of the last epoch.
func last(h *train.History, name string) float64 { return h.Epochs[len(h.Epochs)-1].Train[name] }

func checkImages(d *experiment.Data) error {
	for _, set := range []*dataset.Set{d.Train, d.Valid, d.Test} {
		if set == nil {
			return errors.New("similarity: validation images are missing: use Load")
		}
		if is := set.X.Shape(); len(is) != 4 || is[1] != 1 || is[2] != side || is[3] != side {
			return fmt.Errorf("similarity: images of shape %v: want grey images of %d x %d", is[1:], side, side)
		}
	}
	return nil
}

// A phase is a part of the training.
type phase struct {
	name   string
	epochs int
	rate   optim.Schedule
	data   train.Data
	batch  int
	loss   func(b *train.Batch) *autograd.Var
}

// A model is the state that training changes.
type model struct {
	Net       *Net
	Negatives *tensor.RNG // draws pairs of different classes
}

// A trainer computes the objectives of a setting. Its optimiser goes on from phase to phase: RMSProp that started anew
// would take steps of ten times the rate until it knows the sizes of the gradients.
type trainer struct {
	Setting
	Model     *model
	Optimizer optim.RMSProp
	super     []int          // superclass of each class
	layers    []*prune.Layer // of the DRMM; nil without pruning

	view     View
	rendered drmm.Rendering
	switches []drmm.Switches
	all, few siamese.Pairs
	labels   []int
}

func (t *trainer) run(ctx context.Context, p phase, o experiment.Options) (*train.History, error) {
	if o.Dir != "" {
		o.Dir = filepath.Join(o.Dir, p.name)
	}
	key := t.Setting
	if p.name == "recognition" { // which other pairs can follow
		key.Pairing, key.Trials = Pairing{}, 0
	}
	return train.Run(ctx, train.Config{
		Learner: t.learner(p, o.Workers),
		Train:   p.data, Epochs: p.epochs, BatchSize: p.batch, Dir: o.Dir, Every: o.Every,
		Seed: tensor.Stream(t.Seed, p.name).Uint64(), // the phases of pairs see different batches
		Key:  key, OnStep: o.OnStep, OnEpoch: o.OnEpoch,
	})
}

// learner returns what trains the network in a phase. Recognition prunes it, if it is to be pruned; the phases after it
// only keep the masks.
func (t *trainer) learner(p phase, workers int) train.Learner {
	var l train.Learner = &train.GradientDescent{
		Model: t.Model, Loss: p.loss, Optimizer: &t.Optimizer, Workers: workers,
		Schedule:  p.rate,
		Constrain: t.Model.Net.constrain,
	}
	if !t.Pretraining.Prune {
		return l
	}
	pruned := &prune.Learner{Learner: l, Layers: t.layers, Workers: workers}
	if p.name == "recognition" {
		pruned.Schedule, pruned.Score = prune.Neocortex(Periods...), prune.Use
		pruned.Observe = pruning.DRMMObserver(t.Model.Net.DRMM, false)
	}
	return pruned
}

// recognition returns the images of the first phase, with their superclasses as labels, and the samples of a batch.
func (t *trainer) recognition(set *dataset.Set) (data train.Data, samples int) {
	_, names := Super(set.Classes)
	labelled := *set
	labelled.Classes, labelled.Y = names, make([]int, set.Len())
	for i, y := range set.Y {
		labelled.Y[i] = t.super[y]
	}
	if t.Pretraining.Labels >= 1 || t.Pretraining.Epochs == 0 {
		return &labelled, t.Batch
	}
	some, _ := labelled.Split(t.Pretraining.Labels, tensor.Stream(t.Seed, "labels"))
	s := &dataset.SemiSupervised{Labelled: some, Size: set.Len()}
	if w := t.Pretraining.Weights; t.Model.Net.DRMM != nil && w != (ninai17.Weights{Labels: w.Labels}) {
		s.Unlabelled, s.Ratio = &labelled, 1
	}
	return s, t.Batch / 2
}

// recognise returns the objective of the first phase [NINAI17, section 3(A)]. Labelled images come first in a batch.
func (t *trainer) recognise(b *train.Batch) *autograd.Var {
	net, w, n := t.Model.Net, t.Pretraining.Weights, len(b.Y)
	net.Look(&t.view, b.X)
	logits := t.view.Logits
	labelled := autograd.Slice(logits, 0, 0, n)
	b.Error(labelled)
	cost := autograd.Scale(loss.CrossEntropy(labelled, b.Y), float32(w.Labels))
	if net.DRMM == nil {
		return cost
	}
	all := b.X.Rows()
	if w.KL != 0 && all > n {
		cost = autograd.Add(cost, autograd.Scale(loss.KL(autograd.Slice(logits, 0, n, all), nil), float32(w.KL)))
	}
	if w.Reconstruction == 0 && w.NonNegativity == 0 {
		return cost
	}
	from := 0
	if t.Pretraining.Rendered > 0 {
		from = max(0, all-t.Pretraining.Rendered)
	}
	t.switches = t.switches[:0]
	for _, g := range t.view.Found.Switches {
		t.switches = append(t.switches, g.From(from, all))
	}
	net.DRMM.Render(&t.rendered, drmm.OneHotArgmax(autograd.Slice(logits, 0, from, all)), t.switches)
	error2 := loss.MSE(t.rendered.Image(), autograd.Slice(t.view.Input, 0, from, all))
	b.Report("reconstruction", float64(error2.Scalar()))
	cost = autograd.Add(cost, autograd.Scale(error2, float32(w.Reconstruction)))
	for _, z := range t.rendered.Templates[1:] {
		scale := float32(w.NonNegativity / float64(z.Width()))
		cost = autograd.Add(cost, autograd.Scale(loss.NonNegativity(z), scale))
	}
	return cost
}

// pairs returns the objective of the pairs: the cross-entropy of eq. 6 and, with a weight above 0, the contrastive loss
// of eqs. 7 to 9. Both are means over the pairs.
func (t *trainer) pairs(weight float64) func(b *train.Batch) *autograd.Var {
	return func(b *train.Batch) *autograd.Var {
		t.Model.Net.Look(&t.view, b.X)
		f := t.view.Features
		unit := siamese.Unit(f)
		pairs := t.choose(b.Y, unit)
		logits := t.Model.Net.Head.Forward(siamese.Differences(f, pairs))
		t.labels = pairs.Labels(t.labels)
		b.Report("error", metrics.ErrorRate(logits.Value(), t.labels, nil))
		cost := loss.CrossEntropy(logits, t.labels)
		if weight > 0 {
			term := loss.Contrastive(siamese.Distances(unit, pairs), pairs.Same, float32(t.Pairing.Margin))
			b.Report("contrastive", float64(term.Scalar()))
			cost = autograd.Add(cost, autograd.Scale(term, float32(weight)))
		}
		return cost
	}
}

// choose returns the pairs of a batch that count.
func (t *trainer) choose(labels []int, unit *autograd.Var) *siamese.Pairs {
	t.all.All(labels)
	if t.Pairing.Negatives == 0 {
		return &t.all
	}
	n := int(t.Pairing.Negatives*float64(t.all.Positives()) + 0.5)
	if t.Pairing.Hard {
		t.few.Hardest(&t.all, siamese.Distances(unit, &t.all).Data(), n)
	} else {
		t.few.Random(&t.all, n, t.Model.Negatives)
	}
	return &t.few
}
