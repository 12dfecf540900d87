// SPDX-License-Identifier: Apache-2.0

package simd_test

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// A dense layer of three units, forward, on two samples of two features: y = relu(x * transpose(W) + bias).
func Example() {
	x := []float32{
		1, 2,
		3, 4,
	}
	weights := []float32{ // one row a unit
		1, 0,
		0, 1,
		-1, -1,
	}
	bias := []float32{0.5, 0, 1}
	y := make([]float32, 2*3)
	simd.GemmNT(2, 3, 2, x, 2, weights, 2, y, 3, false)
	simd.AddRowVectorRelu(y, y, bias, 2, 3)
	fmt.Println(y[:3])
	fmt.Println(y[3:])
	// Output:
	// [1.5 2 0]
	// [3.5 4 0]
}
