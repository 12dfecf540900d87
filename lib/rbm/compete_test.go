// SPDX-License-Identifier: Apache-2.0

package rbm

import (
	"slices"
	"testing"

	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Each unit keeps exactly its share of the batch, the largest activations, and of equal ones the first.
func TestCompetition(t *testing.T) {
	const n, hidden, winners = 40, 50, 12
	l := &Learner{Machine: New(3, hidden, 1), Rate: optim.Constant(1), Share: 0.3}
	l.start()
	if err := l.take(tensor.New(n, 3)); err != nil {
		t.Fatal(err)
	}
	l.winners = winners
	rng := tensor.Stream(1, "activations")
	for i := range l.positive {
		l.positive[i] = float32(1+rng.IntN(10)) / 10 // many ties
	}
	before := slices.Clone(l.positive)
	l.compete()
	for u := range hidden {
		order := make([]int, n)
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int {
			return int(10*before[b*hidden+u]+.5) - int(10*before[a*hidden+u]+.5)
		})
		for rank, i := range order {
			want := before[i*hidden+u]
			if rank >= winners {
				want = 0
			}
			if got := l.positive[i*hidden+u]; got != want {
				t.Errorf("unit %d, sample %d of rank %d: %v, want %v", u, i, rank, got, want)
			}
		}
	}
}
