// SPDX-License-Identifier: Apache-2.0

package golden

import (
	"testing"

	"github.com/lateral-ml/lateral/lib/activity"
)

// penalised records networks whose objective has a penalty on activity: classifiers and autoencoders [Thesis21].
func penalised() []subject {
	classifier := activity.Setting{
		Task: activity.Classify, Shape: activity.FullyConnected(32, 16), Activation: activity.ReLU,
		Penalty: activity.L1, Lambda: 0.004, Epochs: 2, Seed: 5,
	}
	convolutional := activity.Shape{Filters: []int{3, 4}, Kernel: 5, Hidden: []int{16}}
	network := func(name string, change func(s *activity.Setting)) subject {
		s := classifier
		change(&s)
		return subject{name: "penalised: " + name, record: func(t *testing.T, r *record) {
			d := glyphs().split()
			trained, err := activity.Train(t.Context(), s.On(d), d, nil)
			if err != nil {
				t.Fatal(err)
			}
			recordPenalised(r, s, trained)
		}}
	}
	large := func(s subject) subject {
		s.large = true
		return s
	}
	return []subject{
		network("relu, l1", func(s *activity.Setting) { s.Trace = true }),
		network("sigmoid", func(s *activity.Setting) { s.Activation = activity.Sigmoid }),
		network("log", func(s *activity.Setting) { s.Penalty = activity.Log }),
		network("exp", func(s *activity.Setting) { s.Penalty = activity.Exp }),
		network("no penalty", func(s *activity.Setting) { s.Lambda, s.Shape = 0, activity.FullyConnected(24) }),
		network("weights of layers", func(s *activity.Setting) { s.Weights = []float64{0, 2.5} }),
		network("negative biases", func(s *activity.Setting) { s.NegativeBiases = true }),
		network("no output bias", func(s *activity.Setting) { s.NoOutputBias = true }),
		network("convolutional", func(s *activity.Setting) { s.Shape, s.Epochs = convolutional, 1 }),
		network("convolutional, log", func(s *activity.Setting) {
			s.Shape, s.Penalty, s.Epochs, s.NegativeBiases = convolutional, activity.Log, 1, true
		}),
		network("autoencoder", func(s *activity.Setting) {
			s.Task, s.Shape, s.Lambda = activity.Autoencode, activity.FullyConnected(24, 8, 24), 0.0001
		}),
		network("autoencoder, sigmoid, exp", func(s *activity.Setting) {
			s.Task, s.Shape, s.Lambda = activity.Autoencode, activity.FullyConnected(24), 0.0001
			s.Activation, s.Penalty = activity.Sigmoid, activity.Exp
		}),
		large(network("three layers of 256", func(s *activity.Setting) { s.Shape = activity.FullyConnected(256, 256, 256) })),
		large(network("three convolutions", func(s *activity.Setting) {
			s.Shape, s.Epochs = activity.Shape{Filters: []int{6, 16, 24}, Kernel: 7, Hidden: []int{64}}, 1
		})),
		large(network("wide autoencoder", func(s *activity.Setting) {
			s.Task, s.Shape, s.Lambda, s.Epochs = activity.Autoencode, activity.FullyConnected(400, 64, 400), 0.00005, 1
		})),
	}
}

func recordPenalised(r *record, s activity.Setting, trained *activity.Trained) {
	m := trained.Measures
	r.weights("weights", trained.Net)
	r.numbers("loss, accuracy, sample's accuracy, weighted, inactive",
		m.Loss, m.Accuracy, m.Sample.Accuracy, m.Sample.Weighted(), m.Inactive())
	r.numbers("sample's gini", m.Sample.Gini...)
	r.numbers("skewness", m.Skewness...)
	var activities []float64
	var units []int
	for _, l := range m.Layers {
		for _, v := range []activity.Spread{l.L0, l.L1, l.Gini, l.Hoyer} {
			activities = append(activities, v.Mean, v.Std)
		}
		units = append(units, l.Units, l.Dead)
	}
	r.numbers("layers' l0, l1, gini, hoyer", activities...)
	r.integers("layers' units, dead", units...)
	var epochs []float64
	for _, e := range m.Epochs {
		epochs = append(epochs, e.TrainLoss, e.TrainError, e.Loss, e.Error)
		epochs = append(append(epochs, e.L0...), e.L1...)
	}
	r.numbers("epochs", epochs...)
	if s.Trace {
		bits(r, "l1 of every step", m.Trace)
	}
	trains := []string{"loss"}
	if s.Task == activity.Classify {
		trains = append(trains, "error")
	}
	r.history("run", trained.History, trains, append(trains, "hidden 1 l0", "hidden 1 l1"))
}
