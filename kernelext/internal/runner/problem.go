// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"fmt"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

// Problem is the failure of a cell.
type Problem struct {
	Cell    int    // position in the notebook, from 1
	ID      string // of the cell
	Line    int    // in the cell's source, from 1; 0 if not known
	Source  string // that line
	Message string // what went wrong
	Detail  string // a stack trace or the rest of the messages, may be empty
	Err     error  // why the cell was ended from outside, such as a timeout; nil for its own failure
}

// Error returns the place, the message and the source line.
func (p *Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "cell %d", p.Cell)
	if p.Line > 0 {
		fmt.Fprintf(&b, ", line %d", p.Line)
	}
	fmt.Fprintf(&b, ": %s", p.Message)
	if p.Source != "" {
		fmt.Fprintf(&b, "\n  %4d | %s", p.Line, strings.ReplaceAll(p.Source, "\t", "    "))
	}
	if p.Detail != "" {
		b.WriteString("\n" + indent(p.Detail))
	}
	return b.String()
}

// Unwrap returns Err.
func (p *Problem) Unwrap() error { return p.Err }

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    ")
}

// problem describes the failure of the cell at index, which left output. The
// kernel may say more, in terms of execution counts.
func (r *run) problem(index int, output *notebook.Output, f *wire.Failure) *Problem {
	p := &Problem{Cell: index + 1, ID: r.nb.Cells[index].ID, Message: r.o.Clean(strings.TrimSpace(output.ErrorValue))}
	if f == nil {
		return p
	}
	p.Message, p.Detail = r.o.Clean(f.Message), r.o.Clean(f.Detail)
	if blamed, ok := r.counts[f.Count]; ok && f.Line > 0 {
		p.Cell, p.ID, p.Line, p.Source = blamed+1, r.nb.Cells[blamed].ID, f.Line, f.Source
	}
	return p
}
