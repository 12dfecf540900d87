// SPDX-License-Identifier: Apache-2.0

// Package papers lists the grids of every document: what `lateral sweep` trains. A grid is added in the package of its
// document, among its Grids; nothing else needs to know it.
package papers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/papers/kh19"
	"github.com/lateral-ml/lateral/lib/papers/lcn15"
	"github.com/lateral-ml/lateral/lib/papers/ninai17"
	"github.com/lateral-ml/lateral/lib/papers/thesis21"
)

// Grids returns the grids of every document, document by document.
func Grids() []experiment.Entry {
	return slices.Concat(thesis21.Grids.Entries(), lcn15.Grids.Entries(), ninai17.Grids.Entries(), kh19.Grids.Entries())
}

// Lookup returns the grid of a name. The error names all that there are.
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
