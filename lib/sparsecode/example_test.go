// SPDX-License-Identifier: Apache-2.0

package sparsecode_test

import (
	"context"
	"fmt"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/sparsecode"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
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

func ExampleOnline() {
	hidden := sparsecode.RandomDictionary(6, 1, 4, 4) // what the patches are made of
	codes := tensor.New(600, 6)
	rng := tensor.Stream(1, "codes")
	for i := range codes.Rows() {
		for _, k := range rng.Perm(6)[:2] {
			codes.Set(float32(rng.NormFloat64()), i, k)
		}
	}
	patches := &dataset.Set{X: hidden.Reconstruct(codes)}

	d := sparsecode.RandomDictionary(6, 2, 4, 4)
	learner := &sparsecode.Online{Dictionary: d, Encoder: &sparsecode.CoordinateDescent{Lambda: 0.1}}
	history, err := train.Run(context.Background(), train.Config{Learner: learner, Train: patches, Epochs: 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	loss := history.TrainSeries("loss")
	fmt.Println("the objective halves:", loss[9] < loss[0]/2)
	// Output: the objective halves: true
}
