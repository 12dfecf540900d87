// SPDX-License-Identifier: Apache-2.0

package train

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"reflect"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// identity holds what must agree between a checkpoint and the run that resumes from it, so that the run ends as if it
// had never stopped: as far as can be determined, everything that the result depends on.
type identity struct {
	Seed      uint64
	BatchSize int
	Samples   int
	Params    []string // name and shape
	Key       string   // as JSON
	Schedule  string   // of the learning rate
	Learner   string   // its settings as JSON
	Monitor   string
	KeepBest  bool
	Trace     []string
	Data      string // fingerprint of the training data
	Valid     string // of the validation data
	Kernels   string // kernels with identical rounding have the same name
}

// identify returns the identity of the run except for the data; see identifyData.
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
		Seed: r.Seed, BatchSize: r.BatchSize, Samples: r.Train.Len(), Key: string(key), Learner: string(settings),
		Monitor: r.Monitor, KeepBest: r.KeepBest, Trace: append([]string(nil), r.Trace...), Kernels: kernels(),
	}
	for _, m := range r.state.Model {
		id.Params = append(id.Params, fmt.Sprintf("%s %v", m.Name, m.Tensor.Shape()))
	}
	return id, nil
}

// kernels names the arithmetic: AVX2 and AVX-512 give the same bits, the portable kernels different ones. So do NEON's,
// but on arm64 the compiler rounds the Go code around them otherwise. Matrix products of another precision than float32
// have the same bits everywhere.
func kernels() string {
	name := simd.Name()
	if name == "avx2" || name == "avx512" {
		name = "AVX2 or AVX-512"
	}
	if precision := simd.Matmul(); precision != simd.Float32 {
		name += " with products in " + string(precision)
	}
	return name
}

// identifyData adds the fingerprints of the data, which take time.
func (r *run) identifyData() (err error) {
	if r.id.Data, err = r.fingerprint(r.Train); err == nil && r.Valid != nil {
		r.id.Valid, err = r.fingerprint(r.Valid)
	}
	return err
}

// fingerprint identifies data. It leaves the learner's random streams, from which data may draw, unchanged.
func (r *run) fingerprint(d Data) (string, error) {
	places := make([][]byte, len(r.state.Streams))
	for i, s := range r.state.Streams {
		var err error
		if places[i], err = s.RNG.MarshalBinary(); err != nil {
			return "", fmt.Errorf("train: the random stream %s: %w", s.Name, err)
		}
	}
	id := dataset.Fingerprint(d)
	for i, s := range r.state.Streams {
		if err := s.RNG.UnmarshalBinary(places[i]); err != nil {
			return "", fmt.Errorf("train: the random stream %s: %w", s.Name, err)
		}
	}
	return id, faultOf(d)
}

// probes is the largest number of steps at which a schedule is sampled. Most runs have fewer.
const probes = 1 << 16

// schedule identifies the learning rates of a run of the given length: the first, the last, and a check sum of all that
// are sampled.
func (r *run) schedule(epochs int) string {
	if r.state.Schedule == nil {
		return "none"
	}
	h, batches := sha256.New(), r.loader.batches()
	steps := float64(epochs) * float64(batches)
	rate := func(step float64) float64 {
		epoch := math.Floor(step / float64(batches))
		return r.state.Schedule(epoch + (step-epoch*float64(batches))/float64(batches))
	}
	var word [8]byte
	for i, n := 0.0, min(steps, probes); i < n; i++ {
		binary.LittleEndian.PutUint64(word[:], math.Float64bits(rate(math.Floor(i*steps/n))))
		h.Write(word[:])
	}
	return fmt.Sprintf("%.4g to %.4g, %.8x", rate(0), rate(steps-1), h.Sum(nil))
}

// A MismatchError reports that a folder holds the checkpoint of another run.
type MismatchError struct {
	Dir        string
	What       string // the first difference, such as "Seed"
	Saved, Now any
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("train: the checkpoint in %s belongs to another run: %s was %v and is now %v; "+
		"choose another folder, or remove this one to start anew", e.Dir, e.What, e.Saved, e.Now)
}

// difference returns the first difference between two runs as an error, or nil.
func difference(dir string, saved, now identity) error {
	a, b := reflect.ValueOf(saved), reflect.ValueOf(now)
	for i := range a.NumField() {
		if x, y := a.Field(i).Interface(), b.Field(i).Interface(); !reflect.DeepEqual(x, y) {
			return &MismatchError{dir, a.Type().Field(i).Name, x, y}
		}
	}
	return nil
}
