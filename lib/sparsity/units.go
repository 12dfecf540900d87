// SPDX-License-Identifier: Apache-2.0

package sparsity

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// Counts returns, for each unit, the number of samples on which it is active. a [N, units] -> [units]; [Thesis21, fig.
// 3.3].
func Counts(a *tensor.Tensor) []int {
	counts := make([]int, a.Width())
	addCounts(counts, a)
	return counts
}

func addCounts(counts []int, a *tensor.Tensor) {
	for i := range a.Rows() {
		for j, v := range a.Row(i) {
			if v != 0 {
				counts[j]++
			}
		}
	}
}

// Frequency returns, for each unit, the share of samples on which it is active, from 0 to 1. a [N, units] -> [units].
// It panics if there are no samples.
func Frequency(a *tensor.Tensor) []float64 {
	return frequency(Counts(a), a.Rows())
}

func frequency(counts []int, samples int) []float64 {
	if samples == 0 {
		panic(fmt.Sprintf("sparsity: Frequency: no samples of %d units", len(counts)))
	}
	f := make([]float64, len(counts))
	for j, n := range counts {
		f[j] = float64(n) / float64(samples)
	}
	return f
}

// DeadUnits returns the units that are active on no sample, in ascending order. a [N, units].
func DeadUnits(a *tensor.Tensor) []int {
	return dead(Counts(a))
}

func dead(counts []int) []int {
	var units []int
	for j, n := range counts {
		if n == 0 {
			units = append(units, j)
		}
	}
	return units
}

// ClassCounts returns, for each class and unit, the number of samples of the class on which the unit is active: the
// heat maps of [Thesis21, fig. 3.4]. a [N, units], labels y [N] from 0 to classes-1 -> [classes, units]. It panics if y
// has another length or a label is outside the range.
func ClassCounts(a *tensor.Tensor, y []int, classes int) *tensor.Tensor {
	if len(y) != a.Rows() {
		panic(fmt.Sprintf("sparsity: ClassCounts: %d labels for activations of shape %v", len(y), a.Shape()))
	}
	counts := tensor.New(classes, a.Width())
	for i, class := range y {
		if class < 0 || class >= classes {
			panic(fmt.Sprintf("sparsity: ClassCounts: label %d of sample %d is not one of %d classes", class, i, classes))
		}
		row := counts.Row(class)
		for j, v := range a.Row(i) {
			if v != 0 {
				row[j]++
			}
		}
	}
	return counts
}
