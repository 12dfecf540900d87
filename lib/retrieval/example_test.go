// SPDX-License-Identifier: Apache-2.0

package retrieval_test

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/retrieval"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// The activations of six units for four images: which units are active, and which images have similar codes.
func Example() {
	activations := tensor.From([]float32{
		.9, .1, 0, 0, .2, 0, // a 3
		.4, .7, 0, 0, 0, 0, // a 3
		0, 0, .8, .3, 0, .1, // a 7
		0, .2, .5, .6, 0, .4, // a 7
	}, 4, 6)
	labels := []int{3, 3, 7, 7}
	codes := retrieval.ActiveCodes(activations)

	query := retrieval.ActiveCodes(tensor.From([]float32{0, 0, 2, 1, 0, 0}, 1, 6))
	index := &retrieval.Index{Codes: codes}
	near := index.Search(query, 3)
	fmt.Println("neighbours", near.ID, "at", near.Distance)
	fmt.Println("class", retrieval.Classify(near, labels, 10, retrieval.InverseDistance))
	// Output:
	// neighbours [2 3 1] at [1 2 4]
	// class [7]
}

// A million codes of 128 bits, 16 MB: the nearest of three queries, each a code of which five bits have changed.
func Example_million() {
	const n, bits = 1_000_000, 128
	rng := tensor.Stream(1, "codes")
	words := make([]uint64, n*bits/64)
	for i := range words {
		words[i] = rng.Uint64()
	}
	index := &retrieval.Index{Codes: retrieval.CodesFromWords(words, bits)}

	var queries []uint64
	for _, id := range []int{7, 123_456, 999_999} {
		code := index.Codes.Row(id)
		queries = append(queries, code[0]^0b1011, code[1]^0b11)
	}
	near := index.Search(retrieval.CodesFromWords(queries, bits), 1)
	fmt.Println(near.ID, near.Distance)
	// Output: [7 123456 999999] [5 5 5]
}
