// SPDX-License-Identifier: Apache-2.0

package cell

import (
	"cmp"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// An edit replaces a piece of the code.
type edit struct {
	from, to int
	text     string
}

// Protected returns code that GoNB reads as this package reads the cell. It has the
// same commands, but for those in the lines of leaveOut, and equivalent Go in the
// same lines. position translates offsets of Code to offsets of the result.
func (c *Cell) Protected(leaveOut map[int]bool) (code string, position func(int) int) {
	var edits []edit
	if !c.Script {
		edits = append(c.protectCommands(leaveOut), c.protectGo()...)
		slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Compare(a.from, b.from) })
	}
	var b strings.Builder
	at := 0
	for _, e := range edits {
		b.WriteString(c.Code[at:e.from] + e.text)
		at = e.to
	}
	b.WriteString(c.Code[at:])
	return b.String(), func(offset int) int {
		moved := offset
		for _, e := range edits {
			if e.to <= offset {
				moved += len(e.text) - (e.to - e.from)
			}
		}
		return moved
	}
}

// protectCommands puts each command in one line, with empty lines for its
// continuations.
func (c *Cell) protectCommands(leaveOut map[int]bool) (edits []edit) {
	for i, text := range c.Commands {
		if text == "" {
			continue
		}
		last := i
		for last+1 < len(c.Lines) && c.continued[last+1] {
			last++
		}
		if leaveOut[i] {
			text = ""
		}
		end := c.starts[last] + len(c.Lines[last])
		edits = append(edits, edit{c.starts[i], end, text + strings.Repeat("\n", last-i)})
	}
	return edits
}

// protectGo changes the lines of Go that begin like commands.
func (c *Cell) protectGo() (edits []edit) {
	literals, clauses := c.literals, c.clauses
	for i := 0; i < len(c.Lines); i++ {
		at := c.starts[i]
		for len(literals) > 0 && literals[0].to <= at {
			literals = literals[1:]
		}
		within := len(literals) > 0 && literals[0].from < at
		if len(clauses) > 0 && clauses[0].from == at {
			edits, clauses = append(edits, clauses[0]), clauses[1:]
			continue
		}
		switch {
		case c.IsCommand(i) || !misread(c.Lines[i]):
		case !within || literals[0].kind == token.COMMENT:
			edits = append(edits, edit{at, at, " "})
		default:
			edits = append(edits, c.protectString(literals[0])...)
			for i+1 < len(c.Lines) && c.starts[i+1] < literals[0].to { // that was all of the string
				i++
			}
		}
	}
	return edits
}

// misread reports whether GoNB would take a line of Go for a command or a package
// clause.
func misread(line string) bool {
	_, ok := command(line)
	return ok || strings.HasPrefix(line, "package")
}

// protectString splits a raw string around the first characters of the lines that
// GoNB would misread: `a⏎!b` becomes (`a⏎`+"!"+`b`).
func (c *Cell) protectString(s literal) (edits []edit) {
	text := c.Code[s.from:s.to]
	if !s.operand { // a struct tag has to be one literal
		value := strings.ReplaceAll(strings.Trim(text, "`"), "\r", "")
		return []edit{{s.from, s.to, strconv.Quote(value) + strings.Repeat("\n", strings.Count(text, "\n")) + " "}}
	}
	edits = append(edits, edit{s.from, s.from, "("})
	for i, line := range strings.Split(text, "\n") {
		if i == 0 {
			s.from += len(line) + 1
			continue
		}
		if misread(line) {
			edits = append(edits, edit{s.from, s.from + 1, "`+\"" + line[:1] + "\"+`"})
		}
		s.from += len(line) + 1
	}
	return append(edits, edit{s.to, s.to, ")"})
}
