// SPDX-License-Identifier: Apache-2.0

package sparsecode_test

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/sparsecode"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func ExampleEncode() {
	atoms := tensor.From([]float32{
		1, 1, 0, 0,
		0, 0, 1, -1,
		1, 0, 1, 0,
	}, 3, 2, 2) // three atoms of 2x2 pixels
	d, err := sparsecode.NewDictionary(atoms)
	if err != nil {
		fmt.Println(err)
		return
	}
	x := tensor.From([]float32{2, 2, 1, -1}, 1, 2, 2)
	for _, e := range []sparsecode.Encoder{
		&sparsecode.OMP{Atoms: 2},
		&sparsecode.CoordinateDescent{Lambda: 0.5},
	} {
		codes, err := sparsecode.Encode(e, d, x)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%T: %.3f, objective %.3f\n", e, codes.Data(), sparsecode.Objective(e, d, x, codes))
	}
	_, err = sparsecode.Encode(&sparsecode.OMP{Atoms: 5}, d, x)
	fmt.Println(err)
	// Output:
	// *sparsecode.OMP: [2.828 1.414 0.000], objective 0.000
	// *sparsecode.CoordinateDescent: [2.328 0.914 0.000], objective 1.871
	// sparsecode: OMP: Atoms is 5: want 1 to 3, the atoms of the dictionary
}
