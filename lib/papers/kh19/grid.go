// SPDX-License-Identifier: Apache-2.0

package kh19

import (
	"github.com/lateral-ml/lateral/lib/experiment"
)

// A Grid is a set of the document's networks.
type Grid = experiment.Grid[Setting]

// Grids are the grids behind the figures of [KH19], and grids for the choices that the document leaves open. Smaller
// profiles use fewer units, and fewer epochs at a larger rate.
var Grids = experiment.Grids[Setting, Metrics]{
	Document: "KH19",
	Load:     experiment.Load,
	Data:     []string{"mnist", "glyphs"},
	List:     grids,
	Train:    experiment.Measured(Train, func(r *Result, _ *experiment.Data) Metrics { return r.Metrics }),
	Cost: func(s Setting, d *experiment.Data) float64 {
		pixels, classes := float64(d.Train.X.Width()), float64(len(d.Train.Classes))
		labels, features := float64(s.Passes(s.Epochs)), float64(s.Passes(s.Features.Epochs))
		if s.EndToEnd {
			return 3 * labels * float64(s.Units) * (pixels + classes)
		}
		return float64(s.Units) * (features*pixels + 3*labels*classes)
	},
	Resume: true,
}

// Sized returns a setting scaled to the size of a profile.
func Sized(s Setting, profile string) Setting {
	s.Units = experiment.Pick(profile, 100, 500, s.Units)
	if s.EndToEnd {
		s.Epochs = experiment.Pick(profile, 5, 15, s.Epochs)
		return s
	}
	s.Features.Epochs = experiment.Pick(profile, 12, 20, s.Features.Epochs)
	s.Features.Rate *= experiment.Pick(profile, 2, 1.5, 1)
	s.Epochs = experiment.Pick(profile, 10, 30, s.Epochs)
	return s
}

// grids returns the grids at the size of a profile.
func grids(profile string) []Grid {
	digits, photographs := Sized(Digits(), profile), Sized(Photographs(), profile)
	photographs.Epochs = experiment.Pick(profile, 2, 15, photographs.Epochs)
	ends := Sized(Reference(Photographs()), profile)
	ends.Epochs = experiment.Pick(profile, 1, 4, ends.Epochs)
	var rules []Setting
	for _, v := range Variants(digits) {
		rules = append(rules, v.Setting)
	}
	return []Grid{
		{Name: "kh19", About: "competing units as in the document and in the article, and end to end: figure 3",
			Cells: []Setting{digits, Sized(Article(), profile), Sized(Reference(Digits()), profile)},
			Seeds: experiment.Pick(profile, 1, 1, 3)},
		{Name: "kh19-rules", About: "other learning rules than the document's", Cells: rules, Seeds: 1},
		{Name: "kh19-photos", About: "competing units and end to end on photographs: figure 5",
			Cells: []Setting{photographs, ends}, Seeds: 1, Data: "cifar10"},
	}
}
