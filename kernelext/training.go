// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"github.com/lateral-ml/lateral/lib/train"
)

// saveEvery is how often a training within an epoch is saved: what a kill costs at most.
const saveEvery = 10 * time.Second

// Train trains with a progress line until it is done or the stop button is pressed. It keeps checkpoints in
// [CheckpointDir], unless c.Dir names a folder: a cell that was stopped or killed goes on from there when it is run
// again, to the same weights, bit for bit, as if it had never been stopped. A training that is done returns at once.
//
//	history := kernelext.Train("mnist", train.Config{
//		Learner: &train.GradientDescent{Model: net, Loss: objective},
//		Train: digits, Epochs: 20, Key: settings, OnEpoch: func(*train.Event) { live.Update() }})
//
// c.Key, c.Seed and the name tell trainings apart. A Key of which JSON leaves out a part is an error, as a change of
// that part would go unnoticed. [Forget] of the name removes the checkpoints too.
//
// The stop button ends the cell with a line that says how far the training is, so that Run All stops there. An error
// ends the cell with its message. [TryTrain] returns either instead.
func Train(name string, c train.Config) *train.History {
	history, err := TryTrain(name, c)
	if err != nil {
		fail(err)
	}
	return history
}

// TryTrain is [Train] with the error returned, beside the history up to there: one that wraps [ErrInterrupted] if the
// stop button was pressed.
func TryTrain(name string, c train.Config) (*train.History, error) {
	if fault := hiddenConfig(reflect.ValueOf(c.Key), ""); fault != nil {
		fault.Type = fmt.Sprintf("%T", c.Key)
		return nil, fmt.Errorf("training %q: Key: %s", name, fault.part())
	}
	if c.Dir == "" {
		c.Dir = CheckpointDir(name, c)
	}
	if c.Every == 0 {
		c.Every = saveEvery
	}
	var w watcher
	history, err := train.Run(w.context(name), c)
	w.done()
	at := w.at
	switch {
	case errors.Is(err, ErrInterrupted):
		return history, fmt.Errorf(
			"training %q was stopped after step %d of %d and is saved: run the cell again to go on (%w)",
			name, at.Step, at.Steps, err)
	case errors.As(err, new(*train.MismatchError)):
		return history, fmt.Errorf("training %q: %w (kernelext.Forget(%q) removes it)", name, err, name)
	case err != nil:
		return history, fmt.Errorf("training %q: %w", name, err)
	case w.progress == nil:
		fmt.Printf("training %q: read back, after %d epochs\n", name, len(history.Epochs))
	}
	return history, nil
}

// Watch returns a context for functions that train inside, such as classify.Fit: the training shows a progress line,
// and the stop button cancels it. Call done when the function has returned.
//
//	ctx, done := kernelext.Watch("flowers")
//	model, err := classify.Fit(ctx, data, classify.Config{})
//	done()
func Watch(name string) (ctx context.Context, done func()) {
	w := new(watcher)
	return w.context(name), w.done
}

// A watcher shows the progress of a training.
type watcher struct {
	progress *Progress   // nil before the first step
	at       train.Event // the last step
}

// context returns a context in which train.Run reports to the watcher.
func (w *watcher) context(name string) context.Context {
	return train.Watched(Interrupted(), func(e *train.Event) {
		if w.progress == nil {
			w.progress = NewProgress(name, e.Steps)
			w.progress.from = e.Step - 1
			if w.progress.from > 0 {
				fmt.Printf("training %q goes on after step %d of %d\n", name, w.progress.from, e.Steps)
			}
		}
		w.at = *e
		w.progress.Step(e.Step, fmt.Sprintf("epoch %d/%d", e.Epoch, e.Epochs)+lossOf(e))
	})
}

func (w *watcher) done() {
	if w.progress != nil {
		w.progress.Done()
	}
}

// lossOf says what the loss of a step was, behind two spaces; nothing for a learner without one.
func lossOf(e *train.Event) string {
	if math.IsNaN(e.Loss) {
		return ""
	}
	return fmt.Sprintf("  loss %.3g", e.Loss)
}

// CheckpointDir returns the folder that keeps the checkpoints of a training: below the directory LATERAL_CHECKPOINTS,
// or one of the user's cache, a folder for each name, Key and Seed.
func CheckpointDir(name string, c train.Config) string {
	var types []string
	settings, err := json.Marshal(c.Key)
	switch key := reflect.ValueOf(&c.Key).Elem(); {
	case err != nil:
		settings = fmt.Append(nil, c.Key) // train.Run reports the error
	case hiddenConfig(key, "") == nil: // TryTrain reports what is hidden
		types = typesIn(key)
	}
	return checkpoints(name) + shortSum(fmt.Sprintf("%d %q %s", c.Seed, types, settings))
}

// checkpoints returns what the folders of all trainings of a name begin with.
func checkpoints(name string) string {
	return filepath.Join(keptIn("LATERAL_CHECKPOINTS", "checkpoints"), slug(name)+"-"+shortSum(name)+"-")
}

func shortSum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}

// forgetCheckpoints removes the checkpoints of all trainings of a name and returns how many trainings there were.
func forgetCheckpoints(name string) (int, error) {
	// The name is a slug and two sums, but the directory may hold anything.
	dir, prefix := filepath.Split(checkpoints(name))
	list, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	n := 0
	for _, d := range list {
		if len(d.Name()) == len(prefix)+12 && d.Name()[:len(prefix)] == prefix {
			if err := os.RemoveAll(filepath.Join(dir, d.Name())); err != nil {
				return n, fmt.Errorf("training %q: %w", name, err)
			}
			n++
		}
	}
	return n, err
}
