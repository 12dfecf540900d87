// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"cmp"
	"context"
	"go/ast"
	"go/build"
	"go/parser"
	"go/scanner"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/lateral-ml/lateral/kernelext/internal/cell"
)

// Completion without gopls: the exported names of packages, the names in cells,
// keywords and predeclared names. It needs no type information, so it works at
// once.

// A match is one completion.
type match struct{ text, kind string }

// offer returns the completions of the word before the cursor and the length of
// that word. before is the code up to the cursor.
func (k *kernel) offer(ctx context.Context, before string) (matches []match, length int) {
	qualifier, word, ok := lastWord(before)
	if !ok {
		return nil, 0
	}
	k.mu.Lock()
	cells := slices.Clone(k.declared)
	k.mu.Unlock()
	imports := map[string]string{}
	for _, s := range append(cells, source{code: before}) {
		importsOf(s.code, imports)
	}
	var all []match
	switch {
	case qualifier == "":
		for name := range imports {
			all = append(all, match{name, "package"})
		}
		all = append(all, known(cells, before)...)
		all = append(all, universe...)
	case imports[qualifier] != "":
		all = k.exported(ctx, imports[qualifier])
	default:
		all = k.exported(ctx, cmp.Or(nested[qualifier], qualifier))
	}
	for _, m := range all {
		if strings.HasPrefix(m.text, word) && m.text != word {
			matches = append(matches, m)
		}
	}
	slices.SortFunc(matches, func(a, b match) int { return cmp.Compare(a.text, b.text) })
	return slices.CompactFunc(matches, func(a, b match) bool { return a.text == b.text }), len([]rune(word))
}

// lastWord returns the word at the end of code, which may be empty after a dot, and
// its package qualifier, "" if it has none. ok is false within strings, comments
// and numbers, and for fields and methods.
func lastWord(code string) (qualifier, word string, ok bool) {
	const mark = "\u03b1" // a letter, which makes it a word
	c := cell.Read(code + mark)
	declarations, program := c.Split()
	text := strings.Join(declarations, "\n")
	if program != nil {
		text = strings.Join(program, "\n")
	}
	var s scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(text))
	s.Init(file, []byte(text), func(token.Position, string) {}, 0)
	type lexeme struct {
		kind token.Token
		text string
		end  int
	}
	var last [4]lexeme // the newest first
	for {
		pos, kind, lit := s.Scan()
		if kind == token.EOF {
			break
		}
		if kind != token.SEMICOLON || lit != "\n" || file.Offset(pos) < len(text) {
			last[3], last[2], last[1] = last[2], last[1], last[0]
			last[0] = lexeme{kind, lit, file.Offset(pos) + len(lit)}
		}
	}
	if last[0].kind != token.IDENT || last[0].end != len(text) || c.Script || c.IsCommand(len(c.Lines)-1) {
		return "", "", false
	}
	word = strings.TrimSuffix(last[0].text, mark)
	switch {
	case last[1].kind != token.PERIOD:
		return "", word, word != ""
	case last[2].kind == token.IDENT && last[3].kind != token.PERIOD:
		return last[2].text, word, true
	}
	return "", "", false // a field or a method, of whatever it is
}

// importsOf adds the imports of a cell: names to paths.
func importsOf(code string, imports map[string]string) {
	declarations, _ := cell.Read(code).Split()
	text := "package p;" + strings.Join(declarations, "\n")
	file, _ := parser.ParseFile(token.NewFileSet(), "", text, parser.ImportsOnly)
	if file == nil {
		return
	}
	for _, spec := range file.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		name := path.Base(p)
		if version.MatchString(name) {
			name = path.Base(path.Dir(p))
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imports[name] = p
	}
}

// version ends the path of a package, before its name.
var version = regexp.MustCompile(`^v[0-9]+$`)

// known returns the names that cells declare, and those that the cell with the
// cursor uses.
func known(cells []source, before string) (names []match) {
	for _, s := range cells {
		for _, n := range cell.Read(s.code).Declared() {
			switch {
			case strings.Contains(n.Name, "~"):
			case n.Func:
				names = append(names, match{n.Name, "function"})
			default:
				names = append(names, match{n.Name, "variable or type"})
			}
		}
	}
	for _, name := range identifier.FindAllString(before, -1) {
		names = append(names, match{name, "word of this cell"})
	}
	return names
}

var identifier = regexp.MustCompile(`[\pL_][\pL\pN_]+`)

// universe are Go's own names.
var universe = func() (names []match) {
	for t := token.BREAK; t <= token.VAR; t++ {
		names = append(names, match{t.String(), "keyword"})
	}
	for _, name := range strings.Fields(`
		any append bool byte cap clear close comparable complex complex128 complex64 copy delete error false
		float32 float64 imag int int16 int32 int64 int8 iota len make max min new nil panic print println
		real recover rune string true uint uint16 uint32 uint64 uint8 uintptr`) {
		names = append(names, match{name, "predeclared"})
	}
	return names
}()

// nested are the paths of common packages of the standard library, by name. Cells
// need not import them.
var nested = func() map[string]string {
	paths := map[string]string{}
	for _, p := range strings.Fields(`
		bufio cmp container/heap container/list container/ring context crypto/sha256 encoding/base64
		encoding/binary encoding/csv encoding/gob encoding/hex encoding/json encoding/xml go/ast go/parser
		go/token hash/fnv html/template image/color image/draw image/gif image/jpeg image/png io/fs math/big
		math/bits math/cmplx math/rand/v2 net/http net/url os/exec os/signal path/filepath runtime/debug
		sync/atomic text/tabwriter text/template unicode/utf16 unicode/utf8`) {
		name := path.Base(p)
		if version.MatchString(name) {
			name = path.Base(path.Dir(p))
		}
		paths[name] = p
	}
	return paths
}()

// exports caches the exported names of packages.
type exports struct {
	mu    sync.Mutex
	names map[string]chan []match // by path; a channel gets one value, once it is known
}

// exported returns the exported names of a package, if they are known before ctx is done.
func (k *kernel) exported(ctx context.Context, importPath string) []match {
	if k.PackageDir == nil {
		return nil
	}
	e := &k.exports
	e.mu.Lock()
	known := e.names[importPath]
	if known == nil {
		if e.names == nil {
			e.names = map[string]chan []match{}
		}
		known = make(chan []match, 1)
		e.names[importPath] = known
		go func() {
			var names []match
			if dir, err := k.PackageDir(k.completion.life, importPath); err == nil { // else there is no such package
				names = exportedIn(dir)
			}
			known <- names
		}()
	}
	e.mu.Unlock()
	select {
	case names := <-known:
		known <- names
		return names
	case <-ctx.Done():
		return nil
	}
}

// exportedIn returns the exported names of the package in a directory.
func exportedIn(dir string) (names []match) {
	entries, _ := os.ReadDir(dir) // what cannot be read exports nothing
	for _, entry := range entries {
		if name := entry.Name(); !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		if fits, err := build.Default.MatchFile(dir, entry.Name()); !fits || err != nil {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		file, _ := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if file == nil {
			continue
		}
		for _, d := range file.Decls {
			names = append(names, declares(d)...)
		}
	}
	return slices.DeleteFunc(names, func(m match) bool { return !token.IsExported(m.text) })
}

// declares returns the names of a declaration.
func declares(d ast.Decl) (names []match) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			names = append(names, match{d.Name.Name, "function"})
		}
	case *ast.GenDecl:
		kind := "variable"
		if d.Tok == token.CONST {
			kind = "constant"
		}
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				names = append(names, match{spec.Name.Name, "type"})
			case *ast.ValueSpec:
				for _, id := range spec.Names {
					names = append(names, match{id.Name, kind})
				}
			}
		}
	}
	return names
}
