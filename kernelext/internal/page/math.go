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
	)
	for len(text) > 0 {
		if lineStart {
			if n := fencedCode(text); n > 0 {
				out.WriteString(text[:n])
				text = text[n:]
				continue
			}
		}
		if n := codeSpan(text); n > 0 {
			out.WriteString(text[:n])
			text, lineStart = text[n:], false
			continue
		}
		if e, n := equationAt(text); n > 0 {
			fmt.Fprintf(&out, "%s%d%s", markStart, len(equations), markEnd)
			equations = append(equations, e)
			text, lineStart = text[n:], false
			continue
		}
		n := 1
		if text[0] == '\\' && len(text) > 1 && text[1] < utf8.RuneSelf {
			n = 2 // what it escapes is not looked at
		}
		lineStart = text[n-1] == '\n'
		out.WriteString(text[:n])
		text = text[n:]
	}
	return out.String(), equations
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

// codeSpan returns the length of the code span that text starts with.
func codeSpan(text string) int {
	ticks := len(text) - len(strings.TrimLeft(text, "`"))
	if ticks == 0 {
		return 0
	}
	fence := text[:ticks]
	for at := ticks; ; {
		next := strings.Index(text[at:], fence)
		if next < 0 {
			return ticks // literal backticks
		}
		at += next
		run := len(text[at:]) - len(strings.TrimLeft(text[at:], "`"))
		if at += run; run == ticks {
			return at
		}
	}
}

var environment = regexp.MustCompile(`^\\begin\{((?:align|equation|gather|multline|eqnarray)\*?)\}`)

// equationAt returns the equation that text starts with and its length.
func equationAt(text string) (equation, int) {
	switch {
	case strings.HasPrefix(text, "$$"):
		return delimited(text, "$$", "$$", true)
	case strings.HasPrefix(text, `\[`):
		return delimited(text, `\[`, `\]`, true)
	case strings.HasPrefix(text, `\\(`): // as classic notebooks write it
		return delimited(text, `\\(`, `\\)`, false)
	case strings.HasPrefix(text, `\\[`):
		return delimited(text, `\\[`, `\\]`, true)
	case strings.HasPrefix(text, `\(`):
		return delimited(text, `\(`, `\)`, false)
	case strings.HasPrefix(text, "$"):
		return dollars(text)
	}
	if m := environment.FindStringSubmatch(text); m != nil {
		end := `\end{` + m[1] + "}"
		if at := strings.Index(text, end); at > 0 {
			n := at + len(end)
			return equation{text[:n], true}, n
		}
	}
	return equation{}, 0
}

// delimited finds an equation between two marks. It may run over lines but not
// over an empty one.
func delimited(text, open, end string, display bool) (equation, int) {
	body := text[len(open):]
	at := strings.Index(body, end)
	if at < 0 || strings.TrimSpace(body[:at]) == "" || emptyLine.MatchString(body[:at]) {
		return equation{}, 0
	}
	return equation{body[:at], display}, len(open) + at + len(end)
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
			if i+1 < len(text) && strings.TrimLeft(text[i+1:], " \t") != "" && strings.TrimLeft(text[i+1:], " \t")[0] == '\n' {
				return equation{}, 0
			}
		case '$':
			body := text[1:i]
			spaced := body == "" || strings.ContainsAny(body[:1], " \t\n") || strings.ContainsAny(body[len(body)-1:], " \t\n")
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
