// SPDX-License-Identifier: Apache-2.0

package ninai17

import (
	"github.com/lateral-ml/lateral/lib/experiment"
)

// A Grid is a set of the document's models. Each seed draws other labelled images and other initial weights.
type Grid = experiment.Grid[Setting]

// Grids are the grids behind [NINAI17, Table 1]. Quick grids have a quarter of the channels and few steps. Standard
// grids have more steps and, in drmm-best, the document's shape. Paper grids have the document's shape and images: a
// model of drmm-best took 18 to 19 minutes on one core of Zen 4, so the table takes a working day on two.
var Grids = experiment.Grids[Setting, Metrics]{
	Document: "NINAI17",
	Load:     experiment.Load,
	Data:     []string{"mnist", "glyphs"},
	List:     grids,
	Train: experiment.Measured(Train, func(r *Result, _ *experiment.Data) Metrics {
		r.Metrics.Hours = 0 // results must depend on the setting alone
		return r.Metrics
	}),
	Cost:   func(s Setting, _ *experiment.Data) float64 { return float64(s.Samples()) },
	Resume: true,
}

// Variants returns the variants of [NINAI17, Table 1], ordered from the fewest terms to the most.
func Variants() []string { return []string{Sup, MPC, NNMPC, VI, NNVI} }

// grids returns the grids at the size of a profile.
func grids(profile string) []Grid {
	var table, term Setting // the base settings of table 1, and of the models without one term
	var best []Setting      // the best cell, then the same cell without the changes of Long
	few, many := 1, 1
	switch profile {
	case experiment.Quick:
		table = small(3000)
		long := table
		long.Weights.Consistency, long.Rendered, long.MarginalEnd = Long().Weights.Consistency, 10, 1.5
		best, term = []Setting{long, table}, table
	case experiment.Standard:
		table = small(10000)
		term = table
		long, short := Long(), Digits(100, NNVI)
		long.Epochs, long.RampFrom, long.RampTo, long.MarginalEnd, short.Epochs = 2, 0.35, 0.7, 1.4, 2
		best, many = []Setting{long, short}, 3
	case experiment.Paper:
		best = []Setting{Long(), Digits(100, NNVI)}
		table, term = best[0], best[0]
		few, many = 3, 3
	}
	return []Grid{
		{Name: "drmm", About: "every variant with 50, 100 and 1000 labels: table 1",
			Cells: variants(table, 50, 100, 1000), Seeds: few},
		{Name: "drmm-best", About: "nn-vi with 100 labels and all other images, with long and with ordinary training",
			Cells: best, Seeds: many},
		{Name: "drmm-terms", About: "nn-vi with 100 labels, without one term or with the other sign of KL",
			Cells: terms(term), Seeds: few},
	}
}

// variants returns a setting in every variant for each number of labels.
func variants(base Setting, labels ...int) (cells []Setting) {
	for _, n := range labels {
		for _, variant := range Variants() {
			cells = append(cells, base.with(n, variant))
		}
	}
	return cells
}

// with returns the setting for a number of labels and a variant, with the same images and steps.
func (s Setting) with(labels int, variant string) Setting {
	s.Labels, s.Variant = labels, variant
	s.Weights = s.Weights.For(variant)
	if variant == Sup { // without unlabelled images: their batch statistics alone would already help
		s.Steps = s.stepsOfEpoch()
		s.Unlabelled, s.Ratio, s.Rendered, s.MarginalEnd = 0, 0, 0, 0
	}
	return s
}

// terms returns a setting with all terms, and the settings that differ from it in a single respect.
func terms(all Setting) []Setting {
	list := []Setting{all}
	changes := []func(s *Setting){
		func(s *Setting) { s.Weights.KL = -s.Weights.KL },
		func(s *Setting) { s.Weights.Marginal = 0 },
		func(s *Setting) { s.Weights.KL = 0 },
		func(s *Setting) { s.Weights.Reconstruction = 0 },
		func(s *Setting) { s.Noise = 0 },
		func(s *Setting) { s.RampTo, s.RampFrom = 0, 0 },
	}
	if all.Weights.Consistency != 0 {
		changes = append(changes, func(s *Setting) { s.Weights.Consistency = 0 })
	}
	if all.MarginalEnd != 0 {
		changes = append(changes, func(s *Setting) { s.MarginalEnd = 0 })
	}
	for _, change := range changes {
		s := all
		change(&s)
		list = append(list, s)
	}
	return append(list, all.with(all.Labels, VI))
}

// small returns a setting whose shape has a quarter of the document's channels. It trains in seconds.
func small(unlabelled int) Setting {
	s := Digits(100, NNVI)
	s.Shape = "8x5x5 full pool, 16x3x3 valid, 16x3x3 full pool, 32x3x3 valid, 10x1x1 valid"
	s.Unlabelled, s.Epochs, s.RampFrom, s.RampTo = unlabelled, 2, 0.5, 1
	s.Batch, s.Ratio, s.Weights.Reconstruction, s.Noise, s.FinalRate, s.Average = 50, 1, 5, 0.3, 0.001, 0.98
	return s
}
