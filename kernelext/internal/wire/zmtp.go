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
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// This file is as much of the ZeroMQ Message Transport Protocol, version 3.0
// without encryption, as kernels and front ends need
// (https://rfc.zeromq.org/spec/23/). Whatever a peer sends before it has proved
// that it has the key may be hostile: it costs a bounded amount of memory and
// time. (The package zmq4, which does the rest well, allocates what a frame says
// it will hold, and greets one peer after the other.)

// The types of sockets.
const (
	dealer = "DEALER"
	router = "ROUTER"
	pub    = "PUB"
	sub    = "SUB"
	req    = "REQ"
	rep    = "REP"
)

// partners are the types that may talk to each other.
var partners = map[string][]string{
	dealer: {router, rep, dealer}, router: {dealer, req, router}, pub: {sub, "XSUB"}, sub: {pub, "XPUB"}, req: {rep, router}, rep: {req, dealer},
}

const (
	greetingSize  = 64
	maxCommand    = 4 << 10
	maxFrames     = 1 << 10 // of a message
	maxIdentity   = 255
	freeBytes     = 64 << 10 // of a message, that do not count against the allowance
	handshakeTime = 5 * time.Second
	messageTime   = time.Minute // from its first byte to its last
)

// The flags of a frame.
const (
	flagMore    = 1
	flagLong    = 2
	flagCommand = 4
)

// An allowance is how many bytes may be held for messages that have not arrived
// whole. A nil one has no end.
type allowance struct{ left atomic.Int64 }

func newAllowance(bytes int64) *allowance {
	a := &allowance{}
	a.left.Store(bytes)
	return a
}

// take takes n bytes, or nothing if there are not so many.
func (a *allowance) take(n int) bool {
	if a == nil || a.left.Add(int64(-n)) >= 0 {
		return true
	}
	a.left.Add(int64(n))
	return false
}

func (a *allowance) give(n int) {
	if a != nil {
		a.left.Add(int64(n))
	}
}

// A peer is the other end of a connection.
type peer struct {
	conn      net.Conn
	in        *bufio.Reader
	identity  string
	allowance *allowance
	limit     int // bytes of a message

	proven atomic.Bool // it has sent a message that was signed with the key

	mu     sync.Mutex
	filled sync.Cond // there is something to write, or nothing more
	out    net.Buffers
	behind int // bytes in out
	ended  bool
}

var errProtocol = errors.New("wire: the peer does not speak ZMTP 3")

// greet shakes hands over a new connection: who the peer is, and that its socket
// fits one of this type.
func greet(conn net.Conn, socketType, identity string) (*peer, error) {
	p := &peer{conn: conn, in: bufio.NewReaderSize(conn, 32<<10)}
	p.filled.L = &p.mu
	conn.SetDeadline(time.Now().Add(handshakeTime))
	greeting := [greetingSize]byte{0: 0xff, 9: 0x7f, 10: 3}
	copy(greeting[12:], "NULL")
	ready := property(property([]byte("\x05READY"), "Socket-Type", socketType), "Identity", identity)
	first := append(greeting[:], frame(flagCommand, ready)...)
	if _, err := conn.Write(append(first, ready...)); err != nil {
		return nil, err
	}
	var theirs [greetingSize]byte
	if _, err := io.ReadFull(p.in, theirs[:]); err != nil {
		return nil, err
	}
	mechanism, _, _ := strings.Cut(string(theirs[12:32]), "\x00")
	if theirs[0] != 0xff || theirs[9] != 0x7f || theirs[10] < 3 || mechanism != "NULL" {
		return nil, errProtocol
	}
	flags, size, err := p.header()
	if err != nil || flags&flagCommand == 0 || size > maxCommand {
		return nil, errors.Join(err, errProtocol)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(p.in, body); err != nil {
		return nil, err
	}
	properties, err := readReady(body)
	if err != nil {
		return nil, err
	}
	if theirs := properties["socket-type"]; !slices.Contains(partners[socketType], theirs) {
		return nil, fmt.Errorf("wire: a %s socket does not talk to a %s socket", theirs, socketType)
	}
	p.identity = properties["identity"]
	return p, conn.SetDeadline(time.Time{})
}

// property appends a property of the READY command.
func property(to []byte, name, value string) []byte {
	to = append(append(to, byte(len(name))), name...)
	return append(binary.BigEndian.AppendUint32(to, uint32(len(value))), value...)
}

// readReady reads a READY command: its properties, with names in lower case.
func readReady(body []byte) (map[string]string, error) {
	body, ok := bytes.CutPrefix(body, []byte("\x05READY"))
	if !ok {
		return nil, errProtocol
	}
	properties := map[string]string{}
	for len(body) > 0 {
		n := int(body[0])
		if body = body[1:]; len(body) < n+4 {
			return nil, errProtocol
		}
		name, size := strings.ToLower(string(body[:n])), binary.BigEndian.Uint32(body[n:])
		if body = body[n+4:]; uint64(len(body)) < uint64(size) {
			return nil, errProtocol
		}
		properties[name], body = string(body[:size]), body[size:]
	}
	if len(properties["identity"]) > maxIdentity {
		return nil, errProtocol
	}
	return properties, nil
}

// frame returns the header of a frame.
func frame(flags byte, body []byte) []byte {
	if len(body) < 256 {
		return []byte{flags, byte(len(body))}
	}
	return binary.BigEndian.AppendUint64([]byte{flags | flagLong}, uint64(len(body)))
}

// encode returns what carries a message over a connection.
func encode(frames [][]byte) net.Buffers {
	var out net.Buffers
	for i, body := range frames {
		flags := byte(flagMore)
		if i == len(frames)-1 {
			flags = 0
		}
		out = append(out, frame(flags, body), body)
	}
	return out
}

// header reads the header of a frame.
func (p *peer) header() (flags byte, size uint64, err error) {
	var b [8]byte
	if flags, err = p.in.ReadByte(); err != nil {
		return 0, 0, err
	}
	if flags > flagMore|flagLong|flagCommand || flags&flagCommand != 0 && flags&flagMore != 0 {
		return 0, 0, errProtocol
	}
	if flags&flagLong == 0 {
		b, err := p.in.ReadByte()
		return flags, uint64(b), err
	}
	_, err = io.ReadFull(p.in, b[:])
	return flags, binary.BigEndian.Uint64(b[:]), err
}

// receive reads the next message. Commands are answered here; those that subscribe
// are returned as the messages that older peers send instead.
func (p *peer) receive() (frames [][]byte, err error) {
	if _, err := p.in.Peek(1); err != nil { // for which there is time
		return nil, err
	}
	if p.allowance != nil {
		p.conn.SetReadDeadline(time.Now().Add(messageTime))
		defer p.conn.SetReadDeadline(time.Time{})
	}
	total := 0
	defer func() { p.allowance.give(max(0, total-freeBytes)) }()
	for {
		flags, size, err := p.header()
		if err != nil {
			return nil, err
		}
		if size > uint64(p.limit-total) || len(frames) == maxFrames || flags&flagCommand != 0 && size > maxCommand {
			return nil, fmt.Errorf("wire: a message of more than %d bytes or %d frames", p.limit, maxFrames)
		}
		body, err := p.body(int(size), &total)
		if err != nil {
			return nil, err
		}
		if flags&flagCommand != 0 {
			if frames := p.command(body); frames != nil {
				return frames, nil
			}
			continue
		}
		if frames = append(frames, body); flags&flagMore == 0 {
			return frames, nil
		}
	}
}

// body reads a frame's body. Memory is taken as its bytes arrive.
func (p *peer) body(size int, total *int) ([]byte, error) {
	var body []byte
	for len(body) < size {
		n := min(size-len(body), max(freeBytes, len(body)))
		if over := max(0, *total+n-freeBytes) - max(0, *total-freeBytes); !p.allowance.take(over) {
			return nil, errors.New("wire: too many bytes of messages that have not arrived")
		}
		*total += n
		begun := len(body)
		body = slices.Grow(body, n)[:begun+n]
		if _, err := io.ReadFull(p.in, body[begun:]); err != nil {
			return nil, err
		}
	}
	if body == nil {
		body = []byte{}
	}
	return body, nil
}

// command handles a command, and returns the message that it stands for, if any.
func (p *peer) command(body []byte) [][]byte {
	for name, first := range map[string]byte{"\x09SUBSCRIBE": 1, "\x06CANCEL": 0} {
		if topic, ok := bytes.CutPrefix(body, []byte(name)); ok {
			return [][]byte{append([]byte{first}, topic...)}
		}
	}
	if rest, ok := bytes.CutPrefix(body, []byte("\x04PING")); ok && len(rest) >= 2 {
		pong := append([]byte("\x04PONG"), rest[2:]...) // without the time to live
		p.enqueue(net.Buffers{frame(flagCommand, pong), pong}, maxBehind)
	}
	return nil
}

// errBehind and errEnded say why a message was not sent.
var (
	errBehind = errors.New("wire: the peer reads too slowly")
	errEnded  = errors.New("wire: the connection has ended")
)

// enqueue has a message written, and ends the connection of a peer that is too far behind.
func (p *peer) enqueue(message net.Buffers, limit int) error {
	size := 0
	for _, b := range message {
		size += len(b)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.ended:
		return errEnded
	case p.behind > 0 && p.behind+size > limit:
		p.ended, p.out = true, nil
		p.conn.Close()
		p.filled.Signal()
		return errBehind
	}
	p.out = append(p.out, message...)
	p.behind += size
	p.filled.Signal()
	return nil
}

// write writes what is enqueued until the connection ends.
func (p *peer) write() {
	defer p.conn.Close()
	for {
		p.mu.Lock()
		for len(p.out) == 0 && !p.ended {
			p.filled.Wait()
		}
		batch := p.out
		p.out = nil
		p.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		n, err := batch.WriteTo(p.conn)
		p.mu.Lock()
		p.behind -= int(n)
		p.ended = p.ended || err != nil
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// partingTime is how long a peer has to read what was sent before the end.
const partingTime = 200 * time.Millisecond

// end closes the connection once what was sent has been written.
func (p *peer) end() {
	p.conn.SetWriteDeadline(time.Now().Add(partingTime))
	p.conn.SetReadDeadline(time.Now())
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.filled.Signal()
}
