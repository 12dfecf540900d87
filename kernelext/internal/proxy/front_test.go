// SPDX-License-Identifier: Apache-2.0

package proxy_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/fakekernel"
	"github.com/lateral-ml/lateral/kernelext/internal/proxy"
	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

func TestMain(m *testing.M) {
	fakekernel.Main()
	os.Exit(m.Run())
}

// A front is a front end: it talks to a kernel and keeps what comes back.
type front struct {
	t       testing.TB
	session string
	sockets *wire.Sockets
	iopub   chan *wire.Message
	shell   chan *wire.Message
	control chan *wire.Message
	stdin   chan *wire.Message
	ended   chan error // Run's error
}

// serve runs a kernel over config's child, and connects a front end to it.
func serve(t testing.TB, config proxy.Config) *front {
	t.Helper()
	dir, err := os.MkdirTemp("", "front") // a short name, for the sockets
	if err != nil {
		t.Fatal(err)
	}
	if config.Connection, err = wire.NewConnection(dir); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	f := &front{t: t, session: wire.NewID(), iopub: make(chan *wire.Message, 4096), shell: make(chan *wire.Message, 64),
		control: make(chan *wire.Message, 64), stdin: make(chan *wire.Message, 8), ended: make(chan error, 1)}
	go func() { f.ended <- proxy.Run(ctx, config) }()
	if f.sockets, err = wire.Dial(ctx, config.Connection); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		select {
		case <-f.ended:
		case <-time.After(10 * time.Second):
			t.Error("the kernel does not end")
		}
		f.sockets.Close()
		os.RemoveAll(dir)
	})
	for socket, into := range map[*wire.Socket]chan *wire.Message{
		f.sockets.IOPub: f.iopub, f.sockets.Shell: f.shell, f.sockets.Control: f.control, f.sockets.Stdin: f.stdin,
	} {
		go func() {
			for ctx.Err() == nil {
				if m, err := socket.Receive(); err == nil {
					into <- m
				}
			}
		}()
	}
	// Output published before the subscription has arrived is lost, so ask until some arrives.
	for {
		f.send(f.sockets.Shell, "kernel_info_request", wire.Empty{})
		select {
		case <-f.iopub:
			f.settle()
			return f
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// settle forgets what has been said so far.
func (f *front) settle() {
	for {
		select {
		case <-f.iopub:
		case <-f.shell:
		case <-time.After(60 * time.Millisecond):
			return
		}
	}
}

func (f *front) send(socket *wire.Socket, msgType string, content any) *wire.Message {
	f.t.Helper()
	m := wire.New(f.session, msgType, content)
	if err := socket.Send(m); err != nil {
		f.t.Fatal(err)
	}
	return m
}

const patience = time.Minute

// next returns the next message of a channel.
func (f *front) next(from chan *wire.Message) *wire.Message {
	f.t.Helper()
	return f.nextOf(from, "")
}

// nextOf is next for a request that has come so far.
func (f *front) nextOf(from chan *wire.Message, soFar any) *wire.Message {
	f.t.Helper()
	select {
	case m := <-from:
		return m
	case <-time.After(patience):
		buffer := make([]byte, 1<<20)
		f.t.Fatalf("nothing more comes after %q\n%s", fmt.Sprint(soFar), buffer[:runtime.Stack(buffer, true)])
		return nil
	}
}

// ask sends a request on a socket and returns its reply, after its idle status.
func (f *front) ask(socket *wire.Socket, msgType string, content any) *wire.Message {
	f.t.Helper()
	request := f.send(socket, msgType, content)
	replies := f.shell
	if socket == f.sockets.Control {
		replies = f.control
	}
	var reply *wire.Message
	for reply == nil {
		if m := f.next(replies); m.Parent.ID == request.Header.ID {
			reply = m
		}
	}
	for {
		m := f.next(f.iopub)
		if m.Parent.ID == request.Header.ID && state(m) == "idle" {
			return reply
		}
	}
}

func state(m *wire.Message) string {
	var status wire.Status
	if m.Header.Type == "status" {
		m.Decode(&status)
	}
	return status.State
}

// A result is what executing a cell gave: a line for each message, and the reply.
type result struct {
	said  []string
	reply wire.ExecuteReply
}

func (r result) String() string { return strings.Join(r.said, " | ") }

// text is what was printed and displayed.
func (r result) text() string {
	var b strings.Builder
	for _, s := range r.said {
		_, text, _ := strings.Cut(s, " ")
		b.WriteString(text)
	}
	return b.String()
}

func request(code string) wire.ExecuteRequest {
	return wire.ExecuteRequest{Code: code, StoreHistory: true, StopOnError: true, UserExpressions: map[string]string{}}
}

// execute runs a cell.
func (f *front) execute(code string) result {
	f.t.Helper()
	return f.collect(f.send(f.sockets.Shell, "execute_request", request(code)))
}

// collect returns what a request gave, up to its idle status.
func (f *front) collect(m *wire.Message) result {
	f.t.Helper()
	var r result
	for {
		got := f.nextOf(f.iopub, r)
		if got.Parent.ID != m.Header.ID {
			continue
		}
		if state(got) == "idle" {
			break
		}
		if s := describe(got); s != "" {
			r.said = append(r.said, s)
		}
	}
	for {
		if reply := f.nextOf(f.shell, r); reply.Parent.ID == m.Header.ID {
			if err := reply.Decode(&r.reply); err != nil {
				f.t.Fatal(err)
			}
			return r
		}
	}
}

// describe writes a message on iopub in short.
func describe(m *wire.Message) string {
	switch m.Header.Type {
	case "stream":
		var s wire.Stream
		m.Decode(&s)
		return s.Name + " " + s.Text
	case "display_data", "update_display_data", "execute_result":
		var d wire.Display
		m.Decode(&d)
		return fmt.Sprint(strings.TrimSuffix(m.Header.Type, "_data"), " ", d.Data["text/plain"])
	case "error":
		var e wire.Error
		m.Decode(&e)
		return "error " + e.Name + ": " + e.Value
	case "clear_output":
		return "clear"
	}
	return ""
}
