// SPDX-License-Identifier: Apache-2.0

package grade

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/cell"
	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

// A program is the Go package that checks one answer. Each part is a file of its
// own, so that the answer's imports and names cannot stand in for those of the
// others: what the notebook declares before the exercise and the answer or the
// check use, the answer, and the check.
type program struct {
	given, answer, check string
	handedOut            string          // the exercise, in place of the answer
	answerImports        []importSpec    // what the answer may see; its text has blanks in place of its own
	answerNames          []string        // that the answer declares
	needed               map[string]bool // names that the check takes from the notebook
	tests                []string        // of the check, those that count
}

// packageClause begins every file; what follows it keeps its line numbers.
const packageClause = "package exercise;"

// An importSpec is what one import declares.
type importSpec struct{ name, path string }

func (s importSpec) String() string { return s.name + " " + strconv.Quote(s.path) }

// local is the name under which a file most likely sees the package.
func (s importSpec) local() string {
	if s.name != "" {
		return s.name
	}
	last := path.Base(s.path)
	if majorVersion.MatchString(last) {
		last = path.Base(path.Dir(s.path))
	}
	return last
}

var majorVersion = regexp.MustCompile(`^v\d+$`)

// A declaration is a function, a method, or what one var, const or type declares.
type declaration struct {
	names []string // a method is Type.name
	text  string
	uses  map[string]bool // every identifier in it
}

// compose makes the program from the cells before an exercise, the exercise as it
// was handed out, the answer and the check. The error is one of the notebook that
// was handed out; fault is one of the answer.
func compose(before []*notebook.Cell, exercise, answer, check *notebook.Cell, lawless bool) (
	p *program, fault *fault, err error) {
	given, imports, err := collect(before)
	if err != nil {
		return nil, nil, err
	}
	p = &program{}
	checkFile, checkText, err := parseCell("check", check.Source)
	if err != nil {
		return nil, nil, fmt.Errorf("the check does not parse: %w", err)
	}
	if p.tests, err = testsOf(checkFile, check.Source); err != nil {
		return nil, nil, err
	}
	p.check = packageClause + importBlock(besides(imports, importsOf(checkFile))) + checkText

	exerciseFile, exerciseText, err := parseCell(exercise.ID, exercise.Source)
	if err != nil {
		return nil, nil, err
	}
	p.handedOut = packageClause + importBlock(besides(imports, importsOf(exerciseFile))) + exerciseText
	answerText, fault := answerCode(answer.Source)
	if fault != nil {
		return p, fault, nil
	}
	set := token.NewFileSet()
	answerFile, answerText, err := parseIn(set, "answer", answerText)
	if err != nil {
		return p, unparsed(err), nil
	}
	own := importsOf(answerFile)
	p.answerImports = append(besides(imports, own), own...)
	p.answer = blankImports(answerFile, answerText)
	for _, d := range declarationsOf(answerFile, answerText) {
		p.answerNames = append(p.answerNames, d.names...)
	}

	forCheck := closure(given, identifiers(checkFile), nil)
	p.needed = map[string]bool{}
	for _, d := range forCheck {
		for _, name := range d.names {
			p.needed[name] = true
		}
	}
	if fault := inspectSyntax(p, set, answerFile); fault != nil && !lawless {
		return p, fault, nil
	}
	used := identifiers(answerFile)
	maps.Copy(used, identifiers(checkFile))
	var text strings.Builder
	for _, d := range closure(given, used, p.answerNames) {
		text.WriteString(d.text + "\n")
	}
	if text.Len() > 0 {
		p.given = packageClause + importBlock(imports) + "\n" + text.String()
	}
	return p, nil, nil
}

// answerCode returns the declarations of an answer, or why it is none.
func answerCode(source string) (string, *fault) {
	c := cell.Read(source)
	for i := range c.Lines {
		if c.IsCommand(i) && c.Name(i) != "%%" {
			return "", &fault{state: Refused, line: i + 1,
				message: "an answer is Go alone, without commands to the kernel"}
		}
	}
	lines, _ := c.Split()
	return strings.Join(lines, "\n"), nil
}

// parseCell parses declarations. The positions of the file are those of the text
// behind the package clause.
func parseCell(name, source string) (*ast.File, string, error) {
	return parseIn(token.NewFileSet(), name, source)
}

func parseIn(set *token.FileSet, name, source string) (*ast.File, string, error) {
	lines, _ := cell.Read(source).Split()
	text := strings.Join(lines, "\n")
	file, err := parser.ParseFile(set, name, packageClause+text, parser.ParseComments|parser.SkipObjectResolution)
	return file, text, err
}

// collect returns what cells declare, the later of two declarations of a name, as
// in a notebook, and what they import.
func collect(cells []*notebook.Cell) ([]declaration, []importSpec, error) {
	var all []declaration
	var imports []importSpec
	for _, c := range cells {
		source := Declarations(c)
		if source == "" {
			continue
		}
		file, text, err := parseCell(c.ID, source)
		if err != nil {
			return nil, nil, err
		}
		own := importsOf(file)
		imports = append(besides(imports, own), own...)
		for _, d := range declarationsOf(file, text) {
			all = slices.DeleteFunc(all, func(earlier declaration) bool {
				return slices.ContainsFunc(d.names, func(name string) bool {
					return slices.Contains(earlier.names, name)
				})
			})
			all = append(all, d)
		}
	}
	return all, imports, nil
}

// declarationsOf returns the declarations of a file, groups of var and type one
// by one. What declares only _ is left out.
func declarationsOf(file *ast.File, text string) []declaration {
	var list []declaration
	part := func(n ast.Node) string {
		base := file.FileStart + token.Pos(len(packageClause))
		return text[n.Pos()-base : n.End()-base]
	}
	add := func(n ast.Node, prefix string, names ...string) {
		names = slices.DeleteFunc(names, func(name string) bool { return name == "_" })
		if len(names) > 0 {
			list = append(list, declaration{names, prefix + part(n), identifiers(n)})
		}
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			add(d, "", functionName(d))
		case *ast.GenDecl:
			if d.Tok == token.CONST {
				var names []string
				for _, spec := range d.Specs {
					names = append(names, specNames(spec)...)
				}
				add(d, "", names...) // whole, for iota
			} else if d.Tok != token.IMPORT {
				for _, spec := range d.Specs {
					add(spec, d.Tok.String()+" ", specNames(spec)...)
				}
			}
		}
	}
	return list
}

// functionName returns the name of a function, of a method as Type.name.
func functionName(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) != 1 {
		return d.Name.Name
	}
	receiver := d.Recv.List[0].Type
	for {
		switch t := receiver.(type) {
		case *ast.StarExpr:
			receiver = t.X
		case *ast.ParenExpr:
			receiver = t.X
		case *ast.IndexExpr:
			receiver = t.X
		case *ast.IndexListExpr:
			receiver = t.X
		case *ast.Ident:
			return t.Name + "." + d.Name.Name
		default:
			return d.Name.Name
		}
	}
}

func specNames(spec ast.Spec) []string {
	var names []string
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		names = append(names, spec.Name.Name)
	case *ast.ValueSpec:
		for _, id := range spec.Names {
			names = append(names, id.Name)
		}
	}
	return names
}

// identifiers returns the names in a tree that may be those of declarations: all
// but what follows a dot and the names of fields and parameters.
func identifiers(n ast.Node) map[string]bool {
	names := map[string]bool{}
	var visit func(ast.Node) bool
	visit = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			names[n.Name] = true
		case *ast.SelectorExpr:
			ast.Inspect(n.X, visit)
			return false
		case *ast.Field:
			ast.Inspect(n.Type, visit)
			return false
		}
		return true
	}
	ast.Inspect(n, visit)
	return names
}

// closure returns the declarations that names need, and what those need in turn,
// but for what except declares.
func closure(all []declaration, names map[string]bool, except []string) []declaration {
	names = maps.Clone(names)
	taken := make([]bool, len(all))
	for more := true; more; {
		more = false
		for i, d := range all {
			wanted := slices.ContainsFunc(d.names, func(name string) bool {
				of, _, _ := strings.Cut(name, ".") // a method comes with its type
				return names[of] && !slices.Contains(except, name) && !slices.Contains(except, of)
			})
			if wanted && !taken[i] {
				taken[i], more = true, true
				maps.Copy(names, d.uses)
			}
		}
	}
	var needed []declaration
	for i, d := range all {
		if taken[i] {
			needed = append(needed, d)
		}
	}
	return needed
}

// importsOf returns what a file imports.
func importsOf(file *ast.File) []importSpec {
	var list []importSpec
	for _, spec := range file.Imports {
		s := importSpec{}
		s.path, _ = strconv.Unquote(spec.Path.Value) // the parser has seen to that
		if spec.Name != nil {
			s.name = spec.Name.Name
		}
		list = append(list, s)
	}
	return list
}

// besides returns the imports of list that have other names and paths than own.
func besides(list, own []importSpec) []importSpec {
	return slices.DeleteFunc(slices.Clone(list), func(s importSpec) bool {
		return slices.ContainsFunc(own, func(o importSpec) bool { return o.path == s.path || o.local() == s.local() })
	})
}

// importBlock writes imports in one line.
func importBlock(list []importSpec) string {
	var b strings.Builder
	for _, s := range list {
		b.WriteString("import " + s.String() + ";")
	}
	return b.String()
}

// blankImports returns a file's text with blanks in place of its imports.
func blankImports(file *ast.File, text string) string {
	b := []byte(text)
	for _, d := range file.Decls {
		if d, ok := d.(*ast.GenDecl); ok && d.Tok == token.IMPORT {
			base := file.FileStart + token.Pos(len(packageClause))
			for i := d.Pos() - base; i < d.End()-base; i++ {
				if b[i] != '\n' {
					b[i] = ' '
				}
			}
		}
	}
	return string(b)
}

var runFlag = regexp.MustCompile(`-(?:test\.)?run[= ](\S+)`)

// testsOf returns the tests of a check that its %test line selects.
func testsOf(file *ast.File, source string) ([]string, error) {
	first, _, _ := strings.Cut(source, "\n")
	selected := regexp.MustCompile("")
	if m := runFlag.FindStringSubmatch(first); m != nil {
		var err error
		if selected, err = regexp.Compile(strings.Trim(m[1], `"'`)); err != nil {
			return nil, fmt.Errorf("the check's -test.run: %w", err)
		}
	}
	var tests []string
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Recv != nil {
			continue
		}
		switch name := f.Name.Name; {
		case name == "TestMain" || name == "init":
			return nil, fmt.Errorf("the check declares %s, which grading brings itself", name)
		case strings.HasPrefix(name, "Test") && selected.MatchString(name):
			tests = append(tests, name)
		}
	}
	if len(tests) == 0 {
		return nil, fmt.Errorf("the check has no test that its first line selects: %s", first)
	}
	return tests, nil
}
