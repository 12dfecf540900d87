// SPDX-License-Identifier: Apache-2.0

package drmm_test

import (
	"slices"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/drmm"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Open gates change nothing. A unit behind a closed gate is never on, and is not rendered.
func TestGates(t *testing.T) {
	net, err := drmm.NewNet(drmm.FiveLayer(), drmm.Size{Channels: 1, H: 28, W: 28}, 10, tensor.Stream(1, "weights"))
	if err != nil {
		t.Fatal(err)
	}
	x := tensor.New(3, 1, 28, 28)
	tensor.Stream(2, "x").Uniform(x.Data(), 0, 1)
	infer := func() (found drmm.Inference) {
		net.Infer(&found, autograd.NewTape(1).Input(x))
		return found
	}
	before := infer()
	net.AddGates()
	if s := net.Layers[1].Gate.Mask.Shape(); !slices.Equal(s, []int{64, 14, 14}) {
		t.Errorf("the gate of the second layer has the shape %v", s)
	}
	if open := infer(); !slices.Equal(open.Logits.Data(), before.Logits.Data()) {
		t.Error("open gates change the logits")
	}
	clear(net.Layers[1].Gate.Mask.Row(5)) // a whole channel
	after := infer()
	for n := range 3 {
		for i := 5 * 14 * 14; i < 6*14*14; i++ {
			if v, at := after.Features[1].Value().Row(n)[i], after.Switches[1].At[n*64*14*14+i]; v != 0 || at != -1 {
				t.Fatalf("unit %d behind a closed gate: feature %g, switch %d", i, v, at)
			}
		}
	}
	if slices.Equal(after.Logits.Data(), before.Logits.Data()) {
		t.Error("a closed gate does not change the logits")
	}
}
