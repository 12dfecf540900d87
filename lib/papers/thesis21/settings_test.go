// SPDX-License-Identifier: Apache-2.0

package thesis21

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/train"
)

// One setting of each grid at the thesis' size: the last cell, which has the largest network and lambda. The thesis
// gives the shapes, the activations, maximal lambdas of 0.12, 0.02 and 0.0009, and 15 epochs. The lambdas of its
// convolutional networks are ours, and the last three grids are experiments that it proposes.
func TestSettings(t *testing.T) {
	for name, want := range map[string]string{
		"fc1": `"task":"classify","hidden":[256],"activation":"relu","penalty":"l1","lambda":0.12,"epochs":15`,
		"fc2": `"task":"classify","hidden":[256,256],"activation":"relu","penalty":"l1","lambda":0.12,` +
			`"epochs":15`,
		"fc3": `"task":"classify","hidden":[256,256,256],"activation":"relu","penalty":"l1",` +
			`"lambda":0.02,"epochs":15`,
		"sigmoid": `"task":"classify","hidden":[256],"activation":"sigmoid","penalty":"l1","lambda":0.12,` +
			`"epochs":15`,
		"conv3": `"task":"classify","filters":[6,16,24],"kernel":3,"hidden":[64],"activation":"relu",` +
			`"penalty":"l1","lambda":0.02,"epochs":15`,
		"conv7": `"task":"classify","filters":[6,16,24],"kernel":7,"hidden":[64],"activation":"relu",` +
			`"penalty":"l1","lambda":0.01,"epochs":15`,
		"conv11": `"task":"classify","filters":[6,16],"kernel":11,"hidden":[64],"activation":"relu",` +
			`"penalty":"l1","lambda":0.01,"epochs":15`,
		"ae": `"task":"autoencode","hidden":[900,1024,900],"activation":"relu","penalty":"l1",` +
			`"lambda":0.0009,"epochs":15`,
		"thresholds": `"task":"classify","hidden":[256,256],"activation":"relu","penalty":"l1","lambda":0.02,` +
			`"epochs":15`,
		"log": `"task":"classify","hidden":[256],"activation":"relu","penalty":"log","lambda":0.12,"epochs":15`,
		"exp": `"task":"classify","hidden":[256],"activation":"relu","penalty":"exp","lambda":0.12,"epochs":15`,
	} {
		end := `,"seed":0}`
		if name == "thresholds" {
			end = `,"seed":0,"negativeBiases":true,"noOutputBias":true}`
		}
		cells := paperGrid(t, name).Cells
		got, err := json.Marshal(cells[len(cells)-1])
		if want = `{"data":"","checksum":"","images":0,` + want + end; err != nil || string(got) != want {
			t.Errorf("%s: the last cell is\n%s\nwant\n%s (%v)", name, got, want, err)
		}
	}
}

// Every network is trained by Adam with a rate of 0.001 on batches of 100 [Thesis21, section 2.2.1]. There is one step
// per batch, and the first step changes a parameter by rate g/(|g| + 1e-8), which is the rate itself unless the
// gradient is tiny.
func TestOptimizer(t *testing.T) {
	s := setting(func(s *Setting) { s.Lambda, s.Epochs = 0, 1 })
	before := NewNet(s, []int{1, 8, 8}, 4)
	o, steps, largest := one, 0, 0.0
	tr := newTrainer(s, small)
	o.OnStep = func(e *train.Event) {
		steps++
		if e.Step > 1 {
			return
		}
		for i, p := range nn.Params(tr.net) {
			for j, v := range p.Data() {
				largest = max(largest, math.Abs(float64(v)-float64(nn.Params(before)[i].Data()[j])))
			}
		}
	}
	if _, err := train.Run(t.Context(), tr.config(small, o)); err != nil {
		t.Fatal(err)
	}
	if steps != 6 || !(math.Abs(largest-0.001) < 1e-6) {
		t.Errorf("%d steps on 600 images, the first changes a parameter by %v", steps, largest)
	}
}
