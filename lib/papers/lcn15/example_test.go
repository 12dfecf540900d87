// SPDX-License-Identifier: Apache-2.0

package lcn15_test

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/papers/lcn15"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// The active units for an image: one in each block of five.
func Example() {
	s := lcn15.MaxoutNet()
	n := lcn15.New(s, []int{1, 28, 28}, 10)
	image := tensor.New(1, 1, 28, 28)
	tensor.Stream(1, "image").Uniform(image.Data(), 0, 1)
	codes := n.Submasks(image, len(n.Hidden)-1)
	fmt.Println(s)
	fmt.Println(codes.Bits(), "bits,", codes.Ones(0), "of them 1")
	// Output:
	// maxout 1200-1200, dropout, seed 0
	// 1200 bits, 240 of them 1
}
