// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// Order returns a permutation of 0..n-1, the order in which an epoch visits n samples. It depends on its arguments
// alone, so training that resumes within an epoch needs only the seed, the epoch and the batch. It panics if n is
// negative.
func Order(n int, seed uint64, epoch int) []int {
	if n < 0 {
		panic(fmt.Sprintf("dataset: Order: %d samples", n))
	}
	return tensor.Stream(seed, "dataset/order/"+strconv.Itoa(epoch)).Perm(n)
}

// Split divides a set at random into a part with the given fraction of the images and the rest, with the same share of
// every class. The first part has exactly round(fraction*Len) images; fractional counts of classes are rounded by
// largest remainder, ties to the lower class. Both parts keep the order of the set. It panics unless 0 <= fraction <=
// 1.
func (s *Set) Split(fraction float64, rng *tensor.RNG) (a, b *Set) {
	if !(fraction >= 0 && fraction <= 1) {
		panic(fmt.Sprintf("dataset: Split: fraction %g outside [0, 1]", fraction))
	}
	members := s.members()
	quota := shares(members, fraction, s.Len())
	var first, rest []int
	for c, m := range members {
		shuffle(m, rng)
		first = append(first, m[:quota[c]]...)
		rest = append(rest, m[quota[c]:]...)
	}
	slices.Sort(first)
	slices.Sort(rest)
	return s.Subset(first), s.Subset(rest)
}

// shares returns the number of members of each class among round(fraction*n) samples, by largest remainder.
func shares(members [][]int, fraction float64, n int) []int {
	quota := make([]int, len(members))
	remainder := make([]float64, len(members))
	byRemainder := make([]int, len(members))
	left := int(math.Round(fraction * float64(n)))
	for c, m := range members {
		exact := float64(fraction * float64(len(m))) // rounded: a fused subtraction would give arm64 other remainders
		quota[c] = int(exact)
		remainder[c] = exact - float64(quota[c])
		byRemainder[c] = c
		left -= quota[c]
	}
	slices.SortStableFunc(byRemainder, func(i, j int) int { return cmp.Compare(remainder[j], remainder[i]) })
	for _, c := range byRemainder {
		if left > 0 && quota[c] < len(members[c]) {
			quota[c]++
			left--
		}
	}
	return quota
}

// Balanced returns perClass images of every class, drawn at random without replacement, in the order of the set. It
// panics if perClass is negative or a class has fewer images.
func (s *Set) Balanced(perClass int, rng *tensor.RNG) *Set {
	var idx []int
	for c, m := range s.members() {
		if perClass < 0 || perClass > len(m) {
			panic(fmt.Sprintf("dataset: Balanced: %d images of class %q, which has %d", perClass, s.Classes[c], len(m)))
		}
		shuffle(m, rng)
		idx = append(idx, m[:perClass]...)
	}
	slices.Sort(idx)
	return s.Subset(idx)
}

// members returns the indices of the images of each class, ascending. Samples without labels form a single class.
func (s *Set) members() [][]int {
	if s.Y == nil {
		all := make([]int, s.Len())
		for i := range all {
			all[i] = i
		}
		return [][]int{all}
	}
	m := make([][]int, len(s.Classes))
	for i, y := range s.Y {
		m[y] = append(m[y], i)
	}
	return m
}

func shuffle(idx []int, rng *tensor.RNG) {
	rng.Shuffle(len(idx), func(i, j int) { idx[i], idx[j] = idx[j], idx[i] })
}
