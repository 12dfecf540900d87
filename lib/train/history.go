// SPDX-License-Identifier: Apache-2.0

package train

// A History is what a run measured.
type History struct {
	Epochs []Epoch
	Best   int // index of the epoch with the smallest monitored metric; 0 without validation data
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
