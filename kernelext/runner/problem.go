// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/notebook"
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

var (
	colours = regexp.MustCompile(`\x1b\[[0-9;]*m`)
	// GoNB's references to a line of a cell: in compile errors and in stack traces.
	compileLine = regexp.MustCompile(`(?s)^Cell(?:\[(\d+)\]:)? Line (\d+)\n.*\n(.*)$`)
	traceLine   = regexp.MustCompile(`\[\[ Cell (?:\[(\d+)\] )?Line (\d+) \]\]\s*`)
	panicLine   = regexp.MustCompile(`(?m)^(panic: .*|fatal error: .*)$`)
	endLine     = regexp.MustCompile(`^(\^C\n)?(exit status \d+|signal: .*)\n$`)
)

// diagnose finds, in what GoNB reported for the cell at index, the message and
// the source line to blame. counts maps execution counts to cells.
func diagnose(cells []*notebook.Cell, index int, counts map[int]int, output *notebook.Output, stderr string) *Problem {
	p := &Problem{Cell: index + 1, ID: cells[index].ID, Message: strings.TrimSpace(output.ErrorValue)}
	blame := func(count, line string) {
		if n, err := strconv.Atoi(count); err == nil {
			if i, ok := counts[n]; ok {
				p.Cell, p.ID = i+1, cells[i].ID
			}
		}
		p.Line, _ = strconv.Atoi(line)
		if lines := strings.Split(cells[p.Cell-1].Source, "\n"); p.Line >= 1 && p.Line <= len(lines) {
			p.Source = lines[p.Line-1]
		}
	}

	// Compile errors: one traceback entry each, of which the first is blamed.
	var messages []string
	for _, entry := range output.Traceback {
		entry = strings.TrimSpace(colours.ReplaceAllString(entry, ""))
		if m := compileLine.FindStringSubmatch(entry); m != nil {
			if messages == nil {
				blame(m[1], m[2])
			}
			messages = append(messages, fmt.Sprintf("line %s: %s", m[2], m[3]))
		}
	}
	if messages != nil {
		_, p.Message, _ = strings.Cut(messages[0], ": ")
		p.Detail = strings.Join(messages[1:], "\n")
		return p
	}

	// A panic: its message, the innermost line of a cell, and the stack trace.
	stderr = colours.ReplaceAllString(stderr, "")
	if m := panicLine.FindString(stderr); m != "" {
		p.Message = m
	}
	for _, m := range traceLine.FindAllStringSubmatch(stderr, -1) {
		if m[1] != "" && m[2] != "0" { // GoNB writes line 0 where it does not know
			blame(m[1], m[2])
			break
		}
	}
	p.Detail = excerpt(traceLine.ReplaceAllString(stderr, ""))
	return p
}

// excerpt returns the part of what a failed program wrote that says why: the
// start of a panic's report, else the end.
func excerpt(text string) string {
	const most = 16
	if at := panicLine.FindStringIndex(text); at != nil {
		lines := strings.Split(strings.TrimSpace(text[at[0]:]), "\n")
		return strings.Join(lines[:min(most, len(lines))], "\n")
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}
