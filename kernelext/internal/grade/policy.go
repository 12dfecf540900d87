// SPDX-License-Identifier: Apache-2.0

package grade

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
	"golang.org/x/tools/go/packages"
)

// An answer is a computation. It runs in one process with its check, so it must
// not reach what could end that process, write in the check's name or read what
// the check keeps to itself: it imports packages that compute, and no others.
var computing = []string{
	"bufio", "bytes", "cmp", "container/heap", "container/list", "container/ring", "errors", "fmt", "hash", "hash/fnv",
	"hash/maphash", "io", "iter", "maps", "math", "math/big", "math/bits", "math/cmplx", "math/rand", "math/rand/v2",
	"regexp", "slices", "sort", "strconv", "strings", "sync", "sync/atomic", "text/tabwriter", "unicode",
	"unicode/utf16", "unicode/utf8",
}

// neverCalled would let an answer foresee what a check draws.
var neverCalled = []string{"math/rand.Seed"}

// infrastructure of the library carries the data of a check. What a check calls
// beyond it is the answer to its exercise.
var infrastructure = []string{"lib/tensor", "kernelext"}

// rules says what one exercise allows and forbids beyond the rules for all. They
// stand in the metadata of its cell: {"lateral": {"allow": ["tensor",
// "autograd.Add"], "forbid": ["slices.Sort", "hebbian.Learner.Compete"]}}. An
// entry is a package, or a function or method of one.
type rules struct {
	allow, forbid []string
}

func rulesOf(exercise *notebook.Cell) rules {
	settings, _ := exercise.Metadata["lateral"].(map[string]any)
	list := func(name string) (entries []string) {
		values, _ := settings[name].([]any)
		for _, v := range values {
			entries = append(entries, fmt.Sprint(v))
		}
		return entries
	}
	return rules{list("allow"), list("forbid")}
}

// names tells whether an entry is the package, or this object of it.
func names(entry string, pkg *types.Package, object string) bool {
	for _, name := range []string{pkg.Path(), path.Base(pkg.Path()), pkg.Name()} {
		if entry == name || entry == name+"."+object || entry == object && pkg.Path() == exercisePackage {
			return true
		}
	}
	return false
}

// mayImport tells whether an answer may import a package.
func (r rules) mayImport(p string) bool {
	return slices.Contains(computing, p) || slices.ContainsFunc(r.allow, func(entry string) bool {
		return slices.ContainsFunc([]string{p, path.Base(p)}, func(name string) bool {
			return entry == name || strings.HasPrefix(entry, name+".")
		})
	})
}

// mayUse tells whether an answer may use a function or a variable of a package.
func (r rules) mayUse(pkg *types.Package, name string) bool {
	is := func(entry string) bool { return names(entry, pkg, name) }
	if slices.ContainsFunc(r.forbid, is) || slices.ContainsFunc(neverCalled, is) {
		return false
	}
	return slices.Contains(computing, pkg.Path()) || slices.ContainsFunc(r.allow, is)
}

// qualified returns the name of a function, method or variable within its
// package: Type.name for a method.
func qualified(o types.Object) string {
	if f, ok := o.(*types.Func); ok {
		if recv := f.Signature().Recv(); recv != nil {
			t := recv.Type()
			if p, ok := t.(*types.Pointer); ok {
				t = p.Elem()
			}
			if n, ok := t.(*types.Named); ok {
				return n.Obj().Name() + "." + o.Name()
			}
		}
	}
	return o.Name()
}

// callable tells whether an object does or holds something: a function, a method
// or a variable of a package, not a type, a constant or a field.
func callable(o types.Object) bool {
	switch o := o.(type) {
	case *types.Func:
		return true
	case *types.Var:
		return !o.IsField() && o.Pkg() != nil && o.Parent() == o.Pkg().Scope()
	}
	return false
}

// inspectSyntax returns why an answer does not count, as far as its text alone
// tells.
func inspectSyntax(p *program, set *token.FileSet, answer *ast.File) *fault {
	refuse := func(at token.Pos, format string, args ...any) *fault {
		return &fault{Refused, set.Position(at).Line, fmt.Sprintf(format, args...)}
	}
	for _, group := range answer.Comments {
		for _, c := range group.List {
			if directive.MatchString(c.Text) {
				return refuse(c.Pos(), "an answer has no directives to the compiler")
			}
		}
	}
	for _, spec := range answer.Imports {
		if spec.Path.Value == `"C"` {
			return refuse(spec.Pos(), "an answer is Go alone")
		}
	}
	for _, d := range answer.Decls {
		var declared []string
		switch d := d.(type) {
		case *ast.FuncDecl:
			declared = []string{functionName(d)}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				declared = append(declared, specNames(spec)...)
			}
		}
		for _, name := range declared {
			of, method, _ := strings.Cut(name, ".")
			switch {
			case method != "" && !slices.Contains(p.answerNames, of):
				return refuse(d.Pos(), "%s is a type of the notebook: give methods to types of your own", of)
			case p.needed[name]:
				return refuse(d.Pos(), "the notebook declares %s already, and the check uses it: take another name", name)
			case types.Universe.Lookup(name) != nil:
				return refuse(d.Pos(), "%s means something in Go: take another name", name)
			case name == "init", strings.HasPrefix(name, "init_"), name == "main", strings.HasPrefix(name, "Test"):
				return refuse(d.Pos(), "an answer declares functions for the check to call, and no %s", name)
			}
		}
	}
	return nil
}

// directive is a comment that speaks to the compiler.
var directive = regexp.MustCompile(`^(//go:|//export |//extern |// ?\+build|//line |/\*line )`)

// An inspector applies the rules to an answer.
type inspector struct {
	rules
	program *program
	pkg     *packages.Package       // given and answer, type-checked without the check
	oracle  map[string]bool         // what the check calls, as package path and qualified name
	data    map[string]bool         // variables of the notebook that the check uses
	reach   map[types.Object]string // what of the oracle a declaration of the notebook comes to call
}

// inspect returns why an answer does not count, nil if it does.
func inspect(r rules, p *program, plain, tested *packages.Package) *fault {
	in := &inspector{rules: r, program: p, pkg: plain, reach: map[types.Object]string{}}
	in.oracle, in.data = usedByCheck(tested)
	answer := fileOf(plain, "answer.go")
	if answer == nil {
		return nil // nothing is declared
	}
	for _, check := range []func(*ast.File) *fault{in.imports, in.uses, in.statements} {
		if f := check(answer); f != nil {
			return f
		}
	}
	return nil
}

func (in *inspector) refuse(at token.Pos, format string, args ...any) *fault {
	return &fault{Refused, in.pkg.Fset.Position(at).Line, fmt.Sprintf(format, args...)}
}

// imports refuses packages that do more than compute.
func (in *inspector) imports(answer *ast.File) *fault {
	for _, spec := range importsOf(answer) {
		if !in.mayImport(spec.path) {
			return in.refuse(in.lineOf(answer, spec),
				"an answer computes with packages such as math, slices and strings, and does not need %s", spec.path)
		}
	}
	return nil
}

// lineOf returns where an answer first uses a package.
func (in *inspector) lineOf(answer *ast.File, spec importSpec) token.Pos {
	at := token.NoPos
	ast.Inspect(answer, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && at == token.NoPos {
			if o := in.pkg.TypesInfo.Uses[id]; o != nil {
				if p, ok := o.(*types.PkgName); ok && p.Imported().Path() == spec.path ||
					o.Pkg() != nil && o.Pkg().Path() == spec.path {
					at = id.Pos()
				}
			}
		}
		return true
	})
	return at
}

// uses refuses functions, methods and variables of packages, called or taken as
// values, directly or by way of what the notebook declares.
func (in *inspector) uses(answer *ast.File) *fault {
	var found *fault
	ast.Inspect(answer, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok || found != nil {
			return found == nil
		}
		o := in.pkg.TypesInfo.Uses[id]
		if o == nil || o.Pkg() == nil || !callable(o) {
			return true
		}
		name := qualified(o)
		switch {
		case o.Pkg() == in.pkg.Types:
			if f, ok := o.(*types.Func); ok && f.Signature().Recv() != nil &&
				types.IsInterface(f.Signature().Recv().Type()) && in.isOracle(o.Name()) {
				found = in.refuse(id.Pos(), "%s by way of an interface is the library's answer: write it yourself",
					o.Name())
			} else if in.data[name] && holdsReference(o.Type(), 3) && !in.mayUse(o.Pkg(), name) {
				found = in.refuse(id.Pos(), "%s is data of the check, which an answer could change", name)
			} else if in.oracle[o.Pkg().Path()+"."+name] && declarationIn(answer, o) == nil &&
				!in.mayUse(o.Pkg(), name) {
				found = in.refuse(id.Pos(), "the check compares with the notebook's %s: write it yourself", name)
			} else if via := in.reaches(o, nil); via != "" {
				found = in.refuse(id.Pos(), "%s calls %s, which the exercise asks you to write yourself", o.Name(), via)
			}
		case !in.mayUse(o.Pkg(), name):
			found = in.refuse(id.Pos(), "the exercise asks you to write it yourself, without %s.%s",
				path.Base(o.Pkg().Path()), name)
		}
		return found == nil
	})
	return found
}

// isOracle tells whether the check calls a function or method of this name.
func (in *inspector) isOracle(name string) bool {
	for o := range in.oracle {
		if o[strings.LastIndexByte(o, '.')+1:] == name {
			return true
		}
	}
	return false
}

// reaches returns the function of the oracle, or the forbidden one, that a
// declaration of the notebook comes to use, "" if none.
func (in *inspector) reaches(o types.Object, from []types.Object) string {
	if known, ok := in.reach[o]; ok || slices.Contains(from, o) {
		return known
	}
	given := fileOf(in.pkg, "given.go")
	if given == nil {
		return ""
	}
	d := declarationIn(given, o)
	if d == nil || !holdsCode(o.Type(), 3) {
		return ""
	}
	via := ""
	ast.Inspect(d, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok || via != "" {
			return via == ""
		}
		used := in.pkg.TypesInfo.Uses[id]
		switch {
		case used == nil || used.Pkg() == nil || !callable(used):
		case in.oracle[used.Pkg().Path()+"."+qualified(used)] && used != o && !in.mayUse(used.Pkg(), qualified(used)),
			slices.ContainsFunc(in.forbid, func(entry string) bool {
				return names(entry, used.Pkg(), qualified(used))
			}):
			via = strings.TrimPrefix(path.Base(used.Pkg().Path())+"."+qualified(used), "exercise.")
		case used.Pkg() == in.pkg.Types:
			via = in.reaches(used, append(from, o))
		}
		return via == ""
	})
	in.reach[o] = via
	return via
}

// statements refuses what could change the check's data or outlive its answer.
func (in *inspector) statements(answer *ast.File) *fault {
	var found *fault
	foreign := func(e ast.Expr) {
		if name := in.foreignVariable(e); name != "" && found == nil {
			found = in.refuse(e.Pos(), "an answer does not change %s, which is not its own", name)
		}
	}
	ast.Inspect(answer, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			if !slices.Contains(in.allow, "go") && found == nil {
				found = in.refuse(n.Pos(), "an answer computes in the goroutine that calls it")
			}
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, e := range n.Lhs {
					foreign(e)
				}
			}
		case *ast.IncDecStmt:
			foreign(n.X)
		case *ast.RangeStmt:
			if n.Tok == token.ASSIGN {
				foreign(n.Key)
				foreign(n.Value)
			}
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				foreign(n.X)
			}
		}
		return found == nil
	})
	return found
}

// foreignVariable returns the name of the variable of a package, or of the
// notebook, that an expression is part of, "" if it is none.
func (in *inspector) foreignVariable(e ast.Expr) string {
	for {
		switch x := e.(type) {
		case *ast.ParenExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.SelectorExpr:
			if id, ok := x.X.(*ast.Ident); ok {
				if _, isPackage := in.pkg.TypesInfo.Uses[id].(*types.PkgName); isPackage {
					return id.Name + "." + x.Sel.Name
				}
			}
			e = x.X
		case *ast.Ident:
			o := in.pkg.TypesInfo.Uses[x]
			if o != nil && callable(o) && !slices.Contains(in.program.answerNames, x.Name) {
				return x.Name
			}
			return ""
		default:
			return ""
		}
	}
}

// usedByCheck returns what a check calls beyond what carries its data, functions
// of this module and of the notebook and what those of the notebook call, and the
// notebook's variables that it uses.
func usedByCheck(tested *packages.Package) (oracle, data map[string]bool) {
	oracle, data = map[string]bool{}, map[string]bool{}
	given := fileOf(tested, "given.go")
	var walk func(ast.Node)
	walk = func(n ast.Node) {
		ast.Inspect(n, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			o := tested.TypesInfo.Uses[id]
			if o == nil || o.Pkg() == nil || !callable(o) {
				return true
			}
			key := o.Pkg().Path() + "." + qualified(o)
			inModule, ok := strings.CutPrefix(o.Pkg().Path(), modulePath+"/")
			switch {
			case oracle[key]:
			case ok && !slices.Contains(infrastructure, inModule) && !isPlumbing(o):
				oracle[key] = true
			case o.Pkg() == tested.Types && given != nil && !data[o.Name()]:
				if d := declarationIn(given, o); d != nil {
					if _, isVariable := o.(*types.Var); isVariable {
						data[o.Name()] = true
					}
					if holdsCode(o.Type(), 3) {
						oracle[key] = true
					}
					walk(d)
				}
			}
			return true
		})
	}
	if check := fileOf(tested, "check_test.go"); check != nil {
		walk(check)
	}
	return oracle, data
}

// holdsReference tells whether who has a copy of a value can change what it holds.
func holdsReference(t types.Type, depth int) bool {
	switch t := t.Underlying().(type) {
	case *types.Basic, *types.Signature:
		return false
	case *types.Array:
		return holdsReference(t.Elem(), depth-1)
	case *types.Struct:
		for field := range t.Fields() {
			if depth == 0 || holdsReference(field.Type(), depth-1) {
				return true
			}
		}
		return false
	}
	return true
}

// holdsCode tells whether a value of the type can be called, or holds to some
// depth what can.
func holdsCode(t types.Type, depth int) bool {
	if depth == 0 {
		return false
	}
	switch t := t.Underlying().(type) {
	case *types.Signature, *types.Interface:
		return true
	case *types.Slice:
		return holdsCode(t.Elem(), depth-1)
	case *types.Array:
		return holdsCode(t.Elem(), depth-1)
	case *types.Map:
		return holdsCode(t.Elem(), depth-1)
	case *types.Struct:
		for field := range t.Fields() {
			if holdsCode(field.Type(), depth-1) {
				return true
			}
		}
	}
	return false
}

// declarationIn returns the declaration of an object in a file, nil if there is none.
func declarationIn(file *ast.File, o types.Object) ast.Decl {
	for _, d := range file.Decls {
		if d.Pos() <= o.Pos() && o.Pos() < d.End() {
			return d
		}
	}
	return nil
}

// isPlumbing tells whether a function only wraps data for others: the tape of
// package autograd and its variables.
func isPlumbing(o types.Object) bool {
	if path.Base(o.Pkg().Path()) != "autograd" {
		return false
	}
	name := qualified(o)
	return name == "NewTape" || strings.HasPrefix(name, "Tape.") || strings.HasPrefix(name, "Var.")
}

// exercisePackage is the path of the package that checks an answer.
const exercisePackage = "exercise"

// modulePath is the module whose library the exercises rebuild.
const modulePath = "github.com/lateral-ml/lateral"

// fileOf returns a parsed file of a package.
func fileOf(p *packages.Package, name string) *ast.File {
	for _, f := range p.Syntax {
		if path.Base(p.Fset.Position(f.FileStart).Filename) == name {
			return f
		}
	}
	return nil
}
