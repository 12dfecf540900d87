// SPDX-License-Identifier: Apache-2.0

// Package metrics compares predictions with labels, and images with the originals.
//
// Predictions, Errors and ErrorRate take logits [N, classes]: the predicted class is the one with the largest logit.
// Confusion takes labels and predictions; Accuracy, Precision and Recall are computed from the matrix that it returns.
// PSNR and SSIM take two images. No function writes to its arguments.
package metrics

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Predictions returns, for each sample, the class with the largest logit. Ties go to the lowest class, and NaN counts
// as the largest. logits [N, classes] -> [N]. It panics if there are no classes.
func Predictions(logits *tensor.Tensor) []int {
	if logits.Width() == 0 {
		panic(fmt.Sprintf("metrics: Predictions: logits of shape %v have no classes", logits.Shape()))
	}
	classes := make([]int, logits.Rows())
	for i := range classes {
		classes[i] = simd.ArgMax(logits.Row(i))
	}
	return classes
}

// Errors returns the number of samples whose predicted class differs from the label; see [Predictions]. logits [N,
// classes], labels y [N]. It panics if their numbers differ or there are no classes.
func Errors(logits *tensor.Tensor, y []int) int {
	checkLabels("Errors", logits, y)
	wrong := 0
	for i, class := range y {
		if simd.ArgMax(logits.Row(i)) != class {
			wrong++
		}
	}
	return wrong
}

// ErrorRate returns the share of samples whose predicted class differs from the label, weighted by weight: 1 -
// accuracy. logits [N, classes], labels y [N], weight [N], nil for equal weights. It is NaN if the weights sum to 0. It
// panics if the numbers of samples differ or there are no classes.
func ErrorRate(logits *tensor.Tensor, y []int, weight []float32) float64 {
	if weight == nil {
		return float64(Errors(logits, y)) / float64(len(y))
	}
	checkLabels("ErrorRate", logits, y)
	if len(weight) != len(y) {
		panic(fmt.Sprintf("metrics: ErrorRate: %d weights for %d labels", len(weight), len(y)))
	}
	wrong, all := 0.0, 0.0
	for i, class := range y {
		w := float64(weight[i])
		if all += w; simd.ArgMax(logits.Row(i)) != class {
			wrong += w
		}
	}
	return wrong / all
}

func checkLabels(operation string, logits *tensor.Tensor, y []int) {
	if logits.Rows() != len(y) || logits.Width() == 0 {
		panic(fmt.Sprintf("metrics: %s: logits of shape %v for %d labels", operation, logits.Shape(), len(y)))
	}
}

// Confusion returns the confusion matrix: row t and column p hold the number of samples of class t with the prediction
// p [Thesis21, appendix C.3.1]. Labels y [N] and predicted [N], both from 0 to classes-1 -> [classes, classes]. It
// panics if they differ in length or are outside their range.
func Confusion(y, predicted []int, classes int) *tensor.Tensor {
	if len(y) != len(predicted) {
		panic(fmt.Sprintf("metrics: Confusion: %d labels for %d predictions", len(y), len(predicted)))
	}
	m := tensor.New(classes, classes)
	for i, p := range predicted {
		if t := y[i]; min(t, p) < 0 || max(t, p) >= classes {
			panic(fmt.Sprintf("metrics: Confusion: sample %d of class %d is predicted as %d: want two of %d classes",
				i, t, p, classes))
		}
		m.Row(y[i])[p]++
	}
	return m
}

// Accuracy returns the share of samples that are predicted correctly, sum_t m_tt / sum_tp m_tp: the second form of
// [Thesis21, eq. 2.5]. (Its first form, (TP+TN)/(TP+TN+FP+FN), is the same only for two classes: averaged over K
// classes, each against the rest, it is 1 - 2(1 - accuracy)/K.) m [classes, classes] is the result of Confusion.
// Accuracy is NaN if there are no samples.
func Accuracy(m *tensor.Tensor) float64 {
	checkConfusion("Accuracy", m)
	right, all := 0.0, 0.0
	for t := range m.Rows() {
		right += float64(m.At(t, t))
		for _, n := range m.Row(t) {
			all += float64(n)
		}
	}
	return right / all
}

// Precision returns, for each class, the share of the samples predicted as this class that belong to it, TP/(TP+FP):
// m_cc / sum_t m_tc [Thesis21, appendix C.3.1]. m [classes, classes] is the result of Confusion. It is NaN for a class
// that is never predicted; a network whose hidden units are all dead has nine such classes out of ten.
func Precision(m *tensor.Tensor) []float64 {
	checkConfusion("Precision", m)
	taken := make([]float64, m.Rows())
	for t := range m.Rows() {
		for p, n := range m.Row(t) {
			taken[p] += float64(n)
		}
	}
	return shares(m, taken)
}

// Recall returns, for each class, the share of its samples that are predicted as this class, TP/(TP+FN): m_cc / sum_p
// m_cp [Thesis21, appendix C.3.1]. m [classes, classes] is the result of Confusion. It is NaN for a class without
// samples.
func Recall(m *tensor.Tensor) []float64 {
	checkConfusion("Recall", m)
	samples := make([]float64, m.Rows())
	for t := range samples {
		for _, n := range m.Row(t) {
			samples[t] += float64(n)
		}
	}
	return shares(m, samples)
}

// shares returns the diagonal elements divided by the totals, NaN if a total is 0.
func shares(m *tensor.Tensor, totals []float64) []float64 {
	for c, total := range totals {
		if total == 0 {
			totals[c] = math.NaN()
			continue
		}
		totals[c] = float64(m.At(c, c)) / total
	}
	return totals
}

func checkConfusion(operation string, m *tensor.Tensor) {
	if s := m.Shape(); len(s) != 2 || s[0] != s[1] {
		panic(fmt.Sprintf("metrics: %s: a confusion matrix of shape %v: want as many rows as columns", operation, s))
	}
}
