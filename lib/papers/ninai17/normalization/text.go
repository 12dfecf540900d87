// SPDX-License-Identifier: Apache-2.0

package normalization

import (
	"math"

	"github.com/lateral-ml/lateral/lib/language"
	"github.com/lateral-ml/lateral/lib/optim"
)

// The training of table 11: batches of so many streams, segments of so many words, this many epochs, and gradients
// clipped to this norm.
const (
	TextStreams = 20
	TextSteps   = 20
	TextEpochs  = 13
	TextClip    = 5
)

// Words are the strengths for the language models. DN without a star has a smaller sigma than DN* in the authors'
// program.
func Words(v Variant, cell language.Cell) Strength {
	lstm := cell == language.LSTM
	switch v {
	case BN, LN, DN:
		return Strength{plain, 0}
	case BNs, LNs:
		return Strength{1, 0}
	case BNStar:
		if cell == language.Tanh {
			return Strength{1, 1e-4}
		}
		return Strength{1, 0.1}
	case LNStar:
		if lstm {
			return Strength{1, 1e-3}
		}
		return Strength{1, 1e-2}
	case DNStar:
		if lstm {
			return Strength{1, 1e-4}
		}
		return Strength{1, 1e-2}
	}
	return Strength{}
}

// Language returns the language model of a variant in table 11: two layers of 200 units, with windows of 30 units in
// the LSTM and 60 in the other cells. BN and LN normalise as their authors do, and the LSTM then stores the normalised
// cell state; all others normalise inside the activation functions. (The authors' program does so with the forms of LN
// and DN alone; its BN-s and BN* normalise where BN does.) It returns an error if the variant is unknown.
func Language(v Variant, cell language.Cell, s Strength, words int) (language.Config, error) {
	if err := v.Check(); err != nil {
		return language.Config{}, err
	}
	c := language.Config{Words: words, Units: 200, Layers: 2, Cell: cell, Streams: TextStreams}
	window := 60
	if cell == language.LSTM {
		window = 30
	}
	switch scheme := v.scheme(window, s.Sigma); v {
	case Baseline:
	case BN, LN:
		c.Norms, c.StoreNormalized = language.Original(scheme), true
	default:
		c.Norms = language.Inside(scheme, s.L1)
	}
	return c, nil
}

// TextSchedule returns the learning rate of table 11 for SGD: 1, or 0.1 for the simple units without normalisation and
// for rectified units with BN, for four epochs, then half of it with each epoch.
func TextSchedule(v Variant, cell language.Cell) optim.Schedule {
	rate := 1.0
	if v == Baseline && cell != language.LSTM || v == BN && cell == language.ReLU {
		rate = 0.1
	}
	return func(epoch float64) float64 { return rate * math.Pow(0.5, max(math.Floor(epoch)-3, 0)) }
}
