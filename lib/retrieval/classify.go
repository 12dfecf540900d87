// SPDX-License-Identifier: Apache-2.0

package retrieval

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Vote returns the weight of a neighbour at some distance in the choice of a class.
type Vote func(distance float32) float64

// UniformVote gives every neighbour one vote.
func UniformVote(float32) float64 { return 1 }

// InverseDistance gives a neighbour the weight 1/max(distance, 1e-12), as the document does for ImageNet, with the 100
// nearest neighbours [LCN15, appendix B.2]. The document does not define the weight at distance 0; here the majority of
// the neighbours at distance 0 decides.
func InverseDistance(distance float32) float64 { return 1 / max(float64(distance), 1e-12) }

// ClassVotes returns the sum of the votes for each class, [N, classes]. labels are those of the searched codes or
// vectors. It panics if a neighbour has no label, or one outside [0, classes).
func ClassVotes(near *Neighbours, labels []int, classes int, vote Vote) *tensor.Tensor {
	sums := tensor.New(near.Len(), classes)
	sum := make([]float64, classes)
	for i := range near.Len() {
		near.tally(i, labels, vote, sum)
		row := sums.Row(i)
		for c, s := range sum {
			row[c] = float32(s)
		}
	}
	return sums
}

// tally replaces sum by the votes of query i's neighbours, class by class.
func (n *Neighbours) tally(i int, labels []int, vote Vote, sum []float64) {
	clear(sum)
	ids, distances := n.Row(i)
	for j, id := range ids {
		sum[label(labels, id, len(sum))] += vote(distances[j])
	}
}

func label(labels []int, i int32, classes int) int {
	if int(i) >= len(labels) || labels[i] < 0 || labels[i] >= classes {
		panic(fmt.Sprintf("retrieval: neighbour %d has no label among %d labels of %d classes", i, len(labels), classes))
	}
	return labels[i]
}

// Classify returns for each query the class with the most votes among its neighbours. Ties go to the class of the
// nearest voter. labels are those of the searched codes or vectors. It panics as [ClassVotes] does.
func Classify(near *Neighbours, labels []int, classes int, vote Vote) []int {
	guess := make([]int, near.Len())
	sum := make([]float64, classes)
	for i := range guess {
		near.tally(i, labels, vote, sum)
		id, _ := near.Row(i)
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

// Errors returns the number of predictions that differ from the labels. It panics if their numbers differ.
func Errors(predictions, labels []int) int {
	if len(predictions) != len(labels) {
		panic(fmt.Sprintf("retrieval: Errors: %d predictions for %d labels", len(predictions), len(labels)))
	}
	errors := 0
	for i, c := range predictions {
		if c != labels[i] {
			errors++
		}
	}
	return errors
}

// ChooseK returns the number of neighbours in ks that misclassifies the fewest validation samples, and the errors for
// each of ks. Ties go to the smallest. near holds the neighbours of the validation samples, at least as many as the
// largest k; valid holds the samples' own labels. It panics if ks is empty, and as [ClassVotes] does.
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
