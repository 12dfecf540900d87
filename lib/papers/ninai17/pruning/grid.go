// SPDX-License-Identifier: Apache-2.0

package pruning

import (
	"slices"

	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/prune"
)

// A Grid is a set of pruned networks.
type Grid = experiment.Grid[Setting]

// Grids are the grids behind the tables and the figure on pruning in [NINAI17]. Smaller profiles train for fewer epochs
// and have fewer stages; quick grids have a DRMM with a quarter of its channels, standard grids one with half of them,
// trained for a third of the epochs. Each standard grid takes about ten minutes, paper grids take a day.
var Grids = experiment.Grids[Setting, Metrics]{
	Document: "NINAI17",
	Load:     experiment.Load,
	Data:     []string{"mnist", "glyphs"},
	List:     grids,
	Train:    experiment.Measured(Train, func(r *Result, _ *experiment.Data) Metrics { return r.Metrics }),
	Cost: func(s Setting, _ *experiment.Data) float64 {
		cost := float64(s.Samples())
		if s.Net == FiveLevel { // a step is about ten times as expensive
			cost *= 10 / float64(s.Base.Channel*s.Base.Channel)
		}
		return cost
	},
	Resume: true,
}

// Sized returns a setting at the size of a profile.
func Sized(s Setting, profile string) Setting {
	stages := slices.Clone(s.Stages)
	if len(stages) > 4 && profile != experiment.Paper { // a curve of fewer points
		stages = nil
		for i, stage := range s.Stages {
			if i > 0 && (i%2 == 0 || profile == experiment.Standard) {
				stages = append(stages, stage)
			}
		}
	}
	for i := range stages {
		stage := &stages[i]
		if s.Net == LeNet5 {
			stage.Epochs = experiment.Pick(profile, 1, (stage.Epochs+2)/3, stage.Epochs)
		} else {
			stage.Epochs = experiment.Pick(profile, 1, 3*stage.Epochs/4, stage.Epochs)
		}
		if profile != experiment.Paper {
			stage.Spread = min(stage.Spread, (stage.Epochs+1)/2)
		}
	}
	s.Stages = stages
	if s.Net == LeNet5 {
		s.Base.Epochs = experiment.Pick(profile, 2, 4, s.Base.Epochs)
		return s
	}
	s.Base.Channel = experiment.Pick(profile, 4, 2, 1)
	s.Base.Epochs = experiment.Pick(profile, 3, 4, s.Base.Epochs)
	s.Base.Images = experiment.Pick(profile, 10000, 0, 0)
	return s
}

// grids returns the grids at the size of a profile.
func grids(profile string) []Grid {
	sized := func(list ...Setting) (cells []Setting) {
		for _, s := range list {
			cells = append(cells, Sized(s, profile))
		}
		return cells
	}
	curves := []Setting{Curve(prune.Use, 6), Curve(prune.Magnitude, 6), Curve(prune.Random, 6)}
	if profile != experiment.Quick {
		regrown := Curve(prune.Magnitude, 6)
		regrown.Regrow = 0.2
		curves = append(curves, UnitsCurve(prune.Use, 6), regrown)
	}
	if profile == experiment.Paper {
		curves = append(curves, UnitsCurve(prune.Random, 6), Curve(prune.RelativeUse, 6))
	}
	return []Grid{
		{Name: "prune-lenet", About: "LeNet-5 with a twelfth of its weights, or fewer units: tables 4 and 16 to 18",
			Cells: sized(LeNet(prune.Use), LeNet(prune.Magnitude), LeNetUnits(prune.Use)),
			Seeds: experiment.Pick(profile, 1, 3, 3)},
		{Name: "prune-curve", About: "LeNet-5 with fewer and fewer weights or units: figure 7, top",
			Cells: sized(curves...), Seeds: experiment.Pick(profile, 1, 1, 3)},
		{Name: "prune-drmm", About: "the five-level DRMM with 100 labels and fewer weights or units: tables 5 and 19 to 21",
			Cells: sized(DRMM(prune.Magnitude), DRMM(prune.Use), DRMMUnitsOff(prune.Use)),
			Seeds: experiment.Pick(profile, 1, 1, 3)},
		{Name: "prune-drmm-other", About: "the same with weights removed at once by magnitude, over three epochs by use",
			Cells: sized(others()...), Seeds: experiment.Pick(profile, 1, 1, 2)},
		{Name: "prune-drmm-curve", About: "the DRMM with fewer and fewer weights or units: figure 7, bottom",
			Cells: sized(DRMMCurve(prune.Use), DRMMCurve(prune.Magnitude), DRMMUnitsCurve(prune.Use)),
			Seeds: experiment.Pick(profile, 1, 1, 3)},
	}
}

// others returns the settings of the DRMM with the schedule that [DRMM] does not take.
func others() []Setting {
	atOnce, spread := DRMM(prune.Magnitude), DRMM(prune.Use)
	atOnce.Stages[0].Spread, spread.Stages[0].Spread = 0, 3
	return []Setting{atOnce, spread}
}
