// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/lateral-ml/lateral/lib/hebbian"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// competitions are learning steps of competing units for the layer of the document: 2000 units, 784 pixels, batches of
// 100, p = 4. The library runs the same step each time. The peer runs three versions: as published by the rule's
// authors in NumPy (kh_step), rewritten for speed (kh_step_products), and with this library's optimisation, which
// changes only the rows that came first or second (kh_step_rows).
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
