// SPDX-License-Identifier: Apache-2.0

package retrieval

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Vote is the weight that a neighbour at some distance has in the choice of a class.
type Vote func(distance float32) float64

// UniformVote gives every neighbour one vote.
func UniformVote(float32) float64 { return 1 }

// InverseDistance weighs a neighbour by 1/max(distance, 1e-12), as the document does for ImageNet, where the 100 nearest
// vote [LCN15, appendix B.2]; it does not say what counts at distance 0: here the majority of those that are there.
func InverseDistance(distance float32) float64 { return 1 / max(float64(distance), 1e-12) }

// ClassVotes returns the sum of the votes for each class, [N, classes]. labels are those of what was searched. It panics if
// a neighbour has no label, or one that is not in [0, classes).
func ClassVotes(near *Neighbours, labels []int, classes int, vote Vote) *tensor.Tensor {
	sums := tensor.New(near.Len(), classes)
	sum := make([]float64, classes)
	for i := range near.Len() {
		clear(sum)
		id, distance := near.Row(i)
		for j, n := range id {
			sum[label(labels, n, classes)] += vote(distance[j])
		}
		row := sums.Row(i)
		for c, s := range sum {
			row[c] = float32(s)
		}
	}
	return sums
}

func label(labels []int, i int32, classes int) int {
	if int(i) >= len(labels) || labels[i] < 0 || labels[i] >= classes {
		panic(fmt.Sprintf("retrieval: neighbour %d has no label among %d labels of %d classes", i, len(labels), classes))
	}
	return labels[i]
}

// Classify returns for each query the class with most votes among its neighbours; of equal classes the one whose
// nearest voter comes first. labels are those of what was searched. It panics as [ClassVotes] does.
func Classify(near *Neighbours, labels []int, classes int, vote Vote) []int {
	guess := make([]int, near.Len())
	sum := make([]float64, classes)
	for i := range guess {
		clear(sum)
		id, distance := near.Row(i)
		for j, n := range id {
			sum[label(labels, n, classes)] += vote(distance[j])
		}
		best := labels[id[0]]
		for _, n := range id {
			if c := labels[n]; sum[c] > sum[best] {
				best = c
			}
		}
		guess[i] = best
	}
	return guess
}

// Errors returns how many guesses differ from the labels. It panics if there are more of one than of the other.
func Errors(guess, labels []int) int {
	if len(guess) != len(labels) {
		panic(fmt.Sprintf("retrieval: Errors: %d guesses for %d labels", len(guess), len(labels)))
	}
	errors := 0
	for i, c := range guess {
		if c != labels[i] {
			errors++
		}
	}
	return errors
}

// ChooseK returns the number of neighbours, of those in ks, with which fewest of the validation samples are classified
// wrongly, the smallest of equals, and the errors of all. near holds the neighbours of the validation samples, at least
// as many as the largest k; valid are the samples' own labels. It panics if ks is empty or as [ClassVotes] does.
func ChooseK(near *Neighbours, labels, valid []int, classes int, vote Vote, ks []int) (best int, errors []int) {
	if len(ks) == 0 {
		panic("retrieval: ChooseK: no k to choose from")
	}
	errors = make([]int, len(ks))
	at := 0
	for i, k := range ks {
		errors[i] = Errors(Classify(near.First(k), labels, classes, vote), valid)
		if errors[i] < errors[at] || errors[i] == errors[at] && k < ks[at] {
			at = i
		}
	}
	return ks[at], errors
}
