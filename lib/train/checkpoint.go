// SPDX-License-Identifier: Apache-2.0

package train

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"github.com/lateral-ml/lateral/lib/durable"
	"github.com/lateral-ml/lateral/lib/tensor"
)

const checkpointFile = "checkpoint.json"

// A checkpoint is everything but the tensors, which lie in the safetensors file that it names. It is written last
// and replaces the one before in one step: a run that is killed while saving goes on from the save before.
type checkpoint struct {
	Format  int
	Run     identity
	At      position
	Sums    sums    // of the unfinished epoch
	Seconds float64 // spent in the unfinished epoch
	History History
	Values  map[string]json.RawMessage
	Streams map[string][]byte // random streams, by the name of the field
	Weights string            // file name
	Sum     string            // SHA-256 of the file
}

// identity is what must agree between a checkpoint and the run that goes on from it.
type identity struct {
	Seed      uint64
	BatchSize int
	Samples   int
	Learner   string // its settings
	Monitor   string
	KeepBest  bool
	Params    []string // name and shape
	Key       string
	Trace     []string `json:",omitempty"`
}

func (r *run) identify() (identity, error) {
	key, err := json.Marshal(r.Key)
	if err != nil {
		return identity{}, fmt.Errorf("train: Key cannot be written as JSON: %w", err)
	}
	settings, err := json.Marshal(r.state.Settings)
	if err != nil {
		return identity{}, fmt.Errorf("train: the settings of the learner cannot be written as JSON: %w", err)
	}
	id := identity{
		Seed: r.Seed, BatchSize: r.BatchSize, Samples: r.Train.Len(), Learner: string(settings), Monitor: r.Monitor,
		KeepBest: r.KeepBest, Key: string(key), Trace: append([]string(nil), r.Trace...),
	}
	for _, m := range r.state.Model {
		id.Params = append(id.Params, fmt.Sprintf("%s %v", m.Name, m.Tensor.Shape()))
	}
	return id, nil
}

// tensors returns everything of a run that is a tensor, live.
func (r *run) tensors() (named []tensor.Named) {
	add := func(kind string, name string, t *tensor.Tensor) {
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

func (r *run) save() error {
	if r.Dir == "" {
		return nil
	}
	fail := func(err error) error {
		return fmt.Errorf("train: cannot save a checkpoint, the one before stays: %w", err)
	}
	if err := os.MkdirAll(r.Dir, 0o755); err != nil {
		return fail(err)
	}
	named := r.tensors()
	c := checkpoint{
		Format: 1, Run: r.id, At: r.at, Sums: r.sums, Seconds: time.Since(r.began).Seconds(), History: r.history,
		Streams: map[string][]byte{}, Values: map[string]json.RawMessage{}, Weights: fmt.Sprintf("weights-%d-%d.safetensors", r.at.Epoch, r.at.Step),
	}
	for _, s := range r.state.Streams {
		b, err := s.RNG.MarshalBinary()
		if err != nil {
			return fail(err)
		}
		c.Streams[s.Name] = b
	}
	for _, v := range r.state.Values {
		text, err := v.text()
		if err != nil {
			return fail(err)
		}
		c.Values[v.Name] = text
	}
	weights := filepath.Join(r.Dir, c.Weights)
	if err := tensor.SaveSafetensors(weights, named, nil); err != nil {
		return fail(err)
	}
	var err error
	if c.Sum, err = sum(weights); err != nil {
		return fail(err)
	}
	text, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		return fail(err)
	}
	if err := durable.WriteFile(filepath.Join(r.Dir, checkpointFile), text); err != nil {
		return fail(err)
	}
	old, _ := filepath.Glob(filepath.Join(r.Dir, "weights-*.safetensors"))
	for _, f := range old {
		if f != weights {
			os.Remove(f) // a leftover costs disk space, nothing else
		}
	}
	r.saved = time.Now()
	return nil
}

// load goes on from the checkpoint in Dir, if there is one.
func (r *run) load() error {
	path := filepath.Join(r.Dir, checkpointFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("train: cannot read the checkpoint: %w", err)
	}
	var c checkpoint
	if err := json.Unmarshal(text, &c); err != nil {
		return fmt.Errorf("train: %s is damaged (%w): remove the folder to start anew", path, err)
	}
	if c.Format != 1 {
		return fmt.Errorf("train: %s has format %d, this version reads 1: remove the folder to start anew", path, c.Format)
	}
	if !reflect.DeepEqual(c.Run, r.id) {
		return fmt.Errorf("train: the checkpoint in %s belongs to another run: %s; choose another folder, or remove this one to start anew", r.Dir, difference(c.Run, r.id))
	}
	weights := filepath.Join(r.Dir, filepath.Base(c.Weights))
	if got, err := sum(weights); err != nil || got != c.Sum {
		return fmt.Errorf("train: %s is not the file that %s was saved with (%v): remove the folder to start anew", weights, checkpointFile, err)
	}
	return r.restore(&c, weights)
}

func (r *run) restore(c *checkpoint, weights string) error {
	named := r.tensors()
	saved, _, err := tensor.LoadSafetensors(weights)
	if err != nil {
		return err
	}
	found := map[string]*tensor.Tensor{}
	for _, s := range saved {
		found[s.Name] = s.Tensor
	}
	for _, n := range named {
		t := found[n.Name]
		if t == nil || !tensor.SameShape(t, n.Tensor) {
			return fmt.Errorf("train: %s lacks %s of shape %v: remove the folder to start anew", weights, n.Name, n.Tensor.Shape())
		}
	}
	for _, n := range named {
		n.Tensor.CopyFrom(found[n.Name])
	}
	for _, s := range r.state.Streams {
		if err := s.RNG.UnmarshalBinary(c.Streams[s.Name]); err != nil {
			return fmt.Errorf("train: the checkpoint holds no random stream %q: remove the folder to start anew", s.Name)
		}
	}
	for _, v := range r.state.Values {
		if err := v.restore(c.Values[v.Name]); err != nil {
			return fmt.Errorf("train: the checkpoint in %s: %s: %w; remove the folder to start anew", r.Dir, v.Name, err)
		}
	}
	r.restored()
	r.at, r.sums, r.history = c.At, c.Sums, c.History
	r.began = time.Now().Add(-time.Duration(c.Seconds * float64(time.Second)))
	return nil
}

// difference names the first field in which two runs differ.
func difference(saved, now identity) string {
	a, b := reflect.ValueOf(saved), reflect.ValueOf(now)
	for i := range a.NumField() {
		if x, y := a.Field(i).Interface(), b.Field(i).Interface(); !reflect.DeepEqual(x, y) {
			return fmt.Sprintf("%s was %v and is now %v", a.Type().Field(i).Name, x, y)
		}
	}
	return "no field differs"
}

func sum(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:]), nil
}
