// SPDX-License-Identifier: Apache-2.0

package pruning

import (
	"context"
	"fmt"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/drmm"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/metrics"
	"github.com/lateral-ml/lateral/lib/papers/ninai17"
	"github.com/lateral-ml/lateral/lib/prune"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// base returns the setting of the DRMM before pruning: [ninai17.Long] with the size of the base.
func (s Setting) base() ninai17.Setting {
	b := ninai17.Long()
	if s.Base.Images > 0 {
		b.Unlabelled = s.Base.Images
	}
	if b.Epochs != s.Base.Epochs { // the ramps keep their share of the training
		scale := float64(s.Base.Epochs) / float64(b.Epochs)
		b.RampFrom, b.RampTo, b.MarginalEnd = scale*b.RampFrom, scale*b.RampTo, scale*b.MarginalEnd
		b.Epochs = s.Base.Epochs
	}
	shape, _ := drmm.ParseShape(b.Shape)
	for i := range shape[:len(shape)-1] {
		shape[i].Filters /= s.Base.Channel
	}
	b.Shape = shape.String()
	return b.At(s.Source, s.Seed)
}

// retraining returns the setting of a stage after the base. Predictions are already formed: the terms have their full
// weight from the start, and the term for the mean, which had faded, is gone.
func (s Setting) retraining(stage int) ninai17.Setting {
	b := s.base()
	b.RampFrom, b.RampTo, b.MarginalEnd, b.Weights.Marginal = 0, 0, 0, 0
	b.Epochs, b.Rate, b.FinalRate = s.Stages[stage].Epochs, s.Rate, s.Rate/100
	return b
}

func trainDRMM(ctx context.Context, s Setting, d *experiment.Data, o experiment.Options) (*Result, error) {
	r, base := &Result{}, s.base()
	var net *drmm.Net
	err := shared(ctx, o, base, func(o experiment.Options) error {
		trained, err := ninai17.Train(ctx, base, d, o)
		if err == nil {
			net, r.History = trained.Net, append(r.History, trained.History)
		}
		return err
	})
	if err != nil {
		return r, err
	}
	if s.Units {
		net.AddGates()
	}
	layers := DRMMLayers(net, nil, s.Units)
	r.Metrics.Base = r.drmm(net, layers, d)
	if s.Score == prune.Use || s.Score == prune.RelativeUse {
		observeAll(layers, DRMMObserver(net, s.Units), d.Train)
	}
	for i := range s.Stages {
		var live []*prune.Layer
		wrap := func(net, average *drmm.Net, l train.Learner) train.Learner {
			live = DRMMLayers(net, average, s.Units)
			for j := range live {
				live[j].Inherit(layers[j])
			}
			return s.learner(i, l, live, DRMMObserver(net, s.Units), o)
		}
		trained, err := ninai17.Continue(ctx, s.retraining(i), net, wrap, d, below(o, fmt.Sprintf("stage%d", i+1)))
		if err != nil {
			return r, err
		}
		net, layers, r.History = trained.Net, live, append(r.History, trained.History)
		r.Metrics.Stages = append(r.Metrics.Stages, r.drmm(net, layers, d))
	}
	return r, nil
}

// DRMMLayers returns the layers of a DRMM to prune, with the averages that follow them.
func DRMMLayers(net, average *drmm.Net, units bool) (layers []*prune.Layer) {
	add := func(l *prune.Layer, average *autograd.Var) {
		if average != nil {
			l.Averages = append(l.Averages, average.Value())
		}
		layers = append(layers, l)
	}
	for i, l := range net.Layers {
		if name := fmt.Sprintf("conv%d", i+1); units {
			add(prune.Units(name, l.Gate), nil)
		} else if average != nil {
			add(prune.Weights(name, l.Filters, l.ConvShape()), average.Layers[i].Filters)
		} else {
			add(prune.Weights(name, l.Filters, l.ConvShape()), nil)
		}
	}
	if !units {
		l := prune.Weights("softmax", net.Out.Weight, autograd.ConvShape{})
		if average != nil {
			l.Averages = []*tensor.Tensor{average.Out.Weight.Value()}
		}
		layers = append(layers, l)
	}
	return layers
}

// DRMMObserver returns the function that returns the activities of the layers of a DRMM.
func DRMMObserver(net *drmm.Net, units bool) func(x *autograd.Var) []prune.Activity {
	var found drmm.Inference
	var list []prune.Activity
	return func(x *autograd.Var) []prune.Activity {
		net.Infer(&found, x)
		list = list[:0]
		for i, u := range found.Inputs {
			list = append(list, prune.Activity{In: x, Out: u})
			x = found.Features[i]
		}
		if !units {
			list = append(list, prune.Activity{In: found.Mean, Out: nil})
		}
		return list
	}
}

// drmm measures a DRMM and keeps it.
func (r *Result) drmm(net *drmm.Net, layers []*prune.Layer, d *experiment.Data) StageMetrics {
	m := StageMetrics{Error: drmmError(net, d.Test.X, d.Test.Y)}
	if d.Valid != nil {
		m.Valid = drmmError(net, d.Valid.X, d.Valid.Y)
	}
	for _, l := range layers {
		m.Kept = append(m.Kept, l.Share())
	}
	m.Weight = weights(net)
	m.Active, m.TopDown = DRMMActivity(net, some(d.Test))
	r.DRMM = append(r.DRMM, net)
	return m
}

func drmmError(net *drmm.Net, x *tensor.Tensor, y []int) float64 {
	var found drmm.Inference
	tape, wrong := autograd.NewTape(0), 0.0
	const batch = 100
	for i := 0; i < x.Rows(); i += batch {
		end := min(i+batch, x.Rows())
		tape.Reset()
		net.Infer(&found, tape.Input(x.Slice(i, end)))
		wrong += float64(end-i) * metrics.ErrorRate(found.Logits.Value(), y[i:end], nil)
	}
	return wrong / float64(x.Rows())
}

// DRMMActivity returns, for each layer of a DRMM and for the classes, the share of active units after pooling for
// images x, and the share of elements of the rendered templates that are not zero where they are convolved, before
// pooling.
func DRMMActivity(net *drmm.Net, x *tensor.Tensor) (active, topDown []float64) {
	var found drmm.Inference
	var drawn drmm.Rendering
	tape, n := autograd.NewTape(0), len(net.Layers)
	active, topDown = make([]float64, n+1), make([]float64, n+1)
	const batch = 100
	batches := (x.Rows() + batch - 1) / batch
	for i := 0; i < x.Rows(); i += batch {
		tape.Reset()
		net.Infer(&found, tape.Input(x.Slice(i, min(i+batch, x.Rows()))))
		net.Render(&drawn, drmm.OneHotArgmax(found.Logits), found.Switches)
		for l := range net.Layers {
			active[l] += positive(found.Features[l].Value()) / float64(batches)
			z, g := drawn.Templates[l+1].Value(), found.Switches[l]
			on := 0
			for j, at := range g.At {
				if at >= 0 && z.Data()[j] != 0 {
					on++
				}
			}
			s := z.Shape()
			topDown[l] += float64(on) / float64(s[0]*s[1]*g.H*g.W) / float64(batches)
		}
	}
	active[n], topDown[n] = 1, 1
	return active, topDown
}
