// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// listening is a kernel whose shell answers every request, at a Unix-domain socket, and a front end of it.
func listening(t *testing.T) (Connection, *Sockets) {
	t.Helper()
	dir, err := os.MkdirTemp("", "w") // a short name, for the sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	c, err := NewConnection(dir)
	if err != nil {
		t.Fatal(err)
	}
	kernel, err := Listen(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kernel.Close)
	go func() {
		for t.Context().Err() == nil {
			if m, err := kernel.Shell.Receive(); err == nil {
				kernel.Shell.Send(Reply(m, "kernel_info_reply", KernelInfo{Status: "ok"}))
			}
		}
	}()
	return c, kernel
}

// answered fails unless the kernel answers a new front end soon.
func answered(t *testing.T, c Connection, what string) *Sockets {
	t.Helper()
	front, err := Dial(t.Context(), c)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	t.Cleanup(front.Close)
	asked(t, front, what)
	return front
}

// asked fails unless the kernel answers a front end soon.
func asked(t *testing.T, front *Sockets, what string) {
	t.Helper()
	front.Shell.Send(New("s", "kernel_info_request", Empty{}))
	done := make(chan error, 1)
	go func() {
		_, err := front.Shell.Receive()
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("%s: no answer", what)
	}
}

// stranger opens a connection to a port of the kernel.
func stranger(t *testing.T, c Connection, port int) net.Conn {
	t.Helper()
	conn, err := net.Dial(c.network(), c.address(port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// closed fails unless the kernel closes a connection.
func closed(t *testing.T, conn net.Conn, what string) {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%s: the connection is still open", what)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Frames of any length, and what is no ZMTP at all, cost the sender its connection and the kernel nothing.
func TestHostileFrames(t *testing.T) {
	c, _ := listening(t)
	front := answered(t, c, "at first")
	before := heap()
	for _, port := range []int{c.ShellPort, c.ControlPort, c.StdinPort, c.IOPubPort, c.HeartbeatPort} {
		partner := map[int]string{c.IOPubPort: sub, c.HeartbeatPort: req}[port]
		if partner == "" {
			partner = dealer
		}
		for _, size := range []uint64{1 << 33, 1 << 36, 1 << 62, 1<<63 - 1, 1 << 63, 1<<64 - 1} {
			conn := stranger(t, c, port)
			if _, err := greet(conn, partner, ""); err != nil {
				t.Fatal(err)
			}
			conn.Write(append(binary.BigEndian.AppendUint64([]byte{flagLong}, size), "abc"...))
			closed(t, conn, fmt.Sprintf("a frame of %d bytes", size))
		}
		for _, sent := range []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + strings.Repeat(" ", 64),
			strings.Repeat("\xff", 1000), "\xff" + strings.Repeat("\x00", 8) + "\x7f\x03\x00NULL" + strings.Repeat("\x00", 48) +
				"\x04\x0d\x05READY\xffSocket"} {
			conn := stranger(t, c, port)
			conn.Write([]byte(sent))
			closed(t, conn, fmt.Sprintf("%.20q", sent))
		}
	}
	many := stranger(t, c, c.ShellPort)
	if _, err := greet(many, dealer, ""); err != nil {
		t.Fatal(err)
	}
	many.Write(bytes.Repeat([]byte{flagMore, 0}, maxFrames+1))
	closed(t, many, "a message of more frames than are allowed")
	wrong := stranger(t, c, c.ShellPort)
	if _, err := greet(wrong, pub, ""); err == nil {
		closed(t, wrong, "a socket of another type")
	}
	// What is no message of Jupyter's, but one of ZeroMQ's, costs a front end nothing.
	for _, frames := range [][][]byte{
		{{}}, {delimiter}, slices.Repeat([][]byte{delimiter}, 8), slices.Repeat([][]byte{{'x'}}, 5000),
	} {
		if err := front.Shell.sendFrames(frames); err != nil {
			t.Fatal(err)
		}
	}
	asked(t, front, "after hostile frames")
	if grown := int64(heap()) - int64(before); grown > 16<<20 {
		t.Errorf("they cost %d bytes", grown)
	}
}

// Connections that say nothing, or half of something, keep nobody waiting.
func TestSilentConnections(t *testing.T) {
	defer func(peers int, bytes int64) { maxPeers, maxUnarrived = peers, bytes }(maxPeers, maxUnarrived)
	maxPeers, maxUnarrived = 40, 4<<20
	c, kernel := listening(t)
	front := answered(t, c, "at first")
	for range 100 {
		stranger(t, c, c.ShellPort)
	}
	answered(t, c, "with a hundred silent connections")
	for range 100 { // that shake hands and say no more
		if _, err := greet(stranger(t, c, c.ShellPort), dealer, ""); err != nil {
			t.Fatal(err)
		}
	}
	answered(t, c, "with a hundred more that shook hands")
	var last net.Conn
	for range 6 { // each of which begins a message of a megabyte
		last = stranger(t, c, c.ControlPort)
		if _, err := greet(last, dealer, ""); err != nil {
			t.Fatal(err)
		}
		last.Write(binary.BigEndian.AppendUint64([]byte{flagLong}, 2<<20))
		last.Write(make([]byte, 1<<20))
	}
	closed(t, last, "more bytes of messages that do not arrive than are allowed")
	asked(t, front, "in the end")
	kernel.Shell.mu.Lock()
	defer kernel.Shell.mu.Unlock()
	if n := len(kernel.Shell.peers) + len(kernel.Shell.greeting); n > maxPeers {
		t.Errorf("%d connections are open", n)
	}
}

// Connections that have ended leave no file behind them.
func TestConnectionsAreFreed(t *testing.T) {
	files := func() int {
		list, err := filepath.Glob("/proc/self/fd/*")
		if err != nil || len(list) == 0 {
			t.Skip("this system does not list open files")
		}
		return len(list)
	}
	c, kernel := listening(t)
	answered(t, c, "at first")
	before := files()
	for i := range 300 {
		conn := stranger(t, c, []int{c.ShellPort, c.IOPubPort, c.HeartbeatPort}[i%3])
		if i%2 == 0 {
			greet(conn, []string{dealer, sub, req}[i%3], "")
		}
		conn.Close()
	}
	for i := range 50 {
		front, err := Dial(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		asked(t, front, fmt.Sprint("front end ", i))
		front.Close()
	}
	remembered := func() (n int) {
		for _, s := range []*Socket{kernel.Shell, kernel.IOPub, kernel.heartbeat} {
			s.mu.Lock()
			n += len(s.peers) + len(s.greeting) + len(s.topics)
			s.mu.Unlock()
		}
		return n
	}
	// The first front end is still there, on three sockets and with one subscription.
	deadline := time.Now().Add(10 * time.Second)
	for ; files() > before+5 || remembered() > 4; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d files are open, before there were %d; the sockets remember %d connections and subscriptions",
				files(), before, remembered())
		}
	}
}

// A message that comes again, on whatever channel, is refused.
func TestReplayIsRefused(t *testing.T) {
	dir := t.TempDir()
	c, err := NewConnection(dir)
	if err != nil {
		t.Fatal(err)
	}
	kernel, err := Listen(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	front, err := Dial(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer front.Close()
	m := New("s", "execute_request", ExecuteRequest{Code: "x"})
	front.Shell.Send(m)
	if _, err := kernel.Shell.Receive(); err != nil {
		t.Fatal(err)
	}
	front.Shell.Send(m)
	if _, err := kernel.Shell.Receive(); !errors.Is(err, ErrReplayed) {
		t.Errorf("again: %v", err)
	}
	front.Control.Send(m)
	if _, err := kernel.Control.Receive(); !errors.Is(err, ErrReplayed) {
		t.Errorf("on control: %v", err)
	}
	front.Shell.Send(New("s", "execute_request", ExecuteRequest{Code: "x"}))
	if _, err := kernel.Shell.Receive(); err != nil {
		t.Errorf("another: %v", err)
	}

	h := newHistory()
	for i := range remembered + 10 {
		if !h.add(fmt.Append(nil, i)) {
			t.Fatalf("signature %d is said to be known", i)
		}
	}
	if len(h.known) != remembered || len(h.order) != remembered || h.add(fmt.Append(nil, 20)) ||
		!h.add(fmt.Append(nil, 3)) {
		t.Error("the history does not hold the last ones")
	}
}

// Nobody gets what is for another who is connected, by taking its name.
func TestIdentityIsTaken(t *testing.T) {
	c, _ := listening(t)
	first := stranger(t, c, c.ShellPort)
	p, err := greet(first, dealer, "front")
	if err != nil {
		t.Fatal(err)
	}
	go p.write()
	p.limit = maxDialled
	exchange := func() {
		t.Helper()
		frames, err := Codec{Key: []byte(c.Key)}.Encode(New("s", "kernel_info_request", Empty{}))
		if err != nil {
			t.Fatal(err)
		}
		p.enqueue(encode(frames), maxBehind)
		if _, err := p.receive(); err != nil {
			t.Errorf("the first: %v", err)
		}
	}
	exchange()
	second := stranger(t, c, c.ShellPort)
	if _, err := greet(second, dealer, "front"); err == nil {
		closed(t, second, "a second front end of the same name")
	}
	exchange()
	first.Close()
	for deadline := time.Now().Add(5 * time.Second); ; {
		third := stranger(t, c, c.ShellPort)
		if _, err := greet(third, dealer, "front"); err == nil {
			third.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			if _, err := third.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
				return // it is let in
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("the name stays taken after its owner has gone")
		}
	}
}

// A subscriber that does not read keeps nobody else waiting.
func TestSlowSubscriber(t *testing.T) {
	c, kernel := listening(t)
	front := answered(t, c, "at first")
	slow := stranger(t, c, c.IOPubPort)
	if _, err := greet(slow, sub, ""); err != nil {
		t.Fatal(err)
	}
	slow.Write([]byte{0, 1, 1})
	for kernel.IOPub.subscribers() < 2 {
		time.Sleep(time.Millisecond)
	}
	text := strings.Repeat("x", 1<<20)
	for range 40 {
		m := New("s", "stream", Stream{Name: "stdout", Text: text})
		m.Identities = [][]byte{[]byte("stream")}
		kernel.IOPub.Send(m)
		if _, err := front.IOPub.Receive(); err != nil {
			t.Fatal(err)
		}
	}
	p := &peer{conn: slow}
	p.filled.L = &p.mu
	if err := p.enqueue(net.Buffers{make([]byte, 100)}, 10); err != nil {
		t.Errorf("the first message: %v", err)
	}
	if err := p.enqueue(net.Buffers{make([]byte, 100)}, 10); !errors.Is(err, errBehind) {
		t.Errorf("a peer that is behind: %v", err)
	}
	if err := p.enqueue(nil, 10); !errors.Is(err, errEnded) {
		t.Errorf("one that was given up: %v", err)
	}
}

func (s *Socket) subscribers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.topics)
}

// As a peer that speaks version 3.1 subscribes, and sees that the other end lives.
func TestCommands(t *testing.T) {
	c, kernel := listening(t)
	conn := stranger(t, c, c.IOPubPort)
	p, err := greet(conn, sub, "")
	if err != nil {
		t.Fatal(err)
	}
	p.limit = maxDialled
	command := func(text string) { conn.Write(append(frame(flagCommand, []byte(text)), text...)) }
	command("\x09SUBSCRIBEstr")
	for kernel.IOPub.subscribers() < 1 {
		time.Sleep(time.Millisecond)
	}
	for _, topic := range []string{"status", "stream"} {
		m := New("s", topic, Empty{})
		m.Identities = [][]byte{[]byte(topic)}
		kernel.IOPub.Send(m)
	}
	if frames, err := p.receive(); err != nil || string(frames[0]) != "stream" {
		t.Errorf("got %q, %v", frames, err)
	}
	command("\x04PING\x00\x10abc")
	flags, size, err := p.header()
	pong := make([]byte, size)
	io.ReadFull(p.in, pong)
	if flags != flagCommand || string(pong) != "\x04PONGabc" || err != nil {
		t.Errorf("PING is answered by %q, %v", pong, err)
	}
	command("\x06CANCELstr")
	for deadline := time.Now().Add(5 * time.Second); kernel.IOPub.topicsOf(0) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a subscription does not end")
		}
	}
}

func (s *Socket) topicsOf(i int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.topics[s.peers[i]])
}

// onePeer reads from a text as from a connection.
func onePeer(text []byte) *peer {
	here, there := net.Pipe()
	p := &peer{conn: here, limit: 1 << 16, allowance: newAllowance(1 << 16)}
	p.in = bufio.NewReader(bytes.NewReader(text))
	p.filled.L = &p.mu
	there.Close()
	return p
}

func FuzzReceive(f *testing.F) {
	f.Add([]byte("\x00\x03abc\x01\x01x\x00\x00"))
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x00\x00\x03abc\x04\x0a\x09SUBSCRIBE"))
	f.Add([]byte("\x02\x3f\xff\xff\xff\xff\xff\xff\xffabc"))
	f.Add([]byte("\x04\x07\x04PING\x00\x01"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p := onePeer(text)
		for {
			frames, err := p.receive()
			if err != nil {
				break
			}
			size := 0
			for _, frame := range frames {
				size += len(frame)
			}
			if len(frames) == 0 || size > len(text) {
				t.Fatalf("%d frames of %d bytes from %d", len(frames), size, len(text))
			}
			Codec{Key: []byte("key")}.Decode(frames)
		}
		if left := p.allowance.left.Load(); left != 1<<16 {
			t.Errorf("%d bytes of the allowance are left", left)
		}
	})
}

func FuzzReadReady(f *testing.F) {
	f.Add(property(property([]byte("\x05READY"), "Socket-Type", dealer), "Identity", "x"))
	f.Add([]byte("\x05READY\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, text []byte) {
		properties, err := readReady(text)
		for name, value := range properties {
			if err == nil && len(value) > len(text) {
				t.Errorf("%q: %q", name, value)
			}
		}
	})
}
