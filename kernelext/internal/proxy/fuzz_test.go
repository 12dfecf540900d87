// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/lateral-ml/lateral/kernelext/internal/cell"
	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

// idle is a kernel without a child, that publishes to nobody.
func idle(f *testing.F) *kernel {
	dir, err := os.MkdirTemp("", "f") // a short name, for the sockets
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { os.RemoveAll(dir) })
	c, err := wire.NewConnection(dir)
	if err != nil {
		f.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	sockets, err := wire.Listen(ctx, c)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(cancel)
	return &kernel{sockets: sockets, id: "k", wake: make(chan struct{}, 1), env: map[string]string{},
		comms: map[string]string{}, places: map[string]string{}, completion: completion{life: ctx}}
}

// cellOn is the execution of a cell after one other.
func cellOn(k *kernel, code string) *execution {
	k.history = []entry{{1, "%%\nother := 1\nfunc broken( {"}}
	e := &execution{kernel: k, count: 2, cell: cell.Read(code), content: wire.ExecuteRequest{Code: code},
		request: wire.New("s", "execute_request", nil)}
	e.output = &output{kernel: k, request: e.request, count: 2, shown: map[string]bool{},
		origin: func(p place) place { return p }}
	return e
}

// Whatever GoNB publishes, of what programs print and draw through its pipes, is passed on or not, and never more of it
// than a front end can open.
func FuzzOutput(f *testing.F) {
	k := idle(f)
	f.Add("stream", `{"name":"stderr","text":"panic: x\n\ngoroutine 1 [running]:\nmain.main()\n\t`+
		`[[ Cell [1] Line 2 ]] /tmp/gonb_1/main.go:7\nexit status 2\n"}`)
	f.Add("display_data",
		`{"data":{"text/html":["<b>",3],"image/png":"x"},"metadata":{"image/png":{"alt":"y"}},`+
			`"transient":{"display_id":"a"}}`)
	f.Add("update_display_data", `{"data":null,"transient":{"display_id":"a"}}`)
	f.Add("comm_open", `{"comm_id":"a","target_name":"t"}`)
	f.Add("stream", `{"name":"stderr","text":"signal: killed\n"}`)
	f.Fuzz(func(t *testing.T, kind, content string) {
		if !json.Valid([]byte(content)) {
			return // the codec refuses it
		}
		e := cellOn(k, "!ls\nx")
		for range 3 {
			e.output.handle(&wire.Message{Header: wire.Header{ID: "m", Type: kind}, Content: json.RawMessage(content)})
		}
		report, exit := e.output.end()
		if len(report) > 4*len(content)+maxReport || exit != "" && !exitLine.MatchString(exit+"\n") {
			t.Errorf("a report of %d bytes, and the end %q", len(report), exit)
		}
		if last := e.output.last(3); !utf8.ValidString(last) {
			t.Errorf("the last lines are %q", last)
		}
	})
}

// Whatever a program or the compiler reports, there is a failure to show.
func FuzzFailure(f *testing.F) {
	k := idle(f)
	f.Add("Cell[2]: Line 1\n\x1b[7mx\nundefined: x", "exit status 1",
		"panic: x\n\ngoroutine 1 [running]:\nmain.main()\n\t/tmp/gonb_1/main.go:7 +0x1", "x := 1\nother")
	f.Add("main.go:3:1\n\tfoo\n\t^\nexpected declaration, found x", "# example.org/p\np.go:1:1: y", "fatal error: y", "!x")
	f.Add("", "", "", "")
	f.Add("Cell[99999999999999999999]: Line -1\nx\nundefined: other", "no; to add it:",
		"panic: [[ Cell [2] Line 999 ]] /gonb_0/main.go:99999999999999999999", "")
	f.Fuzz(func(t *testing.T, entry, value, report, code string) {
		e := cellOn(k, code)
		compiled := e.notCompiled(wire.ExecuteReply{Status: "error", Name: "ERROR", Value: value,
			Traceback: strings.Split(entry, "\x00")})
		for _, failed := range []*failure{compiled, e.died(report, value)} {
			lines := failed.text()
			if failed.Name == "" || len(lines) == 0 || failed.Line < 0 ||
				failed.Line > 0 && !strings.Contains(failed.value(), "line ") {
				t.Errorf("%+v", failed)
			}
		}
	})
}

// A history request is answered with cells that were executed.
func FuzzHistory(f *testing.F) {
	k := idle(f)
	k.history = []entry{{1, "a"}, {2, "b\n*"}, {3, "a"}}
	f.Add(`{"hist_access_type":"range","session":0,"start":-9,"stop":2147483648}`)
	f.Add(`{"hist_access_type":"search","pattern":"*a?*","n":2,"unique":true,"output":true}`)
	f.Add(`{"hist_access_type":"tail","n":-3}`)
	f.Fuzz(func(t *testing.T, content string) {
		reply := k.recall(&wire.Message{Header: wire.Header{Type: "history_request"}, Content: json.RawMessage(content)})
		if reply.Status != "ok" || reply.History == nil || len(reply.History) > 3 || len(k.history) != 3 {
			t.Errorf("%+v", reply)
		}
	})
}

// What gives back declarations runs no command but those that last, and each of its lines is one of the cells'.
func FuzzReplay(f *testing.F) {
	for _, code := range []string{
		"import \"fmt\"\n%env A b\n!ls\nvar x = 1 // one", "%%bash\necho never",
		"const s = `\n!touch x\n%env A b\n`\nfunc main() {\n}\n",
		"%cd \\\n..\n%%\nx := `\n%%`", "%env A `\nvar x = `\n%env B c\n`",
	} {
		f.Add(code, "func g() {}\n"+code)
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		cells := []source{{1, one}, {2, two}}
		code, origin := replay(cells)
		c := cell.Read(code)
		if c.Fault != nil || len(origin) != len(c.Lines) && code != "" {
			t.Fatalf("%q and %q become %q: %+v, %d lines from %d", one, two, code, c.Fault, len(c.Lines), len(origin))
		}
		for i, from := range origin {
			if name := c.Name(i); name != "" && !slices.Contains(lasting, name) {
				t.Errorf("%q and %q become %q, which runs %s", one, two, code, name)
			}
			if lines := cell.Read(cells[from.count-1].code).Lines; from.line < 1 || from.line > len(lines) || c.Name(i) == "" &&
				c.Lines[i] != lines[from.line-1] {
				t.Errorf("line %d of %q is not that of %q", i+1, code, cells[from.count-1].code)
			}
		}
	})
}

// A Tab or a question at any place of any cell has an answer whose place is in the cell.
func FuzzTab(f *testing.F) {
	k := idle(f)
	f.Add("%%\nfmt.Pri", 10)
	f.Add("x := `\n!é\r\n%", 9)
	f.Add("%pro", 4)
	f.Fuzz(func(t *testing.T, code string, at int) {
		content, err := json.Marshal(wire.CursorRequest{Code: code, CursorPos: at})
		if err != nil {
			t.Fatal(err)
		}
		size := len([]rune(code))
		reply := k.complete(&wire.Message{Header: wire.Header{Type: "complete_request"}, Content: content})
		if reply.CursorStart < 0 || reply.CursorStart > reply.CursorEnd || reply.CursorEnd > size {
			t.Errorf("%q at %d: %+v", code, at, reply)
		}
		if q := questionAt(code, min(max(0, at), size)); q.cursor < 0 || q.cursor > len(q.code) {
			t.Errorf("%q at %d: asked at %d of %d", code, at, q.cursor, len(q.code))
		}
	})
}
