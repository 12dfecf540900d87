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

// This file implements the part of the ZeroMQ Message Transport Protocol 3.0
// (https://rfc.zeromq.org/spec/23/), without encryption, that kernels and front
// ends need. A peer may be hostile until it has sent a message signed with the key,
// so memory and time per peer are bounded. (The package zmq4 allocates whatever
// length a frame claims, and performs one handshake after another.)

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
	dealer: {router, rep, dealer}, router: {dealer, req, router},
	pub: {sub, "XSUB"}, sub: {pub, "XPUB"},
	req: {rep, router}, rep: {req, dealer},
}

const (
	greetingSize  = 64
	maxCommand    = 4 << 10
	maxFrames     = 1 << 16 // of a message
	frameBytes    = 64      // of memory that an empty frame takes, about
	maxIdentity   = 255
	freeBytes     = 64 << 10 // of each message do not count against the allowance
	handshakeTime = 5 * time.Second
	messageTime   = time.Minute // from its first byte to its last
)

// The flags of a frame.
const (
	flagMore    = 1
	flagLong    = 2
	flagCommand = 4
)

// An allowance limits the bytes that are held for incomplete messages of all
// peers. A nil allowance is unlimited.
type allowance struct{ left atomic.Int64 }

func newAllowance(bytes int64) *allowance {
	a := &allowance{}
	a.left.Store(bytes)
	return a
}

// take reserves n bytes. It reports false, and reserves none, if fewer are left.
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

	proven atomic.Bool // it has sent a message signed with the key

	mu     sync.Mutex
	filled sync.Cond // there is something to write, or the connection has ended
	out    net.Buffers
	behind int // bytes in out
	ended  bool
}

var errProtocol = errors.New("wire: the peer does not speak ZMTP 3")

// greet performs the handshake over a new connection and checks that the peer's
// socket type fits.
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

// encode returns the bytes of a message on a connection.
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

// receive reads the next message. It answers commands; subscription commands are
// returned in the form of version 3.0, as messages.
func (p *peer) receive() (frames [][]byte, err error) {
	if _, err := p.in.Peek(1); err != nil { // a peer may be silent between messages
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
		if size > uint64(max(0, p.limit-total)) || len(frames) == maxFrames || flags&flagCommand != 0 && size > maxCommand {
			return nil, fmt.Errorf("wire: a message of more than %d bytes or %d frames", p.limit, maxFrames)
		}
		if err := p.reserve(&total, frameBytes); err != nil {
			return nil, err
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

// reserve counts n more bytes of a message of which total have been counted.
func (p *peer) reserve(total *int, n int) error {
	if over := max(0, *total+n-freeBytes) - max(0, *total-freeBytes); !p.allowance.take(over) {
		return errors.New("wire: too many bytes of incomplete messages")
	}
	*total += n
	return nil
}

// body reads a frame's body. It allocates memory as the bytes arrive.
func (p *peer) body(size int, total *int) ([]byte, error) {
	var body []byte
	for len(body) < size {
		n := min(size-len(body), max(freeBytes, len(body)))
		if err := p.reserve(total, n); err != nil {
			return nil, err
		}
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

// command handles a command and returns the equivalent message, if any.
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

// enqueue queues a message for writing. It closes the connection of a peer that
// reads too slowly.
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

// write writes queued messages until the connection ends.
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

// partingTime is how long a peer has to read the last messages.
const partingTime = 200 * time.Millisecond

// end closes the connection after the queued messages have been written.
func (p *peer) end() {
	p.conn.SetWriteDeadline(time.Now().Add(partingTime))
	p.conn.SetReadDeadline(time.Now())
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.filled.Signal()
}
