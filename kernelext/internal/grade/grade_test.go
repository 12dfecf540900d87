// SPDX-License-Identifier: Apache-2.0

package grade

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/fakekernel"
	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
	"github.com/lateral-ml/lateral/kernelext/internal/runner"
)

func TestMain(m *testing.M) {
	fakekernel.Main()
	os.Exit(m.Run())
}

func code(id, source string, tags ...any) *notebook.Cell {
	return &notebook.Cell{Type: notebook.Code, ID: id, Source: source, Metadata: map[string]any{"tags": tags}}
}

func Example() {
	// On a kernel for tests, whose cells are scripts instead of Go.
	reference := &notebook.Notebook{Cells: []*notebook.Cell{
		code("double", "", "exercise"), code("check", "%test\nstdout \"--- PASS: TestDouble\\n\""),
	}}
	report, err := Grade(context.Background(), reference, reference, Options{Kernel: fakekernel.Spec()})
	fmt.Println(report.Points, report.Of, report.Marks[0].State, err)
	// Output: 1 1 right <nil>
}

func TestDeclarations(t *testing.T) {
	share := "func share(x float64) {\n\tfmt.Printf(\"%.1f %%\\n\", x)\n}\n"
	for source, want := range map[string]string{
		share: share, share + "%%\nshare(1)": share, "%%\nshare(1)": "", "%test\n" + share: "", " \n": "",
	} {
		if got := Declarations(code("a", source)); got != want {
			t.Errorf("%q declares %q, want %q", source, got, want)
		}
	}
}

func TestJudge(t *testing.T) {
	at := func(id, message string) *runner.Problem {
		return &runner.Problem{ID: id, Line: 3, Source: "\tx := y[4]", Message: message}
	}
	const failed = "=== RUN   TestA\n    main_test.go:13: want 2, got 3\n--- FAIL: TestA (0.01s)\nFAIL\n"
	for _, test := range []struct {
		problem         *runner.Problem
		said            string
		state, feedback string
	}{
		{nil, "--- PASS: TestA\nPASS\n", Right, "right"},
		{nil, "    main_test.go:2: not solved yet\n--- SKIP: TestA\n", Unsolved, "not solved yet"},
		{nil, "", Broken, "the check did not run to its end"},
		{at("check", "a test of this cell failed (exit status 1)"), failed, Wrong, "want 2, got 3"},
		{at("answer", "panic: index out of range"), "", Broken, "the code panics in line 3 of your cell (x := y[4]): index out of range"},
		{at("check", "panic: index out of range"), "", Broken, "the code panics: index out of range"},
		{at("answer", "fatal error: runtime: out of memory"), "", Broken, "more memory"},
		{at("check", "signal: killed"), "", Broken, "more memory"},
		{at("check", "undefined: yourKWTA"), "", Broken, "yourKWTA is not declared any more"},
		{at("answer", "declared and not used: x"), "", Broken, "the code does not work in line 3 of your cell (x := y[4]): declared and not used: x"},
		{&runner.Problem{Err: &runner.TimeoutError{What: "cell", Limit: time.Second}}, failed, Broken, "the check did not end within 1s"},
	} {
		mark := judge(test.problem, test.said, time.Second)
		if mark.State != test.state || !strings.HasPrefix(mark.Feedback, strings.SplitN(test.feedback, "more memory", 2)[0]) || !strings.Contains(mark.Feedback, test.feedback) {
			t.Errorf("%+v: got %+v, want %s, %q", test.problem, mark, test.state, test.feedback)
		}
	}
}

func TestReferenceAtFault(t *testing.T) {
	good := code("check", "%test\nstdout \"--- PASS: TestA\\n\"")
	exercise := code("e", "stdout \"x\"", "exercise")
	for want, cells := range map[string][]*notebook.Cell{
		"no cell tagged exercise":   {good},
		`exercise "e" has no check`: {exercise, code("other", "stdout \"x\""), good},
		"itself fails":              {code("before", "error E bad"), exercise, good},
	} {
		nb := &notebook.Notebook{Cells: cells}
		if _, err := Grade(context.Background(), nb, nb, Options{Kernel: fakekernel.Spec()}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one about %q", err, want)
		}
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("enough"))
	nb := &notebook.Notebook{Cells: []*notebook.Cell{exercise, good}}
	if _, err := Grade(ctx, nb, nb, Options{Kernel: fakekernel.Spec()}); err == nil || err.Error() != "enough" {
		t.Errorf("cancelled: %v", err)
	}
}
