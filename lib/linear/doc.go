// SPDX-License-Identifier: Apache-2.0

// Package linear fits linear classifiers to features: the support vector machine, as liblinear defines it, and logistic
// regression. They tell how much a representation that was learnt without labels says about the classes [WTA15].
//
// With the score z_ik = x_i·w_k + b_k of sample i for class k, the cost parameter C, weights u_i of the samples (1 by
// default) and one of the losses l, each class has the problem
//
//	minimise f(w_k, b_k) = ½ |w_k|² + ½ (b_k/s)² + C sum_i u_i l(z_ik)
//
// where s is Config.Intercept. For [SquaredHinge] with s = 1 that is liblinear's L2-regularised L2-loss support vector
// classification, one class against the rest [FCHWL08]. [Multinomial] has a single problem with the sum over the
// classes of both penalties.
//
//	classifier, err := linear.Config{C: 0.1}.Fit(ctx, linear.Dense(features), labels)
//	fmt.Println(classifier.Error(linear.Dense(testFeatures), testLabels))
//
// [Config.Search] chooses C by cross-validation, and [FewLabels] measures the error with a few of the labels.
//
// Newton's method with conjugate gradients minimises f [KD05]. A pass over the samples serves the problems of all
// classes and folds at once, as two matrix products, and so takes hardly longer than for a single problem. Results do
// not depend on the number of workers. Dense and compressed features give the same result up to rounding.
package linear
