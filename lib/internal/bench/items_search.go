// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/lateral-ml/lateral/lib/retrieval"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// searches find the nearest of many codes.
func searches() []item {
	const queries, codes, bits, nearest = 10_000, 50_000, 1024, 5
	setup := func(workers int) func() {
		rng := tensor.Stream(1, "codes")
		index := retrieval.Index{Codes: randomCodes(codes, bits, rng), Workers: workers}
		q := randomCodes(queries, bits, rng)
		return func() { index.Search(q, nearest) }
	}
	return []item{{
		name: "hamming_10k_50k_1024", work: queries * codes, unit: "distances", setup: ready(setup), peers: []string{"faiss"},
	}}
}

// randomCodes draws n codes, whose number of bits is a multiple of 64.
func randomCodes(n, bits int, rng *tensor.RNG) *retrieval.Codes {
	words := make([]uint64, n*bits/64)
	for i := range words {
		words[i] = rng.Uint64()
	}
	return retrieval.CodesFromWords(words, bits)
}
