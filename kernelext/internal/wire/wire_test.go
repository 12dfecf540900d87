// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func Example() {
	// A kernel and a front end in one process, over real sockets.
	dir, _ := os.MkdirTemp("", "")
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	connection, _ := NewConnection(dir)
	kernel, _ := Listen(ctx, connection)
	front, _ := Dial(ctx, connection)

	front.Shell.Send(New(NewID(), "execute_request", ExecuteRequest{Code: "1 + 1"}))
	request, _ := kernel.Shell.Receive()
	kernel.Shell.Send(Reply(request, "execute_reply", ExecuteReply{Status: "ok", ExecutionCount: 1}))
	reply, _ := front.Shell.Receive()

	var content ExecuteReply
	reply.Decode(&content)
	fmt.Println(reply.Header.Type, content.Status, reply.Parent.ID == request.Header.ID)
	// Output: execute_reply ok true
}

func TestCodecRoundTrip(t *testing.T) {
	request := New("session", "execute_request", ExecuteRequest{Code: "x"})
	request.Identities = [][]byte{[]byte("front"), {0, 1, 2}}
	m := Reply(request, "stream", Stream{Name: "stdout", Text: "é\n"})
	m.Metadata = map[string]any{"a": "b"}
	m.Buffers = [][]byte{[]byte("raw"), {}}
	for _, codec := range []Codec{{}, {Key: []byte("key")}} {
		frames, err := codec.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := codec.Decode(frames)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, m) {
			t.Errorf("key %q: got %+v, want %+v", codec.Key, got, m)
		}
	}
}

// The signature of a message made by hand: HMAC-SHA256 with key "key" over the
// four parts {}{}{}{}, worked out with openssl dgst -sha256 -hmac key.
func TestSignature(t *testing.T) {
	const want = "ca767b02c5bc061ed184a9a029e7f93a7f2f7ed4e8fe74120fc1212f0b008fa3"
	got := Codec{Key: []byte("key")}.sign([]byte("{}"), []byte("{}"), []byte("{}"), []byte("{}"))
	if string(got) != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}

func TestDecodeRefuses(t *testing.T) {
	codec := Codec{Key: []byte("key")}
	good, err := codec.Encode(New("s", "status", Status{State: "idle"}))
	if err != nil {
		t.Fatal(err)
	}
	change := func(frame int, to string) [][]byte {
		frames := append([][]byte{}, good...)
		frames[frame] = []byte(to)
		return frames
	}
	resigned := func(header string) [][]byte {
		frames := change(2, header)
		frames[1] = codec.sign(frames[2:]...)
		return frames
	}
	for name, test := range map[string]struct {
		frames [][]byte
		want   string
	}{
		"no frames":        {nil, "no delimiter"},
		"no delimiter":     {change(0, "x"), "no delimiter"},
		"too short":        {good[:5], "no delimiter followed by"},
		"changed content":  {change(5, `{"execution_state":"busy"}`), "signature"},
		"no signature":     {change(1, ""), "signature"},
		"another key's":    {change(1, strings.Repeat("0", 64)), "signature"},
		"header not JSON":  {resigned("{"), "header"},
		"header not right": {resigned(`{"msg_id": 3}`), "header"},
	} {
		_, err := codec.Decode(test.frames)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one about %q", name, err, test.want)
		}
	}
	if _, err := codec.Decode(change(1, "")); !errors.Is(err, ErrSignature) {
		t.Errorf("error %v is not ErrSignature", err)
	}
}

func FuzzDecode(f *testing.F) {
	codec := Codec{Key: []byte("key")}
	m := New("s", "status", Status{State: "idle"})
	m.Identities = [][]byte{[]byte("topic")}
	frames, _ := codec.Encode(m)
	f.Add(bytes.Join(frames, []byte{0}), true)
	f.Add([]byte("<IDS|MSG>\x00\x00{}\x00{}\x00{}\x00{}"), false)
	f.Add([]byte("\x00\x00\x00"), false)
	f.Fuzz(func(t *testing.T, data []byte, signed bool) {
		c := Codec{}
		if signed {
			c = codec
		}
		m, err := c.Decode(bytes.Split(data, []byte{0}))
		if err == nil && m.Content == nil {
			t.Error("a message without content")
		}
	})
}

func TestConnectionFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kernel.json")
	want, err := NewConnection(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := want.Write(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v: others can read the key", info.Mode())
	}
	got, err := ReadConnection(path)
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}

	for text, about := range map[string]string{
		"{":                    "unexpected end",
		`{"transport": "udp"}`: "udp",
		`{"transport": "tcp", "key": "k", "signature_scheme": "md5"}`: "md5",
		`{"transport": "tcp"}`:                                                "ip, the address",
		`{"transport": "tcp", "ip": "::1"}`:                                   "shell_port is 0",
		`{"transport": "tcp", "ip": "::1", "shell_port": 70000}`:              "70000, not a port",
		`{"transport": "tcp", "ip": "::1", "shell_port": 5, "iopub_port": 5}`: "shell_port and iopub_port are both 5",
	} {
		os.WriteFile(path, []byte(text), 0o600)
		if _, err := ReadConnection(path); err == nil || !strings.Contains(err.Error(), about) {
			t.Errorf("%s: error %v, want one about %q", text, err, about)
		}
	}
}

func FuzzParseConnection(f *testing.F) {
	f.Add([]byte(`{"transport":"tcp","ip":"127.0.0.1","shell_port":1,"iopub_port":2,"stdin_port":3,` +
		`"control_port":4,"hb_port":5,"key":"k","signature_scheme":"hmac-sha256","kernel_name":"x"}`))
	f.Add([]byte(`{"transport":"ipc","ip":"/tmp/k","shell_port":1,"iopub_port":1}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseConnection(data)
		if err != nil {
			return
		}
		again, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if d, err := parseConnection(again); err != nil || d != c {
			t.Errorf("%+v becomes %+v, %v", c, d, err)
		}
		s := newSockets(t.Context(), c, router, pub, rep)
		defer s.stop()
		if n := len(s.byPort(c)); n != 5 {
			t.Errorf("%+v has %d sockets", c, n)
		}
	})
}

// A directory with a long path falls back to loopback ports, all different.
func TestLongPathUsesPorts(t *testing.T) {
	c, err := NewConnection("/" + strings.Repeat("x", 120))
	if err != nil {
		t.Fatal(err)
	}
	ports := map[int]bool{c.ShellPort: true, c.IOPubPort: true, c.StdinPort: true, c.ControlPort: true,
		c.HeartbeatPort: true}
	if c.Transport != "tcp" || c.IP != "127.0.0.1" || len(ports) != 5 {
		t.Errorf("connection %+v", c)
	}
}

func TestTransports(t *testing.T) {
	for _, dir := range []string{"", "/" + strings.Repeat("x", 120)} {
		if dir == "" {
			var err error
			if dir, err = os.MkdirTemp("", "w"); err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(dir)
		}
		c, err := NewConnection(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(c.Transport, func(t *testing.T) { exchange(t, c) })
	}
}

// exchange has a front end and a kernel talk on every channel.
func exchange(t *testing.T, c Connection) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	kernel, err := Listen(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	front, err := Dial(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	defer front.Close()

	if err := front.Beat(); err != nil {
		t.Error(err)
	}
	for name, pair := range map[string][2]*Socket{
		"shell":   {front.Shell, kernel.Shell},
		"control": {front.Control, kernel.Control},
	} {
		request := New("s", "kernel_info_request", Empty{})
		if err := pair[0].Send(request); err != nil {
			t.Fatal(name, err)
		}
		got, err := pair[1].Receive()
		if err != nil || got.Header != request.Header {
			t.Fatalf("%s: kernel got %+v, %v", name, got, err)
		}
		if err := pair[1].Send(Reply(got, "kernel_info_reply", KernelInfo{Status: "ok"})); err != nil {
			t.Fatal(name, err)
		}
		if reply, err := pair[0].Receive(); err != nil || reply.Parent != request.Header {
			t.Errorf("%s: front end got %+v, %v", name, reply, err)
		}
	}

	// What is published before the subscription has arrived is lost, so repeat.
	seen := make(chan *Message)
	go func() {
		m, _ := front.IOPub.Receive()
		seen <- m
	}()
	for {
		kernel.IOPub.Send(New("s", "status", Status{State: "idle"}))
		select {
		case m := <-seen:
			if m == nil || m.Header.Type != "status" {
				t.Errorf("iopub: %+v", m)
			}
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestDialGivesUp(t *testing.T) {
	c, err := NewConnection(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := Dial(ctx, c); err == nil {
		t.Error("no error, though no kernel listens")
	}
}

// While a kernel that accepts connections does not answer, Dial ends with its context, and leaves no connection open.
func TestDialIsCancelled(t *testing.T) {
	c, err := NewConnection(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan net.Conn, 5)
	for _, port := range []int{c.ShellPort, c.IOPubPort, c.StdinPort, c.ControlPort, c.HeartbeatPort} {
		l, err := net.Listen(c.network(), c.address(port))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				accepted <- conn
			}
		}()
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := Dial(ctx, c)
		done <- err
	}()
	conn := <-accepted
	defer conn.Close()
	if _, err := io.ReadFull(conn, make([]byte, greetingSize)); err != nil { // it waits for ours
		t.Fatal(err)
	}
	cancelled := time.Now()
	cancel()
	closed(t, conn, "after the context")
	select {
	case err := <-done:
		if err == nil {
			t.Error("no error")
		}
	case <-time.After(20 * time.Second):
		t.Error("Dial does not end")
	}
	if took := time.Since(cancelled); took > handshakeTime/2 {
		t.Errorf("Dial ended %v after its context", took)
	}
}

// A socket that is closed opens nothing: its context may end between the steps of Dial and Listen.
func TestClosedSocketsOpenNothing(t *testing.T) {
	c, kernel := listening(t)
	front := newSocket(t.Context(), dealer, kernel.Shell.codec)
	front.close()
	if err := front.dial(c.network(), c.address(c.ShellPort), ""); err == nil || len(front.peers) > 0 {
		t.Errorf("dial: %v, %d peers", err, len(front.peers))
	}
	back := newSocket(t.Context(), router, kernel.Shell.codec)
	back.close()
	if err := back.listen("tcp", "127.0.0.1:0"); err == nil {
		t.Errorf("it listens at %v", back.listener.Addr())
		back.listener.Close()
	}
}
