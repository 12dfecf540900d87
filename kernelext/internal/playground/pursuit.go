// SPDX-License-Identifier: Apache-2.0

package playground

import (
	"bytes"
	"fmt"
	"math"
	"slices"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/dataset/synth"
	"github.com/lateral-ml/lateral/lib/sparsecode"
	"github.com/lateral-ml/lateral/lib/tensor"
)

var pursuitDemo = Demo{
	Name: "pursuit", Title: "A patch from few atoms", Notebook: "01_sparse_coding",
	Try: "Draw a stroke and add atoms one by one: how many does it take until the residual is only noise? Then choose " +
		"the lasso and raise λ: coefficients shrink before they vanish, which a pursuit never does.",
	Controls: []Control{
		{Name: "pad", Label: "Draw a patch", Kind: Pad, Side: Patch},
		{Name: "clear", Label: "Clear", Kind: Button},
		{Name: "example", Label: "or an example", Kind: Choice,
			Choices: []string{"your own", "leaves 1", "leaves 2", "leaves 3", "leaves 4"}, Value: 1},
		{Name: "method", Label: "method", Kind: Choice,
			Choices: []string{"matching pursuit", "orthogonal matching pursuit", "lasso"}, Value: 1},
		{Name: "atoms", Label: "atoms (pursuits)", Kind: Slider, Max: 30, Step: 1, Value: 3},
		{Name: "lambda", Label: "λ (lasso)", Kind: Slider, Min: 0.01, Max: 1, Step: 0.01, Value: 0.1},
	},
	Files: []string{"atoms.safetensors"}, start: startPursuit,
}

// A pursuit encodes a patch by atoms of a learnt dictionary.
type pursuit struct {
	dictionary *sparsecode.Dictionary
	samples    *tensor.Tensor // patches of dead leaves
	patch      *tensor.Tensor // [1, Patch, Patch], mean 0 and length 1, or 0
	shown      []byte         // on the pad, until the page has it
	method     int
	atoms      int
	lambda     float64
}

func startPursuit(files Files) (Session, error) {
	named, _, err := tensor.ReadSafetensors(bytes.NewReader(files["atoms.safetensors"]))
	if err != nil {
		return nil, fmt.Errorf("playground: atoms.safetensors: %w", err)
	}
	i := slices.IndexFunc(named, func(n tensor.Named) bool { return n.Name == "atoms" })
	if i < 0 {
		return nil, fmt.Errorf("playground: atoms.safetensors: no tensor %q", "atoms")
	}
	p := &pursuit{patch: tensor.New(1, Patch, Patch), method: 1, atoms: 3, lambda: 0.1}
	if p.dictionary, err = sparsecode.NewDictionary(named[i].Tensor); err != nil {
		return nil, err
	}
	patches, err := dataset.NewPatches(synth.Leaves(4, 64, 2, "playground"),
		dataset.PatchConfig{Size: Patch, N: 4, Seed: 3, KeepMean: true})
	if err != nil {
		return nil, err
	}
	p.samples = patches.Tensor(0, 4)
	p.example(0)
	return p, nil
}

// example takes a patch of dead leaves.
func (p *pursuit) example(i int) {
	values := p.samples.Row(i)
	low, high := slices.Min(values), slices.Max(values)
	scaled := make([]float32, len(values))
	for j, v := range values {
		scaled[j] = (v - low) / max(high-low, 1e-6)
	}
	p.shown = grey(scaled)
	p.take(p.shown)
}

// take sets the patch from grey levels.
func (p *pursuit) take(levels []byte) {
	mean, square := 0.0, 0.0
	for _, v := range levels {
		mean += float64(v) / float64(len(levels))
	}
	for _, v := range levels {
		square += (float64(v) - mean) * (float64(v) - mean)
	}
	for i, v := range levels {
		p.patch.Data()[i] = 0
		if square > 0 {
			p.patch.Data()[i] = float32((float64(v) - mean) / math.Sqrt(square))
		}
	}
}

func (p *pursuit) Do(e Event) error {
	switch e.Control {
	case "pad":
		if len(e.Pixels) != Patch*Patch {
			return fmt.Errorf("playground: a patch of %d pixels, not %d", len(e.Pixels), Patch*Patch)
		}
		p.take(e.Pixels)
	case "clear":
		p.shown = make([]byte, Patch*Patch)
		p.take(p.shown)
	case "example":
		if e.Value > 0 {
			p.example((int(e.Value) - 1) % p.samples.Rows())
		}
	case "method":
		p.method = int(e.Value)
	case "atoms":
		p.atoms = int(e.Value)
	case "lambda":
		p.lambda = e.Value
	default:
		return unknown("pursuit", e)
	}
	return nil
}

func (p *pursuit) Work() bool { return false }

// encoder returns the method that was chosen; nil for a pursuit of no atoms.
func (p *pursuit) encoder() sparsecode.Encoder {
	switch {
	case p.method == 2:
		return &sparsecode.CoordinateDescent{Lambda: max(p.lambda, 0.001), Workers: 1}
	case p.atoms <= 0:
		return nil
	case p.method == 0:
		return &sparsecode.MatchingPursuit{Steps: p.atoms, Workers: 1}
	}
	return &sparsecode.OMP{Atoms: p.atoms, Workers: 1}
}

func (p *pursuit) Views() []View {
	var views []View
	if p.shown != nil {
		views = append(views, View{Kind: PadView, Label: "pad", Width: Patch, Height: Patch, Pixels: p.shown})
		p.shown = nil
	}
	code := tensor.New(1, p.dictionary.Len())
	if e := p.encoder(); e != nil {
		found, err := sparsecode.Encode(e, p.dictionary, p.patch)
		if err != nil {
			return append(views, View{Kind: Answer, Text: err.Error()})
		}
		code = found
	}
	part := p.dictionary.Reconstruct(code)
	rest := p.patch.Clone()
	energy, total := 0.0, 0.0
	for i, v := range part.Data() {
		rest.Data()[i] -= v
		energy += float64(rest.Data()[i]) * float64(rest.Data()[i])
		total += float64(p.patch.Data()[i]) * float64(p.patch.Data()[i])
	}
	if total == 0 {
		return append(views, View{Kind: Answer, Text: "The patch has no contrast: draw a stroke."})
	}
	var used []int
	for i, v := range code.Data() {
		if v != 0 {
			used = append(used, i)
		}
	}
	size := func(i int) float64 { return math.Abs(float64(code.Data()[i])) }
	slices.SortStableFunc(used, func(a, b int) int {
		switch {
		case size(a) > size(b):
			return -1
		case size(a) < size(b):
			return 1
		}
		return 0
	})
	atoms := View{Kind: Images, Label: "The atoms, largest coefficient first, and their coefficients", Width: Patch,
		Height: Patch, Columns: 10, Zoom: 4, Signed: true}
	marks := make([]int, p.dictionary.Len())
	for _, i := range used {
		marks[i] = 1
		atoms.Pixels = append(atoms.Pixels, signed(p.dictionary.Atoms().Row(i), Patch*Patch)...)
		atoms.Names = append(atoms.Names, fmt.Sprintf("%+.2f", code.Data()[i]))
	}
	three := tensor.New(3, Patch*Patch)
	for i, t := range []*tensor.Tensor{p.patch, part, rest} {
		copy(three.Row(i), t.Data())
	}
	views = append(views, View{Kind: Answer, Text: fmt.Sprintf("%d of %d atoms explain %s of the patch.", len(used),
		p.dictionary.Len(), share(1-energy/total))},
		View{Kind: Images, Label: "Patch, sum of atoms, residual: blue below the mean, red above", Width: Patch,
			Height: Patch, Columns: 3, Zoom: 10, Signed: true, Pixels: signed(three.Data(), three.Len()),
			Names: []string{"patch", "atoms", "residual"}})
	if len(used) > 0 {
		views = append(views, atoms)
	}
	return append(views, View{Kind: Images, Label: "The dictionary, with the atoms in use marked", Width: Patch,
		Height: Patch, Columns: 18, Zoom: 2, Signed: true, Pixels: signed(p.dictionary.Atoms().Data(), Patch*Patch),
		Marks: marks})
}
