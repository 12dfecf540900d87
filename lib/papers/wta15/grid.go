// SPDX-License-Identifier: Apache-2.0

package wta15

import (
	"context"

	"github.com/lateral-ml/lateral/lib/experiment"
)

// A Grid is a set of the document's autoencoders.
type Grid = experiment.Grid[Setting]

// Metrics are the results of a setting.
type Metrics struct {
	Losses []float64  `json:"losses"` // squared error of an image in the last epoch of each layer
	Dead   []int      `json:"dead"`   // units of each layer that were never active in its last epoch
	Linear *Judgement `json:"linear"` // of the last layer's features
}

// Grids are the grids of [WTA15], and those of its contrasts.
var Grids = experiment.Grids[Setting, Metrics]{
	Document: "WTA15",
	Load:     experiment.Load, // the layers learn from all training images, without labels
	Data:     []string{"mnist", "glyphs"},
	List:     grids,
	Train: func(ctx context.Context, s Setting, d *experiment.Data, o experiment.Options) (Metrics, error) {
		r, err := Train(ctx, s, d, o)
		if err != nil {
			return Metrics{}, err
		}
		m := r.Metrics()
		m.Linear, err = r.Stack.Classify(ctx, d, Judge{Workers: o.Workers})
		return m, err
	},
	Cost: func(s Setting, d *experiment.Data) float64 {
		return float64(s.Samples()) * s.work(d.Train.X.Shape()[1:])
	},
	Resume: true,
}

// Metrics returns the results of the last epoch of each layer, without those of a classifier.
func (r *Result) Metrics() Metrics {
	var m Metrics
	for _, h := range r.Histories {
		last := h.Epochs[len(h.Epochs)-1].Train
		m.Losses, m.Dead = append(m.Losses, last["loss"]), append(m.Dead, int(last["dead"]))
	}
	return m
}

// work estimates the multiplications for an image of shape [C, H, W], in all layers.
func (s Setting) work(image []int) float64 {
	total := 0.0
	for _, l := range s.Layers {
		if l.Kernel == 0 {
			width := 1
			for _, n := range image {
				width *= n
			}
			total += 6 * float64(width) * float64(l.Units)
			image = []int{l.Units}
			continue
		}
		channels, places := image[0], float64(image[1]*image[2])
		for _, maps := range append(append([]int(nil), l.Before...), l.Units) {
			total += places * float64(l.Kernel*l.Kernel*channels*maps)
			channels = maps
		}
		image = []int{l.Units, image[1] / l.Pool, image[2] / l.Pool}
	}
	return total
}

// Sized returns a setting scaled to the size of a profile. Smaller profiles have fewer units, fewer convolutions with
// fewer maps, and fewer epochs of fewer images.
func Sized(s Setting, profile string) Setting {
	s.Learn = experiment.Pick(profile, 2000, 10000, s.Learn)
	layers := make([]Layer, len(s.Layers))
	for i, l := range s.Layers {
		if l.Kernel > 0 {
			l.Epochs = experiment.Pick(profile, 5, 10, l.Epochs)
			l.Units = experiment.Pick(profile, min(16, l.Units), min(32, l.Units), l.Units)
			if len(l.Before) > 0 {
				l.Before = experiment.Pick(profile, []int{8}, []int{16}, l.Before)
			}
		} else {
			l.Epochs = experiment.Pick(profile, 5, 20, l.Epochs)
			l.Units = experiment.Pick(profile, min(200, l.Units), min(1000, l.Units), l.Units)
		}
		layers[i] = l
	}
	s.Layers = layers
	return s
}

// Compete returns a setting in which the first layer has another competition and share.
func Compete(s Setting, competition string, share float64) Setting {
	s.Layers = append([]Layer(nil), s.Layers...)
	s.Layers[0].Competition, s.Layers[0].Share = competition, share
	return s
}

// Shares returns a setting with each of the shares of [WTA15], 30, 10 and 5 %.
func Shares(s Setting) []Setting {
	var list []Setting
	for _, share := range []float64{0.3, 0.1, 0.05} {
		list = append(list, Compete(s, s.Layers[0].Competition, share))
	}
	return list
}

// grids returns the grids at the size of a profile.
func grids(profile string) []Grid {
	dense, conv := Sized(FullyConnected(), profile), Sized(Convolutional(128), profile)
	seeds := experiment.Pick(profile, 1, 1, 3)
	return []Grid{
		{Name: "wta-dense", About: "FC-WTA autoencoders with shares of 30, 10 and 5 %",
			Cells: Shares(dense), Seeds: seeds},
		{Name: "wta-axis", About: "no competition, across units (k-sparse), across the batch",
			Cells: []Setting{Compete(dense, None, 0), Compete(dense, Units, 0.05), dense}, Seeds: 1},
		{Name: "wta-conv", About: "convolutional autoencoders: no competition, spatial, spatial and lifetime",
			Cells: []Setting{Compete(conv, None, 0), Compete(conv, Spatial, 0), conv}, Seeds: 1},
		{Name: "wta-stack", About: "a stack of two CONV-WTA autoencoders, 128 and 2048 maps",
			Cells: []Setting{Sized(Stacked(Convolutional(128), 2048), profile)}, Seeds: seeds},
	}
}
