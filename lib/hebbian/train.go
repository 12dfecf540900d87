// SPDX-License-Identifier: Apache-2.0

package hebbian

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// A Config describes the unsupervised phase: how units learn features. Data, Units and Epochs are required.
type Config struct {
	Competition
	Data  train.Data // examples; their labels are not looked at
	Units int

	Epochs    int            // passes through Data
	BatchSize int            // default 100; the last batch of an epoch may be smaller
	Rate      optim.Schedule // default: from 0.04 at the start in a straight line to 0 at the end, as in the document
	Seed      uint64         // of the first weights, which are standard normal, and of the order of the examples
	Workers   int            // goroutines for one step; 0 is one for each core. Results do not depend on it

	Dir   string        // folder for a checkpoint, from which the same run goes on; "" keeps none
	Every time.Duration // save within an epoch when this much time has passed; 0 saves after epochs only
	Key   any           // settings that Data and Rate were made with: a checkpoint of another key is refused

	OnEpoch func(*Trained) // called after each epoch with the weights as they are; may be nil
}

// A Trained is what the unsupervised phase has learnt.
type Trained struct {
	Weights *tensor.Tensor // [units, inputs]
	Epochs  []Epoch        // what happened, in order
	Wins    []int          // how often each unit won in the last epoch, [units]
}

// An Epoch says how the units were after a pass through the data.
type Epoch struct {
	Rate    float64    // learning rate of the last step
	Norms   [5]float64 // least, 10 %, median, 90 % and largest p-norm of the units' weights; learning brings all to R
	Dead    int        // units that won for no example
	Seconds float64
}

// Train lets units learn from the data until the epochs are done or ctx is cancelled. With Dir set it goes on from the
// checkpoint there, if any; a resumed run ends with the same weights, bit by bit.
//
// If ctx is cancelled the batch is finished, a checkpoint saved, and the error wraps context.Cause(ctx). Weights that
// are no longer finite, and checkpoints that cannot be read or written, are errors too. What was learnt so far is
// returned beside the error. Train panics if a required field is missing or a setting out of range.
func Train(ctx context.Context, c Config) (*Trained, error) {
	if c.Data == nil || c.Data.Len() == 0 || c.Units < 1 || c.Epochs < 1 || c.BatchSize < 0 {
		panic(fmt.Sprintf("hebbian: Train: Data, Units and Epochs are required: %d units, %d epochs, batches of %d", c.Units, c.Epochs, c.BatchSize))
	}
	if c.BatchSize == 0 {
		c.BatchSize = 100
	}
	if c.Rate == nil {
		c.Rate = optim.Linear(0.04, 0, float64(c.Epochs))
	}
	c.Competition = c.Competition.withDefaults()
	r := &run{Config: c}
	if err := r.start(); err != nil {
		return r.trained(), err
	}
	err := r.loop(ctx)
	return r.trained(), err
}

// A run is the state of the unsupervised phase.
type run struct {
	Config
	learner *Learner
	at      progress
	id      string
	x       tensor.Tensor
	labels  []int
	began   time.Time // of the epoch, moved back by the time before a resume
	saved   time.Time
}

// progress is the place of the next step and what is known of those before.
type progress struct {
	Epoch, Batch int
	Epochs       []Epoch
	Wins         []int   // in the last epoch, or the one begun
	Seconds      float64 // spent in the unfinished epoch
}

const checkpointFile = "hebbian.safetensors"

// start draws the first weights or reads the checkpoint.
func (r *run) start() error {
	r.Data.Gather(&r.x, make([]int, 1), []int{0})
	inputs := r.x.Width()
	id, err := json.Marshal(struct {
		Competition                                Competition
		Units, Inputs, Examples, Epochs, BatchSize int
		Seed                                       uint64
		Key                                        any
	}{r.Competition, r.Units, inputs, r.Data.Len(), r.Config.Epochs, r.BatchSize, r.Seed, r.Key})
	if err != nil {
		return fmt.Errorf("hebbian: Key cannot be written as JSON: %w", err)
	}
	r.id = string(id)
	w := tensor.New(r.Units, inputs)
	tensor.Stream(r.Seed, "hebbian/weights").Normal(w.Data(), 0, 1)
	if r.Dir != "" {
		if err := r.load(w); err != nil {
			return err
		}
	}
	r.learner = NewLearner(r.Competition, w)
	r.learner.Workers = r.Workers
	copy(r.learner.wins, r.at.Wins)
	r.began, r.saved = time.Now().Add(-time.Duration(r.at.Seconds*float64(time.Second))), time.Now()
	return nil
}

func (r *run) trained() *Trained {
	if r.learner == nil {
		return &Trained{}
	}
	return &Trained{r.learner.w, r.at.Epochs, slices.Clone(r.learner.wins)}
}

func (r *run) loop(ctx context.Context) error {
	n := r.Data.Len()
	batches := (n + r.BatchSize - 1) / r.BatchSize
	r.labels = make([]int, r.BatchSize)
	for r.at.Epoch < r.Epochs {
		order := dataset.Order(n, r.Seed, r.at.Epoch)
		if r.at.Batch == 0 {
			r.learner.ResetWins()
		}
		rate := 0.0
		for ; r.at.Batch < batches; r.at.Batch++ {
			if ctx.Err() != nil {
				return errors.Join(fmt.Errorf("hebbian: interrupted in epoch %d of %d: %w", r.at.Epoch+1, r.Epochs, context.Cause(ctx)), r.save())
			}
			if r.Every > 0 && time.Since(r.saved) > r.Every {
				if err := r.save(); err != nil {
					return err
				}
			}
			idx := order[r.at.Batch*r.BatchSize : min(n, (r.at.Batch+1)*r.BatchSize)]
			r.Data.Gather(&r.x, r.labels[:len(idx)], idx)
			rate = r.Rate(float64(r.at.Epoch) + float64(r.at.Batch)/float64(batches))
			r.learner.Step(&r.x, rate)
		}
		if err := r.endEpoch(rate); err != nil {
			return err
		}
	}
	return nil
}

// endEpoch measures the units, and saves.
func (r *run) endEpoch(rate float64) error {
	norms := r.PNorms(r.learner.w)
	slices.Sort(norms) // NaN first
	last := len(norms) - 1
	if math.IsNaN(norms[0]) || math.IsInf(norms[last], 0) {
		return fmt.Errorf("hebbian: the weights are no longer finite after epoch %d: try a smaller rate", r.at.Epoch+1)
	}
	e := Epoch{
		Rate:    rate,
		Norms:   [5]float64{norms[0], norms[last/10], norms[last/2], norms[last-last/10], norms[last]},
		Seconds: time.Since(r.began).Seconds(),
	}
	for _, wins := range r.learner.wins {
		if wins == 0 {
			e.Dead++
		}
	}
	r.at.Epochs = append(r.at.Epochs, e)
	r.at.Epoch, r.at.Batch, r.began = r.at.Epoch+1, 0, time.Now()
	if r.OnEpoch != nil {
		r.OnEpoch(r.trained())
	}
	return r.save()
}

// save writes the checkpoint: the weights and, beside them in the same file, everything else.
func (r *run) save() error {
	if r.Dir == "" {
		return nil
	}
	r.at.Wins, r.at.Seconds = r.learner.wins, time.Since(r.began).Seconds()
	text, err := json.Marshal(r.at)
	if err == nil {
		err = os.MkdirAll(r.Dir, 0o755)
	}
	if err == nil {
		err = tensor.SaveSafetensors(filepath.Join(r.Dir, checkpointFile), []tensor.Named{{Name: "weights", Tensor: r.learner.w}},
			map[string]string{"run": r.id, "at": string(text)})
	}
	if err != nil {
		return fmt.Errorf("hebbian: cannot save a checkpoint, the one before stays: %w", err)
	}
	r.saved = time.Now()
	return nil
}

// load reads the checkpoint, if there is one, into the weights w and the position.
func (r *run) load(w *tensor.Tensor) error {
	path := filepath.Join(r.Dir, checkpointFile)
	tensors, metadata, err := tensor.LoadSafetensors(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("hebbian: cannot read the checkpoint: %w", err)
	case metadata["run"] != r.id:
		return fmt.Errorf("hebbian: the checkpoint in %s belongs to another run, %s, not %s: choose another folder, or remove this one to start anew",
			r.Dir, metadata["run"], r.id)
	}
	if err := json.Unmarshal([]byte(metadata["at"]), &r.at); err != nil {
		return fmt.Errorf("hebbian: %s is damaged (%w): remove it to start anew", path, err)
	}
	if len(tensors) != 1 || !tensor.SameShape(tensors[0].Tensor, w) || len(r.at.Wins) != r.Units {
		return fmt.Errorf("hebbian: %s does not hold the weights of %d units: remove it to start anew", path, r.Units)
	}
	w.CopyFrom(tensors[0].Tensor)
	return nil
}
