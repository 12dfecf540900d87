// SPDX-License-Identifier: Apache-2.0

package similarity

import "github.com/lateral-ml/lateral/lib/experiment"

// A Grid is a set of networks.
type Grid = experiment.Grid[Setting]

// Grids are the networks behind Figure 10 of [NINAI17] and their ablations.
var Grids = experiment.Grids[Setting, Metrics]{
	Document: "NINAI17",
	Load:     Load,
	List:     grids,
	Train:    experiment.Measured(Train, func(r *Result, _ *experiment.Data) Metrics { return r.Metrics }),
	Cost: func(s Setting, _ *experiment.Data) float64 {
		return float64(s.Samples()) / float64(s.Channel)
	},
	Resume: true,
}

// Variant returns a setting with another network, normalisation or phase.
func (s Setting) variant(change func(s *Setting)) Setting {
	change(&s)
	return s
}

// grids returns the grids at the size of a profile.
func grids(profile string) []Grid {
	base := Document().Sized(profile)
	normalised := func(norm string) Setting { return base.variant(func(s *Setting) { s.Norm = norm }) }
	vgg := Document().variant(func(s *Setting) { s.Net, s.Norm = VGG, BN }).Sized(profile)
	return []Grid{
		{Name: "similarity", About: "one-shot similarity of shapes with a Siamese DRMM and a baseline: figure 10",
			Cells: []Setting{normalised(BN), normalised(DN), normalised(None), vgg},
			Seeds: experiment.Pick(profile, 1, 1, 3)},
		{Name: "similarity-phases", About: "the Siamese DRMM without recognition, and with hard negatives",
			Cells: []Setting{
				normalised(BN).variant(func(s *Setting) { s.Pretraining.Epochs = 0 }),
				normalised(BN).variant(func(s *Setting) { s.Pairing.Hard = true }),
			},
			Seeds: experiment.Pick(profile, 1, 1, 3)},
	}
}
