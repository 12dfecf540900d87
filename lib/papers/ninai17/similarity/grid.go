// SPDX-License-Identifier: Apache-2.0

package similarity

import (
	"context"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Grid is a set of networks.
type Grid = experiment.Grid[Setting]

// Grids are the networks behind Figure 10 of [NINAI17] and their ablations.
var Grids = experiment.Grids[Setting, Metrics]{
	Document: "NINAI17",
	Load:     Load,
	Data:     []string{"objects-large"},
	List:     grids,
	Train: func(ctx context.Context, s Setting, d *experiment.Data, o experiment.Options) (Metrics, error) {
		r, err := Train(ctx, s, d, o)
		if err != nil || s.Data != Omniglot {
			return metricsOf(r), err
		}
		runs, err := dataset.OmniglotRuns("")
		if err != nil {
			return r.Metrics, err
		}
		r.Metrics.OneShot = OneShot(func(x *tensor.Tensor) *tensor.Tensor { return r.Net.Embed(x, o.Workers) }, runs)
		return r.Metrics, nil
	},
	Cost: func(s Setting, _ *experiment.Data) float64 {
		return float64(s.Samples()) / float64(s.Channel)
	},
	Resume: true,
}

// metricsOf returns the metrics of a result that may be missing.
func metricsOf(r *Result) Metrics {
	if r == nil {
		return Metrics{}
	}
	return r.Metrics
}

// variant returns a setting with another network, normalisation or phase.
func (s Setting) variant(change func(s *Setting)) Setting {
	change(&s)
	return s
}

// phases returns the ablations of the training.
func phases(profile string) []Setting {
	base := Document().Sized(profile).variant(func(s *Setting) { s.Norm = BN })
	cells := []Setting{
		base.variant(func(s *Setting) { s.Pretraining.Epochs = 0 }),
		base.variant(func(s *Setting) { s.Pairing.Hard = true }),
	}
	if profile == experiment.Quick { // too few epochs for the schedule of pruning
		return cells
	}
	return append(cells, base.variant(func(s *Setting) {
		s.Pretraining.Prune = true
		s.Pretraining.Epochs = max(s.Pretraining.Epochs, 24) // some epochs remain after the last pruning
	}))
}

// grids returns the grids at the size of a profile.
func grids(profile string) []Grid {
	base := Document().Sized(profile)
	normalised := func(norm string) Setting {
		return base.variant(func(s *Setting) { s.Norm, s.Gentle = norm, norm != BN })
	}
	networks := []Setting{normalised(BN), normalised(DN), normalised(None)}
	if profile == experiment.Quick {
		networks = networks[:1]
	}
	vgg := Document().variant(func(s *Setting) { s.Net, s.Norm = VGG, BN }).Sized(profile).variant(func(s *Setting) {
		s.Batch, s.Pairing.Classes, s.Pairing.Negatives = 32, 4, 0 // as the document has it for this network
		s.Pretraining.Rendered = 0
	})
	return []Grid{
		{Name: "similarity", About: "one-shot similarity of shapes with a Siamese DRMM and a baseline: figure 10",
			Cells: append(networks, vgg),
			Seeds: experiment.Pick(profile, 1, 1, 3)},
		{Name: "similarity-online", About: "one pair of images at a time, normalised divisively or not: figure 3",
			Cells: []Setting{Online(DN).Sized(profile), Online(None).Sized(profile)},
			Seeds: experiment.Pick(profile, 1, 2, 3)},
		{Name: "similarity-omniglot", About: "handwritten characters: the outside check", Data: Omniglot,
			Cells: []Setting{normalised(BN).variant(func(s *Setting) {
				s.Pretraining.Epochs = 0 // five alphabets teach little
				s.Pairing.Epochs = experiment.Pick(profile, 3, 24, 500)
				s.Pairing.Contrastive = experiment.Pick(profile, 1, 6, 100)
			})},
			Seeds: experiment.Pick(profile, 1, 1, 3)},
		{Name: "similarity-phases", About: "the Siamese DRMM without recognition, with hard negatives, and pruned",
			Cells: phases(profile),
			Seeds: experiment.Pick(profile, 1, 1, 3)},
		{Name: "similarity-labels", About: "recognition with a tenth of the labels, with all pictures or only the labelled",
			Cells: []Setting{FewLabels(true).Sized(profile), FewLabels(false).Sized(profile)},
			Seeds: experiment.Pick(profile, 1, 1, 3)},
	}
}
