// SPDX-License-Identifier: Apache-2.0

package golden

import (
	"testing"

	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/papers/thesis21"
)

// penalised records networks with an activity penalty: classifiers and autoencoders [Thesis21].
func penalised() []subject {
	classifier := thesis21.Setting{
		Task: thesis21.Classify, Shape: thesis21.FullyConnected(32, 16), Activation: thesis21.ReLU,
		Penalty: thesis21.L1, Lambda: 0.004, Epochs: 2, Seed: 5,
	}
	convolutional := thesis21.Shape{Filters: []int{3, 4}, Kernel: 5, Hidden: []int{16}}
	network := func(name string, change func(s *thesis21.Setting)) subject {
		s := classifier
		change(&s)
		return subject{name: "penalised: " + name, record: func(t *testing.T, r *record) {
			d := glyphs().split()
			trained, err := thesis21.Train(t.Context(), s.On(d), d, experiment.Options{Workers: 1})
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
		network("relu, l1", func(s *thesis21.Setting) { s.Trace = true }),
		network("sigmoid", func(s *thesis21.Setting) { s.Activation = thesis21.Sigmoid }),
		network("log", func(s *thesis21.Setting) { s.Penalty = thesis21.Log }),
		network("exp", func(s *thesis21.Setting) { s.Penalty = thesis21.Exp }),
		network("no penalty", func(s *thesis21.Setting) { s.Lambda, s.Shape = 0, thesis21.FullyConnected(24) }),
		network("weights of layers", func(s *thesis21.Setting) { s.Weights = []float64{0, 2.5} }),
		network("negative biases", func(s *thesis21.Setting) { s.NegativeBiases = true }),
		network("no output bias", func(s *thesis21.Setting) { s.NoOutputBias = true }),
		network("convolutional", func(s *thesis21.Setting) { s.Shape, s.Epochs = convolutional, 1 }),
		network("convolutional, log", func(s *thesis21.Setting) {
			s.Shape, s.Penalty, s.Epochs, s.NegativeBiases = convolutional, thesis21.Log, 1, true
		}),
		network("autoencoder", func(s *thesis21.Setting) {
			s.Task, s.Shape, s.Lambda = thesis21.Autoencode, thesis21.FullyConnected(24, 8, 24), 0.0001
		}),
		network("autoencoder, sigmoid, exp", func(s *thesis21.Setting) {
			s.Task, s.Shape, s.Lambda = thesis21.Autoencode, thesis21.FullyConnected(24), 0.0001
			s.Activation, s.Penalty = thesis21.Sigmoid, thesis21.Exp
		}),
		large(network("three layers of 256", func(s *thesis21.Setting) { s.Shape = thesis21.FullyConnected(256, 256, 256) })),
		large(network("three convolutions", func(s *thesis21.Setting) {
			s.Shape, s.Epochs = thesis21.Shape{Filters: []int{6, 16, 24}, Kernel: 7, Hidden: []int{64}}, 1
		})),
		large(network("wide autoencoder", func(s *thesis21.Setting) {
			s.Task, s.Shape, s.Lambda, s.Epochs = thesis21.Autoencode, thesis21.FullyConnected(400, 64, 400), 0.00005, 1
		})),
	}
}

func recordPenalised(r *record, s thesis21.Setting, trained *thesis21.Result) {
	m := trained.Metrics
	r.weights("weights", trained.Net)
	r.numbers("loss, accuracy, sample's accuracy, weighted, inactive",
		m.Loss, m.Accuracy, m.Sample.Accuracy, m.Sample.Weighted(), m.Inactive())
	r.numbers("sample's gini", m.Sample.Gini...)
	r.numbers("skewness", m.Skewness...)
	var activities []float64
	var units []int
	for _, l := range m.Layers {
		for _, v := range []thesis21.Spread{l.L0, l.L1, l.Gini, l.Hoyer} {
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
	if s.Task == thesis21.Classify {
		trains = append(trains, "error")
	}
	r.history("run", trained.History, trains, append(trains, "hidden 1 l0", "hidden 1 l1"))
}
