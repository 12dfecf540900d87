// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/lateral-ml/lateral/lib/hebbian"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// competitions are steps of learning by competing units on the document's layer: 2000 units that see 784 pixels,
// batches of 100, p = 4. Ours is the same step each time, its peer does it in three ways: as the rule's authors write it
// in NumPy (kh_step), rewritten for speed (kh_step_products), and with this library's economy, where only the rows that
// won or came second change (kh_step_rows).
func competitions() []item {
	const units, pixels, batch = 2000, 784, 100
	setup := ready(func(workers int) func() {
		w := tensor.New(units, pixels)
		tensor.Stream(1, "weights").Normal(w.Data(), 0, 1)
		l := hebbian.NewLearner(hebbian.Competition{Rule: hebbian.Rule{P: 4}, Delta: 0.4, Scale: hebbian.MaxNormalised}, w)
		l.Workers = workers
		next := noiseBatches(batch, pixels)
		return func() { l.Update(next().x, 0.02) }
	})
	step := func(name string) item {
		return item{
			name: name, work: batch, unit: "images", flops: 2 * batch * pixels * units,
			setup: setup, peers: []string{"hebbian"},
		}
	}
	return []item{step("kh_step"), step("kh_step_products"), step("kh_step_rows")}
}
