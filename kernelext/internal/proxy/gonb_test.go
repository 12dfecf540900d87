// SPDX-License-Identifier: Apache-2.0

package proxy_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/proxy"
	"github.com/lateral-ml/lateral/kernelext/internal/session"
	"github.com/lateral-ml/lateral/kernelext/internal/toolchain"
	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

// real is a kernel over the GoNB that this module pins.
func real(t testing.TB) (proxy.Config, toolchain.Tools) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and runs the GoNB kernel")
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
	return proxy.Config{
		Child: session.Spec{
			Argv: append(toolchain.Arguments(tools.GoNB(), tools.Module), toolchain.Quiet...), Env: tools.Environment(),
		},
		Setup:      []string{"%noautoget"},
		PackageDir: tools.PackageDir,
	}, tools
}

// TestGoNB goes the whole way with the real GoNB: declarations that stay, errors
// with cell and line, interrupts in every phase, a GoNB that is killed.
func TestGoNB(t *testing.T) {
	t.Parallel()
	config, _ := real(t)
	f := serve(t, config)

	for _, step := range []struct {
		code, said string // a cell and all that it shows
		failure    wire.Failure
	}{
		{code: "import \"fmt\"\n%env GREETING \"good day\"\n\nfunc hello() { fmt.Println(\"hi\") }\nvar a = 3",
			said: "stdout Set: GREETING=\"good day\"\n"},
		{code: "func fail() {\n\tpanic(\"on purpose\")\n}\n\nfunc main() { hello() }", said: "stdout hi\n"},
		{code: "%%\nfmt.Println(\"text\", a)\nfmt.Fprintln(os.Stderr, \"log\")\nfmt.Println(undefinedName)\nvar y int",
			said: "error CompileError: cell [3], line 4: undefined: undefinedName",
			failure: wire.Failure{Count: 3, Line: 4, Source: "fmt.Println(undefinedName)", Message: "undefined: undefinedName",
				Detail: "cell [3], line 5: declared and not used: y\n     5 | var y int"}},
		{code: "func broken() {\n\tx := \n}", said: "error CompileError: cell [4], line 3: expected operand, found '}'",
			failure: wire.Failure{Count: 4, Line: 3, Source: "}", Message: "expected operand, found '}'"}},
		{code: "%%\nfail()", said: "error Panic: cell [2], line 2: panic: on purpose",
			failure: wire.Failure{Count: 2, Line: 2, Source: "\tpanic(\"on purpose\")", Message: "panic: on purpose"}},
		{code: "%%\nvar m map[int]int\nm[1] = 2",
			said:    "error Panic: cell [6], line 3: panic: assignment to entry in nil map",
			failure: wire.Failure{Count: 6, Line: 3, Source: "m[1] = 2", Message: "panic: assignment to entry in nil map"}},
		{code: "x := 3",
			said: "error CompileError: cell [7], line 1: expected declaration, found x: " +
				"put statements below a line %%, which begins the cell's program",
			failure: wire.Failure{Count: 7, Line: 1, Source: "x := 3",
				Message: "expected declaration, found x: " +
					"put statements below a line %%, which begins the cell's program"}},
		{code: "%%\nos.Exit(3)", said: "error ExitError: exit status 3", failure: wire.Failure{Message: "exit status 3"}},
		{code: "%test\nfunc TestA(t *testing.T) { t.Error(\"no\") }",
			failure: wire.Failure{Message: "a test of this cell failed (exit status 1)"}},
		{code: "import \"nowhere.example/x\"\n%%\nx.Y()",
			said: "error CompileError: cell [10], line 1: no required module provides package nowhere.example/x",
			failure: wire.Failure{Count: 10, Line: 1, Source: "import \"nowhere.example/x\"",
				Message: "no required module provides package nowhere.example/x"}},
		{code: "!false", said: "error ExitError: exit status 1", failure: wire.Failure{Message: "exit status 1"}},
		{code: "%%\ngonbui.DisplayHTML(\"<b>bold</b> text\")\ngonbui.Sync()", said: "display bold text"},
	} {
		r := f.execute(step.code)
		if step.said != "" && r.String() != step.said {
			t.Errorf("%s\nshows %q, want %q", step.code, r, step.said)
		}
		got := wire.Failure{}
		if r.reply.Failure != nil {
			got = *r.reply.Failure
		}
		if step.failure.Detail == "" {
			got.Detail = ""
		}
		if got != step.failure {
			t.Errorf("%s\nfails with %+v, want %+v", step.code, got, step.failure)
		}
	}

	// GoNB is killed between two cells: what was declared is there again, but for what was removed, and so is the
	// environment.
	f.execute("var unwanted = 1")
	f.execute("%rm unwanted")
	pid := 0
	fmt.Sscan(f.execute("%%\nfmt.Println(os.Getppid())").text(), &pid)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	r := f.execute("%%\nhello()\nfmt.Println(a, os.Getenv(\"GREETING\"))")
	const again = "was started again; the declarations of earlier cells (4) are back"
	if text := r.text(); !strings.Contains(text, again) || !strings.HasSuffix(text, "hi\n3 good day\n") {
		t.Errorf("after GoNB was killed: %s", r)
	}
	if r := f.execute("%%\nfmt.Println(unwanted)"); r.reply.Name != "CompileError" {
		t.Errorf("what was removed is back: %s", r)
	}
	if r := f.execute("%%\nfail()"); r.reply.Failure == nil || r.reply.Failure.Count != 2 || r.reply.Failure.Line != 2 {
		t.Errorf("the place of an error after that: %+v", r.reply.Failure)
	}

	// An interrupt ends a program, and a compiler too.
	const lasting = "import \"gonum.org/v1/plot\"\nvar _ = plot.New\n%%\nfmt.Println(\"started\")\ntime.Sleep(time.Hour)"
	for name, wait := range map[string]time.Duration{"while it compiles": 150 * time.Millisecond, "while it runs": 0} {
		m := f.send(f.sockets.Shell, "execute_request", request(lasting))
		queued := f.send(f.sockets.Shell, "execute_request", request("%%\nfmt.Println(\"queued\")"))
		time.Sleep(wait)
		for wait == 0 && f.next(f.iopub).Header.Type != "stream" {
		}
		start := time.Now()
		f.send(f.sockets.Control, "interrupt_request", wire.Empty{})
		if r := f.collect(m); r.reply.Name != "Interrupted" || time.Since(start) > 3*time.Second {
			t.Errorf("interrupted %s: %s %+v after %v", name, r, r.reply, time.Since(start))
		}
		if r := f.collect(queued); r.reply.Status != "aborted" {
			t.Errorf("what was queued when it was interrupted %s: %+v", name, r.reply)
		}
	}
}

// Three hundred pictures and three hundred lines, in turns, arrive complete and
// in order, ten times out of ten, also if the program then panics.
func TestNothingIsLostOrReordered(t *testing.T) {
	config, _ := real(t)
	f := serve(t, config)
	const n = 300
	var want []string
	for i := range n {
		want = append(want, fmt.Sprintf("stdout line %d\n", i), fmt.Sprintf("display shown %d", i))
	}
	want = append(want, "stdout end\n")
	program := fmt.Sprintf("import \"github.com/lateral-ml/lateral/kernelext\"\n%%%%\n"+
		"for i := range %d {\n\tfmt.Println(\"line\", i)\n"+
		"\tkernelext.Show(kernelext.Markdown(fmt.Sprint(\"shown \", i)))\n}\nfmt.Println(\"end\")\n", n)
	for try := range 10 {
		code, last := program, ""
		if try%2 == 1 {
			code = program + "panic(\"at the end\")"
			last = fmt.Sprintf("error Panic: cell [%d], line 8: panic: at the end", try+1)
		}
		r := f.execute(code)
		got := r.said
		if last != "" {
			if got[len(got)-1] != last {
				t.Errorf("try %d ends with %q, want %q", try, got[len(got)-1], last)
			}
			got = got[:len(got)-1]
		}
		if !slices.Equal(got, want) {
			for i := range min(len(got), len(want)) {
				if got[i] != want[i] {
					t.Errorf("try %d: %d of %d outputs; the first that differs, %d, is %q, want %q",
						try, len(got), len(want), i, got[i], want[i])
					break
				}
			}
		}
	}
}

// What a cell draws with gonbui itself, without waiting for it, arrives, too, also if the cell then panics.
func TestDrawnWithGonbui(t *testing.T) {
	t.Parallel()
	config, _ := real(t)
	f := serve(t, config)
	const n = 300
	f.execute("import \"github.com/janpfeifer/gonb/gonbui\"\n\n" +
		"func draw(i int) { gonbui.DisplayHTML(fmt.Sprint(\"shown \", i)) }")
	for try, end := range []string{"", "panic(\"at the end\")", "", "panic(\"at the end\")"} {
		r := f.execute(fmt.Sprintf("%%%%\nfor i := range %d {\n\tdraw(i)\n}\n%s", n, end))
		drawn := 0
		for _, said := range r.said {
			if said == fmt.Sprint("display shown ", drawn) {
				drawn++
			}
		}
		if drawn != n {
			t.Errorf("try %d: %d of %d arrive in order", try, drawn, n)
		}
		if failed := r.reply.Failure; end != "" && (failed == nil || failed.Line != 5 || failed.Source != end) {
			t.Errorf("try %d: the panic in line 5 is reported as %+v", try, failed)
		}
	}
	r := f.execute("%%\nundefinedName()")
	if failed := r.reply.Failure; failed == nil || failed.Line != 2 || failed.Source != "undefinedName()" {
		t.Errorf("an error of the compiler in line 2 is reported as %+v", failed)
	}
}

// A cell that prints for ever fills neither the notebook nor the memory, the stop button ends it, and the kernel goes
// on.
func TestCellThatPrintsForEver(t *testing.T) {
	config, _ := real(t)
	f := serve(t, config)
	m := f.send(f.sockets.Shell, "execute_request",
		request("%%\nline := strings.Repeat(\"x\", 1<<16) + \"\\n\"\nfor {\n\tfmt.Print(line)\n}"))
	size, cut := 0, ""
	for cut == "" {
		var s wire.Stream
		if got := f.next(f.iopub); got.Header.Type == "stream" && got.Decode(&s) == nil {
			if size += len(s.Text); strings.Contains(s.Text, "more than 16 MB]") {
				cut = s.Text
			}
		}
		if size > 20<<20 {
			t.Fatalf("%d bytes arrive", size)
		}
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	time.Sleep(time.Second) // it prints on
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 16<<20 {
		t.Errorf("what nobody gets to see takes %d bytes", grown)
	}
	start := time.Now()
	f.send(f.sockets.Control, "interrupt_request", wire.Empty{})
	if r := f.collect(m); r.reply.Name != "Interrupted" || time.Since(start) > 15*time.Second {
		t.Errorf("interrupted: %+v after %v", r.reply, time.Since(start))
	}
	if r := f.execute("%%\nfmt.Println(\"next\")"); r.String() != "stdout next\n" {
		t.Errorf("the next cell shows %s", r)
	}
}

// Completion asked for on a fresh kernel, which has no gopls yet, does not make a
// cell wait, and works once gopls is there and has read the module. What was
// declared before is known to it.
func TestCompletionDoesNotDelayACell(t *testing.T) {
	t.Parallel()
	config, tools := real(t)
	if !tools.HasGopls() {
		t.Skip("gopls is not built: lateral kernel install --completion builds it")
	}
	dir := t.TempDir()
	config.Child.Env = append(config.Child.Env, "PATH="+tools.Path(dir+":"+os.Getenv("PATH")))
	config.MakeGopls = func(context.Context) error { return os.Symlink(tools.Gopls(), filepath.Join(dir, "gopls")) }
	f := serve(t, config)
	f.execute("func declaredBefore() string { return \"before\" }")
	ask := func(code string) (matches []string, took time.Duration) {
		start := time.Now()
		var reply wire.CompleteReply
		f.ask(f.sockets.Shell, "complete_request", wire.CursorRequest{Code: code, CursorPos: len(code)}).Decode(&reply)
		return reply.Matches, time.Since(start)
	}
	matches, took := ask("strings.ToUp")
	if !slices.Contains(matches, "ToUpper") {
		t.Errorf("on a fresh kernel a Tab offers %q", matches)
	}
	start := time.Now()
	r := f.execute("%%\nfmt.Println(\"quick\")")
	t.Logf("on a fresh kernel: completion answered in %v, then a cell in %v", took, time.Since(start))
	if took > 3*time.Second || r.String() != "stdout quick\n" {
		t.Errorf("completion took %v, the cell shows %s", took, r)
	}
	for deadline := time.Now().Add(90 * time.Second); ; time.Sleep(time.Second) {
		// A method, also where %% is missing: for that it takes gopls.
		matches, took := ask("r := strings.NewReader(\"\")\nr.ReadB")
		if slices.ContainsFunc(matches, func(m string) bool { return strings.HasPrefix(m, "ReadByte") }) {
			t.Logf("completion works after %v, and takes %v", time.Since(start), took)
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("completion never works")
		}
	}
	if r := f.execute("%%\nfmt.Println(declaredBefore())"); r.String() != "stdout before\n" {
		t.Errorf("with gopls a cell shows %s", r)
	}
	var reply wire.InspectReply
	const code = "import \"strings\"\n%%\nstrings.ToUpper(\"\")"
	at := wire.CursorRequest{Code: code, CursorPos: strings.Index(code, "Upper")}
	f.ask(f.sockets.Shell, "inspect_request", at).Decode(&reply)
	if text, _ := reply.Data["text/plain"].(string); !reply.Found || !strings.Contains(text, "ToUpper") {
		t.Errorf("inspection: %+v", reply)
	}
}

// BenchmarkMessage times a cell that shows one message, through the kernel and
// without it. The difference is what the kernel adds to two messages on their
// way in and out.
func BenchmarkMessage(b *testing.B) {
	b.Run("through", func(b *testing.B) {
		f := serve(b, fake())
		for b.Loop() {
			f.execute(`stdout "x"`)
		}
	})
	b.Run("direct", func(b *testing.B) {
		s, err := session.Start(b.Context(), fake().Child)
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		for b.Loop() {
			if _, err := s.Execute(b.Context(), s.NewExecute(`stdout "x"`, false), func(*wire.Message) {}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkWarmCell times cells as people write them, from Shift-Enter to idle, each with another number in it, so that
// it is compiled and linked anew: one that prints, one that shows text and one that draws a figure. The median is the
// metric that a reader feels.
func BenchmarkWarmCell(b *testing.B) {
	const head = "import \"github.com/lateral-ml/lateral/kernelext\"\n" +
		"import \"github.com/lateral-ml/lateral/lib/figure\"\n"
	for _, cell := range []struct{ name, code string }{
		{"print", "%%%%\nfmt.Println(%d)"},
		{"show", "%%%%\nkernelext.Show(kernelext.Markdown(fmt.Sprint(%d)))"},
		{"figure", "%%%%\nkernelext.Show(" +
			"figure.Lines(figure.Axes{X: \"a\", Y: \"b\"}, figure.Series{Y: []float64{1, 4, %d}}))"},
	} {
		b.Run(cell.name, func(b *testing.B) {
			config, _ := real(b)
			f := serve(b, config)
			f.execute(head + fmt.Sprintf(cell.code, 0)) // compiles what it imports
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				r := f.execute(fmt.Sprintf(cell.code, len(took)+1))
				if r.reply.Status != "ok" {
					b.Fatal(r)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(took[len(took)/2].Seconds(), "median-s")
			b.ReportMetric(took[len(took)*9/10].Seconds(), "p90-s")
		})
	}
}
