// SPDX-License-Identifier: Apache-2.0

package prune_test

import (
	"fmt"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/nn"
	. "github.com/lateral-ml/lateral/lib/prune"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// One core, dense and compressed: the layers of LeNet-5 at several shares of their weights.
func BenchmarkCompress(b *testing.B) {
	rng := tensor.Stream(1, "weights")
	for name, c := range map[string]struct {
		layer nn.Module
		shape []int
	}{
		"conv1": {nn.NewConv2D(1, 20, 5, 5, autograd.ConvShape{}, nil, rng), []int{1, 28, 28}},
		"conv2": {nn.NewConv2D(20, 50, 5, 5, autograd.ConvShape{}, nil, rng), []int{20, 12, 12}},
		"fc1":   {nn.NewDense(800, 500, nil, rng), []int{800}},
	} {
		for _, keep := range []float64{0.8, 0.7, 0.6, 0.45, 0.1} {
			net := nn.Sequential{c.layer}
			layers, _ := Network(net)
			if err := Prune(layers, Magnitude, nil, Cut{Keep: keep}); err != nil {
				b.Fatal(err)
			}
			for _, batch := range []int{1, 100} {
				x := tensor.New(append([]int{batch}, c.shape...)...)
				rng.Uniform(x.Data(), 0, 1)
				for i, m := range []nn.Sequential{net, Compress(net)} {
					b.Run(fmt.Sprintf("%s/%g/%d/%s", name, keep, batch, []string{"zeros", "compressed"}[i]), func(b *testing.B) {
						tape := autograd.NewTape(1)
						for b.Loop() {
							tape.Reset()
							m.Forward(tape.Input(x))
						}
					})
				}
			}
		}
	}
}
