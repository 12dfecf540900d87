// SPDX-License-Identifier: Apache-2.0

package train

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/lateral-ml/lateral/lib/durable"
	"github.com/lateral-ml/lateral/lib/tensor"
)

const (
	checkpointFile   = "checkpoint.json"
	checkpointFormat = 2
)

// A checkpoint holds everything except the tensors, which are in the safetensors file that it names. It is written
// last, under a check sum that detects any flipped bit, and replaces the previous one atomically: a run that is killed
// while saving resumes from the previous save.
type checkpoint struct {
	Format  int
	Run     identity
	Epochs  int // of the run that saved; the schedule in Run covers these epochs. A resumed run may have more
	At      position
	Sums    sums    // of the unfinished epoch
	Seconds float64 // spent in the unfinished epoch
	History History
	Streams map[string][]byte          // random streams, by name
	Values  map[string]json.RawMessage // of the learner, by name
	Weights string                     // file name
	Sum     string                     // SHA-256 of the file
}

// weightsFile is the name of a file of weights beside checkpoint.json, of an epoch and a step.
const weightsFile = "weights-%d-%d.safetensors"

// isWeights tells whether a file has such a name. It needs no regular expression, which programs for web pages would
// have to load.
func isWeights(name string) bool {
	var epoch, step uint
	_, err := fmt.Sscanf(name, weightsFile, &epoch, &step)
	return err == nil && name == fmt.Sprintf(weightsFile, epoch, step)
}

// anew ends the messages about unusable checkpoints.
const anew = "remove the folder to start anew"

// open locks the folder, removes the leftovers of killed processes, and loads the checkpoint, if there is one.
func (r *run) open() error {
	if err := os.MkdirAll(r.Dir, 0o755); err != nil {
		return fmt.Errorf("train: no folder %s for checkpoints: %w", r.Dir, err)
	}
	lock, locked := durable.Acquire(filepath.Join(r.Dir, checkpointFile))
	var held *durable.HeldError
	if errors.As(locked, &held) {
		return fmt.Errorf("train: another run keeps its checkpoints in %s: %w", r.Dir, held)
	}
	r.lock = lock
	if err := r.identifyData(); err != nil {
		return err
	}
	r.id.Schedule = r.schedule(r.Epochs)
	c, err := r.load()
	if err != nil {
		return err
	}
	if locked != nil && !r.done() { // a completed run may be in a read-only folder
		return fmt.Errorf("train: checkpoints: %w", locked)
	}
	durable.RemoveLeftovers(r.Dir)
	r.removeWeights(c)
	return nil
}

// close unlocks the folder.
func (r *run) close() {
	if r.lock != nil {
		r.lock.Release()
	}
}

// removeWeights deletes the files of weights that the checkpoint, which may be nil, does not name: those of earlier
// saves and of saves that were interrupted.
func (r *run) removeWeights(c *checkpoint) {
	entries, _ := os.ReadDir(r.Dir)
	for _, e := range entries {
		if isWeights(e.Name()) && (c == nil || e.Name() != c.Weights) {
			os.Remove(filepath.Join(r.Dir, e.Name())) // a leftover only costs disk space
		}
	}
}

// tensors returns all tensors of the run. They are live.
func (r *run) tensors() (named []tensor.Named) {
	add := func(kind, name string, t *tensor.Tensor) {
		named = append(named, tensor.Named{Name: kind + "." + name, Tensor: t})
	}
	for i, m := range r.state.Model {
		add("model", m.Name, m.Tensor)
		if r.best != nil {
			add("best", m.Name, r.best[i])
		}
	}
	for _, m := range r.state.Memory {
		add("memory", m.Name, m.Tensor)
	}
	return named
}

// save writes a checkpoint, unless Dir holds the one of this position: the state may differ, because an epoch has begun
// since, and if the run were killed then, the old checkpoint would be left with the new weights.
func (r *run) save() error {
	if r.Dir == "" || r.kept == r.at {
		return nil
	}
	if err := r.write(); err != nil {
		return fmt.Errorf("train: cannot save a checkpoint, the one before stays: %w", err)
	}
	r.kept, r.saved = r.at, time.Now()
	return nil
}

func (r *run) write() error {
	if err := os.MkdirAll(r.Dir, 0o755); err != nil { // it may have been removed
		return err
	}
	c := checkpoint{
		Format: checkpointFormat, Run: r.id, Epochs: r.Epochs, At: r.at, Sums: r.sums,
		Seconds: time.Since(r.began).Seconds(), History: r.history,
		Streams: map[string][]byte{}, Values: map[string]json.RawMessage{},
		Weights: fmt.Sprintf(weightsFile, r.at.Epoch, r.at.Step),
	}
	var err error
	for _, s := range r.state.Streams {
		if c.Streams[s.Name], err = s.RNG.MarshalBinary(); err != nil {
			return err
		}
	}
	for _, v := range r.state.Values {
		if c.Values[v.Name], err = v.text(); err != nil {
			return err
		}
	}
	weights := filepath.Join(r.Dir, c.Weights)
	if err := tensor.SaveSafetensors(weights, r.tensors(), nil); err != nil {
		return err
	}
	if c.Sum, err = sum(weights); err != nil {
		return err
	}
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := durable.WriteFile(filepath.Join(r.Dir, checkpointFile), durable.Seal(text)); err != nil {
		return err
	}
	r.removeWeights(&c) // the folder is synced, so the new checkpoint is safe
	return nil
}

// load resumes from the checkpoint in Dir and returns it, or nil if there is none.
func (r *run) load() (*checkpoint, error) {
	path := filepath.Join(r.Dir, checkpointFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("train: cannot read the checkpoint: %w", err)
	}
	c, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("train: %s: %w; %s", path, err, anew)
	}
	now := r.id
	now.Schedule = r.schedule(c.Epochs)
	if err := difference(r.Dir, c.Run, now); err != nil {
		return nil, err
	}
	if err := r.restore(c); err != nil {
		return nil, fmt.Errorf("train: the checkpoint in %s: %w; %s", r.Dir, err, anew)
	}
	return c, nil
}

// parse reads checkpoint.json.
func parse(text []byte) (*checkpoint, error) {
	content, err := durable.Open(text)
	if err != nil {
		return nil, fmt.Errorf("%w, or written by an earlier version", err)
	}
	var c checkpoint
	if err := strict(content, &c); err != nil {
		return nil, fmt.Errorf("it cannot be decoded: %w", err)
	}
	if c.Format != checkpointFormat {
		return nil, fmt.Errorf("it has format %d, this version reads %d", c.Format, checkpointFormat)
	}
	return &c, c.check()
}

// strict decodes JSON and rejects unknown fields and trailing data.
func strict(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return errors.New("data after the end of the JSON")
	}
	return nil
}

// check reports the first value that no run can have written.
func (c *checkpoint) check() error {
	const most = 1 << 30 // limit on samples and epochs, so that their product fits into an int
	batches := 0
	if c.Run.BatchSize > 0 {
		batches = (c.Run.Samples-1)/c.Run.BatchSize + 1
	}
	switch at := c.At; {
	case c.Run.Samples < 1 || c.Run.Samples > most || c.Run.BatchSize < 1 || c.Epochs < 1 || c.Epochs > most:
		return fmt.Errorf("%d samples in batches of %d for %d epochs", c.Run.Samples, c.Run.BatchSize, c.Epochs)
	case at.Epoch < 0 || at.Epoch > c.Epochs || at.Batch < 0 || at.Batch > batches ||
		at.Step != at.Epoch*batches+at.Batch:
		return fmt.Errorf("step %d cannot be batch %d of epoch %d with %d batches each",
			at.Step, at.Batch, at.Epoch, batches)
	case len(c.History.Epochs) != at.Epoch:
		return fmt.Errorf("a history of %d epochs after %d", len(c.History.Epochs), at.Epoch)
	case !inSeconds(c.Seconds):
		return fmt.Errorf("%v seconds spent in an epoch", c.Seconds)
	case !isWeights(c.Weights):
		return fmt.Errorf("weights in a file %q", c.Weights)
	}
	for _, name := range slices.Sorted(maps.Keys(c.History.Trace)) {
		if n := len(c.History.Trace[name]); n != c.At.Step || !slices.Contains(c.Run.Trace, name) {
			return fmt.Errorf("a trace of %q with %d values after %d steps", name, n, c.At.Step)
		}
	}
	return c.Sums.check(c.At.Batch > 0)
}

// inSeconds reports whether t is a valid number of seconds.
func inSeconds(t float64) bool { return t >= 0 && t < math.MaxInt64/float64(time.Second) }

// check reports the first invalid value in the sums of an epoch.
func (s *sums) check(begun bool) error {
	if len(s.Totals) != len(s.Names) || len(s.Weights) != len(s.Names) || !begun && len(s.Names) > 0 {
		return fmt.Errorf("%d sums and %d weights of %d metrics", len(s.Totals), len(s.Weights), len(s.Names))
	}
	for i, name := range s.Names {
		if w := s.Weights[i]; !(w > 0) || math.IsInf(w, 0) || slices.Index(s.Names, name) != i {
			return fmt.Errorf("a sum of %q over %v samples", name, w)
		}
	}
	return nil
}

// restore loads the state of a checkpoint. On error it changes nothing.
func (r *run) restore(c *checkpoint) error {
	if err := r.reaches(c); err != nil {
		return err
	}
	set, err := r.readWeights(c)
	if err != nil {
		return err
	}
	if len(c.Streams) != len(r.state.Streams) || len(c.Values) != len(r.state.Values) {
		return fmt.Errorf("it holds %d random streams and %d values, the learner has %d and %d",
			len(c.Streams), len(c.Values), len(r.state.Streams), len(r.state.Values))
	}
	for _, s := range r.state.Streams {
		place := c.Streams[s.Name]
		if err := new(tensor.RNG).UnmarshalBinary(place); err != nil {
			return fmt.Errorf("the random stream %s: %w", s.Name, err)
		}
		set = append(set, func() { s.RNG.UnmarshalBinary(place) })
	}
	for _, v := range r.state.Values {
		restore, err := v.parse(c.Values[v.Name])
		if err != nil {
			return fmt.Errorf("the value %s: %w", v.Name, err)
		}
		set = append(set, restore)
	}
	for _, restore := range set {
		restore()
	}
	r.restored()
	r.at, r.kept, r.sums, r.history = c.At, c.At, c.Sums, c.History
	r.began = time.Now().Add(-time.Duration(c.Seconds * float64(time.Second)))
	return nil
}

// reaches returns an error if this run would not have reached the checkpoint, because it ends earlier or chooses
// another best epoch.
func (r *run) reaches(c *checkpoint) error {
	h, at := &c.History, c.At
	if at.Epoch > r.Epochs || at.Epoch == r.Epochs && at.Batch > 0 {
		return fmt.Errorf("it was saved in step %d of %d epochs, and now Epochs is %d", at.Step, c.Epochs, r.Epochs)
	}
	best := 0
	for n := 1; r.Valid != nil && n <= at.Epoch; n++ {
		var without int
		best, without = judge(h.Epochs[:n], r.Monitor, best)
		r.stopped = r.Patience > 0 && without >= r.Patience
		if r.stopped && (n < at.Epoch || at.Batch > 0) {
			return fmt.Errorf("it was saved after %d epochs, and with a Patience of %d the run ends after %d",
				at.Epoch, r.Patience, n)
		}
	}
	if h.Best != best {
		return fmt.Errorf("it takes epoch %d for the best, by the metrics it is epoch %d", h.Best, best)
	}
	return nil
}

// readWeights reads the tensors of a checkpoint and returns functions that copy them into the run.
func (r *run) readWeights(c *checkpoint) (set []func(), err error) {
	path := filepath.Join(r.Dir, c.Weights)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if digest := sha256.Sum256(data); hex.EncodeToString(digest[:]) != c.Sum {
		return nil, fmt.Errorf("%s is not the file that %s was saved with", path, checkpointFile)
	}
	saved, _, err := tensor.ReadSafetensors(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	found := map[string]*tensor.Tensor{}
	for _, s := range saved {
		found[s.Name] = s.Tensor
	}
	want := r.tensors()
	for _, w := range want {
		t := found[w.Name]
		if t == nil || !tensor.SameShape(t, w.Tensor) {
			return nil, fmt.Errorf("%s lacks %s of shape %v", path, w.Name, w.Tensor.Shape())
		}
		set = append(set, func() { w.Tensor.CopyFrom(t) })
	}
	if len(found) != len(want) {
		return nil, fmt.Errorf("%s holds %d tensors, the run has %d", path, len(found), len(want))
	}
	return set, nil
}

func sum(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:]), nil
}
