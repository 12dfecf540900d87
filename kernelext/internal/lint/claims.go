// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/lateral-ml/lateral/kernelext"
	"github.com/lateral-ml/lateral/kernelext/internal/cell"
	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
	"github.com/lateral-ml/lateral/lib/experiment"
)

// claims compares what cells say with what they show, as far as that can be done
// without understanding either:
//
//   - a number that is typed into a caption and that no cell computes, prints or sets;
//   - a number that is called the document's, but that a cell has computed;
//   - a comparison whose rows are of another profile than the run that they name;
//   - a median that is the larger of the two values in the middle;
//   - a check of an exercise that a value which is not a number passes.
func (l *linter) claims(nb *notebook.Notebook) {
	uses := usesOf(nb)
	for i, c := range nb.Cells {
		if c.Type != notebook.Code {
			continue
		}
		l.cell, l.id = i+1, c.ID
		l.medians(c)
		l.notANumber(c)
		for _, o := range c.Outputs {
			if about, _ := o.Metadata["lateral"].(map[string]any); about["role"] == "caption" {
				l.caption(c, plain(o))
			}
			l.documents(plain(o))
			if table, ok := o.Data[kernelext.VersusMIME].(map[string]any); ok {
				l.profile(table, nb.Metadata, uses(c))
			}
		}
	}
}

// A knowledge is what numbers the cells of a notebook hold.
type knowledge struct {
	values map[float64]bool // set in code, printed or shown
	typed  map[string]bool  // as they are written anywhere in the code, texts included
}

var written = regexp.MustCompile(`\d*\.?\d+(?:[eE][+-]?\d+)?`)

func known(nb *notebook.Notebook) knowledge {
	k := knowledge{map[float64]bool{}, map[string]bool{}}
	add := func(text string) {
		if v, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64); err == nil {
			k.values[v] = true
		}
	}
	for _, c := range nb.Cells {
		if c.Type != notebook.Code {
			continue
		}
		for _, number := range written.FindAllString(c.Source, -1) {
			k.typed[number] = true
		}
		eachToken(c.Source, func(kind token.Token, text string) {
			if kind == token.INT || kind == token.FLOAT {
				add(text)
			}
		})
		for _, o := range c.Outputs {
			if about, _ := o.Metadata["lateral"].(map[string]any); about["role"] != "caption" {
				text := o.Text + "\n" + plain(o)
				for _, number := range append(written.FindAllString(text, -1), large.FindAllString(text, -1)...) {
					add(strings.ReplaceAll(number, ",", ""))
				}
			}
		}
	}
	return k
}

// eachToken gives visit the tokens of a cell's Go.
func eachToken(source string, visit func(token.Token, string)) {
	declarations, program := cell.Read(source).Split()
	text := []byte(strings.Join(append(declarations, program...), "\n"))
	var s scanner.Scanner
	s.Init(token.NewFileSet().AddFile("", -1, len(text)), text, nil, 0)
	for {
		_, kind, literal := s.Scan()
		if kind == token.EOF {
			return
		}
		visit(kind, literal)
	}
}

// plain returns the text form of a display.
func plain(o *notebook.Output) string {
	text, _ := o.Data["text/plain"].(string)
	return text
}

// caption looks for numbers that somebody typed into a caption.
func (l *linter) caption(c *notebook.Cell, text string) {
	if document.MatchString(text) {
		return
	}
	var texts strings.Builder
	eachToken(c.Source, func(kind token.Token, literal string) {
		if kind == token.STRING {
			texts.WriteString(literal + "\n")
		}
	})
	for _, n := range number.FindAllString(pointer.ReplaceAllString(text, ""), -1) {
		v, err := strconv.ParseFloat(strings.TrimRight(n, " %"), 64)
		if err == nil && strings.Contains(texts.String(), n) && !l.known.values[v] {
			l.report(0,
				"%s is typed into the caption, and no cell sets, prints or shows it: compute it, or name the document it is "+
					"from, as [KH19]", n)
		}
	}
}

// theirs is a number that a text calls the document's.
var theirs = regexp.MustCompile(`(\d*\.?\d+)( ?%)? (?:there|in the (?:thesis|document|paper|article))\b`)

// documents looks for numbers that are called the document's: those are typed, as nothing can compute them.
func (l *linter) documents(text string) {
	for _, m := range theirs.FindAllStringSubmatch(text, -1) {
		if !l.known.typed[m[1]] && !l.known.typed[strings.TrimRight(strings.TrimRight(m[1], "0"), ".")] {
			l.report(0,
				"%q calls a number the document's that stands in no cell, so a cell has computed it: say whose it is", m[0])
		}
	}
}

// profile looks at the rows of a comparison, which are of the run's profile unless they say otherwise: what the cell
// uses may be of a profile that a parameter names.
func (l *linter) profile(table, metadata map[string]any, uses map[string]bool) {
	run, _ := metadata["lateral"].(map[string]any)
	name, _ := run["profile"].(string)
	if said, _ := table["profile"].(string); name != "" && said != name {
		l.report(0, "the comparison says profile %s, but the notebook was run at %s", said, name)
		return
	}
	params, _ := run["parameters"].(map[string]any)
	var others []string
	for param, value := range params {
		if size := fmt.Sprint(value); size != name && slices.Contains(experiment.Profiles(), size) &&
			uses[strconv.Quote(param)] {
			others = append(others, param+"="+size)
		}
	}
	slices.Sort(others)
	rows, _ := table["rows"].([]any)
	if len(others) > 0 && !slices.ContainsFunc(rows, func(row any) bool {
		r, _ := row.(map[string]any)
		_, own := r["profile"]
		return own
	}) {
		l.report(0,
			"the comparison says profile %s for all its rows, but the run had %s: give rows of another size their Profile", name,
			strings.Join(others, ", "))
	}
}

// usesOf returns a function that tells which names and texts a cell's program uses, with the declarations of the
// notebook that it comes to use.
func usesOf(nb *notebook.Notebook) func(*notebook.Cell) map[string]bool {
	declared := map[string]map[string]bool{} // by name, what its declarations use
	for _, c := range nb.Cells {
		if c.Type != notebook.Code {
			continue
		}
		declarations, _ := cell.Read(c.Source).Split()
		file, err := parser.ParseFile(token.NewFileSet(), "", "package p;"+strings.Join(declarations, "\n"),
			parser.SkipObjectResolution)
		if err != nil {
			continue
		}
		for _, d := range file.Decls {
			parts := []ast.Node{d}
			if group, ok := d.(*ast.GenDecl); ok {
				parts = nil
				for _, spec := range group.Specs {
					parts = append(parts, spec)
				}
			}
			for _, part := range parts {
				used := map[string]bool{}
				ast.Inspect(part, func(n ast.Node) bool {
					switch n := n.(type) {
					case *ast.Ident:
						used[n.Name] = true
					case *ast.BasicLit:
						used[n.Value] = true
					}
					return true
				})
				for _, name := range namesOf(part) {
					if declared[name] == nil {
						declared[name] = map[string]bool{}
					}
					maps.Copy(declared[name], used)
				}
			}
		}
	}
	return func(c *notebook.Cell) map[string]bool {
		all := map[string]bool{}
		var next []string
		_, program := cell.Read(c.Source).Split()
		eachToken("%%\n"+strings.Join(program, "\n"), func(_ token.Token, text string) { next = append(next, text) })
		for len(next) > 0 {
			name := next[len(next)-1]
			next = next[:len(next)-1]
			if !all[name] {
				all[name] = true
				next = slices.AppendSeq(next, maps.Keys(declared[name]))
			}
		}
		return all
	}
}

// namesOf returns the names that a function or a specification declares.
func namesOf(n ast.Node) []string {
	switch n := n.(type) {
	case *ast.FuncDecl:
		return []string{n.Name.Name}
	case *ast.TypeSpec:
		return []string{n.Name.Name}
	case *ast.ValueSpec:
		var names []string
		for _, id := range n.Names {
			names = append(names, id.Name)
		}
		return names
	}
	return nil
}

var upperMiddle = regexp.MustCompile(`(\w+)\[len\((\w+)\)/2\]`)

// medians looks for the value in the middle of an even number of values.
func (l *linter) medians(c *notebook.Cell) {
	if !strings.Contains(strings.ToLower(c.Source), "sort") {
		return
	}
	says := strings.Contains(strings.ToLower(c.Source), "median")
	for _, o := range c.Outputs {
		says = says || strings.Contains(strings.ToLower(o.Text+plain(o)), "median")
	}
	if !says {
		return
	}
	for i, line := range strings.Split(c.Source, "\n") {
		m := upperMiddle.FindStringSubmatch(line)
		if m != nil && m[1] == m[2] && !strings.Contains(line, "[(len("+m[1]+")-1)/2]") {
			l.report(i+1,
				"%s is the larger of the two middle values where their number is even, not the median: take half of both", m[0])
		}
	}
}

var tooFar = regexp.MustCompile(`if (?:.*; )?math\.Abs\(.*\) >=? `)

// notANumber looks for checks that fail only where a difference is large: that of a NaN is not.
func (l *linter) notANumber(c *notebook.Cell) {
	if !strings.HasPrefix(c.Source, "%test") {
		return
	}
	for i, line := range strings.Split(c.Source, "\n") {
		if tooFar.MatchString(line) {
			l.report(i+1, "an answer that is NaN passes this check: write if !(math.Abs(got-want) <= tolerance)")
		}
	}
}
