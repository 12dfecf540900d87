// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/cell"
)

// hint extends an error of the compiler whose cause is peculiar to notebooks:
// statements go below %%, and variables of a program end with its cell.
func (e *execution) hint(f *failure) {
	source := strings.TrimSpace(f.Source)
	name, undefined := strings.CutPrefix(f.Message, "undefined: ")
	misplaced := undefined || strings.HasSuffix(f.Message, "found '!'")
	switch {
	case strings.HasPrefix(source, "%") || strings.HasPrefix(source, "!") && misplaced:
		f.Message += ": a command to the kernel begins in the first column, outside of brackets"
	case strings.HasPrefix(f.Message, "expected declaration, found "):
		f.Message += ": put statements below a line %%, which begins the cell's program"
	case undefined:
		f.Message += e.kernel.whereabouts(name, e.count)
	}
}

// whereabouts says in which cell before count an undefined name occurs, "" if in
// none.
func (k *kernel) whereabouts(name string, count int) string {
	k.mu.Lock()
	past := slices.Clone(k.history)
	k.mu.Unlock()
	for _, entry := range slices.Backward(past) {
		if entry.count >= count {
			continue
		}
		c := cell.Read(entry.code)
		if slices.ContainsFunc(c.Declared(), func(n cell.Name) bool { return n.Name == name }) {
			return fmt.Sprintf(": cell [%d] would declare it, but was not compiled", entry.count)
		}
		if _, program := c.Split(); slices.Contains(locals(strings.Join(program, "\n")), name) {
			return fmt.Sprintf(": the program of cell [%d], which had it, has ended. A cell is a program of its own: "+
				"declare %s above %%%%, or keep its value with kernelext.Memo", entry.count, name)
		}
	}
	return ""
}

// locals returns the names that a program declares.
func locals(program string) (names []string) {
	source := "package p;func _() {" + program + "\n}"
	file, err := parser.ParseFile(token.NewFileSet(), "", source, parser.SkipObjectResolution)
	if err != nil {
		return nil
	}
	add := func(expressions ...ast.Expr) {
		for _, x := range expressions {
			if id, ok := x.(*ast.Ident); ok {
				names = append(names, id.Name)
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				add(n.Lhs...)
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				add(n.Key, n.Value)
			}
		case *ast.ValueSpec:
			for _, id := range n.Names {
				add(id)
			}
		}
		return true
	})
	return names
}
