// SPDX-License-Identifier: Apache-2.0

package grade

import (
	"bytes"
	"context"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/lateral-ml/lateral/lib/durable"
	"golang.org/x/tools/go/packages"
)

// A workshop is the directory in which one answer is built and checked.
type workshop struct {
	dir       string // where temporary is, as the Go command sees it
	temporary *durable.TempDir
	env       []string
	o         Options
}

func newWorkshop(o Options) (*workshop, error) {
	temporary, err := durable.MakeTempDir("", "lateral-grade-")
	if err != nil {
		return nil, fmt.Errorf("grade: %w", err)
	}
	dir := temporary.Path
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	w := &workshop{dir: dir, temporary: temporary, o: o}
	env := o.Env
	if env == nil {
		env = os.Environ()
	}
	w.env = append(env[:len(env):len(env)], "GOWORK="+filepath.Join(dir, "go.work"), "PWD="+dir)
	// As GoNB does it: the module's own workspace has all that cells import.
	for name, content := range map[string]string{
		"go.mod":  "module " + exercisePackage + "\n\ngo 1.26\n",
		"go.work": fmt.Sprintf("go 1.26.0\n\nuse (\n\t.\n\t%q\n)\n", o.Module),
	} {
		if err := w.write(name, content); err != nil {
			w.close()
			return nil, err
		}
	}
	return w, nil
}

func (w *workshop) close() { w.temporary.Remove() }

func (w *workshop) write(name, content string) error {
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o600); err != nil {
		return fmt.Errorf("grade: %w", err)
	}
	return nil
}

// run runs a program of the Go toolchain.
func (w *workshop) run(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = w.dir, w.env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), args[0], err, strings.TrimSpace(errs.String()))
	}
	return out.Bytes(), nil
}

// lay writes the files of a program, with the imports that they lack and without
// those that they do not use, as a notebook's kernel does. What the notebook's own
// files import is settled beside the exercise as it was handed out: an answer that
// declares a name such as slices would stand in for the package otherwise.
func (w *workshop) lay(ctx context.Context, p *program) error {
	own := []string{"check_test.go"}
	files := map[string]string{"check_test.go": p.check, "main_test.go": mainTest(p.tests), "answer.go": p.handedOut}
	if p.given != "" {
		files["given.go"], own = p.given, append(own, "given.go")
	}
	for name, content := range files {
		if err := w.write(name, content); err != nil {
			return err
		}
	}
	for _, name := range own {
		formatted, err := w.imports(ctx, name)
		if err != nil {
			return err
		}
		if err := w.write(name, string(formatted)); err != nil {
			return err
		}
	}
	if err := w.write("answer.go", packageClause+importBlock(p.answerImports)+p.answer); err != nil {
		return err
	}
	formatted, err := w.imports(ctx, "answer.go")
	if err != nil {
		return err
	}
	file, err := parser.ParseFile(token.NewFileSet(), "answer.go", formatted, parser.ImportsOnly)
	if err != nil {
		return fmt.Errorf("grade: %w", err)
	}
	return w.write("answer.go", packageClause+importBlock(importsOf(file))+p.answer) // which keeps its lines
}

// imports returns a file with the imports that it needs.
func (w *workshop) imports(ctx context.Context, name string) ([]byte, error) {
	formatted, err := w.run(ctx, w.o.Goimports, filepath.Join(w.dir, name))
	if err != nil {
		return nil, fmt.Errorf("grade: %w", err)
	}
	return formatted, nil
}

// check type-checks the program, first without the check, so that the answer
// cannot use what the check declares, and applies the rules.
func (w *workshop) check(ctx context.Context, p *program, r rules) (*fault, error) {
	list, err := packages.Load(&packages.Config{
		Context: ctx, Dir: w.dir, Env: w.env, Tests: true,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo |
			packages.NeedImports,
	}, ".")
	if err != nil {
		return nil, fmt.Errorf("grade: %w", err)
	}
	var plain, tested *packages.Package
	for _, pkg := range list {
		switch {
		case pkg.ID == exercisePackage:
			plain = pkg
		case pkg.PkgPath == exercisePackage && strings.HasPrefix(pkg.ID, exercisePackage+" ["):
			tested = pkg
		}
	}
	if plain == nil || tested == nil {
		return nil, fmt.Errorf("grade: the Go command lists no package of the exercise in %s", w.dir)
	}
	for _, pkg := range []*packages.Package{plain, tested} {
		for _, e := range pkg.TypeErrors {
			at := e.Fset.Position(e.Pos)
			switch filepath.Base(at.Filename) {
			case "answer.go":
				return &fault{Broken, at.Line, e.Msg}, nil
			case "check_test.go":
				if name, ok := strings.CutPrefix(e.Msg, "undefined: "); ok {
					return &fault{Broken, 0, name +
						" is not declared any more: the check needs it with its original name"}, nil
				}
			}
			return &fault{Broken, 0, e.Msg}, nil
		}
		if len(pkg.Errors) > 0 {
			return &fault{Broken, 0, pkg.Errors[0].Msg}, nil
		}
	}
	return inspect(r, p, plain, tested), nil
}

// build compiles the program and returns the file of its test.
func (w *workshop) build(ctx context.Context) (string, error) {
	program := filepath.Join(w.dir, "check.test")
	if _, err := w.run(ctx, "go", "test", "-c", "-vet=off", "-o", program, "."); err != nil {
		return "", fmt.Errorf("grade: %w", err)
	}
	return program, nil
}

// mainTest is the part of the program that runs the tests. It alone knows the
// secret without which a run counts for nothing, from a pipe that it reads before
// the answer is called, and says with it, in another, how the tests ended: a test
// that did not run to its end has not passed.
func mainTest(tests []string) string {
	var b strings.Builder
	b.WriteString(`package exercise

import (
	"fmt"
	"io"
	"os"
	"testing"
)

var exerciseOutcomes []string

func TestMain(m *testing.M) {
	pipe, report := os.NewFile(3, "secret"), os.NewFile(4, "report")
	secret, err := io.ReadAll(pipe)
	if err != nil {
		panic(err)
	}
	pipe.Close()
	code := m.Run()
	fmt.Fprintf(report, "%s %d %q\n", secret, code, exerciseOutcomes)
	os.Exit(code)
}

func TestExercise(t *testing.T) {
`)
	for _, name := range tests {
		fmt.Fprintf(&b, "\tt.Run(%q, func(t *testing.T) { exerciseRun(t, %s) })\n", name, name)
	}
	b.WriteString(`}

func exerciseRun(t *testing.T, test func(*testing.T)) {
	outcome := "stopped"
	defer func() {
		switch {
		case t.Failed():
			outcome = "failed"
		case t.Skipped():
			outcome = "skipped"
		}
		exerciseOutcomes = append(exerciseOutcomes, outcome)
	}()
	test(t)
	outcome = "passed"
}
`)
	return b.String()
}
