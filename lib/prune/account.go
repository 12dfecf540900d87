// SPDX-License-Identifier: Apache-2.0

package prune

import "fmt"

// A Size is what a layer costs before pruning, for one image. A multiplication with an addition counts as two
// operations; biases do not count.
type Size struct {
	Name              string
	Weights           int
	BottomUp, TopDown int // operations; TopDown is 0 for a layer that renders nothing
	Units, Pooled     int // activations before and after pooling
}

// A Share is what of a layer is in use, each as a share from 0 to 1.
type Share struct {
	Active        float64 // activations that are not zero, after pooling
	ActiveTopDown float64 // elements of the rendered template that are not zero, before it is convolved
	Kept          float64 // weights that remain, or units
}

// A Rule says which operations pruning leaves in a layer. The document uses three, which follow from its tables; it
// does not state them.
type Rule string

// The rules. With no TopDown operations, only the bottom-up part counts. The activations of the image count as active.
const (
	// Synapses is the rule of [NINAI17, Tables 16, 17, 19 and 20], for pruned weights: a weight that remains is needed for
	// the active inputs, bottom-up Active(below)·Kept, top-down ActiveTopDown·Kept.
	Synapses Rule = "synapses"
	// Neurons is the rule of [NINAI17, Table 18], for pruned units: Active(below)·Kept.
	Neurons Rule = "neurons"
	// NeuronsSame is the rule of [NINAI17, Table 21], for pruned units of a DRMM: bottom-up Active·Kept of the same layer,
	// top-down ActiveTopDown alone.
	NeuronsSame Rule = "neurons, same layer"
)

// A Row is a row of a table of what pruning leaves: of a layer, or in total. Shares are from 0 to 1.
type Row struct {
	Size
	Share
	Operations float64 // share of the operations that remain
}

// Account returns a row for each layer, from the image up, and the total. In the total, weights and operations add up,
// so their shares are weighted by them; Active is weighted by the activations after pooling, ActiveTopDown and the Kept
// units by those before pooling, as in [NINAI17]. It returns an error if the numbers of layers differ, or a share is
// not between 0 and 1.
func Account(sizes []Size, shares []Share, rule Rule) ([]Row, error) {
	if len(sizes) != len(shares) {
		return nil, fmt.Errorf("prune: Account: %d sizes of layers, %d shares", len(sizes), len(shares))
	}
	total := Row{Size: Size{Name: "total"}}
	var rows []Row
	var active, topDown, kept, keptOf, left float64
	below := 1.0
	for i, s := range sizes {
		share := shares[i]
		for _, v := range []float64{share.Active, share.ActiveTopDown, share.Kept} {
			if !(v >= 0 && v <= 1) {
				return nil, fmt.Errorf("prune: Account: %s has the shares %+v: want numbers from 0 to 1", s.Name, share)
			}
		}
		up, down := below*share.Kept, share.ActiveTopDown*share.Kept
		weight := float64(s.Weights)
		switch rule {
		case Synapses:
		case Neurons:
			weight = float64(s.Units)
		case NeuronsSame:
			weight, up, down = float64(s.Units), share.Active*share.Kept, share.ActiveTopDown
		default:
			return nil, fmt.Errorf("prune: Account: there is no rule %q: use %q, %q or %q", rule, Synapses, Neurons, NeuronsSame)
		}
		operations := up*float64(s.BottomUp) + down*float64(s.TopDown)
		rows = append(rows, Row{s, share, operations / float64(s.BottomUp+s.TopDown)})
		active += share.Active * float64(s.Pooled)
		topDown += share.ActiveTopDown * float64(s.Units)
		kept, keptOf, left = kept+share.Kept*weight, keptOf+weight, left+operations
		total.Weights += s.Weights
		total.BottomUp += s.BottomUp
		total.TopDown += s.TopDown
		total.Units += s.Units
		total.Pooled += s.Pooled
		below = share.Active
	}
	total.Share = Share{active / float64(total.Pooled), topDown / float64(total.Units), kept / keptOf}
	total.Operations = left / float64(total.BottomUp+total.TopDown)
	return append(rows, total), nil
}
