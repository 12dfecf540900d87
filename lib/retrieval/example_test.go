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
