// SPDX-License-Identifier: Apache-2.0

package ninai17_test

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/papers/ninai17"
)

// The setting behind one cell of table 1, and the same cell in the variant without unlabelled images.
func Example() {
	for _, variant := range []string{ninai17.NNVI, ninai17.Sup} {
		s := ninai17.Digits(100, variant)
		fmt.Println(s)
		fmt.Println(s.Shape)
	}
	// Output:
	// nn-vi, 100 labels, 60000 unlabelled, seed 0
	// 32x5x5 full pool, 64x3x3 valid, 64x3x3 full pool, 128x3x3 valid, 10x1x1 valid
	// sup, 100 labels, 0 unlabelled, seed 0
	// 32x5x5 full pool, 64x3x3 valid, 64x3x3 full pool, 128x3x3 valid, 10x1x1 valid
}
