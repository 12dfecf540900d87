// SPDX-License-Identifier: Apache-2.0

// Package mathml turns the TeX of equations in notebooks into MathML, which
// browsers draw without scripts or fonts of ours.
//
// It knows the part of LaTeX and amsmath that documents use: fractions, roots,
// scripts and limits, Greek and the usual symbols, accents, alphabets, growing
// delimiters, matrices, cases and aligned equations, text and spaces. What it
// does not know is an error that names the command, never a wrong equation.
package mathml

import (
	"fmt"
	"html"
	"strings"
)

// Error says why an equation could not be converted.
type Error struct {
	TeX    string // the equation
	Reason string // such as "unknown command \foo"
}

func (e *Error) Error() string {
	tex := []rune(e.TeX)
	if len(tex) > 80 {
		tex = append(tex[:80], '…')
	}
	return fmt.Sprintf("mathml: %s in %q", e.Reason, string(tex))
}

// Convert returns the math element for an equation, as a block of its own if
// display. The error, if any, is an [*Error].
func Convert(tex string, display bool) (_ string, err error) {
	defer func() {
		switch problem := recover().(type) {
		case nil:
		case reason:
			err = &Error{TeX: tex, Reason: string(problem)}
		default:
			panic(problem)
		}
	}()
	body := (&parser{tokens: tokenize(tex), display: display}).all()
	block := ""
	if display {
		block = ` display="block"`
	}
	return fmt.Sprintf(`<math xmlns="http://www.w3.org/1998/Math/MathML"%s alttext="%s"><mrow>%s</mrow></math>`,
		block, html.EscapeString(strings.TrimSpace(tex)), body), nil
}

// tokenize splits TeX into commands (\name or \ and one character) and single
// characters. A run of white space is one " ", a comment is left out.
func tokenize(tex string) []string {
	var tokens []string
	runes := []rune(tex)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; {
		case r == '%':
			for i < len(runes) && runes[i] != '\n' {
				i++
			}
		case isSpace(r):
			if n := len(tokens); n == 0 || tokens[n-1] != " " {
				tokens = append(tokens, " ")
			}
		case r == '\\' && i+1 < len(runes):
			end := i + 1
			for end < len(runes) && isLetter(runes[end]) {
				end++
			}
			if end == i+1 {
				end++
			}
			tokens = append(tokens, string(runes[i:end]))
			i = end - 1
		default:
			tokens = append(tokens, string(r))
		}
	}
	return tokens
}

func isSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' }

func isLetter(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }
