// SPDX-License-Identifier: Apache-2.0

// Package of96 learns dictionaries of patches of natural images as [OF96] did, for the costs that [Thesis21, section
// 1.3] compares: the three of Sparsenet, and that of the sparse-set model [RS07].
//
// A [Setting] describes one dictionary completely. [Train] learns it:
//
//	d, err := experiment.LoadScenes("")
//	result, err := of96.Train(ctx, of96.Photographs(of96.Log).On(d), d, experiment.Options{})
//	fmt.Println(result.Metrics.Share(0.7)) // of the atoms that are Gabors
//
// The parts are there, too, for a program that takes the steps itself: [Setting.PatchesOf], [Setting.Dictionary],
// [Setting.Encoder] and [Setting.Learner].
//
// The document gives the size of the patches and the costs, but no number of atoms, lambda or learning rate. Those of
// [Photographs] were chosen on patches of the validation image.
package of96

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/sparsecode"
)

// The costs of coefficients.
const (
	Abs = "abs" // |a|, the lasso
	Log = "log" // log(1 + (a/sigma)²)
	Exp = "exp" // -exp(-(a/sigma)²)
	L0  = "l0"  // 1 for each that is not zero, the sparse-set model
)

// Costs returns the costs in the document's order.
func Costs() []string { return []string{Exp, Log, Abs, L0} }

// A Setting describes one dictionary and its learning completely: the result depends on nothing else.
type Setting struct {
	experiment.Source
	Size   int     `json:"size"`            // height and width of a patch, in pixels
	Atoms  int     `json:"atoms"`           // Size² of them are complete, but for the mean; more are overcomplete
	Cost   string  `json:"cost"`            // Abs, Log, Exp or L0
	Lambda float64 `json:"lambda"`          // factor of the cost, half of lambda in [Thesis21, eqs. 1.21 and 1.25]
	Sigma  float64 `json:"sigma,omitempty"` // size of coefficients at which the costs Log and Exp bend

	Patches int     `json:"patches"` // drawn from the training images
	Epochs  int     `json:"epochs"`  // passes through them
	Batch   int     `json:"batch"`   // patches of a step
	Rate    float64 `json:"rate"`    // learning rate at first; it falls linearly to a tenth
	Seed    uint64  `json:"seed"`
}

// On returns the setting for the given images.
func (s Setting) On(d *experiment.Data) Setting { return s.At(d.Source(), s.Seed) }

// At implements [experiment.Setting].
func (s Setting) At(src experiment.Source, seed uint64) Setting {
	s.Source, s.Seed = src, seed
	return s
}

// Samples implements [experiment.Setting].
func (s Setting) Samples() int { return s.Epochs * s.Patches }

// Overcomplete returns the number of atoms for each pixel of a patch.
func (s Setting) Overcomplete() float64 { return float64(s.Atoms) / float64(s.Size*s.Size) }

// String describes the setting briefly, without images.
func (s Setting) String() string {
	return fmt.Sprintf("%s, %d atoms of %dx%d, lambda %g, seed %d", s.Cost, s.Atoms, s.Size, s.Size, s.Lambda, s.Seed)
}

// Check returns an error that names the invalid fields.
func (s Setting) Check() error {
	c := experiment.Check{Package: "of96"}
	c.OneOf("Cost", s.Cost, Costs()...)
	c.AtLeast("Size", s.Size, 4)
	c.AtLeast("Atoms", s.Atoms, 1)
	c.Positive("Lambda", s.Lambda)
	if s.bends() {
		c.Positive("Sigma", s.Sigma)
	} else {
		c.That(s.Sigma == 0, "Sigma", s.Sigma, "0: this cost has no scale")
	}
	c.AtLeast("Patches", s.Patches, 1)
	c.AtLeast("Epochs", s.Epochs, 1)
	c.AtLeast("Batch", s.Batch, 1)
	c.Positive("Rate", s.Rate)
	return c.Err()
}

func (s Setting) bends() bool { return s.Cost == Log || s.Cost == Exp }

// border is how many pixels patches stay off the edges of an image, at which whitened images wrap around.
const border = 4

// PatchesOf draws n patches from images [N, 1, H, W], with their means taken off. Those of another seed lie elsewhere.
// The error says that images are smaller than a patch.
func (s Setting) PatchesOf(images *dataset.Set, n int, seed uint64) (*dataset.Patches, error) {
	return dataset.NewPatches(images.X, dataset.PatchConfig{Size: s.Size, N: n, Seed: seed, Border: border})
}

// Dictionary returns the atoms before learning, which are random.
func (s Setting) Dictionary() *sparsecode.Dictionary {
	return sparsecode.RandomDictionary(s.Atoms, s.Seed, s.Size, s.Size)
}

// Encoder returns the method that finds codes for the cost: the gradient for the smooth costs, coordinate descent for
// the lasso, whose only minimum all methods share, and a pursuit for the number of coefficients.
func (s Setting) Encoder(workers int) sparsecode.Encoder {
	switch s.Cost {
	case Abs:
		return &sparsecode.CoordinateDescent{Lambda: s.Lambda, Tol: 1e-3, Workers: workers}
	case L0:
		return &sparsecode.SparseSet{Lambda: s.Lambda, Workers: workers}
	}
	cost := sparsecode.LogCost
	if s.Cost == Exp {
		cost = sparsecode.ExpCost
	}
	return &sparsecode.Sparsenet{
		Cost: cost, Lambda: s.Lambda, Sigma: s.Sigma, Iterations: 100, Tol: 1e-2, Workers: workers,
	}
}

// Learner returns the learner of a dictionary.
func (s Setting) Learner(d *sparsecode.Dictionary, workers int) *sparsecode.OlshausenField {
	return &sparsecode.OlshausenField{
		Dictionary: d, Encoder: s.Encoder(workers), Rate: optim.Linear(s.Rate, s.Rate/10, float64(s.Epochs)),
		Workers: workers,
	}
}
