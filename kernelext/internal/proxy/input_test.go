// SPDX-License-Identifier: Apache-2.0

package proxy_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

const scanning = "import (\"bufio\"; \"fmt\"; \"io\"; \"os\")\n" +
	"var (_ = bufio.NewReader; _ = io.EOF; _ = os.Args; _ = fmt.Println)\n%%\n"

// Where nobody can answer, whatever reads its input reads the end of it, at once.
func TestInputIsAtItsEnd(t *testing.T) {
	t.Parallel()
	config, _ := real(t)
	f := serve(t, config)
	for _, test := range []struct{ code, want string }{
		{scanning + "var n int\n_, err := fmt.Scan(&n)\nfmt.Println(n, err)", "0 EOF\n"},
		{scanning + "s, err := bufio.NewReader(os.Stdin).ReadString('\\n')\nfmt.Printf(\"%q %v\\n\", s, err)", "\"\" EOF\n"},
		{"!read x; echo got $x", "got\n"},
		{"!cat", ""},
		{"!cat | wc -c", "0\n"},
		{"%%bash\nread x\nread y <&1\necho $x", ""}, // a script reads what follows in it, as everywhere
	} {
		start := time.Now()
		r := f.execute(test.code)
		if r.printed("stdout") != test.want && test.want != "" || time.Since(start) > 10*time.Second {
			t.Errorf("%q: %s after %v", test.code, r, time.Since(start))
		}
	}
	ask := scanning + "gonbui.RequestInput(\"name\", false)\nvar s string\nfmt.Scan(&s)"
	if r := f.execute(ask); r.reply.Name != "InputError" {
		t.Errorf("a program that asks: %s", r)
	}
}

// Where somebody can answer, whatever waits for input gets it.
func TestInputIsAskedFor(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux shows what a program waits for")
	}
	config, _ := real(t)
	f := serve(t, config)
	long := strings.Repeat("long line ", 20000)
	for _, test := range []struct {
		code    string
		answers []string
		want    string
	}{
		{scanning + "fmt.Print(\"name? \")\ns, err := bufio.NewReader(os.Stdin).ReadString('\\n')\n" +
			"fmt.Printf(\"%q %v\\n\", s, err)",
			[]string{"Ada"}, "name? \"Ada\\n\" <nil>\n"},
		{scanning + "var a, b int\nfmt.Scan(&a)\nfmt.Scan(&b)\nfmt.Println(a + b)", []string{"20", "22"}, "42\n"},
		{scanning + "var a, b int\nfmt.Scan(&a)\nfmt.Scan(&b)\nfmt.Println(a + b)", []string{"20 22"}, "42\n"},
		{scanning + "var a int\nfmt.Scan(&a)\nfmt.Println(a)", []string{"", "", "7"}, "7\n"},
		{scanning + "b, err := io.ReadAll(os.Stdin)\nfmt.Printf(\"%q %v\", b, err)", []string{"a", "^D"}, "\"a\\n\" <nil>"},
		{scanning + "b, err := io.ReadAll(os.Stdin)\nfmt.Print(len(b), err)",
			[]string{long, "\x04"}, fmt.Sprint(len(long)+1, " <nil>")},
		{scanning + "io.Copy(os.Stdout, os.Stdin)", []string{"käse", "^D"}, "käse\n"},
		{"!read x; echo got $x", []string{"it"}, "got it\n"},
		{"!read x; read y; echo $y $x\n!read z; echo $z", []string{"a", "b", "c"}, "b a\nc\n"},
		{"!cat", []string{"one", "two", "^D"}, "one\ntwo\n"},
		{"!cat | tr a-z A-Z", []string{"one", "^D"}, "ONE\n"},
		{scanning + "gonbui.RequestInput(\"name\", true)\nvar s string\nfmt.Scan(&s)\nfmt.Println(s)",
			[]string{"secret"}, "secret\n"},
		{"%with_password\n!read -s x; echo $x", []string{"secret"}, "secret\n"},
	} {
		ask := request(test.code)
		ask.AllowStdin = true
		m := f.send(f.sockets.Shell, "execute_request", ask)
		for i, answer := range test.answers {
			question := f.next(f.stdin)
			var prompt wire.InputRequest
			question.Decode(&prompt)
			if question.Header.Type != "input_request" || question.Parent.ID != m.Header.ID ||
				prompt.Password != (test.answers[0] == "secret") {
				t.Errorf("%q: question %d is %+v", test.code, i, question)
			}
			if hint := strings.Contains(prompt.Prompt, "^D"); hint != (i > 0) {
				t.Errorf("%q: question %d has the prompt %q", test.code, i, prompt.Prompt)
			}
			// One that nobody has asked for, and then twice the same.
			other := wire.New("", "input_request", wire.Empty{})
			f.sockets.Stdin.Send(wire.Reply(other, "input_reply", wire.InputReply{Value: "nobody's"}))
			reply := wire.Reply(question, "input_reply", wire.InputReply{Value: answer})
			if i%2 == 1 {
				reply.Parent = wire.Header{} // some front ends name no parent
			}
			f.sockets.Stdin.Send(reply)
			f.sockets.Stdin.Send(wire.Reply(question, "input_reply", wire.InputReply{Value: answer + " again"}))
		}
		if r := f.collect(m); r.printed("stdout") != test.want {
			t.Errorf("%q: %.200s, want %q", test.code, r, test.want)
		}
		select {
		case m := <-f.stdin:
			t.Errorf("%q: one question more: %+v", test.code, m)
		default:
		}
	}

	// Interrupted while it waits. The answer that comes then is nobody's, also when the next cell asks.
	ask := request(scanning + "var s string\nfmt.Scan(&s)\nfmt.Println(s)")
	ask.AllowStdin = true
	m := f.send(f.sockets.Shell, "execute_request", ask)
	question := f.next(f.stdin)
	f.send(f.sockets.Control, "interrupt_request", wire.Empty{})
	if r := f.collect(m); r.reply.Name != "Interrupted" {
		t.Errorf("interrupted: %s", r)
	}
	f.sockets.Stdin.Send(wire.Reply(question, "input_reply", wire.InputReply{Value: "late"}))
	next := f.send(f.sockets.Shell, "execute_request", ask)
	second := f.next(f.stdin)
	f.sockets.Stdin.Send(wire.Reply(question, "input_reply", wire.InputReply{Value: "later"}))
	f.sockets.Stdin.Send(wire.Reply(second, "input_reply", wire.InputReply{Value: "in time"}))
	if r := f.collect(next); r.printed("stdout") != "in\n" {
		t.Errorf("the next cell: %s", r)
	}

	// A program that works, or waits for something else, is asked nothing.
	ask = request(scanning + "time.Sleep(500*time.Millisecond)\nfmt.Println(\"done\")\n")
	ask.AllowStdin = true
	r := f.collect(f.send(f.sockets.Shell, "execute_request", ask))
	if r.printed("stdout") != "done\n" || len(f.stdin) != 0 {
		t.Errorf("a program that reads nothing: %s, %d questions", r, len(f.stdin))
	}
}
