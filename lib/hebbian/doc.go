// SPDX-License-Identifier: Apache-2.0

// Package hebbian learns features without labels, with hidden units that compete to learn each input, and trains a
// classifier on these features [KH19].
//
// The document's symbols in Go:
//
//	v, N          x, inputs               an example, with N elements
//	W, K          Weights, units          weights of the hidden units, [units, inputs]
//	p, R          Rule.P, Rule.R          weights converge to the sphere sum_i |W_i|^p = R^p
//	<W,v>, I      Rule.Current, Compete   input current of a unit, sum_i sign(W_i) |W_i|^(p-1) v_i
//	g, h*, Delta  Threshold, Competition  learning activation: learn, unlearn, or neither
//	w_inh, tau    Inhibition              strength and time constant of lateral inhibition
//	S, n, m       Net, loss.Power         output weights, the power of the activation, the power of the loss
//
// [Biological] is the biological form of the algorithm, one example at a time. [Learner] is its fast form, which
// [train.Run] runs over data. [Net] is the second phase, which uses labels:
//
//	learner := hebbian.NewLearner(
//		hebbian.Competition{Rule: hebbian.Rule{P: 4}, Delta: 0.4, Scale: hebbian.MaxNormalised},
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
