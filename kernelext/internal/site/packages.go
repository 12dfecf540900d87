// SPDX-License-Identifier: Apache-2.0

package site

import (
	"bytes"
	"context"
	"fmt"
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/format"
	"go/parser"
	"go/token"
	"html/template"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/page"
)

// modulePath is the import path of the module.
const modulePath = "github.com/lateral-ml/lateral"

// apiFile returns the page of a package, named by its directory.
func apiFile(dir string) string { return strings.ReplaceAll(dir, "/", ".") + ".html" }

// A described package is one that others may import.
type described struct {
	Dir, Path, Synopsis string
	*doc.Package

	fset *token.FileSet
}

// packages writes a page for every package that others may import, and their list.
func (s *Site) packages(context.Context) error {
	var all []*described
	for _, root := range []string{"lib", "kernelext"} {
		err := filepath.WalkDir(filepath.Join(s.Module, root), func(dir string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return err
			}
			if name := d.Name(); name == "testdata" || name == "internal" || name == "cmd" || name[0] == '_' || name[0] == '.' {
				return fs.SkipDir
			}
			in, err := filepath.Rel(s.Module, dir)
			if err != nil {
				return err
			}
			p, err := describe(dir, filepath.ToSlash(in))
			if p != nil {
				all = append(all, p)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("site: %w", err)
		}
	}
	dirs := map[string]bool{}
	for _, p := range all {
		dirs[p.Dir] = true
	}
	for _, p := range all {
		if err := s.page(p.page(dirs)); err != nil {
			return err
		}
	}
	body, err := fill("packages.html", map[string]any{"Packages": all})
	if err != nil {
		return err
	}
	return s.page(Page{Title: "Packages", Up: "../", At: "api/index.html", Part: "api", Body: body})
}

// File is the address of a package's page, for the list.
func (d *described) File() string { return apiFile(d.Dir) }

// describe reads the documentation of the package in a directory; nil if there is none or it is a command.
func describe(path, dir string) (*described, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, e := range entries {
		if e.IsDir() || filepath.Ext(e.Name()) != ".go" {
			continue
		}
		f, err := parser.ParseFile(fset, filepath.Join(path, e.Name()), nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		if !elsewhere(f) {
			files = append(files, f)
		}
	}
	if len(files) == 0 {
		return nil, nil
	}
	p, err := doc.NewFromFiles(fset, files, modulePath+"/"+dir)
	if err != nil {
		return nil, err
	}
	if p.Name == "main" || p.Doc == "" {
		return nil, nil
	}
	return &described{Dir: dir, Path: p.ImportPath, Synopsis: p.Synopsis(p.Doc), Package: p, fset: fset}, nil
}

// elsewhere tells whether a file is left out on most machines, so that its names would be there twice.
func elsewhere(f *ast.File) bool {
	for _, group := range f.Comments {
		if group.Pos() < f.Package && strings.Contains(group.Text()+lines(group), "//go:build") {
			return !strings.Contains(lines(group), "//go:build !js")
		}
	}
	return false
}

// lines returns the comments of a group as they are written.
func lines(group *ast.CommentGroup) string {
	var b strings.Builder
	for _, c := range group.List {
		b.WriteString(c.Text + "\n")
	}
	return b.String()
}

// A symbol is a declaration as a page shows it.
type symbol struct {
	ID, Heading string
	Also        []string // names that the declaration explains, too: fields, further constants
	Level       int
	Code        template.HTML
	Doc         template.HTML
	Examples    []example
}

// An example is one that runs.
type example struct {
	Name   string
	Code   template.HTML
	Output string
}

// page returns the page of a package. Links lead to those in dirs.
func (d *described) page(dirs map[string]bool) Page {
	printer := d.Printer()
	printer.HeadingLevel = 3
	printer.DocLinkURL = func(l *comment.DocLink) string {
		to := ""
		if l.ImportPath != "" && l.ImportPath != d.ImportPath {
			dir, own := strings.CutPrefix(l.ImportPath, modulePath+"/")
			if !own {
				return "https://pkg.go.dev/" + l.ImportPath
			}
			if !dirs[dir] {
				return "index.html"
			}
			to = apiFile(dir)
		}
		if l.Name == "" {
			return to
		}
		if l.Recv != "" {
			return to + "#" + l.Recv + "." + l.Name
		}
		return to + "#" + l.Name
	}
	html := func(text string) template.HTML { return template.HTML(printer.HTML(d.Parser().Parse(text))) }
	var symbols []symbol
	values := func(title string, list []*doc.Value) {
		for _, v := range list {
			id := v.Names[0]
			symbols = append(symbols, symbol{ID: id, Heading: title + " " + strings.Join(shorten(v.Names), ", "), Level: 2,
				Also: v.Names[1:], Code: d.code(v.Decl), Doc: html(v.Doc)})
		}
	}
	values("const", d.Consts)
	values("var", d.Vars)
	for _, f := range d.Funcs {
		symbols = append(symbols, symbol{f.Name, "func " + f.Name, nil, 2, d.code(f.Decl), html(f.Doc),
			d.examples(f.Examples)})
	}
	for _, t := range d.Types {
		symbols = append(symbols, symbol{t.Name, "type " + t.Name, fieldsOf(t), 2, d.code(t.Decl), html(t.Doc),
			d.examples(t.Examples)})
		for _, v := range slices.Concat(t.Consts, t.Vars) {
			symbols = append(symbols, symbol{ID: v.Names[0], Heading: strings.Join(shorten(v.Names), ", "), Level: 3,
				Also: v.Names[1:],
				Code: d.code(v.Decl), Doc: html(v.Doc)})
		}
		for _, f := range t.Funcs {
			symbols = append(symbols, symbol{f.Name, "func " + f.Name, nil, 3, d.code(f.Decl), html(f.Doc),
				d.examples(f.Examples)})
		}
		for _, f := range t.Methods {
			symbols = append(symbols, symbol{t.Name + "." + f.Name, "func (" + f.Recv + ") " + f.Name, nil, 3,
				d.code(f.Decl), html(f.Doc), d.examples(f.Examples)})
		}
	}
	p := Page{Title: "package " + path.Base(d.Dir), Up: "../", At: "api/" + apiFile(d.Dir), Part: "api"}
	for _, s := range symbols {
		p.Contents = append(p.Contents, Heading{s.Level, s.ID, s.Heading})
	}
	body, err := fill("package.html", map[string]any{"Title": p.Title, "Path": d.Path, "Doc": html(d.Doc),
		"Examples": d.examples(d.Examples), "Symbols": symbols})
	if err != nil {
		panic(err) // the template is a part of the program
	}
	p.Body = body
	return p
}

// fieldsOf returns the exported fields and methods that the declaration of a type shows, as Type.Field.
func fieldsOf(t *doc.Type) (names []string) {
	for _, spec := range t.Decl.Specs {
		spec, ok := spec.(*ast.TypeSpec)
		if !ok || spec.Name.Name != t.Name {
			continue
		}
		var fields *ast.FieldList
		switch of := spec.Type.(type) {
		case *ast.StructType:
			fields = of.Fields
		case *ast.InterfaceType:
			fields = of.Methods
		default:
			continue
		}
		for _, f := range fields.List {
			for _, name := range f.Names {
				if name.IsExported() {
					names = append(names, t.Name+"."+name.Name)
				}
			}
		}
	}
	return names
}

// shorten leaves three of many names.
func shorten(names []string) []string {
	if len(names) > 3 {
		return append(slices.Clone(names[:3]), "...")
	}
	return names
}

// code returns a declaration without its comment and its body.
func (d *described) code(decl ast.Decl) template.HTML {
	switch v := decl.(type) {
	case *ast.FuncDecl:
		short := *v
		short.Doc, short.Body = nil, nil
		decl = &short
	case *ast.GenDecl:
		short := *v
		short.Doc = nil
		decl = &short
	}
	return d.source(decl)
}

// source formats a node.
func (d *described) source(node any) template.HTML {
	var b bytes.Buffer
	if err := format.Node(&b, d.fset, node); err != nil {
		return template.HTML(template.HTMLEscapeString(err.Error()))
	}
	return page.HighlightGo(b.String())
}

// examples returns those of a symbol that run.
func (d *described) examples(list []*doc.Example) (out []example) {
	for _, e := range list {
		if e.Output == "" {
			continue
		}
		var b bytes.Buffer
		if err := format.Node(&b, d.fset, e.Code); err != nil {
			continue
		}
		body := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(b.String()), "{"), "}")
		var code strings.Builder
		for line := range strings.Lines(body) {
			code.WriteString(strings.TrimPrefix(line, "\t"))
		}
		text, _, _ := strings.Cut(code.String(), "// Output:")
		out = append(out, example{e.Suffix, page.HighlightGo(strings.TrimSpace(text)), e.Output})
	}
	return out
}
