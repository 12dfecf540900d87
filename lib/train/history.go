// SPDX-License-Identifier: Apache-2.0

package train

import (
	"fmt"
	"maps"
	"slices"
)

// A History is what a run measured.
type History struct {
	Epochs []Epoch
	Best   int // index of the epoch with the smallest monitored metric; 0 without validation data

	// Trace holds the metrics that Config.Trace names, one value for each step that was begun.
	Trace map[string][]float64 `json:",omitempty"`
}

// An Epoch holds the means of what the loss function reported during one epoch.
type Epoch struct {
	Train   map[string]float64 // over the batches as they were trained on
	Valid   map[string]float64 // over the validation data after the epoch; nil without
	Seconds float64
}

// TrainSeries returns a metric of the training batches, one value for each epoch.
func (h *History) TrainSeries(name string) []float64 {
	return h.series(func(e Epoch) float64 { return e.Train[name] })
}

// ValidSeries returns a metric of the validation data, one value for each epoch.
func (h *History) ValidSeries(name string) []float64 {
	return h.series(func(e Epoch) float64 { return e.Valid[name] })
}

func (h *History) series(of func(Epoch) float64) []float64 {
	s := make([]float64, len(h.Epochs))
	for i, e := range h.Epochs {
		s[i] = of(e)
	}
	return s
}

// reserve makes room for the traces of steps in all, so that a step allocates nothing.
func (h *History) reserve(names []string, steps int) {
	for _, name := range names {
		if h.Trace == nil {
			h.Trace = map[string][]float64{}
		}
		h.Trace[name] = slices.Grow(h.Trace[name], max(0, steps-len(h.Trace[name])))
	}
}

// checkTraces returns an error unless every trace has one value for each of steps.
func (h *History) checkTraces(steps int, reported []string) error {
	for _, name := range slices.Sorted(maps.Keys(h.Trace)) {
		if n := len(h.Trace[name]); n != steps {
			return fmt.Errorf("train: Trace names %q, which the loss function reported %d times in %d steps: name one of %v that it reports once a step",
				name, n, steps, reported)
		}
	}
	return nil
}
