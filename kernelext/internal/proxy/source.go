// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/cell"
	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

// A source is the code of a cell that was executed.
type source struct {
	count int // its execution count
	code  string
}

// A place is a line of an executed cell, both from 1.
type place struct{ count, line int }

// hasShell tells whether a cell runs shell commands, whose failures do not end it.
func hasShell(c *cell.Cell) bool {
	return slices.ContainsFunc(c.Commands, func(command string) bool { return strings.HasPrefix(command, "!") })
}

// forGoNB returns the code that GoNB gets for a cell, without the commands in
// leaveOut. If the program may draw with gonbui directly, a line is added that
// makes it wait, before it ends, until GoNB has read its displays; what is still in
// the pipe at the end would be lost. added is the number of that line, 0 if there
// is none. A func main of the cell's own stays as it is.
func (k *kernel) forGoNB(c *cell.Cell, leaveOut map[int]bool) (code string, added int) {
	code, _ = c.Protected(leaveOut)
	begin := c.Program()
	if begin < 0 || !k.mentions(c.Code, "gonbui") {
		return code, 0
	}
	return strings.Join(slices.Insert(strings.Split(code, "\n"), begin+1, "defer gonbui.Sync()"), "\n"), begin + 2
}

// mentions tells whether the code of a cell, or of another that it may use, has a word.
func (k *kernel) mentions(code, word string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.Contains(code, word) ||
		slices.ContainsFunc(k.declared, func(s source) bool { return strings.Contains(s.code, word) })
}

// The commands whose effect outlives their cell.
var lasting = []string{"%env", "%cd", "%goflags", "%autoget", "%noautoget"}

// replay returns one cell with the declarations and lasting commands of several,
// for a GoNB that has forgotten them, and where each of its lines comes from.
// Programs are left out, and so are cells that no longer parse.
func replay(cells []source) (code string, origin []place) {
	var commands, imports, rest []string
	var inCommands, inImports, inRest []place
	for _, s := range cells {
		c := cell.Read(s.code)
		lines, _ := c.Split()
		drop, importing, ok := outline(strings.Join(lines, "\n"))
		for i, command := range c.Commands {
			if slices.Contains(lasting, c.Name(i)) {
				commands, inCommands = append(commands, command), append(inCommands, place{s.count, i + 1})
			}
		}
		for i, line := range lines {
			from := place{s.count, i + 1}
			switch {
			case !ok || strings.TrimSpace(line) == "" || drop[i+1]:
			case importing[i+1]:
				imports, inImports = append(imports, line), append(inImports, from)
			default:
				rest, inRest = append(rest, line), append(inRest, from)
			}
		}
	}
	return strings.Join(slices.Concat(commands, imports, rest), "\n"), slices.Concat(inCommands, inImports, inRest)
}

// removed returns the names that cells have removed with %rm and that no later
// one has declared again.
func removed(cells []source) []string {
	var names []string
	for _, s := range cells {
		c := cell.Read(s.code)
		for i, command := range c.Commands {
			if slices.Contains([]string{"%rm", "%remove"}, c.Name(i)) {
				names = append(names, strings.Fields(command)[1:]...) // commands run before the cell's declarations
			}
		}
		for _, declared := range c.Declared() {
			names = slices.DeleteFunc(names, func(name string) bool { return name == declared.Name })
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// outline tells which lines of declarations hold func main and which hold imports.
func outline(text string) (main, imports map[int]bool, ok bool) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "", "package p;"+text, parser.SkipObjectResolution)
	if err != nil {
		return nil, nil, false
	}
	main, imports = map[int]bool{}, map[int]bool{}
	for _, d := range file.Decls {
		into := map[int]bool{}
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.Name == "main" {
				into = main
			}
		case *ast.GenDecl:
			if d.Tok == token.IMPORT {
				into = imports
			}
		}
		for line := files.Position(d.Pos()).Line; line <= files.Position(d.End()).Line; line++ {
			into[line] = true
		}
	}
	return main, imports, true
}

// isComplete answers whether code can be executed as it is.
func isComplete(m *wire.Message) wire.IsCompleteReply {
	var request wire.IsCompleteRequest
	if m.Decode(&request) != nil {
		return wire.IsCompleteReply{Status: "unknown"}
	}
	status, depth := completeness(request.Code)
	reply := wire.IsCompleteReply{Status: status}
	if status == "incomplete" {
		reply.Indent = strings.Repeat("\t", depth)
	}
	return reply
}

// completeness tells whether a cell is complete, incomplete or invalid by Go's
// own parser, and how many brackets are open. It is incomplete if what is wrong
// with it is its end.
func completeness(code string) (status string, depth int) {
	c := cell.Read(code)
	last := len(c.Lines) - 1
	if c.IsCommand(last) && strings.HasSuffix(c.Lines[last], `\`) {
		return "incomplete", 0
	}
	if c.Script {
		if last == 0 || strings.TrimSpace(c.Lines[last]) != "" {
			return "incomplete", 0 // an empty line ends a script
		}
		return "complete", 0
	}
	declarations, main := c.Split()
	depth = open(strings.Join(declarations, "\n")) + open(strings.Join(main, "\n"))
	status = judge("package p;", strings.Join(declarations, "\n"), "\n")
	if status == "complete" && main != nil {
		status = judge("package p;func _() {", strings.Join(main, "\n"), "\n}")
	}
	return status, max(0, depth)
}

// judge parses text between a prefix and a suffix that make it a file.
func judge(prefix, text, suffix string) string {
	files := token.NewFileSet()
	_, err := parser.ParseFile(files, "", prefix+text+suffix, parser.SkipObjectResolution)
	errs, ok := err.(scanner.ErrorList)
	if !ok {
		return "complete"
	}
	first := errs[0]
	end := len(prefix) + len(strings.TrimRight(text, " \t\n"))
	if first.Pos.Offset >= end || strings.HasSuffix(first.Msg, "raw string literal not terminated") ||
		strings.HasSuffix(first.Msg, "comment not terminated") {
		return "incomplete"
	}
	return "invalid"
}

// open counts the brackets that are not closed.
func open(text string) int {
	var s scanner.Scanner
	s.Init(token.NewFileSet().AddFile("", -1, len(text)), []byte(text), func(token.Position, string) {}, 0)
	depth := 0
	for {
		switch _, t, _ := s.Scan(); t {
		case token.LBRACE, token.LPAREN, token.LBRACK:
			depth++
		case token.RBRACE, token.RPAREN, token.RBRACK:
			depth--
		case token.EOF:
			return depth
		}
	}
}
