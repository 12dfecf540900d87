// SPDX-License-Identifier: Apache-2.0

package pruning

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/drmm"
	"github.com/lateral-ml/lateral/lib/prune"
)

// LeNetSizes returns the sizes of the layers of LeNet-5 [NINAI17, Tables 16 to 18].
func LeNetSizes() []prune.Size {
	return []prune.Size{
		{Name: "conv1", Weights: 500, BottomUp: 576000, Units: 20 * 24 * 24, Pooled: 20 * 12 * 12},
		{Name: "conv2", Weights: 25000, BottomUp: 3200000, Units: 50 * 8 * 8, Pooled: 50 * 4 * 4},
		{Name: "fc1", Weights: 400000, BottomUp: 800000, Units: 500, Pooled: 500},
		{Name: "fc2", Weights: 5000, BottomUp: 10000, Units: 10, Pooled: 10},
	}
}

// DRMMSizes returns the sizes of the layers of a DRMM for images of 1 x 28 x 28 and ten classes [NINAI17, Tables 19 to
// 21]. The softmax adds no activations.
func DRMMSizes(shape drmm.Shape) ([]prune.Size, error) {
	image := drmm.Size{Channels: 1, H: 28, W: 28}
	costs, err := shape.Costs(image, 10)
	if err != nil {
		return nil, fmt.Errorf("pruning: %w", err)
	}
	planes, err := shape.Sizes(image)
	if err != nil {
		return nil, fmt.Errorf("pruning: %w", err)
	}
	var sizes []prune.Size
	for i, c := range costs[:len(costs)-1] { // the last is the total
		s := prune.Size{Name: c.Name, Weights: c.Weights, BottomUp: c.BottomUp, TopDown: c.TopDown}
		if i < len(shape) {
			above := planes[i+1]
			s.Pooled = above.Channels * above.H * above.W
			s.Units = c.BottomUp / 2 / c.Weights * above.Channels
		}
		sizes = append(sizes, s)
	}
	return sizes, nil
}

// A Table is one of the document's tables on what pruning leaves, as printed.
type Table struct {
	Number int
	Rule   prune.Rule
	// Rows hold per cent of each layer, and last in total: active units, active top-down pixels, what is kept,
	// operations.
	Rows [][4]float64
}

// Tables returns [NINAI17, Tables 16 to 21]: LeNet-5 pruned by magnitude, by use, and its units by use, then the same
// for the five-level DRMM.
func Tables() []Table {
	return []Table{
		{16, prune.Synapses, [][4]float64{
			{82, 0, 66, 66}, {72, 0, 12, 10}, {55, 0, 8, 6}, {100, 0, 19, 10}, {77, 0, 8, 16}}},
		{17, prune.Synapses, [][4]float64{
			{88, 0, 66, 66}, {38, 0, 7, 6}, {53, 0, 8, 3}, {100, 0, 26, 14}, {74, 0, 8, 13}}},
		{18, prune.Neurons, [][4]float64{
			{55, 0, 59, 59}, {13, 0, 10, 6}, {14, 0, 19, 2}, {100, 0, 100, 14}, {42, 0, 47, 12}}},
		{19, prune.Synapses, [][4]float64{
			{40, 10, 36, 22}, {41, 41, 33, 13}, {63, 16, 35, 11}, {35, 35, 25, 11}, {100, 56, 100, 46}, {100, 100, 100, 100},
			{43, 19, 30, 12}}},
		{20, prune.Synapses, [][4]float64{
			{15, 4, 25, 15}, {30, 25, 35, 7}, {56, 14, 20, 5}, {28, 27, 84, 31}, {100, 57, 100, 43}, {100, 100, 100, 100},
			{29, 12, 59, 12}}},
		{21, prune.NeuronsSame, [][4]float64{
			{30, 7, 33, 9}, {26, 26, 38, 19}, {45, 11, 38, 14}, {1, 1, 4, 0.6}, {100, 33, 100, 67}, {100, 100, 100, 100},
			{27, 11, 34, 12}}},
	}
}

// Shares returns the printed shares of the layers, without the total.
func (t Table) Shares() (shares []prune.Share) {
	for _, r := range t.Rows[:len(t.Rows)-1] {
		shares = append(shares, prune.Share{Active: r[0] / 100, ActiveTopDown: r[1] / 100, Kept: r[2] / 100})
	}
	return shares
}

// Account returns the table of the document's kind for a network that was measured. sizes are those of its layers.
func (m StageMetrics) Account(sizes []prune.Size, rule prune.Rule) ([]prune.Row, error) {
	shares := make([]prune.Share, len(sizes))
	for i := range shares {
		s := prune.Share{Active: m.Active[i], Kept: 1} // the last layer has no units to prune
		if i < len(m.TopDown) {
			s.ActiveTopDown = m.TopDown[i]
		}
		if i < len(m.Kept) {
			s.Kept = m.Kept[i]
		}
		shares[i] = s
	}
	return prune.Account(sizes, shares, rule)
}
