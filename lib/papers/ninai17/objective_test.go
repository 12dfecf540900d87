// SPDX-License-Identifier: Apache-2.0

package ninai17

import (
	"math"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/drmm"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// At every step, the objective equals the sum in the doc comment of Weights, computed by plain loops in float64: L_H
// over the labelled images, which come first; L_KL and L_M over the unlabelled ones; L_RC between the rendered images
// and the inputs without noise; L_NN over all templates z(1) to z(L); and L_A against the averaged weights.
func TestObjective(t *testing.T) {
	d := barData()
	for name, change := range map[string]func(s *Setting){
		"means": func(*Setting) {},
		"sums":  func(s *Setting) { s.Reduction, s.Weights.Reconstruction = Sum, 0.3 },
		"rendered, with agreement and a marginal that ends": func(s *Setting) {
			s.Rendered, s.Weights.Consistency, s.MarginalEnd = 5, 0.7, 2.5
		},
	} {
		s := barSetting(d, NNVI)
		s.Unlabelled, s.Ratio, s.Batch = 48, 2, 12
		s.Weights.Labels, s.RampFrom, s.RampTo = 1.5, 0.5, 1.5
		change(&s)
		tr, data, err := newTrainer(s, d)
		if err != nil {
			t.Fatal(err)
		}
		steps := 0
		c := tr.config(data, d, experiment.Options{Workers: 1})
		c.Learner.(*train.GradientDescent).Loss = func(b *train.Batch) *autograd.Var {
			cost := tr.objective(b)
			if b.Training() {
				want := byLoops(tr, b, float64(steps)/6)
				if got := float64(cost.Scalar()); !(math.Abs(got-want) < 2e-5*(1+math.Abs(want))) {
					t.Errorf("%s: the objective of step %d is %v, by loops %v", name, steps, got, want)
				}
				steps++
			}
			return cost
		}
		if _, err := train.Run(t.Context(), c); err != nil || steps != 18 {
			t.Fatalf("%s: %d steps, %v", name, steps, err)
		}
	}
}

// byLoops returns the objective of the batch that a trainer has just evaluated, at a given time in epochs.
func byLoops(tr *trainer, b *train.Batch, epoch float64) float64 {
	s, w, labelled, all := tr.Setting, tr.Weights, len(b.Y), b.X.Rows()
	q := posteriors(tr.found.Logits.Value())
	var cost float64
	for n, y := range b.Y {
		cost -= w.Labels * math.Log(q[n][y]) / float64(labelled)
	}
	ramp := min(1, max(0, (epoch-s.RampFrom)/(s.RampTo-s.RampFrom)))
	fade := 1.0
	if s.MarginalEnd > 0 {
		fade = min(1, max(0, (s.MarginalEnd-epoch)/(s.MarginalEnd-s.RampTo)))
	}
	classes, unlabelled := len(q[0]), q[labelled:]
	mean := make([]float64, classes)
	for _, row := range unlabelled {
		for c, p := range row {
			cost += ramp * w.KL * p * math.Log(p*float64(classes)) / float64(len(unlabelled))
			mean[c] += p / float64(len(unlabelled))
		}
	}
	for _, m := range mean {
		cost += ramp * fade * w.Marginal * m * math.Log(m*float64(classes))
	}
	if w.Consistency != 0 {
		cost += ramp * w.Consistency * consistency(tr, b, unlabelled)
	}
	rendered := all
	if s.Rendered > 0 {
		rendered = s.Rendered
	}
	of := func(width int) float64 {
		if s.Reduction == Mean {
			return 1 / float64(rendered) / float64(width)
		}
		return 1 / float64(rendered)
	}
	image := tr.rendered.Image().Value()
	for n := range rendered {
		for i, v := range b.X.Value().Row(all - rendered + n) {
			e := float64(v) - float64(image.Row(n)[i])
			cost += w.Reconstruction * of(b.X.Width()) * e * e
		}
	}
	layers := len(tr.rendered.Templates) - 1
	for l := 1; l <= layers; l++ {
		z := tr.rendered.Templates[l].Value()
		for _, v := range z.Data() {
			e := min(0, float64(v))
			cost += w.NonNegativity * of(z.Width()) * e * e
		}
	}
	return cost
}

// consistency is the mean divergence of the posteriors q of the unlabelled images from the posteriors that the averaged
// weights give for the images without noise.
func consistency(tr *trainer, b *train.Batch, q [][]float64) (mean float64) {
	clean := autograd.NewTape(1).Input(b.X.Value().Slice(len(b.Y), b.X.Rows()))
	var seen drmm.Inference
	tr.average.Infer(&seen, clean)
	for n, row := range posteriors(seen.Logits.Value()) {
		for c, p := range row {
			mean += p * (math.Log(p) - math.Log(q[n][c])) / float64(len(q))
		}
	}
	return mean
}

func posteriors(logits *tensor.Tensor) (q [][]float64) {
	for n := range logits.Rows() {
		row, sum := make([]float64, logits.Width()), 0.0
		for c, v := range logits.Row(n) {
			row[c] = math.Exp(float64(v))
			sum += row[c]
		}
		for c := range row {
			row[c] /= sum
		}
		q = append(q, row)
	}
	return q
}
