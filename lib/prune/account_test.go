// SPDX-License-Identifier: Apache-2.0

package prune_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/drmm"
	. "github.com/lateral-ml/lateral/lib/prune"
)

// lenet are the sizes of [NINAI17, Tables 16 to 18].
var lenet = []Size{
	{Name: "conv1", Weights: 500, BottomUp: 576000, Units: 11520, Pooled: 2880},
	{Name: "conv2", Weights: 25000, BottomUp: 3200000, Units: 3200, Pooled: 800},
	{Name: "fc1", Weights: 400000, BottomUp: 800000, Units: 500, Pooled: 500},
	{Name: "fc2", Weights: 5000, BottomUp: 10000, Units: 10, Pooled: 10},
}

// fiveLevel returns the sizes of [NINAI17, Tables 19 to 21], from the costs of the model's shape.
func fiveLevel(t *testing.T) (sizes []Size) {
	costs, err := drmm.FiveLayer().Costs(drmm.Size{Channels: 1, H: 28, W: 28}, 10)
	if err != nil {
		t.Fatal(err)
	}
	units := []int{32 * 32 * 32, 64 * 14 * 14, 64 * 16 * 16, 128 * 6 * 6, 10 * 6 * 6, 0}
	pooled := []int{32 * 16 * 16, 64 * 14 * 14, 64 * 8 * 8, 128 * 6 * 6, 10 * 6 * 6, 0}
	for i, c := range costs[:6] {
		sizes = append(sizes, Size{c.Name, c.Weights, c.BottomUp, c.TopDown, units[i], pooled[i]})
	}
	return sizes
}

// The tables of the document, in whole per cent: for each layer the active units, for a DRMM the active top-down
// pixels, what is kept, and the operations that are left; then the totals. Computed from the printed shares of the
// layers, all numbers round to those printed but three, marked ~, which depend on the digits that were not printed:
// each is within what shares half a per cent lower or higher give.
func TestDocumentTables(t *testing.T) {
	checked := 0
	for _, table := range []struct {
		name  string
		sizes []Size
		rule  Rule
		rows  [][4]float64 // Act, TD, kept, FLOP
		total [4]float64
	}{
		{"16", lenet, Synapses, [][4]float64{{82, 0, 66, 66}, {72, 0, 12, 10}, {55, 0, 8, 6}, {100, 0, 19, 10}},
			[4]float64{77, 0, 8, 16}},
		{"17", lenet, Synapses, [][4]float64{{88, 0, 66, 66}, {38, 0, 7, 6}, {53, 0, 8, 3}, {100, 0, 26, 14}},
			[4]float64{74, 0, 8, 13}},
		{"18", lenet, Neurons, [][4]float64{{55, 0, 59, 59}, {13, 0, 10, 6}, {14, 0, 19, 2}, {100, 0, 100, 14}},
			[4]float64{42, 0, 47, 12}},
		{"19", fiveLevel(t), Synapses, [][4]float64{{40, 10, 36, 22}, {41, 41, 33, 13}, {63, 16, 35, 11}, {35, 35, 25, 11},
			{100, 56, 100, 46}, {100, 100, 100, 100}}, [4]float64{43, 19, 30, 12}},
		{"20", fiveLevel(t), Synapses, [][4]float64{{15, 4, 25, 15}, {30, 25, 35, 7}, {56, 14, 20, 5}, {28, 27, 84, 31},
			{100, 57, 100, 43}, {100, 100, 100, 100}}, [4]float64{29, 12, 59, 12}},
		{"21", fiveLevel(t), NeuronsSame, [][4]float64{{30, 7, 33, 9}, {26, 26, 38, 19}, {45, 11, 38, 14},
			{1, 1, 4, 0.6}, {100, 33, 100, 67}, {100, 100, 100, 100}}, [4]float64{27, 11, 34, 12}},
	} {
		account := func(shift float64) (cells [][4]float64) {
			var shares []Share
			share := func(percent float64) float64 { return min(1, max(0, percent+shift)/100) }
			for _, r := range table.rows {
				shares = append(shares, Share{share(r[0]), share(r[1]), share(r[2])})
			}
			rows, err := Account(table.sizes, shares, table.rule)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				cells = append(cells, [4]float64{row.Active, row.ActiveTopDown, row.Kept, row.Operations})
			}
			return cells
		}
		got, low, high := account(0), account(-0.5), account(0.5)
		for i := range got {
			want := table.total
			if i < len(table.rows) {
				want = table.rows[i]
			}
			for j, v := range got[i] {
				digits := 1.0
				if want[j] < 1 {
					digits = 10 // 0.6 %
				}
				round := func(share float64) float64 { return math.Round(100*digits*share) / digits }
				cell := fmt.Sprintf("%s %d %d", table.name, i, j)
				if slices.Contains([]string{"19 6 0", "20 6 0", "21 3 3"}, cell) { // ~
					if round(low[i][j]) > want[j] || round(high[i][j]) < want[j] {
						t.Errorf("table, row, column %s: %.3f to %.3f %%, printed %g %%", cell, 100*low[i][j], 100*high[i][j], want[j])
					}
				} else if round(v) != want[j] {
					t.Errorf("table, row, column %s: %.3f %%, printed %g %%", cell, 100*v, want[j])
				}
				if checked++; want[j] == 0 && v != 0 {
					t.Errorf("table, row, column %s is not empty", cell)
				}
			}
		}
	}
	if checked != 3*5*4+3*7*4 {
		t.Errorf("%d cells were checked", checked)
	}
}

func TestAccountRefuses(t *testing.T) {
	shares := make([]Share, 4)
	if _, err := Account(lenet, shares[:3], Synapses); err == nil || !strings.Contains(err.Error(), "4 sizes of layers") {
		t.Errorf("three shares: %v", err)
	}
	if _, err := Account(lenet, shares, "other"); err == nil || !strings.Contains(err.Error(), `no rule "other"`) {
		t.Errorf("rule: %v", err)
	}
	for _, bad := range []float64{-0.1, 1.1, math.NaN()} {
		shares[2].Kept = bad
		if _, err := Account(lenet, shares, Synapses); err == nil || !strings.Contains(err.Error(), "fc1 has the shares") {
			t.Errorf("share %v: %v", bad, err)
		}
	}
}
