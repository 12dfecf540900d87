// SPDX-License-Identifier: Apache-2.0

package clustering

import (
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/papers/ninai17/normalization"
)

// A Grid is a set of regularised networks.
type Grid = experiment.Grid[Setting]

// Grids is the grid of table 14.
var Grids = experiment.Grids[Setting, Metrics]{
	Document: "NINAI17",
	Load:     normalization.LoadImages,
	Data:     []string{"cifar10", "glyphs"},
	List:     grids,
	Train:    experiment.Measured(Train, func(r *Result, _ *experiment.Data) Metrics { return r.Metrics }),
	Cost: func(s Setting, _ *experiment.Data) float64 {
		if s.Regulariser.clusters() {
			return 1.15 * float64(s.Samples())
		}
		return float64(s.Samples())
	},
	Resume: true,
}

func grids(profile string) []Grid {
	g := Grid{Name: "clusters", About: "the quick network of Caffe with clusters of activities: table 14",
		Seeds: experiment.Pick(profile, 1, 1, 4)}
	some := []Regulariser{Decay, Sample}
	for _, r := range experiment.Pick(profile, some, some, Regularisers) {
		g.Cells = append(g.Cells, Sized(Document(r), profile))
	}
	return []Grid{g}
}

// Sized returns a setting at the size of a profile. The quick one uses few images, so that networks begin to overfit
// after fewer steps, and starts from larger weights: with those of the document, the network is still at chance after
// 500 steps.
func Sized(s Setting, profile string) Setting {
	s.Epochs = experiment.Pick(profile, 4, 30, s.Epochs)
	if profile == experiment.Quick {
		s.Part, s.Std = 1000, 0.05
		s.Centres = min(s.Centres, 20)
	}
	return s
}
