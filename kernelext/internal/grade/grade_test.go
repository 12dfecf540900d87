// SPDX-License-Identifier: Apache-2.0

package grade

import (
	"context"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
	"github.com/lateral-ml/lateral/kernelext/internal/toolchain"
)

func TestMain(m *testing.M) {
	Supervise()
	os.Exit(m.Run())
}

func code(id, source string, tags ...any) *notebook.Cell {
	return &notebook.Cell{Type: notebook.Code, ID: id, Source: source, Metadata: map[string]any{"tags": tags}}
}

// options builds what grading needs, once on a machine.
func options(t *testing.T) Options {
	t.Helper()
	if testing.Short() {
		t.Skip("compiles checks")
	}
	root, err := toolchain.FindModule(".")
	if err != nil {
		t.Fatal(err)
	}
	tools, err := toolchain.Locate(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	if err := tools.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Options{Module: root, Goimports: tools.Goimports(), Supervisor: program, Env: tools.Environment(),
		Dir: t.TempDir(), TimeLimit: time.Minute}
}

// kwta is a notebook whose exercise is to keep the k largest of z.
func kwta() *notebook.Notebook {
	return &notebook.Notebook{Cells: []*notebook.Cell{
		code("setup",
			"import (\n\t\"os\"\n\t\"os/exec\"\n\n"+
				"\t\"github.com/lateral-ml/lateral/lib/autograd\"\n"+
				"\t\"github.com/lateral-ml/lateral/lib/competitive\"\n\t\"github.com/lateral-ml/lateral/lib/tensor\"\n"+
				")\n\nvar home = os.Getenv(\"HOME\")"),
		code("helpers",
			"!ls\n\nfunc reference(z []float32, k int) []float32 {\n\treturn "+
				"competitive.KWTA(autograd.NewTape(1).Input(tensor.From(z, 1, len(z))), k).Data()\n}\n\n"+
				"func about(s string) string { return s + ` of\n%%\n` }\n\nvar hooks = []func([]float32, int) "+
				"[]float32{reference}\n%%\nreference(nil, 1)"),
		code("same",
			"func about(s string) string { return s + \" of \" }\n\nvar samples = [][]float32{{1, 2, 0}, {3, 1, 2}}"),
		code("mine", "func mine(z []float32, k int) []float32 {\n\treturn nil\n}", "exercise"),
		{Type: notebook.Markdown, ID: "text", Source: "Check it."},
		code("check",
			"%test -test.v -test.run=TestMine\nimport \"testing\"\n\nfunc TestMine(t *testing.T) {\n\tif mine([]float32{1, "+
				"2}, 1) == nil {\n\t\tt.Skip(\"not solved yet\")\n\t}\n"+
				"\tfor _, z := range samples {\n\t\twant := competitive.KWTA(autograd.NewTape(1).Input(tensor.From(z, 1, 3)), "+
				"1).Data()\n\t\tif got := mine(slices.Clone(z), 1); !slices.Equal(got, want) {\n\t\t\tt.Fatalf(\"%s %v: want %v, "+
				"got %v\", about(\"1\"), z, want, got)\n\t\t}\n\t}\n}\n\nfunc TestOther(t *testing.T) { t.Fatal(\"is not "+
				"selected\") }"),
	}}
}

// rightKWTA is a right answer.
const rightKWTA = `func mine(z []float32, k int) []float32 {
	falling := slices.Sorted(slices.Values(z))
	a := make([]float32, len(z))
	for i, v := range z {
		if v >= falling[len(z)-k] {
			a[i] = v
		}
	}
	return a
}
`

// answered returns a notebook with nothing but an answer.
func answered(source string) *notebook.Notebook {
	return &notebook.Notebook{Cells: []*notebook.Cell{code("mine", source)}}
}

func one(t *testing.T, source string, o Options) Mark {
	t.Helper()
	report, err := Grade(t.Context(), kwta(), answered(source), o)
	if err != nil {
		t.Fatal(err)
	}
	return report.Marks[0]
}

// Each kind of honest answer gets its points and a line that helps.
func TestAnswers(t *testing.T) {
	o := options(t)
	o.Memory = 256 << 20
	for name, test := range map[string]struct{ source, state, feedback string }{
		"right":   {rightKWTA, Right, "right"},
		"program": {"%% -v\nfmt.Println(mine(nil, 1))\n", Broken, "mine is not declared any more"},
		"own names": {"import \"math\"\n\ntype list []float32\n\nfunc (l list) top() float32 { return slices.Max(l) }\n\n" +
			strings.Replace(rightKWTA, "falling[len(z)-k]", "falling[len(z)-k] && float32(math.Abs(float64(list(z).top()))) > 0",
				1) + "\n%%\nmine(nil, 1)", Right, "right"},
		"nothing": {kwta().Cells[3].Source, Unsolved, "not solved yet"},
		"wrong": {"func mine(z []float32, k int) []float32 { return z }", Wrong,
			"1 of  [1 2 0]: want [0 2 0], got [1 2 0]"},
		"loop": {"func mine(z []float32, k int) []float32 {\n\tfor {\n\t}\n}", Broken,
			"did not end within 2s: is there a loop that never ends?"},
		"panic": {"func mine(z []float32, k int) []float32 {\n\treturn z[5:]\n}", Broken,
			"panics in line 2 of your cell (return z[5:]): runtime error: slice bounds out of range [5:2]"},
		"memory": {"var all [][]int\n\nfunc mine(z []float32, k int) []float32 {\n\tfor {\n\t\tall = append(all, " +
			"make([]int, 1<<24))\n\t\tclear(all[len(all)-1])\n\t}\n}", Broken, "more memory than it may have"},
		"stack": {"func mine(z []float32, k int) []float32 {\n\treturn mine(z, k+1)\n}", Broken, ""},
		"unused": {"func mine(z []float32, k int) []float32 {\n\ty := z\n\treturn z\n}", Broken,
			"in line 2 of your cell (y := z): declared and not used: y"},
		"no Go": {"func mine(z []float32, k int) []float32 {\n\treturn z[\n}", Broken,
			"in line 3 of your cell (}): expected operand, found '}'"},
		"renamed": {"func yours() {}", Broken,
			"mine is not declared any more: the check needs it with its original name"},
		"signature": {"func mine(z []float32) []float32 { return z }", Broken, "too many arguments in call to mine"},
		"prints": {"func mine(z []float32, k int) []float32 {\n\tfor range 1 << 16 {\n\t\tfmt.Println(\"--- PASS: " +
			"TestMine\", z)\n\t}\n\treturn nil\n}", Unsolved, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := o
			if name == "loop" {
				o.TimeLimit = 2 * time.Second
			}
			mark := one(t, test.source, o)
			if mark.State != test.state || !strings.Contains(mark.Feedback, test.feedback) {
				t.Errorf("%+v, want %s, %q", mark, test.state, test.feedback)
			}
		})
	}
}

// A front end gives the copy of a cell another identifier; which of several copies counts nobody knows.
func TestCopiedCells(t *testing.T) {
	o := options(t)
	copied, again := code("copied", rightKWTA), code("again", stub)
	handedOut := kwta().Cells
	for want, cells := range map[string][]*notebook.Cell{
		Right:   append(slices.Delete(slices.Clone(handedOut), 3, 4), copied),
		Wrong:   append(slices.Clone(handedOut[:3]), code("mine", stub), copied),
		Missing: append(slices.Clone(handedOut[:3]), copied, again),
	} {
		report, err := Grade(t.Context(), kwta(), &notebook.Notebook{Cells: cells}, o)
		if err != nil || report.Marks[0].State != want {
			t.Errorf("want %s, got %+v, %v", want, report, err)
		}
	}
}

// stub is a wrong answer, to which cheats add.
const stub = "func mine(z []float32, k int) []float32 { return z }\n"

// Answers that would talk the grader round get nothing, and a line that says why, before they are run.
func TestRefused(t *testing.T) {
	o := options(t)
	call := func(expression string) string {
		return "func mine(z []float32, k int) []float32 { return " + expression + " }\n"
	}
	for name, test := range map[string]struct{ source, feedback string }{
		"exit in init": {"import (\"os\";\"fmt\")\n" + stub +
			"func init() { fmt.Println(\"--- PASS: TestMine\"); os.Exit(0) }",
			"declares functions for the check to call, and no init"},
		"GoNB's init": {stub + "func init_a() {}", "and no init_a"},
		"TestMain":    {stub + "func TestMain(m *testing.M) {}", "and no TestMain"},
		"exit in the function": {"import (\"os\";\"fmt\")\nfunc mine(z []float32, k int) []float32 { fmt.Println(\"--- " +
			"PASS: TestMine\"); os.Exit(0); return z }", "in line 2 of your cell"},
		"exit without import": {"func mine(z []float32, k int) []float32 { os.Exit(0); return z }",
			"does not need os"},
		"exit in a variable": {stub + "var _ = func() int { os.Exit(0); return 0 }()", "does not need os"},
		"another name":       {"import math \"os\"\n" + stub + "var x = math.Args", "does not need os"},
		"dot import":         {"import . \"os\"\n" + stub + "var x = Args", "does not need os"},
		"for its effects":    {"import _ \"net/http/pprof\"\n" + stub, "does not need net/http/pprof"},
		"syscall":            {stub + "func f() { syscall.Exit(0) }", "does not need syscall"},
		"Goexit":             {stub + "func f() { runtime.Goexit() }", "does not need runtime"},
		"log":                {stub + "func f() { log.Fatal() }", "does not need log"},
		"exec":               {stub + "var c = exec.Command(\"true\")", "does not need os/exec"},
		"unsafe": {stub + "func f(x *int) unsafe.Pointer { return unsafe.Pointer(x) }",
			"does not need unsafe"},
		"reflect":        {stub + "var x = reflect.ValueOf(1)", "does not need reflect"},
		"testing":        {stub + "var t = testing.Verbose()", "does not need testing"},
		"flag":           {stub + "func f() { flag.Set(\"test.run\", \"^$\") }", "does not need flag"},
		"cgo":            {"// void f() {}\nimport \"C\"\n" + stub + "func f() { C.f() }", "Go alone"},
		"embedded files": {"import _ \"embed\"\n//go:embed *\nvar b string\n" + stub, "no directives"},
		"linkname": {stub + "//go:linkname exit os.runtime_beforeExit\nfunc exit(int)",
			"no directives"},
		"build tag": {"//go:build ignore\n\n" + stub, "no directives"},
		"line":      {stub + "/*line check_test.go:1*/ func f() {}", "no directives"},
		"shell": {"!echo '--- PASS: TestMine'\n" + stub,
			"in line 1 of your cell (!echo '--- PASS: TestMine'): an answer is Go alone"},
		"shell behind the program": {stub + "%%\nmine(nil, 1)\n!rm -r x", "in line 4"},
		"hidden shell":             {"//gonb:!ls\n" + stub, "an answer is Go alone"},
		"magic":                    {"%env GOFLAGS=-overlay=x\n" + stub, "an answer is Go alone"},
		"script":                   {"%%bash\nls", "an answer is Go alone"},
		"another len":              {stub + "func len(any) int { return 0 }", "len means something in Go"},
		"another true":             {stub + "const false = true", "false means something in Go"},
		"another float":            {stub + "type float32 = int", "float32 means something in Go"},
		"the check's helper": {stub + "func about(s string) string { panic(s) }",
			"the notebook declares about already"},
		"the check's data": {stub + "var samples [][]float32", "the notebook declares samples already"},
		"changed data": {"func mine(z []float32, k int) []float32 { samples = nil; return z }",
			"samples"},
		"data by another name": {"func mine(z []float32, k int) []float32 { s := samples; s[0] = nil; return z }",
			"samples is data of the check"},
		"foreseen numbers": {stub + "func f() { rand.Seed(1) }", "without rand.Seed"},
		"timer":            {stub + "func f() { time.AfterFunc(0, f) }", "does not need time"},
		"changed part": {"func mine(z []float32, k int) []float32 { samples[0][1]++; return z }",
			"samples"},
		"address of data": {"func mine(z []float32, k int) []float32 { p := &samples; *p = nil; return z }",
			"samples"},
		"a package's variable": {"func mine(z []float32, k int) []float32 { io.EOF = nil; return z }",
			"does not change io.EOF"},
		"in place of a package": {stub +
			"type fake struct{}\nfunc (fake) Clone(a []float32) []float32 { return a }\nfunc (fake) Equal(a, b []float32) " +
			"bool { return true }\nvar slices fake", "slices"},
		"in place of an import": {stub +
			"type fake struct{}\nfunc (fake) From(a []float32, n ...int) int { return 0 }\nvar tensor fake", "tensor"},
		"in place of testing":   {stub + "type T struct{}\nvar testing T", "testing"},
		"the main part's names": {stub + "func exerciseRun(t any, f any) {}", "exerciseRun redeclared"},
		"deadlock":              {"func mine(z []float32, k int) []float32 { select {} }", ""},
		"goroutine": {"func mine(z []float32, k int) []float32 { go func() {}(); return z }",
			"in the goroutine that calls it"},
		"library": {"func mine(z []float32, k int) []float32 { return " +
			"competitive.KWTA(autograd.NewTape(1).Input(tensor.From(z, 1, len(z))), k).Data() }", "does not need"},
		"library by another name": {"import c \"github.com/lateral-ml/lateral/lib/competitive\"\n" + stub +
			"var f = c.KWTA", "does not need github.com/lateral-ml/lateral/lib/competitive"},
		"the notebook's helper": {call("reference(z, k)"),
			"reference calls competitive.KWTA, which the exercise asks you to write yourself"},
		"helper as a value":          {"var f = reference\n" + call("f(z, k)"), "reference calls competitive.KWTA"},
		"helper in a variable":       {call("hooks[0](z, k)"), "hooks calls competitive.KWTA"},
		"calls the check":            {stub + "func f() { TestMine(nil) }", "undefined: TestMine"},
		"calls the main part":        {stub + "var x = exerciseOutcomes", "undefined: exerciseOutcomes"},
		"method of a library's type": {stub + "type tape struct{ autograd.Tape }", "does not need"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if mark := one(t, test.source, o); mark.Points != 0 || mark.State != Refused && mark.State != Broken ||
				!strings.Contains(mark.Feedback, test.feedback) {
				t.Errorf("%+v, want no points and %q", mark, test.feedback)
			}
		})
	}
}

// What the rules do not find gains nothing either: without them, answers that end the program or print what a test
// prints have not passed, and nothing that they start outlives the check.
func TestLawless(t *testing.T) {
	o := options(t)
	o.lawless, o.TimeLimit = true, 5*time.Second
	left := filepath.Join(t.TempDir(), "left")
	child := "func mine(z []float32, k int) []float32 {\n\tc := exec.Command(\"setsid\", \"sh\", \"-c\", \"setsid sleep " +
		"1000 & echo $$ $! > " + left + "; sleep 1000\")\n\tc.Stdout = os.Stdout\n\tc.Start()\n" +
		"\tfor b := []byte{}; len(b) < 3; b, _ = os.ReadFile(\"" + left + "\") {\n\t}\n\treturn z\n}\n"
	for name, test := range map[string]struct{ source, state string }{
		"exit in init": {stub +
			"func init() { fmt.Println(\"--- PASS: TestMine (0.00s)\\nPASS\"); os.Exit(0) }", Broken},
		"exit in a variable": {stub +
			"var x = func() int { fmt.Println(\"--- PASS: TestMine (0.00s)\\nPASS\"); os.Exit(0); return 0 }()", Broken},
		"exit in the function": {"func mine(z []float32, k int) []float32 { fmt.Println(\"--- PASS: TestMine (0.00s)\"); " +
			"os.Exit(0); return z }", Broken},
		"syscall": {"func mine(z []float32, k int) []float32 { syscall.Exit(0); return z }", Broken},
		"Goexit":  {"func mine(z []float32, k int) []float32 { runtime.Goexit(); return z }", Broken},
		"recovered panic": {"func mine(z []float32, k int) (a []float32) {\n\tdefer func() { recover(); " +
			"fmt.Println(\"--- PASS: TestMine\") }()\n\tpanic(1)\n}", Unsolved},
		"report without secret": {"func mine(z []float32, k int) []float32 { os.NewFile(4, \"\").WriteString(\" 0 " +
			"[\\\"passed\\\"]\\n\"); os.Exit(0); return z }", Broken},
		"secret from the pipe": {"func mine(z []float32, k int) []float32 {\n\tb, _ := io.ReadAll(os.NewFile(3, " +
			"\"\"))\n\tfmt.Fprintf(os.NewFile(4, \"\"), \"%s 0 %q\\n\", b, []string{\"passed\"})\n\tos.Exit(0)\n\treturn z\n}",
			Broken},
		"secret elsewhere": {"func mine(z []float32, k int) []float32 {\n\tfmt.Fprintln(os.NewFile(4, \"\"), os.Args, " +
			"os.Environ())\n\tos.Exit(0)\n\treturn z\n}", Broken},
		"kills its group": {"func mine(z []float32, k int) []float32 { syscall.Kill(0, syscall.SIGKILL); return z }",
			Broken},
		"kills its supervisor": {"func mine(z []float32, k int) []float32 { " +
			"syscall.Kill(os.Getppid(), syscall.SIGKILL); select {} }", Broken},
		"leaves a child": {child, Wrong},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if mark := one(t, test.source, o); mark.State != test.state || mark.Points != 0 {
				t.Errorf("%+v, want %s", mark, test.state)
			}
			if name != "leaves a child" {
				return
			}
			pids, err := os.ReadFile(left)
			if err != nil || len(strings.Fields(string(pids))) != 2 {
				t.Fatalf("no child was started: %q, %v", pids, err)
			}
			for _, pid := range strings.Fields(string(pids)) {
				n, _ := strconv.Atoi(pid)
				if err := syscall.Kill(n, 0); err == nil {
					t.Errorf("process %d outlives the check", n)
				}
			}
		})
	}
}

// An exercise allows what it needs, and forbids what would answer it.
func TestRules(t *testing.T) {
	o := options(t)
	library := "func mine(z []float32, k int) []float32 { return tensor.From(z, 1, len(z)).Data() }"
	for name, test := range map[string]struct {
		allow, forbid []any
		source, state string
	}{
		"library without leave": {nil, nil, library, Refused},
		"library with leave":    {[]any{"tensor"}, nil, library, Wrong},
		"one function":          {[]any{"tensor.From", "tensor.Tensor.Data"}, nil, library, Wrong},
		"another function":      {[]any{"tensor.From"}, nil, library, Refused},
		"leave but for one":     {[]any{"tensor"}, []any{"tensor.Tensor.Data"}, library, Refused},
		"the notebook's helper": {[]any{"reference", "competitive.KWTA"}, nil,
			"func mine(z []float32, k int) []float32 { return reference(z, k) }", Right},
		"Go's own": {nil, []any{"slices.Sorted"}, rightKWTA, Refused},
		"Go's own as a value": {nil, []any{"slices.Max"},
			"import s \"slices\"\nvar largest = s.Max[[]float32]\n" + stub, Refused},
		"Go's own, dot import": {nil, []any{"slices.Max"},
			"import . \"slices\"\nvar largest = Max[[]float32]\n" + stub, Refused},
		"a whole package of Go's": {nil, []any{"sort"}, "var f = sort.Ints\n" + stub, Refused},
		"goroutines": {[]any{"go"}, nil,
			"func mine(z []float32, k int) []float32 { go func() {}(); return z }", Wrong},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reference := kwta()
			reference.Cells[3].Metadata["lateral"] = map[string]any{"allow": test.allow, "forbid": test.forbid}
			report, err := Grade(t.Context(), reference, answered(test.source), o)
			if err != nil {
				t.Fatal(err)
			}
			if mark := report.Marks[0]; mark.State != test.state {
				t.Errorf("%+v, want %s", mark, test.state)
			}
		})
	}
}

func TestDeclarations(t *testing.T) {
	share := "func share(x float64) {\n\tfmt.Printf(\"%.1f %%\\n\", x)\n}\n"
	for source, want := range map[string]string{
		share: share, share + "%%\nshare(1)": strings.TrimSuffix(share, "\n"), "%%\nshare(1)": "",
		"%test\n" + share: "", " \n": "",
		"!ls\nvar x int": "\nvar x int", "%%bash\nx": "", "var s = `\n!ls\n`": "var s = `\n!ls\n`",
	} {
		if got := Declarations(code("a", source)); got != want {
			t.Errorf("%q declares %q, want %q", source, got, want)
		}
	}
}

// Only a report of one line behind the secret counts.
func TestReadReport(t *testing.T) {
	for report, want := range map[string][]string{
		"S 0 [\"passed\" \"skipped\"]\n": {"passed", "skipped"}, "S 1 [\"failed\"]\n": {"failed"},
		"S 0 []\n": nil, "": nil,
		"S 0 [\"passed\"]": nil, "X 0 [\"passed\"]\n": nil, " 0 [\"passed\"]\n": nil, "S 1 [\"passed\"]\n": nil,
		"S 0 [\"passed\"]\nS 0 [\"passed\"]\n": nil, "S 0 passed\n": nil, "S x [\"passed\"]\n": nil,
	} {
		if got := readReport([]byte(report), "S"); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", report, got, want)
		}
	}
}

// A notebook that was handed out broken is an error, not the students' fault.
func TestReferenceAtFault(t *testing.T) {
	o := options(t)
	good, exercise := kwta().Cells[5], kwta().Cells[3]
	with := func(source string) *notebook.Cell {
		return &notebook.Cell{Type: notebook.Code, ID: "check", Source: source}
	}
	for want, cells := range map[string][]*notebook.Cell{
		"no cell tagged exercise":          {good},
		`exercise "mine" has no check`:     {exercise, code("other", "var x int"), good},
		"before exercise \"mine\": before": {code("before", "func {"), exercise, good},
		"itself fails at exercise": {exercise,
			with("%test\nfunc TestA(t *testing.T) { missing(mine(nil, 1)) }")},
		"the check has no test": {exercise, with("%test -test.run=TestB\nfunc TestA(t *testing.T) {}")},
		"which grading brings itself": {exercise,
			with("%test\nfunc TestMain(m *testing.M) {}\nfunc TestA(t *testing.T) {}")},
	} {
		nb := &notebook.Notebook{Cells: cells}
		if _, err := Grade(t.Context(), nb, answered(stub), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one about %q", err, want)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(fmt.Errorf("enough"))
	if _, err := Grade(ctx, kwta(), answered(stub), o); err == nil || err.Error() != "enough" {
		t.Errorf("cancelled: %v", err)
	}
	if report, err := Grade(t.Context(), kwta(), &notebook.Notebook{}, o); err != nil ||
		report.Marks[0].State != Missing {
		t.Errorf("a deleted cell: %+v, %v", report, err)
	}
}

// Whatever an answer is, it is composed or refused, and a fault is in one of its lines.
func FuzzCompose(f *testing.F) {
	for _, source := range []string{rightKWTA, stub, "!ls", "import (\"os\"", "func (t T[int]) m() {}",
		"func (*((T))) m() {}", "type (a int; b = a)", "const (x = iota; y)", "var x, _ = 1, 2",
		"//go:x\n`", "%%\nx", "import \"C\"", "func init() {}", "package p", "func mine(", "\xff\x00"} {
		f.Add(source)
	}
	reference := kwta()
	f.Fuzz(func(t *testing.T, source string) {
		p, fault, err := compose(reference.Cells[:3], reference.Cells[3], code("mine", source), reference.Cells[5],
			false)
		if err != nil {
			t.Fatal(err)
		}
		if fault != nil {
			if fault.line < 0 || fault.line > 1+strings.Count(source, "\n") || fault.mark(source).Points != 0 {
				t.Errorf("%+v in %q", fault, source)
			}
			return
		}
		for _, text := range []string{p.given, packageClause + importBlock(p.answerImports) + p.answer, p.check} {
			if _, err := parser.ParseFile(token.NewFileSet(), "", text, 0); err != nil && text != "" {
				t.Errorf("%q makes %q: %v", source, text, err)
			}
		}
	})
}
