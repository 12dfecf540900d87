// SPDX-License-Identifier: Apache-2.0

package rbm_test

import (
	"context"
	"fmt"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/rbm"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// A machine of 6 visible units learns that each half is all on or all off.
func Example() {
	x := tensor.New(200, 6)
	for n := range x.Rows() {
		for i := range 6 {
			x.Set(float32(n>>(i/3)&1), n, i)
		}
	}
	learner := &rbm.Learner{
		Machine: rbm.New(6, 4, 1), Rate: optim.Linear(0.2, 0, 500), Persistent: true, Steps: 5,
	}
	_, err := train.Run(context.Background(), train.Config{
		Learner: learner, Train: &dataset.Set{X: x}, Epochs: 500, BatchSize: 20,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	m := learner.Machine
	logZ, err := m.LogPartition()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("log-likelihood above -1.6 (four patterns allow -1.386): %t\n", m.LogLikelihood(x, logZ) > -1.6)

	noisy := tensor.From([]float32{1, 1, 0, 0, 0, 0}, 1, 6)
	fmt.Printf("%.0f\n", m.Reconstruct(m.Features(noisy)).Data())
	// Output:
	// log-likelihood above -1.6 (four patterns allow -1.386): true
	// [1 1 1 0 0 0]
}
