// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

// A failure is why a cell did not end well, as its error output says it.
type failure struct {
	Name string // ename
	wire.Failure
	shown bool // Detail is what the cell has printed
}

func newFailure(name, message string) *failure {
	return &failure{Name: name, Failure: wire.Failure{Message: message}}
}

const (
	red        = "\x1b[31m"
	uncoloured = "\x1b[0m"
)

// text returns the lines of the error output.
func (f *failure) text() []string {
	var lines []string
	if f.Line > 0 {
		lines = append(lines, fmt.Sprintf("%scell [%d], line %d: %s%s", red, f.Count, f.Line, f.Message, uncoloured))
	} else {
		lines = append(lines, red+f.Message+uncoloured)
	}
	if f.Source != "" {
		lines = append(lines, fmt.Sprintf("  %4d | %s", f.Line, strings.ReplaceAll(f.Source, "\t", "    ")))
	}
	if f.Detail != "" && !f.shown {
		lines = append(lines, "", f.Detail)
	}
	return lines
}

// value is the one line that programs print, which must say where as well.
func (f *failure) value() string {
	if f.Line > 0 {
		return fmt.Sprintf("cell [%d], line %d: %s", f.Count, f.Line, f.Message)
	}
	return f.Message
}

var (
	colours = regexp.MustCompile(`\x1b\[[0-9;]*m`)
	// An entry of GoNB's traceback for an error of the compiler.
	compileError = regexp.MustCompile(`(?s)^Cell(?:\[(\d+)\]:)? Line (\d+)\n.*\n(.*)$`)
	panicLine    = regexp.MustCompile(`(?m)^(panic: .*|fatal error: .*)$`)
	noise        = regexp.MustCompile(`^# gonb_[0-9a-f]+$|^go: downloading |^exit status \d+$|^$`)
)

// notCompiled reads GoNB's report of a cell that does not compile.
func (e *execution) notCompiled(reply wire.ExecuteReply) *failure {
	f := &failure{Name: "CompileError"}
	var more []string
	for _, entry := range reply.Traceback {
		entry = strings.TrimSpace(colours.ReplaceAllString(entry, ""))
		m := compileError.FindStringSubmatch(entry)
		if message, at := e.pointed(entry); m == nil && at.line > 0 {
			if f.Message == "" {
				f.Message = message
				e.blame(f, at)
			} else {
				more = append(more, fmt.Sprintf("cell [%d], line %d: %s%s", at.count, at.line, message, e.quote(at)))
			}
			continue
		}
		switch {
		case m == nil && !noise.MatchString(entry):
			more = append(more, entry)
		case m == nil:
		default:
			p := e.output.origin(markedPlace(m))
			if f.Message == "" {
				f.Message = m[3]
				e.blame(f, p)
			} else {
				more = append(more, fmt.Sprintf("cell [%d], line %d: %s%s", p.count, p.line, m[3], e.quote(p)))
			}
		}
	}
	if f.Message == "" { // in a package that cells import, or an error of GoNB or of a magic
		lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(reply.Value), "\n"), noise.MatchString)
		if len(lines) == 0 {
			lines = []string{strings.TrimSpace(reply.Value)}
		}
		f.Name, f.Message, more = "Error", lines[0], lines[1:]
		if strings.HasPrefix(f.Message, "# ") && len(lines) > 1 { // the package that does not compile
			f.Name, f.Message = "CompileError", strings.TrimPrefix(f.Message, "# ")+" does not compile"
		}
	}
	if message, why, _ := strings.Cut(f.Message, "; to add "); why == "it:" || why == "missing requirements, run:" {
		f.Name, f.Message = "CompileError", message
		more = []string{"Cells import the standard library, this module and what it needs. " +
			"For another module, run a cell with %autoget first."}
	}
	f.Detail = strings.Join(more, "\n")
	e.hint(f)
	return f
}

// pointed reads an error whose cell GoNB does not know: some lines of its file,
// of which a caret points at one, and the message. The line is looked for in the
// cells.
func (e *execution) pointed(entry string) (message string, at place) {
	lines := strings.Split(entry, "\n")
	for i := 1; i < len(lines); i++ {
		if strings.TrimSpace(lines[i]) == "^" {
			return lines[len(lines)-1], e.find(strings.TrimSpace(lines[i-1]))
		}
	}
	return "", place{}
}

// died reads the report of a program that ended with a failure.
func (e *execution) died(report, exit string) *failure {
	f := &failure{Name: "ExitError", Failure: wire.Failure{Message: exit}}
	report = colours.ReplaceAllString(report, "")
	if message := panicLine.FindString(report); message != "" {
		f.Name, f.Message = "Panic", message
		e.blame(f, e.innermost(report))
		f.Detail = excerpt(cellMark.ReplaceAllString(report, ""))
		return f
	}
	if slices.ContainsFunc(e.cell.Commands, func(command string) bool { return strings.HasPrefix(command, "%test") }) {
		f.Name, f.Message = "TestError", "a test of this cell failed ("+exit+")"
	}
	f.Detail, f.shown = e.output.last(mostLines), true
	return f
}

// mostLines is how much of a report a reader wants to see.
const mostLines = 16

// excerpt returns what a panic's report says after its message: first of all
// the stack of the goroutine that panicked.
func excerpt(report string) string {
	if _, stack, ok := strings.Cut(report, "\ngoroutine "); ok {
		report = "goroutine " + stack
	}
	lines := strings.Split(strings.TrimSpace(report), "\n")
	return strings.Join(lines[:min(mostLines, len(lines))], "\n")
}

var (
	// frame is a line of a file in a stack trace, with GoNB's reference to a cell if it has one.
	frame = regexp.MustCompile(`(?:\[\[ Cell (?:\[(\d+)\] )?Line (\d+) \]\]\s*)?(/\S*\.go):(\d+)`)
	// cellFile is what GoNB makes of the cells.
	cellFile = regexp.MustCompile(`/gonb_[0-9a-f]+/main(_test)?\.go$`)
)

// innermost returns the innermost line of a cell in a stack trace. GoNB does not
// know for all lines where they come from, so its file is looked at as well.
func (e *execution) innermost(report string) place {
	for _, m := range frame.FindAllStringSubmatch(report, -1) {
		if p := e.output.origin(markedPlace(m)); m[1] != "" && p.line > 0 {
			return p
		}
		if !cellFile.MatchString(m[3]) {
			continue
		}
		if info, err := os.Stat(m[3]); err != nil || !info.Mode().IsRegular() { // the program can have written anything
			continue
		}
		file, err := os.ReadFile(m[3])
		if err != nil {
			continue
		}
		n, _ := strconv.Atoi(m[4])
		if lines := strings.Split(string(file), "\n"); n >= 1 && n <= len(lines) {
			if p := e.find(strings.TrimSpace(lines[n-1])); p.line > 0 {
				return p
			}
		}
	}
	return place{}
}

// find returns where a line of code stands: in this cell, else in the newest
// that has it.
func (e *execution) find(line string) place {
	e.kernel.mu.Lock()
	defer e.kernel.mu.Unlock()
	for _, past := range slices.Backward(append(slices.Clone(e.kernel.history), entry{e.count, e.content.Code})) {
		for i, l := range strings.Split(past.code, "\n") {
			if strings.TrimSpace(l) == line && len(line) > 1 { // a bracket alone stands everywhere
				return place{past.count, i + 1}
			}
		}
	}
	return place{}
}

// blame says that line p is where f happened.
func (e *execution) blame(f *failure, p place) {
	if p.line > 0 {
		f.Count, f.Line, f.Source = p.count, p.line, e.line(p)
	}
}

// quote returns the source of line p below a message.
func (e *execution) quote(p place) string {
	if source := e.line(p); source != "" {
		return fmt.Sprintf("\n  %4d | %s", p.line, strings.ReplaceAll(source, "\t", "    "))
	}
	return ""
}

// line returns the source of line p.
func (e *execution) line(p place) string {
	e.kernel.mu.Lock()
	defer e.kernel.mu.Unlock()
	code := ""
	if p.count == e.count {
		code = e.content.Code
	}
	for _, past := range e.kernel.history {
		if past.count == p.count {
			code = past.code
		}
	}
	if lines := strings.Split(code, "\n"); p.line >= 1 && p.line <= len(lines) {
		return lines[p.line-1]
	}
	return ""
}
