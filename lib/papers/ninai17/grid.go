// SPDX-License-Identifier: Apache-2.0

package ninai17

import (
	"fmt"
	"strings"
)

// A Grid is a set of settings: each of some cells with every seed.
type Grid struct {
	Name  string
	About string    // what it is for
	Cells []Setting // without data and seed
	Seeds int       // models for each cell, with seeds from 0: draws of the labelled images and of the first weights
}

// Len returns the number of models.
func (g Grid) Len() int { return len(g.Cells) * g.Seeds }

// Settings returns the grid's settings for some data, cell by cell.
func (g Grid) Settings(d *Data) []Setting { return g.SettingsFor(d.Name(), d.Sum(), d.Train.Len()) }

// SettingsFor returns the grid's settings for data with a name, a sum and a number of training images.
func (g Grid) SettingsFor(data, sum string, images int) []Setting {
	settings := make([]Setting, 0, g.Len())
	for _, s := range g.Cells {
		s.Data, s.Sum, s.Unlabelled = data, sum, min(s.Unlabelled, images)
		for seed := range uint64(g.Seeds) {
			s.Seed = seed
			settings = append(settings, s)
		}
	}
	return settings
}

// The profiles: how large a grid is.
const (
	Quick    = "quick"    // a quarter of the channels and few steps, to see that everything works
	Standard = "standard" // the same with more steps; the document's shape in drmm-sup, -hundred and -best: an hour or two for all
	Paper    = "paper"    // the document's shape and images: days for the table, hours for its best cell
)

// Variants returns the variants of [NINAI17, Table 1] from the fewest terms to the most.
func Variants() []string { return []string{Sup, MPC, NNMPC, VI, NNVI} }

// GridNames returns the names of the grids.
func GridNames() []string {
	return []string{"drmm", "drmm-sup", "drmm-hundred", "drmm-best", "drmm-terms"}
}

// Grids returns the grids at the size of a profile.
func Grids(profile string) ([]Grid, error) {
	// What table 1, its cells of 100 labels or of labels alone and the models without a term have in common.
	var table, column, term Setting
	var best []Setting // the best cell, and before what Long changes
	few, many := 1, 1
	columns := len(Variants())
	switch profile {
	case Quick:
		table = small(3000)
		long := table
		long.Weights.Agreement, long.Rendered, long.FadeTo = Long().Weights.Agreement, 10, 1.5
		column, best, term = table, []Setting{long, table}, table
	case Standard:
		table = small(10000)
		term = table
		column = Digits(100, NNVI)
		column.Unlabelled, column.Epochs, column.RampFrom, column.RampTo = 10000, 4, 1.5, 3
		long, short := Long(), Digits(100, NNVI)
		long.Epochs, long.RampFrom, long.RampTo, long.FadeTo, short.Epochs = 2, 0.35, 0.7, 1.4, 2
		best, many = []Setting{long, short}, 3
		columns-- // without nn-vi, which the best cell is
	case Paper:
		best = []Setting{Long(), Digits(100, NNVI)}
		table, column, term = best[0], best[0], best[0]
		few, many = 3, 3
	default:
		return nil, fmt.Errorf("ninai17: there is no profile %q: use quick, standard or paper", profile)
	}
	return []Grid{
		{"drmm", "every variant with 50, 100 and 1000 labels: table 1", variants(table, 50, 100, 1000), few},
		{"drmm-sup", "labels alone, 50, 100 and 1000 of them", []Setting{column.of(50, Sup), column.of(100, Sup), column.of(1000, Sup)}, many},
		{"drmm-hundred", "every variant with 100 labels", variants(column, 100)[:columns], many},
		{"drmm-best", "nn-vi with 100 labels and all other images, and what it was before", best, many},
		{"drmm-terms", "the same without one term, or with another sign of KL", terms(term), few},
	}, nil
}

// variants returns a setting in every variant with some numbers of labels.
func variants(base Setting, labels ...int) (cells []Setting) {
	for _, n := range labels {
		for _, variant := range Variants() {
			cells = append(cells, base.of(n, variant))
		}
	}
	return cells
}

// Lookup returns the grid of a name at the size of a profile.
func Lookup(name, profile string) (Grid, error) {
	grids, err := Grids(profile)
	if err != nil {
		return Grid{}, err
	}
	for _, g := range grids {
		if g.Name == name {
			return g, nil
		}
	}
	return Grid{}, fmt.Errorf("ninai17: there is no grid %q: use one of %s", name, strings.Join(GridNames(), ", "))
}

// of returns the setting for some labels in a variant, with the same images and steps.
func (s Setting) of(labels int, variant string) Setting {
	s.Labels, s.Variant = labels, variant
	s.Weights = s.Weights.Of(variant)
	if variant == Sup { // statistics of unlabelled images in the batch normalisation would help already
		s.Steps = s.stepsOfEpoch()
		s.Unlabelled, s.Share, s.Rendered, s.FadeTo = 0, 0, 0, 0
	}
	return s
}

// terms returns the settings that differ from one of all terms in a single respect.
func terms(all Setting) []Setting {
	list := []Setting{all}
	changes := []func(s *Setting){
		func(s *Setting) { s.Weights.KL = -s.Weights.KL },
		func(s *Setting) { s.Weights.Marginal = 0 },
		func(s *Setting) { s.Weights.KL = 0 },
		func(s *Setting) { s.Weights.Reconstruction = 0 },
		func(s *Setting) { s.Noise = 0 },
		func(s *Setting) { s.RampTo, s.RampFrom, s.FadeTo = 0, 0, 0 },
	}
	if all.Weights.Agreement != 0 {
		changes = append(changes, func(s *Setting) { s.Weights.Agreement = 0 })
	}
	if all.FadeTo != 0 {
		changes = append(changes, func(s *Setting) { s.FadeTo = 0 })
	}
	for _, change := range changes {
		s := all
		change(&s)
		list = append(list, s)
	}
	return append(list, all.of(all.Labels, VI))
}

// small returns a setting of a shape with a quarter of the document's channels, for seconds.
func small(unlabelled int) Setting {
	s := Digits(100, NNVI)
	s.Shape = "8x5x5 full pool, 16x3x3 valid, 16x3x3 full pool, 32x3x3 valid, 10x1x1 valid"
	s.Unlabelled, s.Epochs, s.RampFrom, s.RampTo = unlabelled, 2, 0.5, 1
	s.Batch, s.Share, s.Weights.Reconstruction, s.Noise, s.FinalRate, s.Average = 50, 1, 5, 0.3, 0.001, 0.98
	return s
}
