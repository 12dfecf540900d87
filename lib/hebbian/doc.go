// SPDX-License-Identifier: Apache-2.0

// Package hebbian learns features without labels, by units that compete for inputs, and a classifier on top of them
// [KH19].
//
// The document's symbols in Go:
//
//	v, N          x, inputs               an example, with N elements
//	W, K          Weights, units          what the hidden units have learnt, [units, inputs]
//	p, R          Rule.P, Rule.R          weights go to the sphere sum_i |W_i|^p = R^p
//	<W,v>, I      Rule.Current, Compete   what a unit hears, sum_i sign(W_i) |W_i|^(p-1) v_i
//	g, h*, Delta  Threshold, Competition  learning activation: learn, unlearn, or neither
//	w_inh, tau    Inhibition              how units silence each other
//	S, n, m       Net, loss.Power         the classifier, the power of its activation, that of its loss
//
// [Biological] is the algorithm as the document conceives it, one example at a time. [Learner] is its fast form, which
// [train.Run] runs over data. [Net] has the second phase, with labels:
//
//	learner := hebbian.NewLearner(
//		hebbian.Competition{Rule: hebbian.Rule{P: 4}, Delta: 0.4, Scale: hebbian.Largest},
//		hebbian.NewWeights(2000, 784, 1))
//	learner.Rate = optim.Linear(0.04, 0, 100)
//	history, err := train.Run(ctx, train.Config{Learner: learner, Train: images, Epochs: 100})
//
//	net := hebbian.NewNet(learner.Weights(), 10, 4.5, 0.001, tensor.Stream(1, "output"))
//	net.Relative = true
//	history, err = train.Run(ctx, train.Config{
//		Learner: &train.GradientDescent{
//			Model: net.OutputLayer(), Optimizer: &optim.Adam{LR: 3e-4},
//			Loss: func(b *train.Batch) *autograd.Var { return loss.Power(net.ReadOut(b.X), b.Y, 10) },
//		},
//		Train: net.Encode(images, 1<<30), Epochs: 300,
//	})
package hebbian
