// SPDX-License-Identifier: Apache-2.0

package lib_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

const (
	module   = "github.com/lateral-ml/lateral"
	spdx     = "// SPDX-License-Identifier: Apache-2.0\n"
	maxLines = 500
	maxWidth = 120 // characters of a line
)

// narrow lists the folders whose lines keep to maxWidth, with all that is in them; "" is the whole repository.
var narrow = []string{"data", "kernelext", "lib"}

// A pkg is a directory of Go files.
type pkg struct {
	files, tests []*ast.File // tests: the files named *_test.go
	ownModule    bool        // it belongs to a module inside this one, as generators do
}

// name returns the package's name, of its tests if there is nothing else.
func (p *pkg) name() string {
	for _, f := range slices.Concat(p.files, p.tests) {
		return strings.TrimSuffix(f.Name.Name, "_test")
	}
	return ""
}

// A source is the text of a Go file.
type source struct{ path, text string }

// load reads all Go files of the repository and returns them, and the packages by directory, relative to the root.
func load(t *testing.T) ([]source, map[string]*pkg) {
	t.Helper()
	root := os.DirFS("..")
	var sources []source
	packages := map[string]*pkg{}
	fset := token.NewFileSet()
	modules := map[string]bool{}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || name == "data/cache" || d.Name() == ".git"):
			return fs.SkipDir
		case d.Name() == "go.mod" && name != "go.mod":
			modules[path.Dir(name)] = true
			return nil
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		sources = append(sources, source{name, string(text)})
		file, err := parser.ParseFile(fset, name, text, parser.ParseComments)
		if err != nil {
			t.Errorf("%v", err)
			return nil
		}
		p := packages[path.Dir(name)]
		if p == nil {
			p = &pkg{}
			packages[path.Dir(name)] = p
		}
		if strings.HasSuffix(name, "_test.go") {
			p.tests = append(p.tests, file)
		} else {
			p.files = append(p.files, file)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir, p := range packages {
		p.ownModule = strings.Contains(dir, "/_") // Go does not look there; the files become part of another module
		for m := range modules {
			p.ownModule = p.ownModule || dir == m || strings.HasPrefix(dir, m+"/")
		}
	}
	if len(packages) < 5 {
		t.Fatalf("only %d packages found", len(packages))
	}
	return sources, packages
}

// section returns the indented lines of a section of lib/doc.go.
func section(t *testing.T, title string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(file.Doc.Text(), "# "+title+"\n")
	text, _, _ = strings.Cut(text, "\n# ")
	var lines []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "\t") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	if len(lines) == 0 {
		t.Fatalf("doc.go has no table under %q", title)
	}
	return lines
}

func imports(t *testing.T, f *ast.File) []string {
	t.Helper()
	var list []string
	for _, spec := range f.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, name)
	}
	return list
}

// The library does not depend on notebooks, and neither do its tests.
func TestLibraryStandsAlone(t *testing.T) {
	_, packages := load(t)
	for dir, p := range packages {
		if dir != "lib" && !strings.HasPrefix(dir, "lib/") {
			continue
		}
		for _, f := range slices.Concat(p.files, p.tests) {
			for _, imported := range imports(t, f) {
				if strings.Contains(imported, "gonb") || imported == module+"/kernelext" ||
					strings.HasPrefix(imported, module+"/kernelext/") {
					t.Errorf("%s imports %s", dir, imported)
				}
			}
		}
	}
}

// The table of doc.go names every package below lib, and no import points up.
func TestFloors(t *testing.T) {
	_, packages := load(t)
	floors := map[string]int{}
	for _, line := range section(t, "Floors") {
		fields := strings.Fields(line)
		floor, err := strconv.Atoi(fields[0])
		if err != nil {
			t.Fatalf("%q does not start with a floor", line)
		}
		for _, name := range fields[1:] {
			floors["lib/"+name] = floor
		}
	}
	checked := 0
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		p := packages[dir]
		if !strings.HasPrefix(dir, "lib/") || p.ownModule {
			continue
		}
		floor, ok := floors[dir]
		if !ok {
			t.Errorf("%s is missing from the floors in lib/doc.go", dir)
			continue
		}
		for _, f := range p.files {
			for _, imported := range imports(t, f) {
				target, own := strings.CutPrefix(imported, module+"/")
				if !own || target == "data" { // the embedded manifest: files, no code of ours below it
					continue
				}
				checked++
				if to, ok := floors[target]; !ok || to > floor {
					t.Errorf("%s (floor %d) imports %s (floor %d)", dir, floor, target, to)
				}
			}
		}
	}
	if checked == 0 {
		t.Error("no import was checked")
	}
}

var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// generated reports whether a program wrote the file.
func (s source) generated() bool {
	return generated.MatchString(s.text) || strings.HasPrefix(path.Base(s.path), "zz_")
}

func TestLineWidth(t *testing.T) {
	sources, _ := load(t)
	checked := map[string]bool{}
	for _, s := range sources {
		in := slices.IndexFunc(narrow, func(dir string) bool {
			return dir == "" || path.Dir(s.path) == dir || strings.HasPrefix(s.path, dir+"/")
		})
		if in < 0 || s.generated() || strings.Contains(s.path, "/_asm/") {
			continue
		}
		checked[narrow[in]] = true
		number := 0
		for line := range strings.Lines(s.text) {
			number++
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > maxWidth {
				t.Errorf("%s:%d: %d characters, more than %d: break the line", s.path, number, n, maxWidth)
			}
		}
	}
	for _, dir := range narrow {
		if !checked[dir] {
			t.Errorf("no file in %q was checked", dir)
		}
	}
}

func TestFiles(t *testing.T) {
	sources, _ := load(t)
	for _, s := range sources {
		made := s.generated()
		if !strings.HasPrefix(s.text, spdx) && !(made && strings.Contains(s.text, "\n"+spdx)) {
			t.Errorf("%s does not start with %q", s.path, strings.TrimSpace(spdx))
		}
		if n := strings.Count(s.text, "\n"); n > maxLines && !made {
			t.Errorf("%s has %d lines, more than %d: split it", s.path, n, maxLines)
		}
	}
}

func TestPackageNames(t *testing.T) {
	_, packages := load(t)
	for dir, p := range packages {
		for _, forbidden := range []string{"util", "utils", "common", "helper", "helpers", "misc"} {
			if p.name() == forbidden || slices.Contains(strings.Split(dir, "/"), forbidden) {
				t.Errorf("%s: a package is named after what it is about, not %q", dir, forbidden)
			}
		}
	}
}

// Every package has a comment, and every importable one that exports something a runnable example.
func TestPackagesAreDocumented(t *testing.T) {
	_, packages := load(t)
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		p := packages[dir]
		if p.ownModule || len(p.files) == 0 {
			continue
		}
		if !slices.ContainsFunc(p.files, func(f *ast.File) bool { return f.Doc.Text() != "" }) {
			t.Errorf("%s has no package comment", dir)
		}
		internal := slices.Contains(strings.Split(dir, "/"), "internal")
		if internal || p.name() == "main" || !slices.ContainsFunc(p.files, exports) {
			continue
		}
		runs := func(e *doc.Example) bool { return e.Output != "" || e.EmptyOutput }
		if !slices.ContainsFunc(doc.Examples(p.tests...), runs) {
			t.Errorf("%s has no Example that runs", dir)
		}
	}
}

func exports(f *ast.File) bool {
	return slices.ContainsFunc(f.Decls, func(d ast.Decl) bool {
		switch d := d.(type) {
		case *ast.FuncDecl:
			return d.Name.IsExported()
		case *ast.GenDecl:
			return slices.ContainsFunc(d.Specs, func(s ast.Spec) bool {
				switch s := s.(type) {
				case *ast.TypeSpec:
					return s.Name.IsExported()
				case *ast.ValueSpec:
					return slices.ContainsFunc(s.Names, (*ast.Ident).IsExported)
				}
				return false
			})
		}
		return false
	})
}

// Every source that a comment cites, as [KH19, eq. 2], is in the list of doc.go.
func TestSources(t *testing.T) {
	known := map[string]bool{}
	for _, line := range section(t, "Sources") {
		known[strings.Fields(line)[0]] = true
	}
	brackets := regexp.MustCompile(`\[([A-Z][^\]]*)\]`)
	key := regexp.MustCompile(`^[A-Z][A-Za-z]*[0-9]{2}[a-z]?$`)
	_, packages := load(t)
	cited := 0
	for dir, p := range packages {
		for _, f := range slices.Concat(p.files, p.tests) {
			for _, group := range f.Comments {
				for _, match := range brackets.FindAllStringSubmatch(group.Text(), -1) {
					for citation := range strings.SplitSeq(match[1], ";") {
						name, _, _ := strings.Cut(strings.TrimSpace(citation), ",")
						if !key.MatchString(name) {
							continue
						}
						if cited++; !known[name] {
							t.Errorf("%s cites [%s], which is missing from the sources in lib/doc.go", filepath.ToSlash(dir), name)
						}
					}
				}
			}
		}
	}
	if cited == 0 {
		t.Error("no citation was checked")
	}
}
