// SPDX-License-Identifier: Apache-2.0

package train

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
)

// A History holds the measurements of a run.
type History struct {
	Epochs []Epoch
	// Best is the index of the epoch with the smallest monitored metric. It is the last epoch if that metric never was a
	// number, and 0 without validation data.
	Best int

	// Trace holds the metrics that Config.Trace names, one value for each step begun.
	Trace map[string][]float64 `json:",omitempty"`
}

// An Epoch holds the means of the metrics reported during one epoch.
type Epoch struct {
	Train   map[string]float64 // over the training batches, measured while training
	Valid   map[string]float64 // over the validation data, after the epoch; nil without such data
	Seconds float64
}

// TrainSeries returns a metric of the training batches, one value per epoch.
func (h *History) TrainSeries(name string) []float64 {
	return h.series(func(e Epoch) float64 { return e.Train[name] })
}

// ValidSeries returns a metric of the validation data, one value per epoch.
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

// reserve makes room for traces of the given number of steps, so that a step allocates nothing.
func (h *History) reserve(names []string, steps int) {
	for _, name := range names {
		if h.Trace == nil {
			h.Trace = map[string][]float64{}
		}
		h.Trace[name] = slices.Grow(h.Trace[name], max(0, steps-len(h.Trace[name])))
	}
}

// checkTraces returns an error unless every trace has one value per step.
func (h *History) checkTraces(steps int, reported []string) error {
	for _, name := range slices.Sorted(maps.Keys(h.Trace)) {
		if n := len(h.Trace[name]); n != steps {
			return fmt.Errorf(
				"train: Trace names %q, which was reported %d times in %d steps: name one of %v that is reported once a step",
				name, n, steps, reported)
		}
	}
	return nil
}

// judge returns the best epoch, given the best one of all but the last, and the number of epochs since the metric last
// reached a new minimum. NaN and a metric that was not reported are not minima. Until there is a minimum, the last
// epoch is the best one, and epochs are counted from the first.
func judge(epochs []Epoch, metric string, before int) (best, without int) {
	last := len(epochs) - 1
	least := epochs[before].valid(metric)
	if last == 0 || math.IsNaN(least) || epochs[last].valid(metric) < least {
		before = last
	}
	if math.IsNaN(epochs[before].valid(metric)) {
		return before, last
	}
	return before, last - before
}

// valid returns a metric of the validation data, or NaN if it was not reported.
func (e *Epoch) valid(metric string) float64 {
	if v, ok := e.Valid[metric]; ok {
		return v
	}
	return math.NaN()
}

// In JSON, NaN and infinite metrics are strings.
type (
	historyJSON struct {
		Epochs []Epoch
		Best   int
		Trace  map[string]numbers `json:",omitempty"`
	}
	epochJSON struct {
		Train, Valid map[string]number
		Seconds      float64
	}
)

// MarshalJSON implements [json.Marshaler].
func (h History) MarshalJSON() ([]byte, error) {
	return json.Marshal(historyJSON{h.Epochs, h.Best, convert(h.Trace, func(x []float64) numbers { return x })})
}

// UnmarshalJSON implements [json.Unmarshaler]. It returns an error for an invalid history, such as one whose best epoch
// is not among its epochs.
func (h *History) UnmarshalJSON(text []byte) error {
	var j historyJSON
	if err := strict(text, &j); err != nil {
		return err
	}
	if j.Best < 0 || j.Best >= max(1, len(j.Epochs)) {
		return fmt.Errorf("train: the best of %d epochs has the index %d", len(j.Epochs), j.Best)
	}
	*h = History{j.Epochs, j.Best, convert(j.Trace, func(x numbers) []float64 { return x })}
	return nil
}

// MarshalJSON implements [json.Marshaler].
func (e Epoch) MarshalJSON() ([]byte, error) {
	as := func(x float64) number { return number(x) }
	return json.Marshal(epochJSON{convert(e.Train, as), convert(e.Valid, as), e.Seconds})
}

// UnmarshalJSON implements [json.Unmarshaler].
func (e *Epoch) UnmarshalJSON(text []byte) error {
	var j epochJSON
	if err := strict(text, &j); err != nil {
		return err
	}
	if !inSeconds(j.Seconds) {
		return fmt.Errorf("train: an epoch took %v seconds", j.Seconds)
	}
	as := func(x number) float64 { return float64(x) }
	*e = Epoch{convert(j.Train, as), convert(j.Valid, as), j.Seconds}
	return nil
}

// convert changes the type of a map's values; nil stays nil.
func convert[To, From any](m map[string]From, as func(From) To) map[string]To {
	if m == nil {
		return nil
	}
	to := make(map[string]To, len(m))
	for name, v := range m {
		to[name] = as(v)
	}
	return to
}
