// SPDX-License-Identifier: Apache-2.0

// Package papers lists the grids of every document, which `lateral sweep` trains. To add a grid, add it to Grids in the
// package of its document; nothing else has to change.
package papers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/papers/kh19"
	"github.com/lateral-ml/lateral/lib/papers/lcn15"
	"github.com/lateral-ml/lateral/lib/papers/ninai17"
	"github.com/lateral-ml/lateral/lib/papers/ninai17/clustering"
	"github.com/lateral-ml/lateral/lib/papers/ninai17/normalization"
	"github.com/lateral-ml/lateral/lib/papers/ninai17/pruning"
	"github.com/lateral-ml/lateral/lib/papers/ninai17/similarity"
	"github.com/lateral-ml/lateral/lib/papers/of96"
	"github.com/lateral-ml/lateral/lib/papers/thesis21"
	"github.com/lateral-ml/lateral/lib/papers/wta15"
)

// Grids returns the grids of every document, document by document.
func Grids() []experiment.Entry {
	return slices.Concat(thesis21.Grids.Entries(), of96.Grids.Entries(), lcn15.Grids.Entries(), ninai17.Grids.Entries(),
		normalization.ImageGrids.Entries(), normalization.TextGrids.Entries(), normalization.PhotoGrids.Entries(),
		clustering.Grids.Entries(), pruning.Grids.Entries(), similarity.Grids.Entries(), kh19.Grids.Entries(),
		wta15.Grids.Entries())
}

// Lookup returns the grid with the given name. The error lists the names of all grids.
func Lookup(name string) (experiment.Entry, error) {
	var names []string
	for _, e := range Grids() {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	return experiment.Entry{}, fmt.Errorf("papers: there is no grid %q: use one of %s", name, strings.Join(names, ", "))
}
