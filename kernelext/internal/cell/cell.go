// SPDX-License-Identifier: Apache-2.0

// Package cell reads the code of a notebook's cell: Go, and between it commands
// to the kernel, such as %env, !ls, or %%, which begins the cell's program.
//
// A command is a line that begins with % or !, outside of brackets, where Go could
// begin a declaration or a statement. Lines within string literals, comments and
// expressions are Go, whatever they look like; Go's own scanner decides. GoNB only
// looks at the beginnings of lines, so it gets the code from [Cell.Protected],
// which it reads in the same way as this package reads the original.
package cell

import (
	"fmt"
	"go/scanner"
	"go/token"
	"slices"
	"strings"
)

// A Cell is the code of a cell.
type Cell struct {
	Code     string   // with \n for line ends
	Lines    []string // of Code
	Commands []string // by line: the command that begins there, with its continuation lines; "" if none does
	Script   bool     // the cell is not Go but the input of the command in its first line, such as %%bash
	Fault    *Fault   // an error that makes the cell invalid, nil if none was found

	source    []byte // Code
	continued []bool // by line: it continues a command
	starts    []int  // offsets of the lines
	literals  []literal
	clauses   []edit // remove package clauses, which a cell does not need
}

// A Fault is an error that is found without compiling the cell.
type Fault struct {
	Line    int // from 1
	Message string
}

// A literal is a raw string or a comment of several lines.
type literal struct {
	from, to int
	kind     token.Token
	operand  bool // the string is an operand of an expression, not a struct tag or an import path
}

// prefix turns a command into a comment for other tools.
const prefix = "//gonb:"

// Read reads a cell.
func Read(code string) *Cell {
	code = strings.ReplaceAll(strings.TrimSuffix(code, "\r"), "\r\n", "\n")
	code = strings.TrimPrefix(code, "\ufeff")
	c := &Cell{Code: code, Lines: strings.Split(code, "\n"), source: []byte(code)}
	c.Commands, c.continued = make([]string, len(c.Lines)), make([]bool, len(c.Lines))
	for at, i := 0, 0; i < len(c.Lines); i++ {
		c.starts = append(c.starts, at)
		at += len(c.Lines[i]) + 1
	}
	if first, ok := command(c.Lines[0]); ok && slices.Contains(scripts, name(first)) {
		c.Script, c.Commands[0] = true, first
		return c
	}
	for i := 0; i < len(c.Lines); {
		if _, ok := command(c.Lines[i]); ok {
			i = c.join(i)
		} else {
			i = c.scan(i)
		}
	}
	c.check()
	return c
}

// The commands whose input is the rest of the cell.
var scripts = []string{"%%writefile", "%%script", "%%bash", "%%sh", "%%gx"}

// command returns the text of a command, if the line looks like one.
func command(line string) (string, bool) {
	line = strings.TrimPrefix(line, prefix)
	if len(line) < 2 || line[0] != '%' && line[0] != '!' {
		return "", false
	}
	return line[:1] + strings.TrimLeft(line[1:], " \t"), true
}

// name returns the first word of a command.
func name(command string) string {
	if words := strings.Fields(command); len(words) > 0 {
		return words[0]
	}
	return ""
}

// join reads the command that begins in line i, with continuation lines (after a
// backslash at the end of a line), and returns the line after it.
func (c *Cell) join(i int) (next int) {
	var b strings.Builder
	piece, _ := command(c.Lines[i])
	for next = i + 1; strings.HasSuffix(piece, `\`); next++ {
		b.WriteString(strings.TrimSuffix(piece, `\`) + " ")
		if next == len(c.Lines) {
			piece = ""
			break
		}
		c.continued[next] = true
		piece = strings.TrimPrefix(c.Lines[next], prefix)
	}
	c.Commands[i] = b.String() + piece
	return next
}

// scan reads Go from line i on and returns the line of the next command.
func (c *Cell) scan(i int) (next int) {
	var s scanner.Scanner
	src := c.source[c.starts[i]:]
	s.Init(token.NewFileSet().AddFile("", -1, len(src)), src, func(at token.Position, message string) {
		if c.Fault == nil && strings.HasSuffix(message, "not terminated") {
			c.Fault = &Fault{i + at.Line, message}
		}
	}, scanner.ScanComments)
	depth, before := 0, token.SEMICOLON
	at := -1 // where a package clause begins at the beginning of a line
	for line := i; ; {
		pos, kind, text := s.Scan()
		from := c.starts[i] + int(pos) - 1
		for line+1 < len(c.Lines) && c.starts[line+1] <= from {
			line++
		}
		if kind == token.EOF {
			return len(c.Lines)
		}
		if before == token.SEMICOLON && from == c.starts[line] && line > i {
			// %% counts even within brackets: then a bracket is missing above it.
			if text, ok := command(c.Lines[line]); ok && (depth <= 0 || beginsProgram(text)) {
				return line
			}
		}
		switch kind {
		case token.COMMENT:
			if text[1] == '*' {
				c.literals = append(c.literals, literal{from, c.end(from, "*/"), kind, false})
			}
			continue
		case token.STRING:
			if text[0] == '`' {
				c.literals = append(c.literals, literal{from, c.end(from, "`"), kind, !endsOperand[before]})
			}
		case token.IDENT:
			if before == token.PACKAGE && at >= 0 {
				c.clauses = append(c.clauses, edit{at, from + len(text), ""})
			}
		case token.PACKAGE:
			if at = from; from != c.starts[line] {
				at = -1
			}
		case token.LBRACE, token.LPAREN, token.LBRACK:
			depth++
		case token.RBRACE, token.RPAREN, token.RBRACK:
			depth--
		}
		if before = kind; kind == token.LBRACE {
			before = token.SEMICOLON // a statement may begin
		}
	}
}

// end returns where a literal ends that begins at an offset. (The scanner leaves
// carriage returns out of the text of raw strings.)
func (c *Cell) end(from int, mark string) int {
	if i := strings.Index(c.Code[from+1:], mark); i >= 0 {
		return from + 1 + i + len(mark)
	}
	return len(c.Code)
}

// endsOperand are the tokens after which a string cannot be an operand.
var endsOperand = map[token.Token]bool{
	token.IDENT: true, token.RPAREN: true, token.RBRACK: true, token.RBRACE: true, // a type, before a tag
	token.PERIOD: true, token.IMPORT: true,
}

// beginsProgram reports whether a command begins the cell's program.
func beginsProgram(command string) bool { return name(command) == "%%" || name(command) == "%main" }

// check finds faults of commands.
func (c *Cell) check() {
	program := 0
	for i, text := range c.Commands {
		message := ""
		switch name := name(text); {
		case text == "":
		case len(text) == 1:
			message = text + " is not followed by a command"
		case slices.Contains(scripts, name):
			message = name + " can stand in the first line of a cell alone"
		case beginsProgram(text) || name == "%exec":
			if program > 0 {
				message = fmt.Sprintf("a second program: that of this cell begins in line %d", program)
			}
			program = i + 1
		}
		if message != "" && (c.Fault == nil || c.Fault.Line > i) {
			c.Fault = &Fault{i + 1, message}
			return
		}
	}
}

// Program returns the index of the line that begins the program, -1 if there is none.
func (c *Cell) Program() int { return slices.IndexFunc(c.Commands, beginsProgram) }

// Split divides a cell of Go into its declarations and its program, which is nil if
// there is none. Commands, and what is above the program, are empty lines, so
// that both have the cell's line numbers.
func (c *Cell) Split() (declarations, program []string) {
	begin := c.Program()
	for i, line := range c.Lines {
		if c.Script || c.IsCommand(i) {
			line = ""
		}
		switch {
		case i == begin:
			program = make([]string, i+1)
		case begin >= 0 && i > begin:
			program = append(program, line)
		default:
			declarations = append(declarations, line)
		}
	}
	return declarations, program
}

// IsCommand reports whether a line is a command or continues one.
func (c *Cell) IsCommand(i int) bool { return c.Commands[i] != "" || c.continued[i] }

// Name returns the first word of the command that begins in a line, "" if none does.
func (c *Cell) Name(i int) string { return name(c.Commands[i]) }
