// SPDX-License-Identifier: Apache-2.0

package lcn15

import (
	"slices"

	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/nn"
)

// A Grid is a set of the document's networks.
type Grid = experiment.Grid[Setting]

// Grids are the grids behind the experiments of [LCN15] on digits.
var Grids = experiment.Grids[Setting, Metrics]{
	Document: "LCN15",
	Load:     experiment.LoadSplit,
	Data:     []string{"mnist", "glyphs"},
	List:     grids,
	Train:    experiment.Measured(Train, (*Result).Measure),
	Cost: func(s Setting, d *experiment.Data) float64 {
		weights := 0
		for _, p := range nn.Params(New(s, d.Train.X.Shape()[1:], len(d.Train.Classes))) {
			weights += p.Value().Len()
		}
		return float64(s.Epochs+s.FinetuneEpochs) * float64(weights)
	},
	Resume: true,
}

// Sized returns a setting scaled to the size of a profile. Quick settings have a fifth of the units, proportionally
// larger initial weights, and half the epochs. Paper settings have four times as many epochs as standard ones.
func Sized(s Setting, profile string) Setting {
	divisor, longer := experiment.Pick(profile, 5, 1, 1), experiment.Pick(profile, 0.5, 1, 4)
	s.Hidden = slices.Clone(s.Hidden)
	for i := range s.Hidden {
		s.Hidden[i].Units /= divisor
	}
	s.Init *= float64(divisor)
	s.Epochs = int(longer * float64(s.Epochs))
	s.FinetuneEpochs = int(longer * float64(s.FinetuneEpochs))
	return s
}

func grids(profile string) []Grid {
	dense := []Setting{Sized(ReLUNet(), profile), Sized(LWTANet(), profile), Sized(MaxoutNet(), profile)}
	dropout := []Setting{Sized(DropoutNet(false), profile), Sized(DropoutNet(true), profile)}
	seeds := experiment.Pick(profile, 1, 1, 5)
	return []Grid{
		{Name: "lcn15", About: "ReLU, LWTA and maxout: errors of the softmax and of the nearest submask, table 1",
			Cells: dense, Seeds: seeds},
		{Name: "lcn15-dropout", About: "ReLU without and with dropout, from the same initial weights: section 3.4",
			Cells: dropout, Seeds: seeds},
	}
}
