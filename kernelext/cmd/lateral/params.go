// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"go/scanner"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lateral-ml/lateral/kernelext/internal/cell"
	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
	"github.com/lateral-ml/lateral/kernelext/internal/param"
)

// parseParams reads name=value arguments. A value is kept as it was typed: what it
// means, the notebook's Param decides.
func parseParams(set []string) (map[string]string, error) {
	params := map[string]string{}
	for _, arg := range set {
		name, text, ok := strings.Cut(arg, "=")
		if !ok || !token.IsIdentifier(name) {
			return nil, fmt.Errorf("--set %q: write name=value", arg)
		}
		if !utf8.ValidString(text) {
			return nil, fmt.Errorf("--set %q: the value is not UTF-8", arg)
		}
		params[name] = text
	}
	return params, nil
}

// setParams shows the parameters of this run in a cell tagged
// injected-parameters, after the one tagged parameters, in place of an earlier
// run's. The values themselves reach kernelext.Param through the environment,
// so the cell is text. A name that no Param call of the notebook uses is an
// error, and so is a value that its Param would refuse, as far as the call tells.
func setParams(nb *notebook.Notebook, params map[string]string) error {
	nb.Cells = slices.DeleteFunc(nb.Cells, func(c *notebook.Cell) bool { return c.HasTag("injected-parameters") })
	if len(params) == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(params))
	known := paramsOf(nb)
	for _, name := range names {
		at := slices.IndexFunc(known, func(k setting) bool { return k.name == name })
		if at < 0 {
			if len(known) == 0 {
				return fmt.Errorf("--set %s: the notebook has no parameters: none of its cells calls kernelext.Param", name)
			}
			var list []string
			for _, k := range known {
				list = append(list, k.name)
			}
			return fmt.Errorf("--set %s: the notebook's parameters are %s", name, strings.Join(list, ", "))
		}
		if err := known[at].check(params[name]); err != nil {
			return fmt.Errorf("--set %s=%s: %w", name, params[name], err)
		}
	}
	at := 1 + slices.IndexFunc(nb.Cells, func(c *notebook.Cell) bool { return c.HasTag("parameters") })
	if at == 0 {
		return errors.New("--set: no cell is tagged parameters")
	}
	var text strings.Builder
	text.WriteString("Parameters of this run:\n")
	for _, name := range names {
		fmt.Fprintf(&text, "\n- `%s = %s`", name, strings.NewReplacer("`", "'", "\n", " ").Replace(params[name]))
	}
	nb.Cells = slices.Insert(nb.Cells, at, &notebook.Cell{
		Type: notebook.Markdown, ID: "injected-parameters",
		Metadata: map[string]any{"tags": []any{"injected-parameters"}},
		Source:   text.String(),
	})
	return nil
}

// A setting is a Param call of a notebook: its name, and what kind of value stands
// for it there (INT, FLOAT or STRING, BOOL as IDENT; ILLEGAL where that is not plain).
type setting struct {
	name  string
	kind  token.Token
	minus bool
}

// check returns why the Param call would refuse a value.
func (s setting) check(text string) error {
	switch s.kind {
	case token.INT:
		n, err := param.Parse[int](text)
		if err == nil && !s.minus {
			err = param.Count(s.name, n, 1)
		}
		return err
	case token.FLOAT:
		_, err := param.Parse[float64](text)
		return err
	case token.IDENT:
		_, err := param.Parse[bool](text)
		return err
	}
	return nil
}

// paramsOf returns the Param calls in the notebook, in order.
func paramsOf(nb *notebook.Notebook) []setting {
	var settings []setting
	eachGoCell(nb, func(tokens []lexeme) {
		for i, t := range tokens {
			if t.token != token.IDENT || t.text != "Param" {
				continue
			}
			rest := tokens[i+1:]
			explicit := len(rest) > 0 && rest[0].token == token.LBRACK // Param[float64](...)
			if explicit {
				rest = rest[1+slices.IndexFunc(rest, func(t lexeme) bool { return t.token == token.RBRACK }):]
			}
			if len(rest) < 2 || rest[0].token != token.LPAREN || rest[1].token != token.STRING {
				continue
			}
			name, err := strconv.Unquote(rest[1].text)
			if err != nil || slices.ContainsFunc(settings, func(s setting) bool { return s.name == name }) {
				continue
			}
			s := setting{name: name}
			if len(rest) > 3 && rest[2].token == token.COMMA && !explicit {
				s.kind, s.minus = kindOf(rest[3:])
			}
			settings = append(settings, s)
		}
	})
	return settings
}

// kindOf returns the kind of the value at the beginning of tokens: of a literal, or
// of the literals that a call of Pick chooses from.
func kindOf(tokens []lexeme) (kind token.Token, minus bool) {
	tokens = slices.DeleteFunc(slices.Clone(tokens), func(t lexeme) bool { return t.token == token.COMMENT })
	if len(tokens) > 2 && tokens[0].text == "kernelext" && tokens[1].token == token.PERIOD {
		tokens = tokens[2:]
	}
	if len(tokens) > 1 && tokens[0].text == "Pick" && tokens[1].token == token.LPAREN {
		kind = token.INT
		for tokens = tokens[2:]; len(tokens) > 1; {
			k, m := kindOf(tokens)
			if k != token.INT { // one that is a float makes all floats
				kind = k
			}
			minus = minus || m
			comma := slices.IndexFunc(tokens, func(t lexeme) bool {
				return t.token == token.COMMA ||
					t.token == token.RPAREN
			})
			if comma < 0 || tokens[comma].token == token.RPAREN {
				return kind, minus
			}
			tokens = tokens[comma+1:]
		}
		return token.ILLEGAL, false
	}
	if len(tokens) > 0 && tokens[0].token == token.SUB {
		minus, tokens = true, tokens[1:]
	}
	if len(tokens) < 2 || tokens[1].token != token.COMMA && tokens[1].token != token.RPAREN &&
		tokens[1].token != token.SEMICOLON {
		return token.ILLEGAL, false // an expression
	}
	switch t := tokens[0]; {
	case t.token == token.INT, t.token == token.FLOAT, t.token == token.STRING:
		return t.token, minus
	case t.text == "true" || t.text == "false":
		return token.IDENT, false
	}
	return token.ILLEGAL, false
}

// importsOf returns the packages that the notebook's cells import, sorted; a
// cell of tests imports package testing without saying so.
func importsOf(nb *notebook.Notebook) []string {
	var paths []string
	add := func(t lexeme) {
		if path, err := strconv.Unquote(t.text); err == nil && t.token == token.STRING {
			paths = append(paths, path)
		}
	}
	eachGoCell(nb, func(tokens []lexeme) {
		for i := 0; i < len(tokens); i++ {
			if tokens[i].token != token.IMPORT || i+1 == len(tokens) {
				continue
			}
			if tokens[i+1].token != token.LPAREN { // import "p", import name "p"
				add(tokens[i+1])
				if i+2 < len(tokens) {
					add(tokens[i+2])
				}
				continue
			}
			for i += 2; i < len(tokens) && tokens[i].token != token.RPAREN; i++ {
				add(tokens[i])
			}
		}
	})
	for _, cell := range nb.Cells {
		if cell.Type == notebook.Code && strings.HasPrefix(cell.Source, "%test") {
			paths = append(paths, "testing")
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// lexeme is a token of Go with its text.
type lexeme struct {
	token token.Token
	text  string
}

// eachGoCell gives visit the Go tokens of each code cell; lines that are
// commands to the kernel (%..., !...) are left out.
func eachGoCell(nb *notebook.Notebook, visit func([]lexeme)) {
	for _, code := range nb.Cells {
		if code.Type != notebook.Code {
			continue
		}
		var s scanner.Scanner
		declarations, program := cell.Read(code.Source).Split()
		text := []byte(strings.Join(append(declarations, program...), "\n"))
		s.Init(token.NewFileSet().AddFile("", -1, len(text)), text, nil, 0)
		var tokens []lexeme
		for {
			_, t, literal := s.Scan()
			if t == token.EOF {
				break
			}
			tokens = append(tokens, lexeme{t, literal})
		}
		visit(tokens)
	}
}
