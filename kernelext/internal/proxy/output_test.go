// SPDX-License-Identifier: Apache-2.0

package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/lateral-ml/lateral/kernelext/internal/proxy"
	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

// A program that failed is an error, although GoNB says ok; its last words are
// not printed but are the error.
func TestProgramsThatFail(t *testing.T) {
	f := serve(t, fake())
	for _, test := range []struct{ code, want, name string }{
		{`stderr "exit status 3\n"`, "error ExitError: exit status 3", "ExitError"},
		{"stderr \"no data\\n\"\nstderr \"exit status 1\\n\"", "stderr no data\n | error ExitError: exit status 1",
			"ExitError"},
		{`stderr "exit status 2\nis what it said\n"`, "stderr exit status 2\nis what it said\n", ""},
		// the program's own
		{"stderr \"exit status 2\\n\"\nstderr \"more\\n\"", "stderr exit status 2\n | stderr more\n", ""},
		{"stderr \"working\\npanic: oh\\n\\ngoroutine 1 [running]:\\nmain.main()\\n\"\nstdout \"late\\n\"\nstderr \"exit " +
			"status 2\\n\"",
			"stderr working\n | stdout late\n | error Panic: panic: oh", "Panic"},
		{"stderr \"panic: is a word\\n\"\nstdout \"x\"", "stdout x | stderr panic: is a word\n", ""}, // it ended well
		{"stdout \"x\"\nfail GoError exit status 7", "stdout x | error ExitError: exit status 7", "ExitError"},
		{"//gonb:%test\nstdout \"--- FAIL: TestA\\n\"\nstderr \"exit status 1\\n\"",
			"stdout --- FAIL: TestA\n | error TestError: a test of this cell failed (exit status 1)", "TestError"},
		{`stderr "signal: killed\n"`, "error ExitError: signal: killed", "ExitError"},
	} {
		r := f.execute(test.code)
		if r.String() != test.want || r.reply.Name != test.name || (r.reply.Status == "error") != (test.name != "") {
			t.Errorf("%s: got\n%q, %s %s, want\n%q", test.code, r, r.reply.Status, r.reply.Name, test.want)
		}
	}
}

// What the compiler says arrives as text with cell and line, in GoNB's own
// words for it.
func TestFailureSaysWhere(t *testing.T) {
	f := serve(t, fake())
	f.execute("stdout \"the first line\"\nstdout \"the second\"")
	r := f.execute("stderr \"panic: oh\\n\\ngoroutine 1 [running]:\\nmain.f()\\n\\t \\x1b[7m[[ Cell Line 0 ]]\\x1b[0m " +
		"/x/y.go:3\\nmain.main()\\n\\t \\x1b[7m[[ Cell [1] Line 2 ]]\\x1b[0m /x/y.go:9 +0x1\\n\"\n" +
		"stderr \"exit status 2\\n\"")
	want := wire.Failure{Count: 1, Line: 2, Source: `stdout "the second"`, Message: "panic: oh",
		Detail: "goroutine 1 [running]:\nmain.f()\n\t  /x/y.go:3\nmain.main()\n\t  /x/y.go:9 +0x1"}
	if r.reply.Failure == nil || *r.reply.Failure != want {
		t.Errorf("got %+v, want %+v", r.reply.Failure, want)
	}
	text := strings.Join(r.reply.Traceback, "\n")
	for _, part := range []string{"cell [1], line 2: panic: oh", "\n     2 | stdout \"the second\"\n",
		"\ngoroutine 1 [running]:"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in\n%s", part, text)
		}
	}
}

// Every rich output has a text form, made from what it has.
func TestTextTwins(t *testing.T) {
	f := serve(t, fake())
	for data, want := range map[string]string{
		`{"text/html": "<p>a &lt; b</p><script>x()</script>\n\n \n<p>c</p>"}`: "a < b\nc",
		`{"text/html": "<script>x()</script>"}`:                               "[text/html]",
		`{"text/markdown": "# A $x$"}`:                                        "# A $x$",
		`{"text/latex": "$x$", "image/png": "AAAA"}`:                          "$x$",
		`{"image/png": "AAAA"}`:                                               "[image/png]",
		`{"image/svg+xml": "<svg/>", "image/png": "AAAA"}`:                    "[image/png, image/svg+xml]",
		`{"text/html": "<b>x</b>", "text/plain": "kept"}`:                     "kept",
	} {
		if r := f.execute("data " + data); r.String() != "display "+want {
			t.Errorf("%s: got %q, want %q", data, r, want)
		}
	}
}

// GoNB only updates a display it has shown before. When its cell runs again, the
// front end has cleared it, so it is shown anew; from other cells it is updated.
func TestDisplayOfACellThatRunsAgain(t *testing.T) {
	f := serve(t, fake())
	for i, want := range []string{"display first", "display first", "update_display second", "display first"} {
		code := "update fixed first"
		if i == 2 {
			code = "update fixed second"
		}
		if r := f.execute(code); r.String() != want {
			t.Errorf("execution %d: got %s, want %s", i, r, want)
		}
	}
	if r := f.execute("display a x\nupdate a y"); r.String() != "display x | update_display y" {
		t.Errorf("got %s", r)
	}
}

// A front end gets only so much text, and is told.
func TestTextIsBounded(t *testing.T) {
	f := serve(t, fake())
	r := f.execute("flood 20") // MiB
	size := 0
	for _, s := range r.said {
		size += len(s)
	}
	if size < 15<<20 || size > 17<<20 || !strings.Contains(r.said[len(r.said)-1], "more than 16 MB]") ||
		r.reply.Status != "ok" {
		t.Errorf("%d bytes, ending in %q", size, r.said[len(r.said)-1])
	}
}

// Rich outputs that no browser could show are left out, and a line says so.
func TestDisplaysAreBounded(t *testing.T) {
	f := serve(t, fake())
	text := func(n int) string { return strings.Repeat("0123456789abcdef", n<<16) } // MiB
	if r := f.execute("display - " + text(3) + "\ndisplay - x\nupdate a " + text(3)); len(r.said) != 3 ||
		r.said[1] != "display x" ||
		!strings.HasPrefix(r.said[0], "stderr [an output of 3 MB is left out: more than 2 MB") || r.said[2] != r.said[0] {
		t.Errorf("one that is too large: %.100q", r.said)
	}
	code := ""
	for i := range 6 {
		code += fmt.Sprintf("display %d %s\n", i, text(1)+text(1)[1<<19:])
	}
	r := f.execute(code + "display - more\nupdate 0 " + text(1) + "\nstdout \"end\"")
	if n := len(r.said); n != 8 || !strings.HasPrefix(r.said[5],
		"stderr [the rest of what this cell displays is left out: more than 8 MB") ||
		!strings.HasPrefix(r.said[6], "update_display 0123") || r.said[7] != "stdout end" || r.reply.Status != "ok" {
		t.Errorf("too many: %d outputs, %.60q", n, r.said)
	}
	if r := f.execute("display - again"); r.String() != "display again" {
		t.Errorf("the next cell shows %s", r)
	}
}

// Output that comes after a cell's end is still that cell's.
func TestLateOutput(t *testing.T) {
	f := serve(t, fake())
	m := f.send(f.sockets.Shell, "execute_request", request("stdout \"a\"\nlate \"b\""))
	r := f.collect(m)
	for r.String() != "stdout a | stdout b" {
		got := f.next(f.iopub)
		if got.Header.Type == "stream" && got.Parent.ID == m.Header.ID {
			r.said = append(r.said, describe(got))
		}
	}
}

// A GoNB that ends is reported, and the next cell runs on another.
func TestChildThatDies(t *testing.T) {
	f := serve(t, fake())
	r := f.execute("stdout \"before\"\ndie")
	if r.said[0] != "stdout before" || r.reply.Name != "KernelDied" || !strings.Contains(r.reply.Value, "exit status 3") ||
		!strings.Contains(r.reply.Value, "last words") ||
		!strings.Contains(strings.Join(r.reply.Traceback, "\n"), "started again") {
		t.Errorf("got %s\n%+v", r, r.reply)
	}
	if r := f.execute(`stdout "after"`); r.String() != "stdout after" || r.reply.ExecutionCount != 2 {
		t.Errorf("afterwards: %s, %+v", r, r.reply)
	}
	// One that dies while nobody runs anything: the next cell says so.
	pid := 0
	fmt.Sscan(f.execute("pid").text(), &pid)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	// A cell that GoNB got before it ended fails, and says the same.
	if r := f.execute("pid"); !strings.Contains(r.text()+strings.Join(r.reply.Traceback, "\n"), "started again") {
		t.Errorf("the death of an idle GoNB is not told: %s, %+v", r, r.reply)
	}
	if r := f.execute("pid"); r.text() == fmt.Sprint(pid) || len(r.said) != 1 {
		t.Errorf("afterwards: %s", r)
	}
}

// One that dies again and again is given up, with what to do.
func TestChildThatDiesAgainAndAgain(t *testing.T) {
	f := serve(t, fake())
	for range 4 {
		f.execute("die")
	}
	if r := f.execute(`stdout "x"`); r.reply.Status != "error" || !strings.Contains(r.reply.Value, "restart the kernel") {
		t.Errorf("got %s, %+v", r, r.reply)
	}
}

func TestChildThatDoesNotStart(t *testing.T) {
	config := fake()
	config.Child.Argv = []string{"/nonexistent/gonb"}
	f := serve(t, config)
	if r := f.execute(`stdout "x"`); r.reply.Status != "error" || !strings.Contains(r.reply.Value, "no such file") {
		t.Errorf("got %s, %+v", r, r.reply)
	}
}

// Magics run before the cell's code, which keeps its line numbers.
func TestMagics(t *testing.T) {
	config := fake()
	config.Magics = []proxy.Magic{
		{Name: "%greet", Usage: "%greet NAME", Help: "Greets.", Complete: func([]string) []string {
			return []string{"Ada", "Alan"}
		},
			Run: func(_ context.Context, c *proxy.Call) error {
				fmt.Fprintf(c, "hello %q\n", c.Args)
				c.Display(map[string]any{"text/html": "<b>hi</b>", "text/plain": "hi"})
				return nil
			}},
		{Name: "%fail", Run: func(context.Context, *proxy.Call) error { return errors.New("cannot") }},
		{Name: "%wait", Run: func(ctx context.Context, c *proxy.Call) error {
			io.WriteString(c, "waits")
			<-ctx.Done()
			return ctx.Err()
		}},
	}
	f := serve(t, config)
	greeted := `stdout hello ["Ada" "Lovelace"]` + "\n | display hi | stdout then"
	if r := f.execute("%greet Ada Lovelace\nstdout \"then\""); r.String() != greeted {
		t.Errorf("got %s", r)
	}
	if r := f.execute("stdout \"not reached\"\n%fail"); r.String() != "error MagicError: cell [2], line 2: cannot" ||
		r.reply.Failure.Source != "%fail" {
		t.Errorf("got %s", r)
	}
	if r := f.execute("%nonsense"); !strings.Contains(r.reply.Value, "%nonsense is no command") {
		t.Errorf("got %s", r)
	}
	m := f.send(f.sockets.Shell, "execute_request", request("%wait"))
	for got := f.next(f.iopub); got.Header.Type != "stream"; got = f.next(f.iopub) {
	}
	f.ask(f.sockets.Control, "interrupt_request", wire.Empty{})
	var reply wire.ExecuteReply
	f.next(f.shell).Decode(&reply)
	if _ = m; reply.Name != "Interrupted" {
		t.Errorf("an interrupted magic: %+v", reply)
	}
	if r := f.execute("%help"); !strings.Contains(r.text(), "%greet NAME") || !strings.Contains(r.text(), "Greets.") {
		t.Errorf("help: %s", r)
	}

	var completed wire.CompleteReply
	for code, want := range map[string]string{"%gr": "[%greet]", "stdout \"é\"\n%gr": "[%greet]", "%greet A": "[Ada Alan]",
		"%greet Al": "[Alan]", "%greet ": "[Ada Alan]", "%gofl": "[%goflags]", "%zzz": "[]"} {
		f.ask(f.sockets.Shell, "complete_request", wire.CursorRequest{Code: code,
			CursorPos: len([]rune(code))}).Decode(&completed)
		line := []rune(code[strings.LastIndex(code, "\n")+1:])
		word := len(line) - 1 - strings.LastIndex(string(line), " ")
		if got := fmt.Sprint(completed.Matches); got != want || completed.CursorEnd != len([]rune(code)) ||
			completed.CursorStart != completed.CursorEnd-word {
			t.Errorf("%q completes to %s from %d to %d, want %s", code, got, completed.CursorStart, completed.CursorEnd, want)
		}
	}
	var inspected wire.InspectReply
	f.ask(f.sockets.Shell, "inspect_request", wire.CursorRequest{Code: "x\n%greet Ada", CursorPos: 5}).Decode(&inspected)
	if !inspected.Found || inspected.Data["text/plain"] != "%greet NAME\n\nGreets." {
		t.Errorf("inspection: %+v", inspected)
	}
}

// Observers see what cells display.
func TestObserve(t *testing.T) {
	config, seen := fake(), make(chan wire.Display, 8)
	config.Observe = func(d wire.Display) { seen <- d }
	f := serve(t, config)
	f.execute("display - x")
	if d := <-seen; d.Data["text/plain"] != "x" {
		t.Errorf("saw %+v", d)
	}
}
