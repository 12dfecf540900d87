// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"regexp"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

// Illustration is the tag of a cell whose pictures show no result: a schematic, a function, samples of the data.
const Illustration = "illustration"

// happened is the sentence that says what a run has shown, up to the end of its line.
var happened = regexp.MustCompile(`What happened: (.*)`)

// Answers returns the figures of a notebook that no sentence answers. It begins with "What happened:", states a number
// of the run, and stands in the caption or in what the cell, or one after it and before the next figure, prints.
// Pictures of playgrounds and those of cells with the tag [Illustration] need none.
func Answers(nb *notebook.Notebook) []Finding {
	l := &linter{}
	var open *Finding // figure that no sentence has answered yet
	for i, c := range nb.Cells {
		if c.Type != notebook.Code {
			continue
		}
		l.cell, l.id = i+1, c.ID
		shows := !c.HasTag(Illustration) && !strings.Contains(c.Source, "kernelext.Playground(")
		for _, o := range c.Outputs {
			if _, figure := o.Data["image/png"]; figure && shows {
				if open != nil {
					l.found = append(l.found, *open)
				}
				open = &Finding{l.cell, l.id, 0, "no sentence says what the figure shows in this run: end its caption with " +
					"\"What happened: ...\" and numbers that the cell computes, or give the cell the tag " + Illustration}
			}
			for _, m := range happened.FindAllStringSubmatch(o.Text+"\n"+plain(o), -1) {
				open = nil
				if !strings.ContainsAny(m[1], "0123456789") {
					l.report(0, "%q states no number of this run", firstLine(m[0]))
				}
			}
		}
	}
	if open != nil {
		l.found = append(l.found, *open)
	}
	return l.found
}
