// SPDX-License-Identifier: Apache-2.0

package prune

import (
	"fmt"
	"math"
)

// An Event is one pruning: a cut of one layer, or of all, at the start of an epoch.
type Event struct {
	Epoch int `json:"epoch"` // epochs completed before
	Layer int `json:"layer"` // index of the layer; All for all layers
	Cut
}

// All stands for all layers in an [Event].
const All = -1

// A Schedule says when to prune, and how much. Its order does not matter.
type Schedule []Event

// cuts returns the events of cuts at an epoch: one cut for all layers, or one for each.
func cuts(epoch int, keep []float64) (s Schedule) {
	for i, k := range keep {
		layer := i
		if len(keep) == 1 {
			layer = All
		}
		s = append(s, Event{epoch, layer, Cut{Keep: k}})
	}
	return s
}

// Once prunes at the start of one epoch. keep is the share of the elements that remain, in all layers or in each.
func Once(epoch int, keep ...float64) Schedule { return cuts(epoch, keep) }

// Gradual prunes at the start of each epoch from from to to, inclusive, more at first and less later: the share that
// remains falls from 1 along a cubic [ZG17],
//
//	keep(t) = keep + (1 - keep)·(1 - t)³,   t = 1/n, 2/n, ..., 1 in n = to - from + 1 prunings
//
// keep is the share that remains at the end, in all layers or in each.
func Gradual(from, to int, keep ...float64) (s Schedule) {
	n := to - from + 1
	for i := range max(0, n) {
		left := math.Pow(1-float64(i+1)/float64(n), 3)
		at := make([]float64, len(keep))
		for j, k := range keep {
			at[j] = k + (1-k)*left
		}
		s = append(s, cuts(from+i, at)...)
	}
	return s
}

// NeocortexRates returns the shares of the remaining synapses that the rat's neocortex loses in four successive spans
// of four days, postnatal days 19 to 35 [NINAI17, Table 6].
func NeocortexRates() []float64 { return []float64{0.27, 0.15, 0.039, 0.006} }

// Neocortex prunes each layer four times by [NeocortexRates], which leave 59 %. periods are the epochs between two
// prunings of each layer, or of all layers; the first pruning follows the first period. In [NINAI17, Table 8] they are
// 5 epochs for the first layer, 4 for layers 2 and 3, 3 for layers 4 to 6, and 2 for layers 7 to 9.
func Neocortex(periods ...int) (s Schedule) {
	for i, period := range periods {
		layer := i
		if len(periods) == 1 {
			layer = All
		}
		for k, rate := range NeocortexRates() {
			s = append(s, Event{(k + 1) * period, layer, Cut{Remove: rate}})
		}
	}
	return s
}

// At returns the cut of a layer at the start of an epoch, and whether there is one.
func (s Schedule) At(epoch, layer int) (Cut, bool) {
	for _, e := range s {
		if e.Epoch == epoch && (e.Layer == layer || e.Layer == All) {
			return e.Cut, true
		}
	}
	return Cut{}, false
}

// Last returns the epoch of the last pruning, -1 for an empty schedule.
func (s Schedule) Last() int {
	last := -1
	for _, e := range s {
		last = max(last, e.Epoch)
	}
	return last
}

// Remaining returns the share of a layer that the schedule leaves after the prunings at the start of an epoch and
// before. A cut by score, whose share is not known beforehand, counts as none.
func (s Schedule) Remaining(epoch, layer int) float64 {
	share := 1.0
	for at := range epoch + 1 {
		switch c, _ := s.At(at, layer); {
		case c.Keep > 0:
			share = c.Keep
		case c.Remove > 0:
			share *= 1 - c.Remove
		}
	}
	return share
}

// Check returns an error unless the schedule suits the given number of layers and epochs: all cuts are valid and within
// the run, no layer is cut twice at once, and no cut would add elements. epochs may be 0 if it is not known.
func (s Schedule) Check(layers, epochs int) error {
	seen := map[[2]int]bool{}
	for _, e := range s {
		what := fmt.Sprintf("the pruning of layer %d at epoch %d", e.Layer, e.Epoch)
		if e.Layer == All {
			what = fmt.Sprintf("the pruning of all layers at epoch %d", e.Epoch)
		}
		if err := e.Check(); err != nil {
			return fmt.Errorf("%w, in %s", err, what)
		}
		switch {
		case e.Layer < All || e.Layer >= layers:
			return fmt.Errorf("prune: %s: there are %d layers", what, layers)
		case e.Epoch < 0 || epochs > 0 && e.Epoch >= epochs:
			return fmt.Errorf("prune: %s: the run has the epochs 0 to %d", what, epochs-1)
		}
		for layer := range layers {
			if e.Layer != All && e.Layer != layer {
				continue
			}
			if at := [2]int{e.Epoch, layer}; seen[at] {
				return fmt.Errorf("prune: %s: layer %d is pruned twice at once", what, layer)
			} else {
				seen[at] = true
			}
			if before := s.Remaining(e.Epoch-1, layer); e.Keep > before {
				return fmt.Errorf("prune: %s keeps %.4g %%, more than the %.4g %% that remain: pruning does not add",
					what, 100*e.Keep, 100*before)
			}
		}
	}
	return nil
}
