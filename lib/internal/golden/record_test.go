// SPDX-License-Identifier: Apache-2.0

package golden

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/train"
)

// A record holds the results of one subject by name: numbers in decimal with full precision, or a SHA-256 of many
// numbers.
type record struct {
	t      *testing.T
	values map[string]string
}

func (r *record) set(name, value string) {
	r.t.Helper()
	if _, there := r.values[name]; there {
		r.t.Fatalf("%s is recorded twice", name)
	}
	r.values[name] = value
}

// numbers records each number with full precision.
func (r *record) numbers(name string, x ...float64) {
	r.t.Helper()
	if len(x) == 0 {
		r.t.Fatalf("%s: no numbers", name)
	}
	text := make([]string, len(x))
	for i, v := range x {
		text[i] = strconv.FormatFloat(v, 'g', -1, 64)
	}
	r.set(name, strings.Join(text, " "))
}

// integers records each integer.
func (r *record) integers(name string, x ...int) {
	r.t.Helper()
	text := make([]string, len(x))
	for i, v := range x {
		text[i] = strconv.Itoa(v)
	}
	r.set(name, strings.Join(text, " "))
}

// bits records the SHA-256 of the bits of many fixed-size numbers, in their order.
func bits[T ~[]E, E float32 | float64 | int32 | int64 | uint64](r *record, name string, x T) {
	r.t.Helper()
	r.set(name, digest(r.t, x))
}

// indices records the SHA-256 of many integers.
func (r *record) indices(name string, x []int) {
	r.t.Helper()
	wide := make([]int64, len(x))
	for i, v := range x {
		wide[i] = int64(v)
	}
	bits(r, name, wide)
}

// digest returns the first half of the SHA-256 of the bits of numbers.
func digest(t *testing.T, x any) string {
	t.Helper()
	text, err := binary.Append(nil, binary.LittleEndian, x)
	if err != nil || len(text) == 0 {
		t.Fatalf("no bits to record: %v", err)
	}
	return sum(text)
}

func sum(text []byte) string { return fmt.Sprintf("%x", sha256.Sum256(text))[:32] }

// weights records the SHA-256 of everything in a model that training changes: its parameters and running statistics. It
// depends neither on their names nor on their order, which follows the names of the fields: it is the SHA-256 of the
// sorted sums of all tensors.
func (r *record) weights(name string, model any) {
	r.t.Helper()
	var sums []string
	state := nn.StateOf(model)
	for _, p := range state.Params {
		sums = append(sums, digest(r.t, p.Data()))
	}
	for _, b := range state.Buffers {
		sums = append(sums, digest(r.t, b.Tensor.Data()))
	}
	slices.Sort(sums)
	r.set(name, sum([]byte(strings.Join(sums, " "))))
}

// renamed maps names of metrics in the golden file to their current names in the library.
var renamed = map[string]string{
	"reconstruct": "reconstruction", "negativity": "nonnegativity", "agreement": "consistency",
}

// history records metrics of a run for each epoch, on the training batches and on the validation data.
func (r *record) history(name string, h *train.History, trained, validated []string) {
	r.t.Helper()
	r.integers(name+": epochs, best", len(h.Epochs), h.Best)
	series := func(kind, metric string, of func(e train.Epoch) map[string]float64) {
		library, there := renamed[metric]
		if !there {
			library = metric
		}
		var values []float64
		for _, e := range h.Epochs {
			v, there := of(e)[library]
			if !there {
				r.t.Fatalf("%s: the history of %s data has no %q: if it is renamed, say so in renamed", name, kind, library)
			}
			values = append(values, v)
		}
		r.numbers(name+": "+kind+" "+metric, values...)
	}
	for _, metric := range trained {
		series("training", metric, func(e train.Epoch) map[string]float64 { return e.Train })
	}
	for _, metric := range validated {
		series("validation", metric, func(e train.Epoch) map[string]float64 { return e.Valid })
	}
}

// interrupted calls run twice: first with a context that is cancelled after a number of gradient descent steps, then
// with a fresh one to resume.
func interrupted(t *testing.T, steps int, run func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	watched := train.Watched(ctx, func(*train.Event) {
		if steps--; steps == 0 {
			cancel()
		}
	})
	if err := run(watched); !errors.Is(err, context.Canceled) {
		t.Fatalf("the run that was to be interrupted ended with the error %v", err)
	}
	if err := run(t.Context()); err != nil {
		t.Fatal(err)
	}
}
