// SPDX-License-Identifier: Apache-2.0

package drmm_test

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/drmm"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// One image up and down the five-layer model.
func Example() {
	net, err := drmm.NewNet(drmm.FiveLayer(), drmm.Size{Channels: 1, H: 28, W: 28}, 10, tensor.Stream(1, "weights"))
	if err != nil {
		fmt.Println(err)
		return
	}
	tape := autograd.NewTape(1)
	var found drmm.Inference
	net.Infer(&found, tape.Input(tensor.New(1, 1, 28, 28)))

	var rendered drmm.Rendering
	net.Render(&rendered, drmm.OneHotArgmax(found.Logits), found.Switches)
	for l, z := range rendered.Templates {
		fmt.Printf("z^(%d) %v\n", l, z.Shape())
	}
	// Output:
	// z^(0) [1 1 28 28]
	// z^(1) [1 32 16 16]
	// z^(2) [1 64 14 14]
	// z^(3) [1 64 8 8]
	// z^(4) [1 128 6 6]
	// z^(5) [1 10 6 6]
}

func ExampleShape_Costs() {
	costs, err := drmm.FiveLayer().Costs(drmm.Size{Channels: 1, H: 28, W: 28}, 10)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range costs {
		fmt.Printf("%-8s %7d weights %9d up %9d down\n", c.Name, c.Weights, c.BottomUp, c.TopDown)
	}
	// Output:
	// conv1        800 weights   1638400 up   1254400 down
	// conv2      18432 weights   7225344 up   9437184 down
	// conv3      36864 weights  18874368 up  14450688 down
	// conv4      73728 weights   5308416 up   9437184 down
	// conv5       1280 weights     92160 up     92160 down
	// softmax      100 weights       200 up        20 down
	// total     131204 weights  33138888 up  34671636 down
}
