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
	"time"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/papers/thesis21"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// Options are what does not change a result.
type Options struct {
	Workers int                          // goroutines of a step; 0 is one for each core
	Dir     string                       // folder for checkpoints, from which a killed run goes on to the same bits; "" keeps none
	Every   time.Duration                // save within an epoch when this much time has passed; 0 saves after epochs only
	OnEpoch func(e *train.Event, n *Net) // called after each epoch; may be nil
}

// A Trained is a network and what became of it.
type Trained struct {
	Setting Setting
	Image   []int // shape of the images
	Classes int
	Net     *Net
	History *train.History // of the training images; History.Best is the epoch whose weights were kept
	More    *train.History // of the epochs on all images; nil without
	Before  *Net           // the network before those; nil without
}

// Held returns the network that has not learnt from the validation images: by it they can choose.
func (t *Trained) Held() *Net {
	if t.Before != nil {
		return t.Before
	}
	return t.Net
}

// Learnt returns the images that the network has learnt from: with epochs of Setting.More all, else those for training.
func (t *Trained) Learnt(d *thesis21.Data) *dataset.Set {
	if t.Before != nil {
		return All(d)
	}
	return d.Train
}

// Train trains the network of a setting. Cancelled, its error wraps the cause of ctx.
//
// The history has the loss and the error of the training and of the validation images.
func Train(ctx context.Context, s Setting, d *thesis21.Data, o Options) (*Trained, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if s.Data != d.Name() || s.Sum != d.Sum() {
		return nil, fmt.Errorf("lcn15: the setting is for the data %s %s, but these are %s %s: use Setting.On", s.Data, s.Sum, d.Name(), d.Sum())
	}
	image := d.Train.X.Shape()[1:]
	t := &Trained{Setting: s, Image: slices.Clone(image), Classes: len(d.Train.Classes), Net: New(s, image, len(d.Train.Classes))}
	var err error
	c := t.config(d.Train, s.rate(), o)
	c.Valid, c.Monitor, c.KeepBest, c.Epochs, c.Patience = d.Valid, "error", true, s.Epochs, s.Patience
	if t.History, err = train.Run(ctx, c); err != nil || s.More == 0 {
		return t, err
	}
	t.Before = t.Net.clone(t.Image, t.Classes)
	c = t.config(All(d), optim.Linear(s.MoreRate, s.FinalRate, float64(s.More)), o)
	c.Epochs = s.More
	if c.Dir != "" {
		c.Dir = filepath.Join(c.Dir, "more")
	}
	t.More, err = train.Run(ctx, c)
	return t, err
}

// A model is what a run changes: the network, and the place in the stream that moves its images.
type model struct {
	Net    *Net
	Moving *tensor.RNG
}

func (t *Trained) config(set *dataset.Set, rate optim.Schedule, o Options) train.Config {
	s := t.Setting
	m := &model{t.Net, tensor.Stream(s.Seed, "windows")}
	var data train.Data = set
	if s.Shift > 0 || s.Mirror {
		data = &dataset.Augmented{Set: set, Pad: s.Shift, Flip: s.Mirror, RNG: m.Moving}
	}
	sgd := newSGD(t.Net)
	c := train.Config{
		Model: m, Loss: t.Net.objective, Train: data, Optimizer: sgd, Constrain: t.Net.constrain,
		BatchSize: s.Batch, Seed: s.Seed, Workers: o.Workers, Dir: o.Dir, Every: o.Every, Key: s,
		Schedule: func(epoch float64) float64 {
			sgd.Momentum = s.Momentum + (s.Final-s.Momentum)*min(1, epoch/float64(s.Epochs))
			return rate(epoch)
		},
	}
	if o.OnEpoch != nil {
		c.OnEpoch = func(e *train.Event) { o.OnEpoch(e, t.Net) }
	}
	return c
}

// objective returns the cross-entropy of a batch and reports the error.
func (n *Net) objective(b *train.Batch) *autograd.Var {
	logits := n.Forward(b.X)
	b.Error(logits)
	return loss.CrossEntropy(logits, b.Y)
}

// All returns the training and the validation images together: those that the epochs of Setting.More learn from.
func All(d *thesis21.Data) *dataset.Set {
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

// files of a network that was trained.
const (
	weightsFile = "weights.safetensors"
	beforeFile  = "before.safetensors" // with epochs on all images only
	recordFile  = "record.json"
)

// A record is what the weights do not say.
type record struct {
	Setting       Setting
	Image         []int
	Classes       int
	History, More *train.History
}

// Save writes the network and its history into a folder.
func (t *Trained) Save(dir string) error {
	text, err := json.Marshal(record{t.Setting, t.Image, t.Classes, t.History, t.More})
	if err != nil {
		return err
	}
	if t.Before != nil {
		err = nn.Save(filepath.Join(dir, beforeFile), t.Before)
	}
	return errors.Join(err, nn.Save(filepath.Join(dir, weightsFile), t.Net), os.WriteFile(filepath.Join(dir, recordFile), text, 0o666))
}

// Load reads what Save has written.
func (t *Trained) Load(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, recordFile))
	if err != nil {
		return err
	}
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("lcn15: %s: %w", recordFile, err)
	}
	if err := r.Setting.Check(); err != nil {
		return err
	}
	if len(r.Image) != 3 || r.Classes < 1 {
		return fmt.Errorf("lcn15: %s: images of shape %v, %d classes", recordFile, r.Image, r.Classes)
	}
	n := New(r.Setting, r.Image, r.Classes)
	if err := nn.Load(filepath.Join(dir, weightsFile), n); err != nil {
		return err
	}
	var before *Net
	if r.Setting.More > 0 {
		before = New(r.Setting, r.Image, r.Classes)
		if err := nn.Load(filepath.Join(dir, beforeFile), before); err != nil {
			return err
		}
	}
	*t = Trained{r.Setting, r.Image, r.Classes, n, r.History, r.More, before}
	return nil
}

// An sgd is gradient descent with momentum in which some parameters learn more slowly: a factor on the gradient is a
// factor on the learning rate.
type sgd struct {
	optim.SGD
	factors map[*autograd.Var]float32
}

func newSGD(n *Net) *sgd {
	o := &sgd{factors: map[*autograd.Var]float32{}}
	for i, layer := range n.Hidden {
		if f := n.setting.Hidden[i].Slow; f > 0 && f != 1 {
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
