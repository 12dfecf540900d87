// SPDX-License-Identifier: Apache-2.0

package similarity

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/metrics"
	"github.com/lateral-ml/lateral/lib/siamese"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Accuracies are shares of the trials with the right choice, by condition. Chance is 1 in [Choices].
type Accuracies map[siamese.Condition]float64

// StickFigures is the condition of trials with stick figures: the target is the same figure, distractors are others.
const StickFigures siamese.Condition = "stick figures"

// Conditions returns the conditions of the benchmark in the order of [NINAI17, Figure 10].
func Conditions() []siamese.Condition { return append(siamese.Conditions(), StickFigures) }

// Choices is the number of choices of a trial.
const Choices = 5

// A PhaseMetrics is what a network can do after a phase.
type PhaseMetrics struct {
	Phase string     `json:"phase,omitempty"`
	Loss  float64    `json:"loss,omitempty"`  // in the last epoch of the phase
	Error float64    `json:"error,omitempty"` // of superclasses or of pairs, in the last epoch
	Valid Accuracies `json:"valid"`           // by the cosine of features, on validation solids
	Test  Accuracies `json:"test"`            // the same on test solids and stick figures
	Head  Accuracies `json:"head,omitempty"`  // by the head instead of the cosine, on the same
	// Kinds is the share of the pictures of test solids whose superclass is not recognised, after recognition.
	Kinds float64 `json:"kinds,omitempty"`
	Kept  float64 `json:"kept,omitempty"` // share of the DRMM's weights that remain, with pruning
}

// Metrics are the results of a setting. No epoch is chosen by a result.
type Metrics struct {
	Untrained PhaseMetrics   `json:"untrained"`
	Phases    []PhaseMetrics `json:"phases"`
	OneShot   float64        `json:"oneShot,omitempty"` // accuracy in Omniglot's runs; only after training on Omniglot
}

// Test returns the accuracies after the last phase.
func (m *Metrics) Test() Accuracies { return m.Phases[len(m.Phases)-1].Test }

// Measure returns the accuracies of a network. It reports no loss.
func Measure(n *Net, s Setting, d *experiment.Data, workers int) (m PhaseMetrics, err error) {
	embed := func(set *dataset.Set) *tensor.Tensor { return n.Embed(set.X, workers) }
	if m.Valid, err = Ask(d.Valid, s.Trials, s.Seed, embed, siamese.Cosine); err != nil {
		return m, err
	}
	if m.Test, err = Ask(d.Test, s.Trials, s.Seed, embed, siamese.Cosine); err != nil {
		return m, err
	}
	m.Head, err = Ask(d.Test, s.Trials, s.Seed, embed, n.Same)
	return m, err
}

// kinds returns the share of the pictures of a set's solids whose superclass a network does not recognise; 0 if the
// set has a superclass that is not among the names of those it learnt.
func kinds(n *Net, set *dataset.Set, names []string, workers int) float64 {
	solids, err := bySuperclass(set, names)
	if err != nil {
		return 0
	}
	var v View
	tape, wrong := autograd.NewTape(workers), 0.0
	for i := 0; i < solids.Len(); i += lookBatch {
		end := min(i+lookBatch, solids.Len())
		tape.Reset()
		n.Look(&v, tape.Input(solids.X.Slice(i, end)))
		wrong += float64(end-i) * metrics.ErrorRate(v.Logits.Value(), solids.Y[i:end], nil)
	}
	return wrong / float64(solids.Len())
}

// Ask draws the given number of trials in each condition from a set and returns the accuracy of a similarity of
// features, such as siamese.Cosine. embed returns the features of a set's images. The trials depend on the set and the
// seed alone. Conditions for which the set has no solids or no stick figures are left out.
func Ask(
	set *dataset.Set, trials int, seed uint64, embed func(*dataset.Set) *tensor.Tensor,
	similarity func(features *tensor.Tensor) func(i, j int) float64,
) (Accuracies, error) {
	result := Accuracies{}
	solids, sticks := Solids(set), Sticks(set)
	for i, part := range []*dataset.Set{solids, sticks} {
		if part.Len() == 0 {
			continue
		}
		alike := similarity(embed(part))
		for _, c := range Conditions() {
			if (c == StickFigures) != (i == 1) {
				continue
			}
			list, err := Trials(c, part, trials, seed)
			if err != nil {
				return nil, err
			}
			result[c] = siamese.Accuracy(list, alike)
		}
	}
	return result, nil
}

// Trials draws trials in a condition from a set of solids, or from one of stick figures for [StickFigures].
func Trials(c siamese.Condition, set *dataset.Set, n int, seed uint64) ([]siamese.Trial, error) {
	super, _ := Super(set.Classes)
	rng := tensor.Stream(seed, "similarity/trials/"+string(c))
	kind := c
	if c == StickFigures {
		kind = siamese.DifferentClass
	}
	trials, err := siamese.Trials(kind, set.Y, super, n, Choices, rng)
	if err != nil {
		return nil, fmt.Errorf("similarity: %w", err)
	}
	return trials, nil
}

// Pixels returns the images of a set as features: the similarity that any network should beat.
func Pixels(set *dataset.Set) *tensor.Tensor { return set.Flat() }
