// SPDX-License-Identifier: Apache-2.0

package page

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/lateral-ml/lateral/kernelext/internal/mathml"
)

// Equations are taken out of Markdown before it is parsed, since their
// underscores, bars and backslashes mean something else there, and put back as
// MathML afterwards. In between stands a mark of two private characters.
const (
	markStart = "\ue000"
	markEnd   = "\ue001"
)

var mark = regexp.MustCompile(markStart + `(\d+)` + markEnd)

// equation is TeX found in a text.
type equation struct {
	tex     string
	display bool
}

// cutEquations replaces the equations of a Markdown text by marks. They are
// $...$, \(...\), $$...$$, \[...\] and \begin{x}...\end{x}; dollars in code, after
// a backslash, and in prices (a space inside, or a digit after) are none.
func cutEquations(text string) (string, []equation) {
	text = strings.NewReplacer(markStart, "", markEnd, "").Replace(text)
	var (
		out       strings.Builder
		equations []equation
		lineStart = true
		s         = searcher{text: text, known: map[string]found{}}
	)
	for at := 0; at < len(text); {
		n := 0
		if lineStart {
			n = fencedCode(text[at:])
		}
		fenced := n > 0
		if n == 0 {
			n = s.codeSpan(at)
		}
		if n == 0 {
			var e equation
			if e, n = s.equation(at); n > 0 {
				fmt.Fprintf(&out, "%s%d%s", markStart, len(equations), markEnd)
				equations = append(equations, e)
				at, lineStart = at+n, false
				continue
			}
			n = 1
			if text[at] == '\\' && at+1 < len(text) && text[at+1] < utf8.RuneSelf {
				n = 2 // what it escapes is not looked at
			}
			lineStart = text[at+n-1] == '\n'
		} else {
			lineStart = fenced
		}
		out.WriteString(text[at : at+n])
		at += n
	}
	return out.String(), equations
}

// A searcher finds what closes something that is open. It remembers what it has
// found, so that to look from everywhere in a text takes time in proportion to it.
type searcher struct {
	text  string
	known map[string]found
	runs  map[int][]int // where backticks in a row are, by their number
}

// found is where something first is at or after from, -1 if nowhere.
type found struct{ from, at int }

// find returns where what first is at or after from, -1 if nowhere. It is asked
// with ever greater from.
func (s *searcher) find(what string, from int) int {
	return s.remember(what, from, func(text string) int { return strings.Index(text, what) })
}

// emptyLine returns where the first empty line at or after from is, or the end.
func (s *searcher) emptyLine(from int) int {
	at := s.remember("\n\n", from, func(text string) int {
		if m := emptyLine.FindStringIndex(text); m != nil {
			return m[0]
		}
		return -1
	})
	if at < 0 {
		return len(s.text)
	}
	return at
}

func (s *searcher) remember(what string, from int, search func(string) int) int {
	if f, ok := s.known[what]; ok && f.from <= from && (f.at < 0 || from <= f.at) {
		return f.at
	}
	at := search(s.text[from:])
	if at >= 0 {
		at += from
	}
	s.known[what] = found{from, at}
	return at
}

var fence = regexp.MustCompile("^ {0,3}(```+|~~~+)[^\n]*\n?")

// fencedCode returns the length of the fenced block that text starts with.
func fencedCode(text string) int {
	m := fence.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	n := len(m[0])
	for line := range strings.Lines(text[n:]) {
		n += len(line)
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, m[1]) && strings.Trim(trimmed, m[1][:1]) == "" {
			break
		}
	}
	return n
}

// codeSpan returns the length of the code span at a place, of the backticks there
// if no others close them, or 0.
func (s *searcher) codeSpan(at int) int {
	ticks := ticksAt(s.text, at)
	if ticks == 0 {
		return 0
	}
	if s.runs == nil {
		s.runs = map[int][]int{}
		for i := 0; i < len(s.text); i++ {
			if n := ticksAt(s.text, i); n > 0 {
				s.runs[n] = append(s.runs[n], i)
				i += n
			}
		}
	}
	runs := s.runs[ticks]
	for len(runs) > 0 && runs[0] < at+ticks {
		runs = runs[1:]
	}
	s.runs[ticks] = runs
	if len(runs) == 0 {
		return ticks // literal backticks
	}
	return runs[0] + ticks - at
}

// ticksAt counts the backticks in a row at a place.
func ticksAt(text string, at int) int {
	n := at
	for n < len(text) && text[n] == '`' {
		n++
	}
	return n - at
}

var environment = regexp.MustCompile(`^\\begin\{((?:align|equation|gather|multline|eqnarray)\*?)\}`)

// equation returns the equation at a place and its length.
func (s *searcher) equation(at int) (equation, int) {
	text := s.text[at:]
	switch {
	case strings.HasPrefix(text, "$$"):
		return s.delimited(at, "$$", "$$", true)
	case strings.HasPrefix(text, `\[`):
		return s.delimited(at, `\[`, `\]`, true)
	case strings.HasPrefix(text, `\\(`): // as classic notebooks write it
		return s.delimited(at, `\\(`, `\\)`, false)
	case strings.HasPrefix(text, `\\[`):
		return s.delimited(at, `\\[`, `\\]`, true)
	case strings.HasPrefix(text, `\(`):
		return s.delimited(at, `\(`, `\)`, false)
	case strings.HasPrefix(text, "$"):
		return dollars(text)
	case strings.HasPrefix(text, `\begin{`):
		if m := environment.FindStringSubmatch(text); m != nil {
			mark := `\end{` + m[1] + "}"
			if end := s.find(mark, at); end > 0 {
				end += len(mark)
				return equation{s.text[at:end], true}, end - at
			}
		}
	}
	return equation{}, 0
}

// delimited finds an equation between two marks. It may run over lines but not
// over an empty one.
func (s *searcher) delimited(at int, open, mark string, display bool) (equation, int) {
	begin := at + len(open)
	end := s.find(mark, begin)
	if end < 0 || s.emptyLine(begin) < end || strings.TrimSpace(s.text[begin:end]) == "" {
		return equation{}, 0
	}
	return equation{s.text[begin:end], display}, end + len(mark) - at
}

var emptyLine = regexp.MustCompile(`\n[ \t]*\n`)

// dollars finds an equation between single dollars.
func dollars(text string) (equation, int) {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '`':
			return equation{}, 0
		case '\n':
			if strings.HasPrefix(strings.TrimLeft(text[i+1:], " \t"), "\n") {
				return equation{}, 0
			}
		case '$':
			body := text[1:i]
			spaced := body == "" ||
				strings.ContainsAny(body[:1], " \t\n") || strings.ContainsAny(body[len(body)-1:], " \t\n")
			if spaced || i+1 < len(text) && text[i+1] >= '0' && text[i+1] <= '9' {
				return equation{}, 0
			}
			return equation{body, false}, i + 1
		}
	}
	return equation{}, 0
}

// pasteEquations replaces the marks in HTML by MathML, or by the TeX where that
// fails, and returns what failed.
func pasteEquations(rendered string, equations []equation) (string, []string) {
	var failures []string
	rendered = mark.ReplaceAllStringFunc(rendered, func(m string) string {
		var i int
		fmt.Sscanf(m, markStart+"%d"+markEnd, &i)
		if i >= len(equations) {
			return ""
		}
		e := equations[i]
		math, err := mathml.Convert(e.tex, e.display)
		if err == nil {
			return math
		}
		failures = append(failures, err.Error())
		class := "tex"
		if e.display {
			class = "tex block"
		}
		return fmt.Sprintf(`<code class="%s">%s</code>`, class, html.EscapeString(e.tex))
	})
	return rendered, failures
}
