// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

// A source is the code of a cell that was executed.
type source struct {
	count int // its execution count
	code  string
}

// A place is a line of an executed cell, both from 1.
type place struct{ count, line int }

// command returns the text of a line that is a command to the kernel, such as
// %env or !ls, without a prefix that hides it from other programs.
func command(line string) (string, bool) {
	line = strings.TrimPrefix(line, "//gonb:")
	return line, len(line) > 1 && (line[0] == '%' || line[0] == '!')
}

// beginsMain tells whether a command begins the cell's program.
func beginsMain(command string) bool {
	return strings.HasPrefix(command, "%main") || command == "%%" ||
		strings.HasPrefix(command, "%% ") || strings.HasPrefix(command, "%%\t")
}

// isScript tells whether a cell is not Go but input of a command, such as a
// shell script or a file to write.
func isScript(code string) bool {
	first, _, _ := strings.Cut(code, "\n")
	name, _, _ := strings.Cut(strings.TrimPrefix(first, "//gonb:"), " ")
	return slices.Contains([]string{"%%writefile", "%%script", "%%bash", "%%sh", "%%gx"}, name)
}

// hasShell tells whether a cell runs shell commands, whose failures do not end it.
func hasShell(code string) bool {
	return slices.ContainsFunc(strings.Split(code, "\n"), func(line string) bool {
		c, ok := command(line)
		return ok && c[0] == '!'
	})
}

// golang splits a Go cell into its declarations and its program. Lines that
// belong to neither, commands among them, are empty, so that both have the
// cell's line numbers. main is nil if the cell has no program.
func golang(code string) (declarations, main []string) {
	continued := false
	for line := range strings.SplitSeq(code, "\n") {
		c, isCommand := command(line)
		kept := line
		if isCommand || continued {
			kept, continued = "", strings.HasSuffix(c, `\`)
		}
		if main != nil {
			main, kept = append(main, kept), ""
		} else if isCommand && beginsMain(c) {
			main = make([]string, len(declarations)+1)
		}
		declarations = append(declarations, kept)
	}
	return declarations, main
}

// flushing adds to a cell with a program that may draw with gonbui itself a line
// that has the program wait, before it ends, until GoNB has read all of it: what
// is still in the pipe then is lost. It returns the number of that line, 0 if
// there is none: a func main of the cell's own stays as it is.
func (k *kernel) flushing(code string) (string, int) {
	k.mu.Lock()
	cells := append(slices.Clone(k.declared), source{code: code})
	k.mu.Unlock()
	if isScript(code) || !slices.ContainsFunc(cells, func(s source) bool { return strings.Contains(s.code, "gonbui") }) {
		return code, 0
	}
	lines := strings.Split(code, "\n")
	for i, line := range lines {
		if c, ok := command(line); ok && beginsMain(c) && !strings.HasSuffix(c, `\`) {
			return strings.Join(slices.Insert(lines, i+1, "defer gonbui.Sync()"), "\n"), i + 2
		}
	}
	return code, 0
}

// The commands whose effect outlives their cell.
var lasting = []string{"%env", "%cd", "%goflags", "%autoget", "%noautoget"}

// replay returns one cell with the declarations and lasting commands of several,
// for a GoNB that has forgotten them, and where each of its lines comes from.
// Programs are left out, and so are cells that no longer parse.
func replay(cells []source) (code string, origin []place) {
	var commands, imports, rest []string
	var inCommands, inImports, inRest []place
	for _, cell := range cells {
		lines, _ := golang(cell.code)
		drop, importing, ok := outline(strings.Join(lines, "\n"))
		for i, line := range strings.Split(cell.code, "\n") {
			from := place{cell.count, i + 1}
			if c, isCommand := command(line); isCommand {
				if name, _, _ := strings.Cut(c, " "); slices.Contains(lasting, name) {
					commands, inCommands = append(commands, c), append(inCommands, from)
				}
			}
			switch {
			case !ok || strings.TrimSpace(lines[i]) == "" || drop[i+1]:
			case importing[i+1]:
				imports, inImports = append(imports, lines[i]), append(inImports, from)
			default:
				rest, inRest = append(rest, lines[i]), append(inRest, from)
			}
		}
	}
	return strings.Join(slices.Concat(commands, imports, rest), "\n"), slices.Concat(inCommands, inImports, inRest)
}

// removed returns the names that cells have removed with %rm and that no later
// one has declared again.
func removed(cells []source) []string {
	var names []string
	for _, cell := range cells {
		for line := range strings.SplitSeq(cell.code, "\n") {
			if c, isCommand := command(line); isCommand {
				if words := strings.Fields(c); len(words) > 0 && (words[0] == "%rm" || words[0] == "%remove") {
					names = append(names, words[1:]...) // commands run before the cell's declarations
				}
			}
		}
		lines, _ := golang(cell.code)
		file, err := parser.ParseFile(token.NewFileSet(), "", "package p;"+strings.Join(lines, "\n"), parser.SkipObjectResolution)
		if err != nil {
			continue
		}
		declared := declaredNames(file)
		names = slices.DeleteFunc(names, func(name string) bool { return declared[name] })
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// declaredNames are the names that a file declares, those of methods as T~m, as GoNB
// has them.
func declaredNames(file *ast.File) map[string]bool {
	names := map[string]bool{}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			name := d.Name.Name
			if d.Recv != nil && len(d.Recv.List) == 1 {
				t := d.Recv.List[0].Type
				if star, ok := t.(*ast.StarExpr); ok {
					t = star.X
				}
				if id, ok := t.(*ast.Ident); ok {
					name = id.Name + "~" + name
				}
			}
			names[name] = true
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					names[spec.Name.Name] = true
				case *ast.ValueSpec:
					for _, id := range spec.Names {
						names[id.Name] = true
					}
				}
			}
		}
	}
	return names
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
	lines := strings.Split(code, "\n")
	if last := lines[len(lines)-1]; strings.HasSuffix(last, `\`) {
		if _, isCommand := command(last); isCommand {
			return "incomplete", 0
		}
	}
	if isScript(code) {
		if len(lines) == 1 || strings.TrimSpace(lines[len(lines)-1]) != "" {
			return "incomplete", 0 // an empty line ends a script
		}
		return "complete", 0
	}
	declarations, main := golang(code)
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
