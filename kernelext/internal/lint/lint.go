// SPDX-License-Identifier: Apache-2.0

// Package lint finds in a notebook what makes it hard to read, to run again or
// to trust: cells that are too long, cells that were not run in order, figures
// without a caption or a text form, errors in saved outputs, paths of one
// machine, and numbers typed into prose that a later run may contradict.
//
// A number that belongs to the document which a notebook rebuilds may be typed:
// the paragraph, or the row of the table, says so with a source in brackets
// ([KH19], the key being letters and two digits) or with the comment
// <!-- document -->.
package lint

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

// The limits of what a reader takes in.
const (
	MaxBytes  = 2 << 20 // of a notebook with its outputs
	MaxLines  = 25      // of a code cell
	MaxWidth  = 100     // characters of a line of code
	MaxInARow = 3       // code cells without text between them
)

// A Finding is one fault.
type Finding struct {
	Cell    int    // from 1; 0 for the notebook as a whole
	ID      string // of the cell
	Line    int    // from 1; 0 for the cell as a whole
	Message string
}

func (f Finding) String() string {
	switch {
	case f.Cell == 0:
		return f.Message
	case f.Line == 0:
		return fmt.Sprintf("cell %d (%s): %s", f.Cell, f.ID, f.Message)
	}
	return fmt.Sprintf("cell %d (%s), line %d: %s", f.Cell, f.ID, f.Line, f.Message)
}

// Check returns the faults of a notebook whose file has size bytes.
func Check(nb *notebook.Notebook, size int64) []Finding {
	l := &linter{known: known(nb)}
	if size > MaxBytes {
		l.report(0, "the file has %s, more than %s: draw smaller figures or fewer", humanize.IBytes(uint64(size)),
			humanize.IBytes(MaxBytes))
	}
	row, last := 0, 0
	for i, cell := range nb.Cells {
		l.cell, l.id = i+1, cell.ID
		if cell.Type != notebook.Code {
			row = 0
			l.prose(cell)
			continue
		}
		if row++; row == MaxInARow+1 {
			l.report(0, "%d code cells in a row: say in between what they are for", row)
		}
		l.code(cell)
		last = l.order(cell, last)
		l.outputs(cell)
		if cell.HasTag("exercise") && (i+1 == len(nb.Cells) || !strings.HasPrefix(nextCode(nb.Cells[i+1:]), "%test")) {
			l.report(0, "an exercise without a check: the code cell after it should begin with %%test")
		}
	}
	l.claims(nb)
	slices.SortStableFunc(l.found, func(a, b Finding) int { return cmp.Compare(a.Cell, b.Cell) })
	return l.found
}

// nextCode returns the source of the first code cell.
func nextCode(cells []*notebook.Cell) string {
	for _, c := range cells {
		if c.Type == notebook.Code {
			return c.Source
		}
	}
	return ""
}

type linter struct {
	known knowledge
	cell  int
	id    string
	found []Finding
}

func (l *linter) report(line int, format string, args ...any) {
	l.found = append(l.found, Finding{l.cell, l.id, line, fmt.Sprintf(format, args...)})
}

// absolute is a path that only one machine has.
var absolute = regexp.MustCompile(`(^|[\s"'` + "`" +
	`(=])(/(home|root|Users|tmp|mnt|media|var/folders)/[\w.-]+|[A-Z]:\\\w)`)

// code looks at what a person wrote.
func (l *linter) code(cell *notebook.Cell) {
	lines := strings.Split(strings.TrimRight(cell.Source, "\n"), "\n")
	if len(lines) > MaxLines {
		l.report(0, "%d lines of code, more than %d: split it, or move what is no idea of the notebook to the library",
			len(lines), MaxLines)
	}
	for i, line := range lines {
		if n := utf8.RuneCountInString(line); n > MaxWidth {
			l.report(i+1, "%d characters, more than %d: readers would have to scroll", n, MaxWidth)
		}
		if m := absolute.FindStringSubmatch(line); m != nil {
			l.report(i+1, "%s is a path of one machine", m[2])
		}
	}
}

// order looks at execution counts, which are those of the last run of all cells.
func (l *linter) order(cell *notebook.Cell, last int) int {
	switch {
	case strings.TrimSpace(cell.Source) == "" || cell.HasTag("skip-execution"):
		return last
	case cell.ExecutionCount == nil:
		l.report(0, "was not run: lateral run --in-place saves the outputs")
		return last
	case *cell.ExecutionCount != last+1:
		l.report(0, "was run as number %d after number %d: run all cells in order", *cell.ExecutionCount, last)
	}
	return *cell.ExecutionCount
}

// outputs looks at what was saved.
func (l *linter) outputs(cell *notebook.Cell) {
	for i, o := range cell.Outputs {
		text := o.Text
		if plain, ok := o.Data["text/plain"].(string); ok {
			text += plain
		}
		switch {
		case o.Type == notebook.Error && !cell.HasTag("raises-exception"):
			l.report(0, "the saved output is an error: %s", o.ErrorValue)
		case o.Name == "stderr":
			l.report(0, "something was written to stderr: %s", firstLine(o.Text))
		case o.Type != notebook.Stream && o.Type != notebook.Error && o.Data["text/plain"] == nil:
			l.report(0, "output %d has no text form for readers who cannot see it", i+1)
		}
		if m := absolute.FindStringSubmatch(text); m != nil {
			l.report(0, "output %d shows %s, a path of one machine", i+1, m[2])
		}
		if _, picture := o.Data["image/png"]; picture && !isCaption(cell.Outputs[i+1:]) {
			l.report(0, "output %d is a picture without a caption: say what to see, and what would speak against it", i+1)
		}
	}
}

// isCaption tells whether the first of outputs is a caption.
func isCaption(outputs []*notebook.Output) bool {
	if len(outputs) == 0 {
		return false
	}
	about, _ := outputs[0].Metadata["lateral"].(map[string]any)
	return about["role"] == "caption"
}

var (
	// quoted is what is not prose: code, formulas, links, comments and tags.
	quoted = regexp.MustCompile("(?s)```.*?```|`[^`]*`|\\$\\$.*?\\$\\$|\\$[^$\n]*\\$|\\]\\([^)]*\\)|<[^>]*>|https?://\\S+")
	// document marks numbers that are quoted from a source.
	document = regexp.MustCompile(`\[[A-Za-z]+\d\d[a-z]?(, [^\]]*)?\]|<!-- document -->`)
	// pointer is a number that names a place, not a quantity.
	pointer = regexp.MustCompile(
		`(?i)\b(equations?|eq\.|sections?|figures?|fig\.|tables?|chapters?|arxiv:?|version|v|nbformat|Go|and|to|,) ?` +
			`\d+\.\d+(\.\d+)*`)
	number = regexp.MustCompile(`\d+(\.\d+)? ?%|\d+\.\d+`)
	// profile is in a line that speaks of the size of runs, of which at most one is saved.
	profile = regexp.MustCompile("`(?:quick|standard|paper)`")
	// large is a whole number that is rather measured than counted.
	large = regexp.MustCompile(`\b\d{1,3}(?:,\d{3})+\b|\b\d{3,}\b`)
)

// prose looks for numbers that somebody typed: those with a point or a percent sign, and whole numbers from 100 that
// no cell holds. Smaller ones are left alone, as most count something that the code fixes, and so are years and
// patterns of bits.
func (l *linter) prose(cell *notebook.Cell) {
	blank := func(s string) string { return strings.Repeat("\n", strings.Count(s, "\n")) }
	marked := map[int]bool{} // lines that name their source
	lines := strings.Split(cell.Source, "\n")
	for i, line := range lines {
		if document.MatchString(line) {
			marked[i] = true
			for j := i; j >= 0 && strings.TrimSpace(lines[j]) != "" && !strings.HasPrefix(lines[j], "|"); j-- {
				marked[j] = true
			}
			for j := i; j < len(lines) && strings.TrimSpace(lines[j]) != "" && !strings.HasPrefix(lines[j], "|"); j++ {
				marked[j] = true
			}
		}
	}
	text := quoted.ReplaceAllStringFunc(cell.Source, blank)
	for i, line := range strings.Split(text, "\n") {
		if marked[i] {
			continue
		}
		size := profile.MatchString(lines[i])
		if n := number.FindString(pointer.ReplaceAllString(line, "")); n != "" {
			l.report(i+1, "%s is typed into prose: print it from a cell, or name the document it is from, as [KH19]", n)
		}
		whole := number.ReplaceAllString(pointer.ReplaceAllString(line, ""), "")
		for _, n := range large.FindAllString(whole, -1) {
			v, _ := strconv.ParseFloat(strings.ReplaceAll(n, ",", ""), 64)
			year, bits := v >= 1900 && v <= 2100, strings.Trim(n, "01") == ""
			if !l.known.values[v] && !year && !bits && !size {
				l.report(i+1, "%s is typed into prose, and no cell sets, prints or shows it", n)
			}
		}
	}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
