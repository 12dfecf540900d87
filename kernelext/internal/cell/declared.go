// SPDX-License-Identifier: Apache-2.0

package cell

import (
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"strings"
)

// A Name is a declared name.
type Name struct {
	Name string // that of a method is T~m, as in GoNB's commands
	Line int    // from 1
	Func bool
}

// Declared returns the names that the cell declares outside its program, in order,
// or nothing if it does not parse.
func (c *Cell) Declared() (names []Name) {
	declarations, _ := c.Split()
	files := token.NewFileSet()
	text := "package p;" + strings.Join(declarations, "\n")
	file, err := parser.ParseFile(files, "", text, parser.SkipObjectResolution)
	if err != nil {
		return nil
	}
	add := func(name string, at token.Pos, isFunc bool) {
		names = append(names, Name{name, files.Position(at).Line, isFunc})
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			add(receiver(d)+d.Name.Name, d.Pos(), true)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					add(spec.Name.Name, spec.Pos(), false)
				case *ast.ValueSpec:
					for _, id := range spec.Names {
						add(id.Name, id.Pos(), false)
					}
				}
			}
		}
	}
	return names
}

// receiver returns what GoNB puts before the name of a method.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) != 1 {
		return ""
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	switch g := t.(type) { // the type of a generic one
	case *ast.IndexExpr:
		t = g.X
	case *ast.IndexListExpr:
		t = g.X
	}
	if id, ok := t.(*ast.Ident); ok {
		return id.Name + "~"
	}
	return ""
}

// Redeclared returns a name that the cell declares twice and its first declaration.
// GoNB would silently keep the second one.
func (c *Cell) Redeclared() (again, first Name, ok bool) {
	seen := map[string]Name{}
	if i := c.Program(); i >= 0 {
		seen["main"] = Name{"main", i + 1, true}
	}
	for _, n := range c.Declared() {
		if n.Name == "_" {
			continue
		}
		if before, ok := seen[n.Name]; ok {
			if before.Line > n.Line {
				n, before = before, n
			}
			return n, before, true
		}
		seen[n.Name] = n
	}
	return Name{}, Name{}, false
}

// Statement returns the index of the first line of a statement that stands outside
// of any program, -1 if there is none.
func (c *Cell) Statement() int {
	if c.Script || c.Program() >= 0 {
		return -1
	}
	declarations, _ := c.Split()
	text := "package p;" + strings.Join(declarations, "\n")
	_, err := parser.ParseFile(token.NewFileSet(), "", text, parser.SkipObjectResolution)
	list, _ := err.(scanner.ErrorList)
	for _, e := range list {
		if strings.HasPrefix(e.Msg, "expected declaration") {
			return e.Pos.Line - 1
		}
	}
	return -1
}
