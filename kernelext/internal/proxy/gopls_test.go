// SPDX-License-Identifier: Apache-2.0

package proxy_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

// help asks about the code and returns what a person gets to read.
func (f *front) help(code string) string {
	f.t.Helper()
	var reply wire.InspectReply
	if err := f.ask(f.sockets.Shell, "inspect_request", wire.CursorRequest{Code: code}).Decode(&reply); err != nil {
		f.t.Fatal(err)
	}
	text, _ := reply.Data["text/plain"].(string)
	return text
}

// gopls is made when it is first asked for, once and in the background: questions and cells are answered meanwhile, and
// then GoNB is started again to find it, without a word. Where GoNB has more to lose it is left alone.
func TestGoplsIsMadeWhenAskedFor(t *testing.T) {
	for name, test := range map[string]struct {
		cell    string
		adopted bool
	}{
		"declarations": {"stdout \"x\"", true},
		"modules":      {"stdout \"x\"\n!*go get example.org/x", false},
	} {
		t.Run(name, func(t *testing.T) {
			config, calls, built := fake(), make(chan bool, 8), make(chan bool)
			config.MakeGopls = func(context.Context) error {
				calls <- true
				<-built
				return nil
			}
			f := serve(t, config)
			f.execute(test.cell)
			if len(calls) > 0 {
				t.Error("gopls is made before anybody asks")
			}
			before := f.execute("pid").text()
			for range 2 {
				f.ask(f.sockets.Shell, "complete_request", wire.CursorRequest{Code: "x"})
				if said := f.help("x"); !strings.Contains(said, "built in the background") {
					t.Errorf("while it is made, help says %q", said)
				}
			}
			if got := f.execute("pid"); got.printed("stdout") != before ||
				!strings.Contains(got.printed("stderr"), "built in the background") {
				t.Errorf("while it is made, a cell shows %s", got)
			}
			close(built)
			for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
				said := f.help("x")
				if test.adopted && !strings.Contains(said, "gopls is b") ||
					!test.adopted && strings.Contains(said, "started again") {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("once it is made, help says %q", said)
				}
			}
			if got := f.execute("pid"); (got.text() != before) != test.adopted || len(got.said) != 1 {
				t.Errorf("before it was %s, now a cell shows %s", before, got)
			}
			if len(calls) != 1 {
				t.Errorf("gopls was made %d times", len(calls))
			}
		})
	}
}

// Without a network gopls cannot be made. Cells run on, and whoever asks for help reads why.
func TestGoplsThatCannotBeMade(t *testing.T) {
	config := fake()
	config.MakeGopls = func(context.Context) error { return errors.New("no such host: connect once") }
	f := serve(t, config)
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if said := f.help("x"); strings.Contains(said, "no such host: connect once") &&
			strings.Contains(said, "kernel install --completion") {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("help says %q", said)
		}
	}
	if r := f.execute(`stdout "x"`); r.String() != "stdout x" {
		t.Errorf("a cell shows %s", r)
	}
}
