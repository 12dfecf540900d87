// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// searches look for the nearest of many codes.
func searches() []item {
	const queries, codes, bits = 10_000, 50_000, 1024
	setup := func(workers int) func() {
		s := newHammingSearch(queries, codes, bits/64)
		tape := autograd.NewTape(workers)
		v := tape.Input(tensor.New(1))
		return func() { tape.For(v, queries, 1, s.run) }
	}
	return []item{{
		name: "hamming_10k_50k_1024", work: queries * codes, unit: "distances", setup: ready(setup), peers: []string{"faiss"},
	}}
}

// A hammingSearch finds the 5 codes that differ from each query in the fewest bits.
type hammingSearch struct {
	queries, codes []uint64
	words          int // of a code
	nearest        [][5]neighbour
}

type neighbour struct{ distance, code int32 }

// newHammingSearch draws queries and codes at random.
func newHammingSearch(queries, codes, words int) *hammingSearch {
	s := &hammingSearch{make([]uint64, queries*words), make([]uint64, codes*words), words, make([][5]neighbour, queries)}
	rng := tensor.Stream(1, "codes")
	for _, all := range [][]uint64{s.queries, s.codes} {
		for i := range all {
			all[i] = rng.Uint64()
		}
	}
	return s
}

// run searches for the queries lo to hi, all of them in some codes that the first-level cache holds, then in the next.
func (s *hammingSearch) run(_ *autograd.Var, lo, hi int) {
	const cached = 32 << 10 / 8 // words
	for q := range s.nearest[lo:hi] {
		for i := range s.nearest[lo+q] {
			s.nearest[lo+q][i] = neighbour{math.MaxInt32, -1}
		}
	}
	step := max(1, cached/s.words)
	distances := make([]int32, step)
	for first := 0; first < len(s.codes)/s.words; first += step {
		codes := s.codes[first*s.words:]
		codes = codes[:min(len(codes), step*s.words)]
		distances = distances[:len(codes)/s.words]
		for q := lo; q < hi; q++ {
			simd.Hamming(distances, s.queries[q*s.words:][:s.words], codes)
			insertNearest(&s.nearest[q], distances, first)
		}
	}
}

// insertNearest keeps the 5 nearest, in order, of those it has and the codes from first on.
func insertNearest(nearest *[5]neighbour, distances []int32, first int) {
	farthest := nearest[4].distance
	for i, d := range distances {
		if d >= farthest {
			continue
		}
		at := 4
		for ; at > 0 && d < nearest[at-1].distance; at-- {
			nearest[at] = nearest[at-1]
		}
		nearest[at] = neighbour{d, int32(first + i)}
		farthest = nearest[4].distance
	}
}
