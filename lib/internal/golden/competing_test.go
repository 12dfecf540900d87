// SPDX-License-Identifier: Apache-2.0

package golden

import (
	"context"
	"fmt"
	"testing"

	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/papers/lcn15"
)

// competingSettings are settings of small networks of every kind whose units compete locally [LCN15].
func competingSettings() map[string]lcn15.Setting {
	dense := func(competition string, block int) lcn15.Setting {
		return lcn15.Setting{
			Competition: competition, Hidden: []lcn15.Layer{{Units: 48, Block: block}, {Units: 24, Block: block}},
			Rate: 0.1, FinalRate: 0.01, Momentum: 0.5, FinalMomentum: 0.9, Batch: 50, Epochs: 3, Seed: 3,
		}
	}
	relu, lwta, maxout := dense(lcn15.ReLU, 0), dense(lcn15.LWTA, 2), dense(lcn15.Maxout, 3)
	relu.Init, relu.Patience = 0.05, 1
	lwta.LinearDecay = true
	lwta.Hidden[0].Dropout, lwta.Hidden[1].Dropout, lwta.Out = 0.2, 0.3, lcn15.Layer{Dropout: 0.3, MaxNorm: 1}
	maxout.LinearDecay, maxout.FinetuneEpochs, maxout.FinetuneRate, maxout.Shift, maxout.Flip = true, 2, 0.05, 2, true
	maxout.Hidden[0] = lcn15.Layer{Units: 48, Block: 3, Dropout: 0.2, NoRescale: true, MaxNorm: 0.9}
	maxout.Hidden[1].Dropout, maxout.Hidden[1].LRScale, maxout.Out = 0.5, 0.5, lcn15.Layer{Dropout: 0.5, MaxNorm: 1}
	convolutional := maxout
	convolutional.Hidden = []lcn15.Layer{
		{Units: 8, Block: 2, Kernel: 5, Pool: 3, PoolStride: 2, PoolPad: 1,
			Dropout: 0.1, NoRescale: true, MaxNorm: 0.9, LRScale: 0.5},
		{Units: 8, Block: 4, Kernel: 3, Pad: 1, Pool: 2, PoolStride: 2},
		{Units: 20, Block: 5, Dropout: 0.2, MaxNorm: 1.9},
	}
	convolutional.Epochs, convolutional.FinetuneEpochs, convolutional.FinetuneRate = 2, 0, 0
	channels := convolutional // lwta and rectified maps
	channels.Competition = lcn15.LWTA
	rectified := convolutional
	rectified.Competition = lcn15.ReLU
	rectified.Hidden = []lcn15.Layer{{Units: 6, Kernel: 5, Pool: 2, PoolStride: 2}, {Units: 20}}
	return map[string]lcn15.Setting{
		"relu": relu, "lwta": lwta, "maxout": maxout, "convolutional maxout": convolutional,
		"convolutional lwta": channels, "convolutional relu": rectified,
	}
}

// competing records these networks, and checks that interrupted runs give the same.
func competing() (list []subject) {
	for name, s := range competingSettings() {
		list = append(list, subject{name: "competing: " + name, record: func(t *testing.T, r *record) {
			trainCompeting(t, r, s, glyphs(), 0)
		}})
	}
	resumed := func(name string, stop int) subject {
		like := "competing: " + name
		again := fmt.Sprintf("%s, resumed after %d steps", like, stop)
		return subject{name: again, like: like, record: func(t *testing.T, r *record) {
			trainCompeting(t, r, competingSettings()[name], glyphs(), stop)
		}}
	}
	large := func(name string, s lcn15.Setting) subject {
		s.Epochs, s.FinetuneEpochs = 1, min(s.FinetuneEpochs, 1)
		return subject{name: "competing: " + name, large: true, record: func(t *testing.T, r *record) {
			trainCompeting(t, r, s, glyphs().few(), 0)
		}}
	}
	return append(list,
		resumed("lwta", 17), resumed("maxout", 33), resumed("maxout", 70), resumed("convolutional maxout", 25),
		large("relu of the document's size", lcn15.ReLUNet()), large("lwta of the document's size", lcn15.LWTANet()),
		large("maxout of the document's size", lcn15.MaxoutNet()),
		large("convolutional maxout of a quarter of the document's size", lcn15.ConvNet(4)))
}

// trainCompeting trains a network, in two parts if stop is the number of steps after which to interrupt it.
func trainCompeting(t *testing.T, r *record, s lcn15.Setting, images digits, stop int) {
	d := images.split()
	trained := mustCompete(t, s, d, stop)
	r.weights("weights", trained.Net)
	r.weights("weights that held out the validation images", trained.ValidationNet())
	metrics := []string{"loss", "error"}
	r.history("run", trained.History, metrics, metrics)
	if s.FinetuneEpochs > 0 {
		r.history("epochs on all images", trained.Finetune, metrics, nil)
	}
	r.indices("classes of test images", trained.Net.Predictions(d.Test.X))
	for layer := range s.Hidden {
		name := []string{"layer 1", "layer 2", "layer 3"}[layer]
		bits(r, name+" net inputs", trained.Net.NetInputs(d.Test.X, layer).Data())
		bits(r, name+" activations", trained.Net.Activations(d.Test.X, layer).Data())
		bits(r, name+" submasks", trained.Net.Submasks(d.Test.X, layer).Words())
	}
	bits(r, "whole submasks", trained.Net.WholeSubmasks(d.Test.X).Words())
}

func mustCompete(t *testing.T, s lcn15.Setting, d *experiment.Data, stop int) (trained *lcn15.Result) {
	t.Helper()
	o := experiment.Options{}
	run := func(ctx context.Context) (err error) {
		trained, err = lcn15.Train(ctx, s.On(d), d, o)
		return err
	}
	if stop == 0 {
		if err := run(t.Context()); err != nil {
			t.Fatal(err)
		}
		return trained
	}
	o.Dir = t.TempDir()
	interrupted(t, stop, run)
	return trained
}
