// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/fakekernel"
	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
	"github.com/lateral-ml/lateral/kernelext/internal/session"
	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

func TestMain(m *testing.M) {
	fakekernel.Main()
	os.Exit(m.Run())
}

func ExampleRun() {
	nb := &notebook.Notebook{Cells: []*notebook.Cell{
		{Type: notebook.Code, ID: "a", Source: `stdout "hello\n"`},
	}}
	err := Run(context.Background(), nb, Options{Kernel: fakekernel.Spec()})
	fmt.Print(*nb.Cells[0].ExecutionCount, " ", nb.Cells[0].Outputs[0].Text, err)
	// Output: 1 hello
	// <nil>
}

// cells makes a notebook of code cells.
func cells(sources ...string) *notebook.Notebook {
	nb := &notebook.Notebook{}
	for i, source := range sources {
		nb.Cells = append(nb.Cells, &notebook.Cell{Type: notebook.Code, ID: fmt.Sprint("c", i+1), Source: source})
	}
	return nb
}

func execute(t *testing.T, nb *notebook.Notebook, o Options) error {
	t.Helper()
	o.Kernel = fakekernel.Spec()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	err := Run(ctx, nb, o)
	if _, invalid := nb.Encode(); invalid != nil {
		t.Errorf("the notebook is not valid: %v", invalid)
	}
	return err
}

// outputs writes a cell's outputs in short.
func outputs(cell *notebook.Cell) string {
	var all []string
	for _, o := range cell.Outputs {
		switch o.Type {
		case notebook.Stream:
			all = append(all, fmt.Sprintf("%s %q", o.Name, o.Text))
		case notebook.Error:
			all = append(all, o.ErrorName+": "+o.ErrorValue)
		case notebook.ExecuteResult:
			all = append(all, fmt.Sprintf("result[%d] %v", *o.ExecutionCount, o.Data["text/plain"]))
		default:
			all = append(all, fmt.Sprintf("display %v", o.Data["text/plain"]))
		}
	}
	return strings.Join(all, " | ")
}

func TestOutputs(t *testing.T) {
	for name, test := range map[string]struct {
		source string
		want   string
	}{
		"a stream is merged": {"stdout \"a\"\nstdout \"b\\n\"\nstderr \"c\"\nstdout \"d\"",
			`stdout "ab\n" | stderr "c" | stdout "d"`},
		"displays part streams": {"stdout \"a\"\ndisplay - x\nstdout \"b\"", `stdout "a" | display x | stdout "b"`},
		"a result":              {"result 42", `result[1] 42`},
		"progress by return": {`stdout "10 %\r"` + "\n" + `stdout "20 %\r"` + "\n" + `stdout "100 %\n"`,
			`stdout "100 %\n"`},
		"update":                   {"display one a\ndisplay two b\nupdate one c", `display c | display b`},
		"update in every place":    {"display one a\ndisplay one b\nupdate one c", `display c | display c`},
		"second display updates":   {"display one a\ndisplay one b", `display b | display b`},
		"update of nothing":        {"update none x\nstdout \"a\"", `stdout "a"`},
		"clear":                    {"stdout \"a\"\nclear\nstdout \"b\"", `stdout "b"`},
		"clear and nothing":        {"stdout \"a\"\nclear", ``},
		"clear waits for the next": {"stdout \"a\"\nclear wait", `stdout "a"`},
		"clear waited":             {"stdout \"a\"\nclear wait\nstdout \"b\"\nstdout \"c\"", `stdout "bc"`},
		"clear makes room":         {"flood 3\nclear\nstdout \"b\"", `stdout "b"`},
		"clear waited makes room":  {"flood 3\nclear wait\nstdout \"b\"", `stdout "b"`},
		"clear waited for display": {"display - a\nclear wait\ndisplay - b", `display b`},
		"update after clear":       {"display one a\nclear\nupdate one b\nstdout \"c\"", `stdout "c"`},
		"output after the end":     {"stdout \"a\"\nlate \"b\"", `stdout "ab"`},
		"empty text is no output":  {"stdout \"\"", ``},
		"nothing":                  {"stop", ``},
		"colours stay":             {`stdout "\x1b[31mred\x1b[0m"`, `stdout "\x1b[31mred\x1b[0m"`},
		// JSON carries no half characters
		"a character in two pieces": {`stdout "\xc3"` + "\n" + `stdout "\xa9"`, `stdout "��"`},
	} {
		t.Run(name, func(t *testing.T) {
			nb := cells(test.source)
			if err := execute(t, nb, Options{}); err != nil {
				t.Fatal(err)
			}
			if got := outputs(nb.Cells[0]); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestUpdateReachesEarlierCells(t *testing.T) {
	nb := cells("display one a", "update one b\nstdout \"x\"")
	if err := execute(t, nb, Options{}); err != nil {
		t.Fatal(err)
	}
	if outputs(nb.Cells[0]) != "display b" || outputs(nb.Cells[1]) != `stdout "x"` {
		t.Errorf("got %s and %s", outputs(nb.Cells[0]), outputs(nb.Cells[1]))
	}
}

func TestMetadata(t *testing.T) {
	nb := cells(`stdout "a"`, "", `stdout "b"`)
	nb.Metadata = map[string]any{"other": "kept"}
	kernelspec := map[string]any{"name": "fake", "display_name": "Fake"}
	if err := execute(t, nb, Options{Metadata: kernelspec}); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"other": "kept", "kernelspec": kernelspec,
		"language_info": map[string]any{"name": "script", "file_extension": ".script"},
	}
	if !reflect.DeepEqual(nb.Metadata, want) {
		t.Errorf("metadata %v, want %v", nb.Metadata, want)
	}
	if n := nb.Cells[2].ExecutionCount; n == nil || *n != 2 {
		t.Errorf("execution count of the second cell with code: %v", n)
	}
	if nb.Cells[1].ExecutionCount != nil {
		t.Error("an empty cell was executed")
	}
	timing, _ := nb.Cells[0].Metadata["execution"].(map[string]any)
	last := ""
	for _, event := range []string{"iopub.status.busy", "iopub.execute_input", "iopub.status.idle"} {
		stamp, _ := timing[event].(string)
		if _, err := time.Parse(time.RFC3339Nano, stamp); err != nil || stamp < last {
			t.Errorf("%s at %q, after %q", event, stamp, last)
		}
		last = stamp
	}
	if timing["shell.execute_reply"] == nil {
		t.Error("the time of the reply is missing")
	}
}

func TestTags(t *testing.T) {
	nb := cells(`stdout "new"`, "error ValueError bad", `stdout "after"`)
	nb.Cells[0].Metadata = map[string]any{"tags": []any{"skip-execution"}}
	nb.Cells[0].Outputs = []*notebook.Output{{Type: notebook.Stream, Name: "stdout", Text: "old"}}
	nb.Cells[1].Metadata = map[string]any{"tags": []any{"raises-exception"}}
	if err := execute(t, nb, Options{}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{`stdout "old"`, "ValueError: bad", `stdout "after"`} {
		if got := outputs(nb.Cells[i]); got != want {
			t.Errorf("cell %d: got %s, want %s", i+1, got, want)
		}
	}
}

func TestErrors(t *testing.T) {
	const after = `stdout "after"`
	for name, test := range map[string]struct {
		source  string
		options Options
		outputs string // of the failing cell
		err     string
		next    string // of the cell after it
	}{
		"stops":       {"stdout \"x\"\nerror ValueError bad", Options{}, `stdout "x" | ValueError: bad`, "cell 1: bad", ""},
		"keeps going": {"error ValueError bad", Options{KeepGoing: true}, "ValueError: bad", "cell 1: bad", after},
		"reply alone": {"fail ValueError bad", Options{}, "ValueError: bad", "cell 1: bad", ""},
		"aborted": {"abort", Options{}, "Aborted: the kernel did not execute the cell",
			"cell 1: the kernel did not execute", ""},
		"times out": {"stdout \"x\"\nhang", Options{CellTimeout: 50 * time.Millisecond},
			`stdout "x" | TimeoutError: the cell took longer than its limit of 50ms and was interrupted`,
			"cell 1: the cell took longer", ""},
		"times out, keeps going": {"hang", Options{CellTimeout: 50 * time.Millisecond, KeepGoing: true},
			"TimeoutError: the cell took longer than its limit of 50ms and was interrupted", "cell 1: the cell took longer",
			after},
		"cannot be interrupted": {"deaf", Options{CellTimeout: 50 * time.Millisecond, KeepGoing: true},
			"TimeoutError: the cell took longer than its limit of 50ms and was interrupted", "cell 1: the cell took longer", ""},
		"dies": {"stdout \"x\"\ndie", Options{KeepGoing: true},
			"stdout \"x\" | DeadKernelError: the kernel died (exit status 3); the last it said was:\nlast words",
			"cell 1: the kernel died", ""},
		"is forged": {"forge\nhang", Options{}, "KernelError: session: " + wire.ErrSignature.Error() +
			": something else is writing to the kernel's sockets", "cell 1: session: wire", ""},
	} {
		t.Run(name, func(t *testing.T) {
			nb := cells(test.source, after)
			nb.Cells[1].Outputs = []*notebook.Output{{Type: notebook.Stream, Name: "stdout", Text: "of an earlier run"}}
			err := execute(t, nb, test.options)
			if got := fmt.Sprint(err); test.err == "" && err != nil || !strings.HasPrefix(got, test.err) {
				t.Errorf("error %v, want %q", err, test.err)
			}
			var problem *Problem
			if test.err != "" && (!errors.As(err, &problem) || problem.ID != "c1") {
				t.Errorf("error %#v names no cell", err)
			}
			if got := outputs(nb.Cells[0]); got != test.outputs {
				t.Errorf("got  %s\nwant %s", got, test.outputs)
			}
			want := ""
			if test.next != "" {
				want = after
			}
			if got := outputs(nb.Cells[1]); got != want {
				t.Errorf("the next cell: got %q, want %q", got, want)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	nb := cells("stdout \"x\"\nhang", `stdout "after"`)
	cause := errors.New("stopped by hand")
	ctx, cancel := context.WithCancelCause(context.Background())
	o := Options{Kernel: fakekernel.Spec(), KeepGoing: true, Progress: func(p Progress) {
		if !p.Done {
			time.AfterFunc(50*time.Millisecond, func() { cancel(cause) })
		}
	}}
	if err := Run(ctx, nb, o); !errors.Is(err, cause) {
		t.Errorf("error %v, want %v", err, cause)
	}
	if got := outputs(nb.Cells[0]); !strings.HasPrefix(got, `stdout "x" | `) || nb.Cells[1].Outputs != nil {
		t.Errorf("got %s and %s", got, outputs(nb.Cells[1]))
	}
}

func TestKernelThatDoesNotStart(t *testing.T) {
	nb := cells(`stdout "x"`)
	nb.Cells[0].Outputs = []*notebook.Output{{Type: notebook.Stream, Name: "stdout", Text: "of an earlier run"}}
	err := Run(context.Background(), nb, Options{Kernel: session.Spec{Argv: []string{"/nonexistent"}}})
	if err == nil || !strings.Contains(err.Error(), "the kernel did not start") || nb.Cells[0].Outputs != nil {
		t.Errorf("error %v, outputs %s", err, outputs(nb.Cells[0]))
	}
}

func TestProgress(t *testing.T) {
	nb := cells("// the first thing\nstdout \"x\"", "error E bad", "stop")
	nb.Cells = append(nb.Cells[:1:1],
		append([]*notebook.Cell{{Type: notebook.Markdown, ID: "m", Source: "# Big\n\ntext\n## The middle\n"}},
			nb.Cells[1:]...)...)
	var seen []string
	execute(t, nb, Options{KeepGoing: true, Progress: func(p Progress) {
		seen = append(seen, fmt.Sprintf("%d/%d %s %v %v", p.Cell, p.Cells, p.Title, p.Done, p.Problem != nil))
	}})
	want := []string{
		"1/3 the first thing false false", "1/3 the first thing true false",
		"2/3 The middle false false", "2/3 The middle true true",
		"3/3 The middle false false", "3/3 The middle true false",
	}
	if !reflect.DeepEqual(seen, want) {
		t.Errorf("got %q, want %q", seen, want)
	}
}

// Texts that are redrawn in place are told as they change, pictures and plain outputs are not.
func TestLive(t *testing.T) {
	nb := cells("display one 10 %\nupdate one 20 %\ndisplay - other\nstdout \"x\"\ndata {\"text/plain\": \"a\", " +
		"\"image/png\": \"AAAA\"}\nupdate one done")
	var told []string
	if err := execute(t, nb, Options{Live: func(text string) { told = append(told, text) }}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"10 %", "20 %", "done"}; !reflect.DeepEqual(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

func TestTextIsBounded(t *testing.T) {
	r := newRecorder()
	request := wire.New("s", "execute_request", wire.Empty{})
	nb := cells("x")
	r.begin(request, nb.Cells[0])
	chunk := strings.Repeat("0123456789abcdef\n", 4096)
	for range 100 { // 7 MB
		r.handle(wire.Reply(request, "stream", wire.Stream{Name: "stdout", Text: chunk}))
	}
	r.finish(strings.Clone)
	text := nb.Cells[0].Outputs[0].Text
	if len(text) > maxText+2*len(chunk) || !strings.HasSuffix(text, "more than 2 MB]\n") {
		t.Errorf("%d bytes, ending in %q", len(text), text[len(text)-60:])
	}
}
