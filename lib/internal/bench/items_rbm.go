// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/rbm"
	"github.com/lateral-ml/lateral/lib/train"
)

// machines are learning steps of a restricted Boltzmann machine with 784 visible and 500 hidden units, for batches of
// 100: contrastive divergence, which the peer does in NumPy, and with persistent chains, which it does by
// scikit-learn's BernoulliRBM.
func machines() []item {
	const visible, hidden, batch, products = 784, 500, 100, 5
	step := func(name string, persistent bool) item {
		return item{
			name: name, work: batch, unit: "images", flops: products * 2 * batch * visible * hidden, peers: []string{"rbm"},
			setup: ready(func(workers int) func() {
				l := &rbm.Learner{
					Machine: rbm.New(visible, hidden, 1), Rate: optim.Constant(0.01), Persistent: persistent, Workers: workers,
				}
				l.State()
				next, r := noiseBatches(batch, visible), &train.Recorder{}
				return func() {
					if err := l.Step(&dataset.Batch{X: *next().x}, r); err != nil {
						panic(err)
					}
				}
			}),
		}
	}
	return []item{step("rbm_cd", false), step("rbm_pcd", true)}
}
