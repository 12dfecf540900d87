// SPDX-License-Identifier: Apache-2.0

package prune_test

import (
	"context"
	"fmt"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/prune"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// A network loses nine tenths of its weights, the least used ones, while it learns.
func Example() {
	rng := tensor.Stream(1, "weights")
	net := nn.Sequential{flat, nn.NewDense(128, 100, nil, rng), relu, nn.NewDense(100, 5, nil, rng)}
	layers, observe := prune.Network(net)
	learner := &prune.Learner{
		Learner: &train.GradientDescent{
			Model: net, Optimizer: &optim.SGD{LR: 0.05, Momentum: 0.9},
			Loss: func(b *train.Batch) *autograd.Var { return loss.CrossEntropy(net.Forward(b.X), b.Y) },
		},
		Layers: layers, Observe: observe, Score: prune.Use, Schedule: prune.Gradual(1, 3, 0.1),
	}
	if _, err := train.Run(context.Background(), train.Config{
		Learner: learner, Train: spots(400, 1), Epochs: 6, BatchSize: 20,
	}); err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range layers {
		fmt.Println(l.Name, l.Remaining(), "of", l.Keep.Len())
	}
	_, sparse := prune.Compress(net)[1].(*nn.SparseDense)
	fmt.Println("sparse layers:", sparse)
	// Output:
	// fc1 1280 of 12800
	// fc2 50 of 500
	// sparse layers: true
}

// The rat's neocortex loses 41 % of its synapses between days 19 and 35.
func ExampleNeocortex() {
	s := prune.Neocortex(5, 2)
	for _, epoch := range []int{0, 2, 4, 8, 20} {
		fmt.Printf("epoch %2d: %.1f and %.1f %% remain\n", epoch, 100*s.Remaining(epoch, 0), 100*s.Remaining(epoch, 1))
	}
	// Output:
	// epoch  0: 100.0 and 100.0 % remain
	// epoch  2: 100.0 and 73.0 % remain
	// epoch  4: 100.0 and 62.0 % remain
	// epoch  8: 73.0 and 59.3 % remain
	// epoch 20: 59.3 and 59.3 % remain
}
