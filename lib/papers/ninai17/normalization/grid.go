// SPDX-License-Identifier: Apache-2.0

package normalization

import (
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/language"
)

// ImageGrids are the grids of table 10, with figure 11, and of figure 6. Paper grids take days.
var ImageGrids = experiment.Grids[ImageSetting, ImageMetrics]{
	Document: "NINAI17",
	Load:     LoadImages,
	Data:     []string{"cifar10", "glyphs"},
	List:     imageGrids,
	Train:    experiment.Measured(TrainImages, func(r *ImageResult, _ *experiment.Data) ImageMetrics { return r.Metrics }),
	Cost: func(s ImageSetting, _ *experiment.Data) float64 {
		if s.Batch == 1 {
			return 2 * float64(s.Samples())
		}
		return float64(s.Samples())
	},
	Resume: true,
}

// SizedImages returns a setting of table 10 at the size of a profile. Smaller profiles have fewer epochs, and for each
// variant the best rate of the grid norm-rates: three times the document's for Baseline, ten times for DN*. DN has the
// rate of DN*, and all others that of BN, without a search.
func SizedImages(s ImageSetting, profile string) ImageSetting {
	if profile == experiment.Paper {
		return s
	}
	switch s.Variant {
	case Baseline:
		s.Rate = 3e-3
	case DN, DNStar:
		s.Rate = 1e-2
	}
	s.Part = experiment.Pick(profile, 600, 0, 0)
	return s.Shortened(experiment.Pick(profile, 2, 10, 0))
}

// Shortened returns the setting with fewer epochs, in which the rate drops at the same shares of them for all variants,
// 0.7 and 0.9.
func (s ImageSetting) Shortened(epochs int) ImageSetting {
	s.Epochs, s.Drops = epochs, []float64{0.7 * float64(epochs), 0.9 * float64(epochs)}
	return s
}

// rated returns the settings among whose rates [SizedImages] has the best, by images that are held out.
func rated(profile string) (cells []ImageSetting) {
	for _, v := range []Variant{Baseline, BN, DNStar} {
		for _, rate := range []float64{1e-3, 3e-3, 1e-2, 3e-2} {
			s := Classified(v).Shortened(experiment.Pick(profile, 1, 3, 3))
			s.Rate = rate
			s.Part, s.Held = experiment.Pick(profile, 600, 20_000, 20_000), experiment.Pick(profile, 500, 5_000, 5_000)
			cells = append(cells, s)
		}
	}
	return cells
}

func imageGrids(profile string) []experiment.Grid[ImageSetting] {
	var rows, others []ImageSetting
	for _, v := range Variants {
		s := SizedImages(Classified(v), profile)
		if v == Baseline || v == BN || v == DNStar {
			rows = append(rows, s)
		} else {
			others = append(others, s)
		}
	}
	if profile == experiment.Paper {
		rows = append(rows, Regularised())
	}
	var online []ImageSetting
	for _, v := range []Variant{Baseline, BN, DN} {
		for _, rate := range experiment.Pick(profile, onlineRates[1:2], onlineRates[1:], onlineRates) {
			s := Online(v, rate)
			s.Part = experiment.Pick(profile, 1000, 20_000, 0)
			online = append(online, s)
		}
	}
	return []experiment.Grid[ImageSetting]{
		{Name: "norm-images", About: "convolutional networks with normalisations: table 10 and figure 11", Cells: rows,
			Seeds: experiment.Pick(profile, 1, 1, 3)},
		{Name: "norm-others", About: "the other normalisations of table 10 and figure 11", Cells: others,
			Seeds: experiment.Pick(profile, 1, 1, 3)},
		{Name: "norm-rates", About: "the rates of the smaller networks of table 10, by images held out",
			Cells: rated(profile), Seeds: 1},
		{Name: "norm-online", About: "the same with a batch of one: figure 6", Cells: online,
			Seeds: experiment.Pick(profile, 1, 1, 3)},
	}
}

var onlineRates = []float64{1e-5, 1e-4, 1e-3}

// TextGrids are the grids of table 11.
var TextGrids = experiment.Grids[TextSetting, TextMetrics]{
	Document: "NINAI17",
	Load:     LoadText,
	Data:     []string{"ptb", "kjv", "sentences"},
	List:     textGrids,
	Train:    experiment.Measured(TrainText, func(r *TextResult, _ *experiment.Data) TextMetrics { return r.Metrics }),
	Cost: func(s TextSetting, _ *experiment.Data) float64 {
		if s.Cell == language.LSTM {
			return 1.3 * float64(s.Samples())
		}
		return float64(s.Samples())
	},
	Resume: true,
}

func textGrids(profile string) []experiment.Grid[TextSetting] {
	variants := experiment.Pick(profile, []Variant{Baseline, DNStar}, []Variant{Baseline, BN, DNStar},
		[]Variant{Baseline, BN, LN, DN, DNStar})
	grid := func(name, about string, cells ...language.Cell) experiment.Grid[TextSetting] {
		g := experiment.Grid[TextSetting]{Name: name, About: about, Seeds: 1}
		for _, cell := range cells {
			for _, v := range variants {
				s := Modelled(v, cell)
				s.Epochs = experiment.Pick(profile, 1, 3, s.Epochs)
				s.Tokens = experiment.Pick(profile, 10_000, 150_000, 0)
				g.Cells = append(g.Cells, s)
			}
		}
		return g
	}
	return []experiment.Grid[TextSetting]{
		grid("norm-lstm", "language models with LSTM: table 11", language.LSTM),
		grid("norm-rnn", "language models with simple units, tanh and rectified: table 11", language.Tanh, language.ReLU),
	}
}

// PhotoGrids is the grid of tables 12 and 13.
var PhotoGrids = experiment.Grids[PhotoSetting, PhotoMetrics]{
	Document: "NINAI17",
	Load:     experiment.LoadPhotos,
	Data:     []string{"bsds500", "leaves"},
	List:     photoGrids,
	Train:    experiment.Measured(TrainPhotos, func(r *PhotoResult, _ *experiment.Data) PhotoMetrics { return r.Metrics }),
	Cost:     func(s PhotoSetting, _ *experiment.Data) float64 { return float64(s.Samples()) },
	Resume:   true,
}

func photoGrids(profile string) []experiment.Grid[PhotoSetting] {
	g := experiment.Grid[PhotoSetting]{Name: "norm-photos", About: "super-resolution: tables 12 and 13", Seeds: 1}
	for _, scale := range experiment.Pick(profile, []int{3}, []int{3}, []int{3, 4}) {
		for _, v := range experiment.Pick(profile, []Variant{Baseline, DNStar}, []Variant{Baseline, BN, DNStar},
			[]Variant{Baseline, BN, DNStar}) {
			s := Enlarged(v, scale)
			s.Crops = experiment.Pick(profile, 512, s.Crops, s.Crops)
			s.Epochs = experiment.Pick(profile, 2, 10, s.Epochs)
			s.Test = experiment.Pick(profile, 4, 0, 0)
			g.Cells = append(g.Cells, s)
		}
	}
	return []experiment.Grid[PhotoSetting]{g}
}
