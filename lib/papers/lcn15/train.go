// SPDX-License-Identifier: Apache-2.0

package lcn15

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/durable"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// A Result is a trained network and the history of its training.
type Result struct {
	Setting        Setting
	Image          []int // shape of the images
	Classes        int
	Net            *Net
	History        *train.History // of training; History.Best is the epoch whose weights were kept
	Finetune       *train.History // of fine-tuning on all images; nil without fine-tuning
	BeforeFinetune *Net           // the network before fine-tuning; nil without fine-tuning
}

// ValidationNet returns the network that was not trained on the validation images. They can therefore be used with it
// to choose settings.
func (r *Result) ValidationNet() *Net {
	if r.BeforeFinetune != nil {
		return r.BeforeFinetune
	}
	return r.Net
}

// TrainingSet returns the images on which the network was trained: after fine-tuning, the training and validation
// images; otherwise d.Train.
func (r *Result) TrainingSet(d *experiment.Data) *dataset.Set {
	if r.BeforeFinetune != nil {
		return All(d)
	}
	return d.Train
}

// Train trains the network of a setting. If ctx is cancelled, the error wraps the cause.
//
// The history contains the loss and the error on the training and the validation images.
func Train(ctx context.Context, s Setting, d *experiment.Data, o experiment.Options) (*Result, error) {
	r, err := Start(s, d)
	if err != nil {
		return nil, err
	}
	return r, r.Train(ctx, d, o)
}

// Start returns the untrained network of a setting; its method Train trains it. Use it to inspect r.Net during
// training.
func Start(s Setting, d *experiment.Data) (*Result, error) {
	image, classes := slices.Clone(d.Train.X.Shape()[1:]), len(d.Train.Classes)
	_, err := s.inputs(image)
	if err := errors.Join(err, d.Check(s.Source)); err != nil {
		return nil, err
	}
	return &Result{Setting: s, Image: image, Classes: classes, Net: New(s, image, classes)}, nil
}

// Train trains a network returned by [Start]; see the function Train.
func (r *Result) Train(ctx context.Context, d *experiment.Data, o experiment.Options) (err error) {
	s := r.Setting
	c := r.config(d.Train, s.rate(), o)
	c.Valid, c.Monitor, c.KeepBest, c.Epochs, c.Patience = d.Valid, "error", true, s.Epochs, s.Patience
	if r.History, err = train.Run(ctx, c); err != nil || s.FinetuneEpochs == 0 {
		return err
	}
	r.BeforeFinetune = r.Net.clone(r.Image, r.Classes)
	c = r.config(All(d), optim.Linear(s.FinetuneRate, s.FinalRate, float64(s.FinetuneEpochs)), o)
	c.Epochs = s.FinetuneEpochs
	if c.Dir != "" {
		c.Dir = filepath.Join(c.Dir, "finetune")
	}
	r.Finetune, err = train.Run(ctx, c)
	return err
}

// A model is the state that a training run changes: the network and the random stream that shifts the images.
type model struct {
	Net    *Net
	Moving *tensor.RNG
}

func (r *Result) config(set *dataset.Set, rate optim.Schedule, o experiment.Options) train.Config {
	s := r.Setting
	m := &model{r.Net, tensor.Stream(s.Seed, "windows")}
	var data train.Data = set
	if s.Shift > 0 || s.Flip {
		data = &dataset.Augmented{Set: set, Pad: s.Shift, Flip: s.Flip, RNG: m.Moving}
	}
	sgd := newSGD(r.Net)
	return train.Config{
		Learner: &train.GradientDescent{
			Model: m, Loss: r.Net.objective, Optimizer: sgd, Constrain: r.Net.constrain, Workers: o.Workers,
			Schedule: func(epoch float64) float64 {
				sgd.Momentum = s.Momentum + (s.FinalMomentum-s.Momentum)*min(1, epoch/float64(s.Epochs))
				return rate(epoch)
			},
		},
		Train: data, BatchSize: s.Batch, Seed: s.Seed, Key: s,
		Dir: o.Dir, Every: o.Every, OnStep: o.OnStep, OnEpoch: o.OnEpoch,
	}
}

// objective returns the cross-entropy of a batch and reports the error.
func (n *Net) objective(b *train.Batch) *autograd.Var {
	logits := n.Forward(b.X)
	b.Error(logits)
	return loss.CrossEntropy(logits, b.Y)
}

// All returns the training and validation images together, which fine-tuning uses.
func All(d *experiment.Data) *dataset.Set {
	shape := slices.Clone(d.Train.X.Shape())
	shape[0] += d.Valid.Len()
	all := *d.Train
	all.X = tensor.New(shape...)
	copy(all.X.Data(), d.Train.X.Data())
	copy(all.X.Data()[d.Train.X.Len():], d.Valid.X.Data())
	all.Y = slices.Concat(d.Train.Y, d.Valid.Y)
	all.Sum = d.Train.Sum + " " + d.Valid.Sum
	return &all
}

// Files of a saved network.
const (
	weightsFile = "weights.safetensors"
	beforeFile  = "before.safetensors" // only with fine-tuning
	recordFile  = "record.json"
)

// A record holds what is saved besides the weights.
type record struct {
	Setting           Setting
	Image             []int
	Classes           int
	History, Finetune *train.History
}

// Save writes the network and its history to a folder.
func (r *Result) Save(dir string) error {
	text, err := json.Marshal(record{r.Setting, r.Image, r.Classes, r.History, r.Finetune})
	if err != nil {
		return err
	}
	if r.BeforeFinetune != nil {
		err = nn.Save(filepath.Join(dir, beforeFile), r.BeforeFinetune)
	}
	return errors.Join(err, nn.Save(filepath.Join(dir, weightsFile), r.Net),
		durable.WriteFile(filepath.Join(dir, recordFile), durable.Seal(text)))
}

// Load reads what Save wrote.
func (r *Result) Load(dir string) error {
	path := filepath.Join(dir, recordFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	rec, err := readRecord(text)
	if err != nil {
		return fmt.Errorf("lcn15: %s: %w", path, err)
	}
	read := func(file string) (*Net, error) {
		file = filepath.Join(dir, file)
		info, err := os.Stat(file)
		if err != nil {
			return nil, err
		}
		// A network that the file cannot hold is refused before it takes memory.
		if want := 4 * rec.weights(); float64(info.Size()) < want {
			return nil, fmt.Errorf("lcn15: %s has %d bytes, but the network of %s has weights of %.0f", file, info.Size(),
				path, want)
		}
		n := New(rec.Setting, rec.Image, rec.Classes)
		return n, nn.Load(file, n)
	}
	n, err := read(weightsFile)
	if err != nil {
		return err
	}
	var before *Net
	if rec.Setting.FinetuneEpochs > 0 {
		if before, err = read(beforeFile); err != nil {
			return err
		}
	}
	*r = Result{rec.Setting, rec.Image, rec.Classes, n, rec.History, rec.Finetune, before}
	return nil
}

// readRecord decodes the content of recordFile.
func readRecord(text []byte) (r record, err error) {
	content, err := durable.Open(text)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(content, &r); err != nil {
		return r, err
	}
	const most = 1 << 16 // of any size, so that products of a few do not overflow
	outside := func(n int) bool { return n < 1 || n > most }
	if len(r.Image) != 3 || slices.ContainsFunc(r.Image, outside) || outside(r.Classes) {
		return r, fmt.Errorf("invalid images of shape %v, %d classes", r.Image, r.Classes)
	}
	for i, l := range r.Setting.Hidden {
		if slices.Max([]int{l.Units, l.Kernel, l.Pad, l.Pool, l.PoolStride, l.PoolPad}) > most {
			return r, fmt.Errorf("invalid layer %d: %+v: want sizes of at most %d", i+1, l, most)
		}
	}
	_, err = r.Setting.inputs(r.Image)
	return r, err
}

// weights returns the number of weights of the network. It is exact below 2^53, and large beyond.
func (r record) weights() (n float64) {
	inputs, err := r.Setting.inputs(r.Image)
	if err != nil {
		panic(err.Error()) // readRecord has checked it
	}
	for i, in := range inputs {
		units, fields := r.Classes, in[0]*in[1]*in[2]
		if i < len(r.Setting.Hidden) {
			l := r.Setting.Hidden[i]
			units = l.Units
			if l.Kernel > 0 {
				fields = in[0] * l.Kernel * l.Kernel
			}
		}
		n += float64(units) * (float64(fields) + 1)
	}
	return n
}

// An sgd is gradient descent with momentum in which some parameters have a smaller learning rate. It scales their
// gradients instead, which has the same effect.
type sgd struct {
	optim.SGD
	factors map[*autograd.Var]float32
}

func newSGD(n *Net) *sgd {
	o := &sgd{factors: map[*autograd.Var]float32{}}
	for i, layer := range n.Hidden {
		if f := n.setting.Hidden[i].LRScale; f > 0 && f != 1 {
			for _, p := range nn.Params(layer) {
				o.factors[p] = float32(f)
			}
		}
	}
	return o
}

// Step implements [optim.Optimizer].
func (o *sgd) Step(params []*autograd.Var) {
	for _, p := range params {
		if f, slow := o.factors[p]; slow && p.Grad() != nil {
			g := p.Grad().Data()
			for i := range g {
				g[i] *= f
			}
		}
	}
	o.SGD.Step(params)
}
