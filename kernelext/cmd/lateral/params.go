// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/scanner"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/cell"
	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

// parseParams reads name=value arguments. A value that is JSON (a number, true,
// a list) is taken as that, anything else as text.
func parseParams(set []string) (map[string]any, error) {
	params := map[string]any{}
	for _, arg := range set {
		name, text, ok := strings.Cut(arg, "=")
		if !ok || !token.IsIdentifier(name) {
			return nil, fmt.Errorf("--set %q: write name=value", arg)
		}
		var value any
		if json.Unmarshal([]byte(text), &value) != nil {
			value = text
		}
		params[name] = value
	}
	return params, nil
}

// setParams shows the parameters of this run in a cell tagged
// injected-parameters, after the one tagged parameters, in place of an earlier
// run's. The values themselves reach kernelext.Param through the environment,
// so the cell is text. A name that no Param call of the notebook uses is an
// error.
func setParams(nb *notebook.Notebook, params map[string]any) error {
	nb.Cells = slices.DeleteFunc(nb.Cells, func(c *notebook.Cell) bool { return c.HasTag("injected-parameters") })
	if len(params) == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(params))
	known := paramsOf(nb)
	for _, name := range names {
		if !slices.Contains(known, name) {
			if len(known) == 0 {
				return fmt.Errorf("--set %s: the notebook has no parameters: none of its cells calls kernelext.Param", name)
			}
			return fmt.Errorf("--set %s: the notebook's parameters are %s", name, strings.Join(known, ", "))
		}
	}
	at := 1 + slices.IndexFunc(nb.Cells, func(c *notebook.Cell) bool { return c.HasTag("parameters") })
	if at == 0 {
		return errors.New("--set: no cell is tagged parameters")
	}
	var text strings.Builder
	text.WriteString("Parameters of this run:\n")
	for _, name := range names {
		value, _ := json.Marshal(params[name])
		fmt.Fprintf(&text, "\n- `%s = %s`", name, value)
	}
	nb.Cells = slices.Insert(nb.Cells, at, &notebook.Cell{
		Type: notebook.Markdown, ID: "injected-parameters",
		Metadata: map[string]any{"tags": []any{"injected-parameters"}},
		Source:   text.String(),
	})
	return nil
}

// paramsOf returns the names given to Param calls in the notebook, in order.
func paramsOf(nb *notebook.Notebook) []string {
	var names []string
	eachGoCell(nb, func(tokens []lexeme) {
		for i, t := range tokens {
			if t.token != token.IDENT || t.text != "Param" {
				continue
			}
			rest := tokens[i+1:]
			if len(rest) > 0 && rest[0].token == token.LBRACK { // Param[float64](...)
				rest = rest[1+slices.IndexFunc(rest, func(t lexeme) bool { return t.token == token.RBRACK }):]
			}
			if len(rest) > 1 && rest[0].token == token.LPAREN && rest[1].token == token.STRING {
				if name, err := strconv.Unquote(rest[1].text); err == nil && !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	})
	return names
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
