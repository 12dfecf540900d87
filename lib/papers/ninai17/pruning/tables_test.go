// SPDX-License-Identifier: Apache-2.0

package pruning_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/lateral-ml/lateral/lib/drmm"
	. "github.com/lateral-ml/lateral/lib/papers/ninai17/pruning"
	"github.com/lateral-ml/lateral/lib/prune"
)

// Computed from the printed shares of the layers, all numbers of the document's tables round to those printed but
// three, marked ~, which depend on digits that were not printed: each is within what shares half a per cent lower or
// higher give.
func TestDocumentTables(t *testing.T) {
	five, err := DRMMSizes(drmm.FiveLayer())
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, table := range Tables() {
		sizes := five
		if len(table.Rows) == 5 {
			sizes = LeNetSizes()
		}
		account := func(shift float64) (cells [][4]float64) {
			shares := table.Shares()
			for i := range shares {
				for _, v := range []*float64{&shares[i].Active, &shares[i].ActiveTopDown, &shares[i].Kept} {
					*v = min(1, max(0, *v+shift/100))
				}
			}
			rows, err := prune.Account(sizes, shares, table.Rule)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				cells = append(cells, [4]float64{row.Active, row.ActiveTopDown, row.Kept, row.Operations})
			}
			return cells
		}
		got, low, high := account(0), account(-0.5), account(0.5)
		for i, want := range table.Rows {
			for j, v := range got[i] {
				checked++
				digits := 1.0
				if want[j] < 1 {
					digits = 10 // 0.6 %
				}
				round := func(share float64) float64 { return math.Round(100*digits*share) / digits }
				cell := fmt.Sprint(table.Number, i, j)
				if slices.Contains([]string{"19 6 0", "20 6 0", "21 3 3"}, cell) { // ~
					if round(low[i][j]) > want[j] || round(high[i][j]) < want[j] {
						t.Errorf("table, row, column %s: %.3f to %.3f %%, printed %g", cell, 100*low[i][j], 100*high[i][j], want[j])
					}
				} else if round(v) != want[j] {
					t.Errorf("table, row, column %s: %.3f %%, printed %g", cell, 100*v, want[j])
				}
			}
		}
	}
	if checked != 3*5*4+3*7*4 {
		t.Errorf("%d cells were checked", checked)
	}
}

// The totals before pruning. The document prints 33,137K and 34,671K operations for the DRMM: sums of truncated
// numbers.
func TestSizes(t *testing.T) {
	five, err := DRMMSizes(drmm.FiveLayer())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		sizes []prune.Size
		want  prune.Size
	}{
		{LeNetSizes(), prune.Size{Name: "total", Weights: 430500, BottomUp: 4586000, Units: 15230, Pooled: 4190}},
		{five, prune.Size{
			Name: "total", Weights: 131204, BottomUp: 33138888, TopDown: 34671636, Units: 66664, Pooled: 29800}},
	} {
		rows, err := prune.Account(c.sizes, make([]prune.Share, len(c.sizes)), prune.Synapses)
		if total := rows[len(rows)-1].Size; err != nil || total != c.want {
			t.Errorf("total %+v, want %+v", total, c.want)
		}
	}
}
