// SPDX-License-Identifier: Apache-2.0

package golden

import (
	"context"
	"fmt"
	"testing"

	"github.com/lateral-ml/lateral/lib/papers/lcn15"
	"github.com/lateral-ml/lateral/lib/papers/thesis21"
)

// competingSettings are settings of small networks whose units compete locally [LCN15], of every kind.
func competingSettings() map[string]lcn15.Setting {
	dense := func(competition string, block int) lcn15.Setting {
		return lcn15.Setting{
			Competition: competition, Hidden: []lcn15.Layer{{Units: 48, Block: block}, {Units: 24, Block: block}},
			Rate: 0.1, FinalRate: 0.01, Momentum: 0.5, Final: 0.9, Batch: 50, Epochs: 3, Seed: 3,
		}
	}
	relu, lwta, maxout := dense(lcn15.ReLU, 0), dense(lcn15.LWTA, 2), dense(lcn15.Maxout, 3)
	relu.Init, relu.Patience = 0.05, 1
	lwta.Line = true
	lwta.Hidden[0].Drop, lwta.Hidden[1].Drop, lwta.Out = 0.2, 0.3, lcn15.Layer{Drop: 0.3, Norm: 1}
	maxout.Line, maxout.More, maxout.MoreRate, maxout.Shift, maxout.Mirror = true, 2, 0.05, 2, true
	maxout.Hidden[0] = lcn15.Layer{Units: 48, Block: 3, Drop: 0.2, Raw: true, Norm: 0.9}
	maxout.Hidden[1].Drop, maxout.Hidden[1].Slow, maxout.Out = 0.5, 0.5, lcn15.Layer{Drop: 0.5, Norm: 1}
	convolutional := maxout
	convolutional.Hidden = []lcn15.Layer{
		{Units: 8, Block: 2, Kernel: 5, Pool: 3, Stride: 2, Early: 1, Drop: 0.1, Raw: true, Norm: 0.9, Slow: 0.5},
		{Units: 8, Block: 4, Kernel: 3, Pad: 1, Pool: 2, Stride: 2},
		{Units: 20, Block: 5, Drop: 0.2, Norm: 1.9},
	}
	convolutional.Epochs, convolutional.More, convolutional.MoreRate = 2, 0, 0
	channels := convolutional // lwta and rectified maps
	channels.Competition = lcn15.LWTA
	rectified := convolutional
	rectified.Competition = lcn15.ReLU
	rectified.Hidden = []lcn15.Layer{{Units: 6, Kernel: 5, Pool: 2, Stride: 2}, {Units: 20}}
	return map[string]lcn15.Setting{
		"relu": relu, "lwta": lwta, "maxout": maxout, "convolutional maxout": convolutional,
		"convolutional lwta": channels, "convolutional relu": rectified,
	}
}

// competing records these networks, and that interrupted runs give the same.
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
		s.Epochs, s.More = 1, min(s.More, 1)
		return subject{name: "competing: " + name, large: true, record: func(t *testing.T, r *record) {
			trainCompeting(t, r, s, glyphs().few(), 0)
		}}
	}
	return append(list,
		resumed("lwta", 17), resumed("maxout", 33), resumed("maxout", 70), resumed("convolutional maxout", 25),
		large("relu of the document's size", lcn15.Relu()), large("lwta of the document's size", lcn15.Lwta()),
		large("maxout of the document's size", lcn15.Maxout2()),
		large("convolutional maxout of a quarter of the document's size", lcn15.Convolutional(4)))
}

// trainCompeting trains a network, in two parts if it is to stop after some steps.
func trainCompeting(t *testing.T, r *record, s lcn15.Setting, images digits, stop int) {
	d := images.split()
	trained := mustCompete(t, s, d, stop)
	r.weights("weights", trained.Net)
	r.weights("weights that held out the validation images", trained.Held())
	metrics := []string{"loss", "error"}
	r.history("run", trained.History, metrics, metrics)
	if s.More > 0 {
		r.history("epochs on all images", trained.More, metrics, nil)
	}
	r.indices("classes of test images", trained.Net.Guesses(d.Test.X))
	for layer := range s.Hidden {
		name := []string{"layer 1", "layer 2", "layer 3"}[layer]
		bits(r, name+" net inputs", trained.Net.NetInputs(d.Test.X, layer).Data())
		bits(r, name+" activations", trained.Net.Activations(d.Test.X, layer).Data())
		bits(r, name+" submasks", trained.Net.Submasks(d.Test.X, layer).Words())
	}
	bits(r, "whole submasks", trained.Net.WholeSubmasks(d.Test.X).Words())
}

func mustCompete(t *testing.T, s lcn15.Setting, d *thesis21.Data, stop int) (trained *lcn15.Trained) {
	t.Helper()
	o := lcn15.Options{}
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
