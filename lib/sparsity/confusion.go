// SPDX-License-Identifier: Apache-2.0

package sparsity

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Predictions returns, for each sample, the class with the largest logit: of equal ones the lowest, and of a NaN the
// NaN's. logits [N, classes] -> [N]. It panics if there are no classes.
func Predictions(logits *tensor.Tensor) []int {
	if logits.Width() == 0 {
		panic(fmt.Sprintf("sparsity: Predictions: logits of shape %v have no classes", logits.Shape()))
	}
	classes := make([]int, logits.Rows())
	for i := range classes {
		classes[i] = simd.ArgMax(logits.Row(i))
	}
	return classes
}

// Confusion returns the confusion matrix: in row t and column p the number of samples of class t that were taken for
// class p [Thesis21, appendix C.3.1]. Labels y [N] and predicted [N], both from 0 to classes-1 -> [classes, classes].
// It panics if they differ in length or lie outside their range.
func Confusion(y, predicted []int, classes int) *tensor.Tensor {
	if len(y) != len(predicted) {
		panic(fmt.Sprintf("sparsity: Confusion: %d labels for %d predictions", len(y), len(predicted)))
	}
	m := tensor.New(classes, classes)
	for i, p := range predicted {
		if t := y[i]; min(t, p) < 0 || max(t, p) >= classes {
			panic(fmt.Sprintf("sparsity: Confusion: sample %d of class %d is taken for %d: want two of %d classes", i, t, p, classes))
		}
		m.Row(y[i])[p]++
	}
	return m
}

// Accuracy returns the share of all samples that were taken for what they are, sum_t m_tt / sum_tp m_tp: the second
// form of [Thesis21, eq. 2.5]. (Its first, (TP+TN)/(TP+TN+FP+FN), is the same for two classes only: taken over K
// classes, each against the rest, it is 1 - 2(1 - accuracy)/K.)
// m [classes, classes] as Confusion returns it. It is NaN if there are no samples.
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

// Precision returns, for each class, the share of the samples taken for it that belong to it, TP/(TP+FP):
// m_cc / sum_t m_tc [Thesis21, appendix C.3.1]. m [classes, classes] as Confusion returns it.
// It is NaN for a class that nothing was taken for, as are nine of a network's ten whose hidden units are dead.
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

// Recall returns, for each class, the share of its samples that were taken for it, TP/(TP+FN): m_cc / sum_p m_cp
// [Thesis21, appendix C.3.1]. m [classes, classes] as Confusion returns it. It is NaN for a class without samples.
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

// shares returns what the diagonal is of each total, NaN where the total is 0.
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
		panic(fmt.Sprintf("sparsity: %s: a confusion matrix of shape %v: want as many rows as columns", operation, s))
	}
}
