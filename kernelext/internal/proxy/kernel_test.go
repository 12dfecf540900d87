// SPDX-License-Identifier: Apache-2.0

package proxy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/fakekernel"
	"github.com/lateral-ml/lateral/kernelext/internal/proxy"
	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

// fake is a kernel whose cells are scripts instead of Go.
func fake() proxy.Config { return proxy.Config{Child: fakekernel.Spec()} }

func Example() {
	// "lateral kernel run FILE" does this with the connection file that Jupyter wrote, and GoNB as the child.
	connection, err := wire.ReadConnection("kernel.json")
	if err != nil {
		fmt.Println("no front end:", errors.Unwrap(err) != nil)
		return
	}
	proxy.Run(context.Background(), proxy.Config{Connection: connection, Child: fakekernel.Spec()})
	// Output: no front end: true
}

func TestKernelInfo(t *testing.T) {
	f := serve(t, fake())
	for _, socket := range []*wire.Socket{f.sockets.Shell, f.sockets.Control} {
		var info wire.KernelInfo
		m := f.ask(socket, "kernel_info_request", wire.Empty{})
		if err := m.Decode(&info); err != nil {
			t.Fatal(err)
		}
		l := info.LanguageInfo
		if m.Header.Type != "kernel_info_reply" || info.Status != "ok" || info.ProtocolVersion != "5.4" || l.Name != "go" ||
			l.FileExtension != ".go" || l.MIMEType != "text/x-go" || !strings.HasPrefix(l.Version, "1.") || info.Banner == "" {
			t.Errorf("%+v", info)
		}
	}
	if err := f.sockets.Beat(); err != nil {
		t.Error(err)
	}
}

// All that one cell makes a kernel say, in the protocol's order, and the count.
func TestExecute(t *testing.T) {
	f := serve(t, fake())
	m := f.send(f.sockets.Shell, "execute_request",
		request("stdout \"a\\n\"\ndisplay one b\nupdate one c\nclear wait\nresult d"))
	var got []string
	for {
		said := f.next(f.iopub)
		if said.Parent.ID != m.Header.ID {
			continue
		}
		what := said.Header.Type
		if s := state(said); s != "" {
			what = s
		}
		got = append(got, what)
		if len(said.Identities) != 1 || string(said.Identities[0]) != said.Header.Type {
			t.Errorf("%s has the topic %q", said.Header.Type, said.Identities)
		}
		if what == "idle" {
			break
		}
	}
	want := []string{"busy", "execute_input", "stream", "display_data", "update_display_data", "clear_output",
		"execute_result", "idle"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if reply := f.next(f.shell); reply.Header.Type != "execute_reply" || reply.Parent.ID != m.Header.ID {
		t.Errorf("the reply is %+v", reply.Header)
	}
	for count := 2; count < 4; count++ {
		if r := f.execute("result x"); r.reply.ExecutionCount != count || r.reply.Status != "ok" {
			t.Errorf("execution %d: %+v", count, r.reply)
		}
	}
	silent := request("stdout \"x\"")
	silent.Silent, silent.StoreHistory = true, false
	if r := f.collect(f.send(f.sockets.Shell, "execute_request", silent)); r.reply.ExecutionCount != 3 ||
		r.reply.Status != "ok" {
		t.Errorf("a silent one: %+v", r.reply)
	}
}

// After an error nothing that was queued runs, unless the front end says so.
func TestQueueIsAborted(t *testing.T) {
	for _, stop := range []bool{true, false} {
		f := serve(t, fake())
		var sent []*wire.Message
		for _, code := range []string{`stdout "a"`, "fail ValueError bad", `stdout "b"`, `stdout "c"`} {
			r := request(code)
			r.StopOnError = stop
			sent = append(sent, f.send(f.sockets.Shell, "execute_request", r))
		}
		var got []string
		for _, m := range sent {
			r := f.collect(m)
			got = append(got, r.reply.Status+" "+r.String())
		}
		want := []string{"ok stdout a", "error error Error: bad", "aborted ", "aborted "}
		if !stop {
			want = []string{"ok stdout a", "error error Error: bad", "ok stdout b", "ok stdout c"}
		}
		if !slices.Equal(got, want) {
			t.Errorf("stop %t: got %q, want %q", stop, got, want)
		}
		if r := f.execute(`stdout "later"`); r.String() != "stdout later" {
			t.Errorf("a later cell: %s", r)
		}
	}
}

func TestInterrupt(t *testing.T) {
	for code, want := range map[string]string{
		"stdout \"x\"\nprogram":        "Interrupted",
		"stdout \"x\"\nprogram ignore": "Interrupted", // and then killed
		"stdout \"x\"\ndeaf":           "KernelDied",  // GoNB itself is killed and started again
	} {
		t.Run(strings.TrimPrefix(code, "stdout \"x\"\n"), func(t *testing.T) {
			t.Parallel()
			f := serve(t, fake())
			running := f.send(f.sockets.Shell, "execute_request", request(code))
			waiting := request(`stdout "waits"`)
			waiting.StopOnError = false
			queued := f.send(f.sockets.Shell, "execute_request", waiting)
			for m := f.next(f.iopub); m.Header.Type != "stream"; m = f.next(f.iopub) {
			}
			time.Sleep(50 * time.Millisecond)
			reply := f.send(f.sockets.Control, "interrupt_request", wire.Empty{})
			if m := f.next(f.control); m.Header.Type != "interrupt_reply" || m.Parent.ID != reply.Header.ID {
				t.Errorf("the reply is %+v", m.Header)
			}
			if r := f.collect(running); r.reply.Status != "error" || r.reply.Name != want {
				t.Errorf("got %s, %+v", r, r.reply)
			}
			if r := f.collect(queued); r.reply.Status != "aborted" {
				t.Errorf("what was queued: %+v", r.reply)
			}
			if r := f.execute(`stdout "later"`); !strings.HasSuffix(r.String(), "stdout later") || r.reply.ExecutionCount != 2 {
				t.Errorf("a later cell: %s, %+v", r, r.reply)
			}
		})
	}
}

// Everything but execution is answered while a cell runs, and the kernel is seen busy all the while.
func TestQuestionsWhileBusy(t *testing.T) {
	f := serve(t, fake())
	running := f.send(f.sockets.Shell, "execute_request", request("stdout \"x\"\nprogram"))
	for m := f.next(f.iopub); m.Header.Type != "stream"; m = f.next(f.iopub) {
	}
	for _, what := range []string{"kernel_info", "is_complete", "history", "comm_info", "complete", "inspect"} {
		m := f.send(f.sockets.Shell, what+"_request", wire.Empty{})
		if reply := f.next(f.shell); reply.Header.Type != what+"_reply" || reply.Parent.ID != m.Header.ID {
			t.Errorf("%s: reply %+v", what, reply.Header)
		}
		var states []string
		for len(states) < 3 {
			if s := state(f.next(f.iopub)); s != "" {
				states = append(states, s)
			}
		}
		if !slices.Equal(states, []string{"busy", "idle", "busy"}) {
			t.Errorf("%s: states %v", what, states)
		}
	}
	f.ask(f.sockets.Control, "interrupt_request", wire.Empty{})
	f.collect(running)
}

func TestShutdown(t *testing.T) {
	for _, channel := range []string{"control", "shell"} {
		f := serve(t, fake())
		socket, replies := f.sockets.Control, f.control
		if channel == "shell" {
			socket, replies = f.sockets.Shell, f.shell
		}
		f.send(f.sockets.Shell, "execute_request", request("stdout \"x\"\nprogram")) // even so
		f.send(socket, "shutdown_request", wire.Shutdown{Restart: true})
		var content wire.Shutdown
		m := f.next(replies)
		if m.Decode(&content); m.Header.Type != "shutdown_reply" || content.Status != "ok" || !content.Restart {
			t.Errorf("%s: %+v, %+v", channel, m.Header, content)
		}
		select {
		case err := <-f.ended:
			f.ended <- err
			if err != nil {
				t.Error(err)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%s: the kernel does not end", channel)
		}
	}
}

func TestHistory(t *testing.T) {
	f := serve(t, fake())
	for _, code := range []string{`stdout "one"`, `stdout "two"`, "result 3", `stdout "one"`} {
		f.execute(code)
	}
	for _, test := range []struct {
		request wire.HistoryRequest
		want    string
	}{
		{wire.HistoryRequest{Access: "tail", N: 2}, `[[1 3 result 3] [1 4 stdout "one"]]`},
		{wire.HistoryRequest{Access: "range", Session: 0, Start: 2, Stop: 3}, `[[1 2 stdout "two"]]`},
		{wire.HistoryRequest{Access: "range", Session: 9, Start: 1, Stop: 3}, `[]`},
		{wire.HistoryRequest{Access: "search", Pattern: "*tw*"}, `[[1 2 stdout "two"]]`},
		{wire.HistoryRequest{Access: "search", Pattern: "*one?", Unique: true}, `[[1 4 stdout "one"]]`},
		{wire.HistoryRequest{Access: "tail", N: 1, Output: true}, `[[1 4 [stdout "one" <nil>]]]`},
		{wire.HistoryRequest{Access: "nonsense"}, `[]`},
	} {
		var reply wire.HistoryReply
		if err := f.ask(f.sockets.Shell, "history_request", test.request).Decode(&reply); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(reply.History); got != test.want || reply.Status != "ok" {
			t.Errorf("%+v: got %s, want %s", test.request, got, test.want)
		}
	}
}

func TestInput(t *testing.T) {
	f := serve(t, fake())
	ask := request("input your name:\nstdout \"done\"")
	ask.AllowStdin = true
	m := f.send(f.sockets.Shell, "execute_request", ask)
	question := f.next(f.stdin)
	var prompt wire.InputRequest
	if question.Decode(&prompt); question.Header.Type != "input_request" || prompt.Prompt != "your name:" ||
		question.Parent.ID != m.Header.ID {
		t.Errorf("the question: %+v", question)
	}
	f.sockets.Stdin.Send(wire.Reply(question, "input_reply", wire.InputReply{Value: "Ada"}))
	if r := f.collect(m); r.String() != "stdout Ada | stdout done" {
		t.Errorf("got %s", r)
	}
}

// Where nobody can answer, a cell that asks ends with an error instead of never.
func TestInputThatNobodyCanGive(t *testing.T) {
	f := serve(t, fake())
	r := f.execute("input your name:")
	if r.reply.Status != "error" || !strings.Contains(r.reply.Value, "kernel process") && r.reply.Name != "InputError" {
		t.Errorf("got %s, %+v", r, r.reply)
	}
}

func TestComms(t *testing.T) {
	f := serve(t, fake())
	open := func() map[string]map[string]string {
		var reply wire.CommInfoReply
		if err := f.ask(f.sockets.Shell, "comm_info_request", wire.Empty{}).Decode(&reply); err != nil {
			t.Fatal(err)
		}
		return reply.Comms
	}
	f.send(f.sockets.Shell, "comm_open", wire.Comm{ID: "a", Target: "slider"})
	f.send(f.sockets.Shell, "comm_open", wire.Comm{ID: "b", Target: "button"})
	f.send(f.sockets.Shell, "comm_close", wire.Comm{ID: "b"})
	if got, want := open(), map[string]map[string]string{"a": {"target_name": "slider"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("open comms %v, want %v", got, want)
	}
}

// What a reader does in the browser reaches the cell that waits for it; a cell that has ended is no trouble.
func TestReaderReachesTheCell(t *testing.T) {
	config := fake()
	f := serve(t, config)
	inbox := strings.TrimSpace(f.execute("env LATERAL_INBOX").text())
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(inbox, "0123abcd"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	send := func(msgType, id, target, value string) {
		f.send(f.sockets.Shell, msgType,
			json.RawMessage(fmt.Sprintf(`{"comm_id": %q, "target_name": %q, "data": {"value": %s}}`, id, target, value)))
	}
	send("comm_open", "0123abcd", "lateral", `"hello"`)
	send("comm_msg", "../123abc", "lateral", `1`) // names no socket
	send("comm_msg", "0123abcd", "", `2`)
	send("comm_open", "ffffffff", "lateral", `"hello"`) // nobody listens
	send("comm_close", "ffffffff", "", `null`)
	send("comm_msg", "0123abcd", "", `"done"`)
	var got []string
	for range 3 {
		buffer := make([]byte, 100)
		socket.SetReadDeadline(time.Now().Add(patience))
		n, err := socket.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(buffer[:n]))
	}
	if want := []string{`"hello"`, "2", `"done"`}; !slices.Equal(got, want) {
		t.Errorf("the cell hears %q, want %q", got, want)
	}
	socket.Close()
	if r := f.execute(`stdout "on"`); r.String() != "stdout on" {
		t.Errorf("afterwards: %s", r)
	}
}

// A request of a later protocol version does not hang its sender.
func TestUnknownRequest(t *testing.T) {
	f := serve(t, fake())
	for _, socket := range []*wire.Socket{f.sockets.Shell, f.sockets.Control} {
		m := f.send(socket, "fold_request", wire.Empty{})
		for got := f.next(f.iopub); got.Parent.ID != m.Header.ID || state(got) != "idle"; got = f.next(f.iopub) {
		}
	}
}

func TestForgedRequestIsPassedOver(t *testing.T) {
	f := serve(t, fake())
	m := wire.New(f.session, "execute_request", request(`stdout "forged"`))
	f.sockets.Shell.SendAs(wire.Codec{Key: []byte("another key")}, m)
	if r := f.execute(`stdout "real"`); r.String() != "stdout real" || r.reply.ExecutionCount != 1 {
		t.Errorf("got %s, %+v", r, r.reply)
	}
}
