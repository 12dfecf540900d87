// SPDX-License-Identifier: Apache-2.0

// Package classify is the short road from labelled data to a saved classifier. It uses the other packages of the
// library with the usual defaults:
//
//	data, err := classify.CSV("iris.csv", "species")   // or classify.Folder("photos", photos.Config{})
//	train, test := data.Split(0.8, 1)
//	model, err := classify.Fit(ctx, train, classify.Config{})
//	score, err := model.Score(test)
//	fmt.Print(score)                                   // accuracy, calibration, precision and recall of each class
//	err = score.Save("confusion.svg")
//	err = model.Save("iris.model")
//
// A saved model contains all that prediction needs: weights, network, classes, the meaning of the columns or the form
// of the photographs, and the steps that prepare samples. [Load] needs nothing else.
package classify

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"sync"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/dataset/photos"
	"github.com/lateral-ml/lateral/lib/dataset/table"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/prune"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
	"github.com/lateral-ml/lateral/lib/train/report"
	"github.com/lateral-ml/lateral/lib/transform"
)

// A Config describes a training. The zero value has the usual defaults.
type Config struct {
	Network Network
	Steps   transform.Pipeline // prepare samples, after missing cells and words of tables; nil is Standardize
	Pad     int                // images are shifted at random by up to Pad pixels in training
	Flip    bool               // images are mirrored at random in training

	Valid     float64 // share of each class that is held out to choose the best epoch; 0 means 0.15
	Epochs    int     // at most; 0 means 100
	Patience  int     // epochs without improvement after which training ends; 0 means 10
	BatchSize int     // 0 means a twentieth of the samples, but 8 to 100
	LR        float64 // learning rate of Adam; 0 means 0.001
	Seed      uint64  // of weights, order, split and augmentation
	Dir       string  // folder for checkpoints, from which a training that was stopped goes on; "" for none
	Quiet     bool    // no progress bar on standard error, even if it is a terminal
}

func (c Config) withDefaults(samples int) Config {
	c.Valid = cmp.Or(c.Valid, 0.15)
	c.Epochs, c.Patience = cmp.Or(c.Epochs, 100), cmp.Or(c.Patience, 10)
	c.BatchSize = cmp.Or(c.BatchSize, min(max(samples/20, 8), 100))
	c.LR = cmp.Or(c.LR, 0.001)
	if c.Steps == nil {
		c.Steps = transform.Pipeline{&transform.Standardize{}}
	}
	return c
}

func (c Config) check() error {
	k := experiment.Check{Package: "classify"}
	k.That(c.Valid > 0 && c.Valid < 1, "Valid", c.Valid, "a share > 0 and < 1")
	k.AtLeast("Epochs", c.Epochs, 1)
	k.AtLeast("Patience", c.Patience, 1)
	k.AtLeast("BatchSize", c.BatchSize, 1)
	k.AtLeast("Pad", c.Pad, 0)
	k.Positive("LR", c.LR)
	return k.Err()
}

// A Model is a trained classifier. Several goroutines may predict with it; their calls take turns.
type Model struct {
	Classes  []string
	Net      nn.Sequential      // samples as Pipeline prepares them -> logits [N, classes]
	Pipeline transform.Pipeline // prepares samples
	Shape    []int              // of a sample before Pipeline
	Network  Network            // description of Net
	History  *train.History     // of the training; nil for a model that was loaded

	schema *table.Schema  // of the table that it was trained on
	photos *photos.Config // form of the photographs that it was trained on

	turn sync.Mutex     // for the parameters, which know the tape that last used them
	tape *autograd.Tape // of predictions
}

// fitSamples is the largest number of samples that the steps of a pipeline are fitted to.
const fitSamples = 10_000

// fitting is the model of the training loop: what a checkpoint must keep.
type fitting struct {
	Net   nn.Sequential
	Moves *tensor.RNG // of the augmentation
}

// Fit trains a classifier with early stopping: it holds out a share of the samples, trains with Adam on the others, and
// keeps the epoch with the smallest loss on those held out. The result depends only on the examples and c. If standard
// error is a terminal, a progress bar shows rate and remaining time.
//
// The error names invalid settings, a class with fewer than two samples and where it is, or a file that cannot be read.
// If ctx is cancelled, Fit returns an error; with c.Dir, the same call later goes on from there.
func Fit(ctx context.Context, e *Examples, c Config) (*Model, error) {
	c = c.withDefaults(e.Len())
	if err := c.check(); err != nil {
		return nil, err
	}
	if err := e.checkClasses(); err != nil {
		return nil, err
	}
	train, valid := e.Split(1-c.Valid, c.Seed)
	if valid.Len() == 0 {
		return nil, fmt.Errorf("classify: a share of %g of %d samples of %s is none: set Valid", c.Valid, e.Len(), e.Name)
	}
	m := &Model{Classes: e.Classes, schema: e.schema, photos: e.config}
	x, err := train.some(fitSamples)
	if err != nil {
		return nil, err
	}
	m.Shape = slices.Clone(x.Shape()[1:])
	m.Pipeline = c.Steps.Clone() // other models may be fitted with the same c
	if e.schema != nil {
		m.Pipeline = append(transform.Pipeline{columns(e.schema)}, m.Pipeline...)
	}
	prepared, err := m.Pipeline.Fit(x)
	if err != nil {
		return nil, fmt.Errorf("classify: %s: %w", e.Name, err)
	}
	shape := prepared.Shape()[1:]
	m.Network = c.Network.withDefaults(shape)
	if err := m.Network.check(shape); err != nil {
		return nil, err
	}
	if m.Net, err = m.Network.build(shape, len(m.Classes), c.Seed, math.Inf(1)); err != nil {
		return nil, err
	}
	m.History, err = m.train(ctx, e.Name, m.prepared(train), m.prepared(valid), c, nil)
	return m, err
}

// Prune removes the smallest weights of each layer, so that the share keep remains, and trains the others for up to
// c.Epochs epochs more on the examples that Fit was given, with the same split if c.Valid and c.Seed are the same. It
// then replaces the layers of Net by sparse ones where that is faster; see [prune.Compress]. A pruned model can be
// pruned again, with a smaller keep. Network, Steps and Dir of c are ignored. On error the model is to be discarded.
func (m *Model) Prune(ctx context.Context, e *Examples, keep float64, c Config) error {
	c = c.withDefaults(e.Len())
	c.Dir = ""
	k := experiment.Check{Package: "classify"}
	k.That(keep > 0 && keep <= 1, "keep", keep, "a share > 0 and <= 1")
	k.Add(c.check())
	if err := k.Err(); err != nil {
		return err
	}
	net := dense(m.Net)
	layers, _ := prune.Network(net)
	err := prune.Prune(layers, prune.Magnitude, tensor.Stream(c.Seed, "classify/prune"), prune.Cut{Keep: keep})
	if err != nil {
		return err
	}
	m.Net = net
	train, valid := e.Split(1-c.Valid, c.Seed)
	m.History, err = m.train(ctx, e.Name, m.prepared(train), m.prepared(valid), c, layers)
	if err == nil {
		m.Net = prune.Compress(m.Net)
	}
	return err
}

// dense returns a network in which the layers that [prune.Compress] made sparse are dense again, so that it can be
// pruned further. Weights that were removed are zero.
func dense(net nn.Sequential) nn.Sequential {
	net = slices.Clone(net)
	for i, m := range net {
		switch m := m.(type) {
		case *nn.SparseDense:
			net[i] = m.Dense()
		case *nn.SparseConv2D:
			net[i] = m.Conv2D()
		}
	}
	return net
}

// columns returns the step that prepares the rows of a table.
func columns(s *table.Schema) *transform.Columns {
	c := &transform.Columns{}
	for _, f := range s.Features {
		c.Words = append(c.Words, len(f.Words))
	}
	return c
}

// prepared returns examples as the network takes them.
func (m *Model) prepared(e *Examples) dataset.Samples {
	if e.set == nil {
		return &transform.Data{Samples: e.samples(), Pipeline: m.Pipeline}
	}
	s := *e.set
	s.X = m.Pipeline.Apply(s.X)
	return &s
}

// train trains the network; of layers, if there are any, only the weights that remain.
func (m *Model) train(
	ctx context.Context, name string, data, valid dataset.Samples, c Config, layers []*prune.Layer,
) (*train.History, error) {
	model := &fitting{Net: m.Net}
	if c.Pad > 0 || c.Flip {
		if len(m.Shape) != 3 {
			return nil, fmt.Errorf("classify: Pad and Flip are for images, and the samples of %s have the shape %v", name,
				m.Shape)
		}
		model.Moves = tensor.Stream(c.Seed, "classify/moves")
		data = &dataset.Augmented{Set: data, Pad: c.Pad, Flip: c.Flip, RNG: model.Moves}
	}
	if !c.Quiet {
		var done func()
		ctx, done = report.Bar(ctx, os.Stderr, name)
		defer done()
	}
	var learner train.Learner = &train.GradientDescent{
		Model: model, Optimizer: &optim.Adam{LR: c.LR},
		Loss: func(b *train.Batch) *autograd.Var {
			logits := m.Net.Forward(b.X)
			b.Error(logits)
			return loss.CrossEntropy(logits, b.Y)
		},
	}
	if layers != nil {
		learner = &prune.Learner{Learner: learner, Layers: layers}
	}
	return train.Run(ctx, train.Config{
		Learner: learner, Train: data, Valid: valid,
		Epochs: c.Epochs, Patience: c.Patience, BatchSize: c.BatchSize, Seed: c.Seed,
		KeepBest: true, Dir: c.Dir, Key: m.Network,
	})
}

// Probabilities returns the probability of each class: x [N, ...] -> [N, classes]. It panics if samples do not have the
// shape m.Shape.
func (m *Model) Probabilities(x *tensor.Tensor) *tensor.Tensor {
	if !slices.Equal(x.Shape()[1:], m.Shape) {
		panic(fmt.Sprintf("classify: Probabilities: samples %v, want %v", x.Shape()[1:], m.Shape))
	}
	m.turn.Lock()
	defer m.turn.Unlock()
	if m.tape == nil {
		m.tape = autograd.NewTape(0)
	}
	out := tensor.New(x.Rows(), len(m.Classes))
	for from := 0; from < x.Rows(); from += predictBatch {
		to := min(from+predictBatch, x.Rows())
		m.tape.Reset()
		p := autograd.Softmax(m.Net.Forward(m.tape.Input(m.Pipeline.Apply(x.Slice(from, to)))))
		out.Slice(from, to).CopyFrom(p.Value())
	}
	return out
}

// predictBatch is the number of samples that are predicted at once.
const predictBatch = 200

// Predict returns the probability of each class for examples, [N, classes]. Their classes may be unknown. The error
// names a file that cannot be read, or reports samples of another shape.
func (m *Model) Predict(e *Examples) (*tensor.Tensor, error) {
	if e.set != nil {
		if !slices.Equal(e.set.X.Shape()[1:], m.Shape) {
			return nil, fmt.Errorf("classify: %s has samples of shape %v, but the model was trained on %v", e.Name,
				e.set.X.Shape()[1:], m.Shape)
		}
		return m.Probabilities(e.set.X), nil
	}
	out := tensor.New(e.Len(), len(m.Classes))
	s := e.folder.Stream()
	order := make([]int, e.Len())
	for i := range order {
		order[i] = i
	}
	s.Plan(order, predictBatch)
	defer s.Plan(nil, 0)
	var b dataset.Batch
	for idx := range slices.Chunk(order, predictBatch) {
		s.Gather(&b, idx)
		if err := s.Err(); err != nil {
			return nil, err
		}
		out.Slice(idx[0], idx[0]+len(idx)).CopyFrom(m.Probabilities(&b.X))
	}
	return out, nil
}

// Read reads a file as the model's training data was read: a table with the same columns, a folder with a sub-folder
// for each class, or a single photograph. A model of other data reads nothing.
func (m *Model) Read(path string) (*Examples, error) {
	switch {
	case m.schema != nil:
		set, err := m.schema.Read(path)
		if err != nil {
			return nil, err
		}
		return tabular(set, m.schema, path), nil
	case m.photos != nil:
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("classify: %w", err)
		}
		if !info.IsDir() {
			x, err := m.photos.Read(path)
			return &Examples{Name: path, Classes: m.Classes, set: &dataset.Set{Name: path, X: x}, config: m.photos,
				place: func(int) string { return path }}, err
		}
		f, err := photos.Open(path, *m.photos)
		if err == nil {
			f, err = f.WithClasses(m.Classes)
		}
		if err != nil {
			return nil, err
		}
		return photographs(f)
	}
	return nil, fmt.Errorf("classify: %s: the model was trained on samples in memory: use Probabilities", path)
}
