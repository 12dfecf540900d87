// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxBehind  = 256 << 20 // bytes that a peer may leave unread
	maxDialled = 1 << 30   // bytes of a message from a peer that was dialled
	retryEvery = 5 * time.Millisecond
)

// Limits for the peers of a kernel. Tests use smaller ones.
var (
	maxMessage   = 128 << 20        // bytes of a message
	maxUnarrived = int64(256) << 20 // bytes of incomplete messages
	maxPeers     = 512              // connections of a socket
)

// Socket sends and receives messages over one ZeroMQ socket. Send is safe for
// concurrent use, Receive for one reader.
type Socket struct {
	kind      string
	codec     Codec
	history   *history // of the messages that were received; may be nil
	allowance *allowance
	ctx       context.Context
	received  chan received
	keep      atomic.Pointer[func(content []byte) bool]

	mu       sync.Mutex
	closed   bool
	listener net.Listener
	greeting []net.Conn // connections before they are peers
	peers    []*peer
	topics   map[*peer][][]byte // that a peer has subscribed to
}

// received is a message, or the error of a bad one.
type received struct {
	message *Message
	err     error
}

func newSocket(ctx context.Context, kind string, codec Codec) *Socket {
	return &Socket{kind: kind, codec: codec, ctx: ctx, received: make(chan received), topics: map[*peer][][]byte{}}
}

// Send writes m.
func (s *Socket) Send(m *Message) error { return s.SendAs(s.codec, m) }

// SendAs writes m signed with the key of codec instead of the connection's,
// which a peer refuses: for tests of that.
func (s *Socket) SendAs(codec Codec, m *Message) error {
	frames, err := codec.Encode(m)
	if err == nil {
		err = s.sendFrames(frames)
	}
	if err != nil {
		return fmt.Errorf("wire: send %s: %w", m.Header.Type, err)
	}
	return nil
}

// sendFrames sends frames to their peers: a ROUTER to the one that the first frame
// names, a PUB to its subscribers, others to their only peer.
func (s *Socket) sendFrames(frames [][]byte) error {
	s.mu.Lock()
	peers := slices.Clone(s.peers)
	switch s.kind {
	case router:
		if len(frames) == 0 {
			peers = nil
			break
		}
		peers = slices.DeleteFunc(peers, func(p *peer) bool { return p.identity != string(frames[0]) })
		frames = frames[1:]
	case pub:
		wanted := func(topic []byte) bool { return bytes.HasPrefix(frames[0], topic) }
		peers = slices.DeleteFunc(peers, func(p *peer) bool { return !slices.ContainsFunc(s.topics[p], wanted) })
	}
	s.mu.Unlock()
	if len(peers) == 0 && s.kind != pub && s.kind != router { // PUB and ROUTER drop messages without a peer
		return errEnded
	}
	message := encode(frames)
	var errs []error
	for _, p := range peers {
		errs = append(errs, p.enqueue(message, maxBehind))
	}
	if s.kind == pub { // of which some may have gone
		return nil
	}
	return errors.Join(errs...)
}

// Receive waits for the next message. A message that is not well-formed, not
// signed with the connection's key, or has come before, is an error of its own,
// after which Receive can be called again; once the context given to [Dial] or
// [Listen] is done, every call returns that context's error.
func (s *Socket) Receive() (*Message, error) {
	select {
	case <-s.ctx.Done():
		return nil, fmt.Errorf("wire: receive: %w", s.ctx.Err())
	case r := <-s.received:
		return r.message, r.err
	}
}

// decode returns the message that a peer has sent.
func (s *Socket) decode(frames [][]byte, from *peer) (*Message, error) {
	m, err := s.codec.Decode(frames)
	if err != nil {
		return nil, err
	}
	if s.history != nil && len(s.codec.Key) > 0 && !s.history.add(frames[len(m.Identities)+1]) {
		return nil, ErrReplayed
	}
	from.proven.Store(true)
	return m, nil
}

// Filter has Receive pass over messages, of which it asks keep before it decodes
// them and checks their signature. It replaces an earlier filter.
func (s *Socket) Filter(keep func(content []byte) bool) { s.keep.Store(&keep) }

// listen accepts peers at an address until the socket is closed.
func (s *Socket) listen(network, address string) error {
	l, err := net.Listen(network, address)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.listener = l
	if s.closed {
		l.Close()
		err = errEnded
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	go func() {
		for {
			conn, err := l.Accept()
			switch {
			case errors.Is(err, net.ErrClosed):
				return
			case err != nil: // no file descriptors, for instance
				time.Sleep(retryEvery)
			case s.admit(conn):
				go func() {
					if p, err := s.meet(conn, ""); err == nil {
						s.serve(p)
					}
				}()
			}
		}
	}()
	return nil
}

// meet performs the handshake of a connection that was admitted and adds it to the peers, or closes it.
func (s *Socket) meet(conn net.Conn, identity string) (*peer, error) {
	p, err := greet(conn, s.kind, identity)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.greeting = slices.DeleteFunc(s.greeting, func(other net.Conn) bool { return other == conn })
	if err == nil && (s.closed || s.kind == router && !s.name(p)) {
		err = errEnded
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	p.allowance = s.allowance
	switch s.kind {
	case router:
		p.limit = maxMessage
	case pub, rep:
		p.limit = maxCommand // a subscription or a heartbeat
	default:
		p.limit = maxDialled
	}
	s.peers = append(s.peers, p)
	return p, nil
}

// admit counts a new connection, or closes it after the socket was closed. If there are too many, it closes the oldest
// one without a handshake, or else the oldest that has not proved that it has the key, or else the new one.
func (s *Socket) admit(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		conn.Close()
		return false
	}
	if len(s.greeting)+len(s.peers) >= maxPeers {
		stranger := slices.IndexFunc(s.peers, func(p *peer) bool { return s.kind == router && !p.proven.Load() })
		switch {
		case len(s.greeting) > 0:
			s.greeting[0].Close()
			s.greeting = s.greeting[1:]
		case stranger >= 0:
			s.peers[stranger].conn.Close()
			s.peers = slices.Delete(s.peers, stranger, stranger+1)
		default:
			conn.Close()
			return false
		}
	}
	s.greeting = append(s.greeting, conn)
	return true
}

// name gives a peer without an identity one, and reports whether it is unique.
func (s *Socket) name(p *peer) bool {
	if p.identity == "" {
		p.identity = "\x00" + rand.Text()
	}
	return !slices.ContainsFunc(s.peers, func(other *peer) bool { return other.identity == p.identity })
}

// dial connects to a peer as soon as it listens, and serves the connection.
func (s *Socket) dial(network, address, identity string) error {
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(s.ctx, network, address)
		if err != nil {
			select {
			case <-s.ctx.Done():
				return err
			case <-time.After(retryEvery):
				continue
			}
		}
		if !s.admit(conn) {
			return errEnded
		}
		p, err := s.meet(conn, identity)
		if err != nil {
			return err
		}
		go s.serve(p)
		return nil
	}
}

// serve reads messages from a peer until the connection ends.
func (s *Socket) serve(p *peer) {
	go p.write()
	defer s.remove(p)
	for {
		frames, err := p.receive()
		if err != nil {
			return
		}
		switch {
		case s.kind == pub:
			s.subscribe(p, frames)
			continue
		case s.kind == rep: // an echo
			p.enqueue(encode(frames), maxCommand)
			continue
		case s.kind == router:
			frames = append([][]byte{[]byte(p.identity)}, frames...)
		}
		if keep := s.keep.Load(); keep != nil && !(*keep)(frames[len(frames)-1]) {
			continue
		}
		m, err := s.decode(frames, p)
		select {
		case s.received <- received{m, err}:
		case <-s.ctx.Done():
			return
		}
	}
}

// remove forgets a peer whose connection has ended.
func (s *Socket) remove(p *peer) {
	p.end()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peers = slices.DeleteFunc(s.peers, func(other *peer) bool { return other == p })
	delete(s.topics, p)
}

// maxTopics is how many topics a peer may subscribe to.
const maxTopics = 64

// subscribe adds or removes a topic of a subscriber.
func (s *Socket) subscribe(p *peer, frames [][]byte) {
	if len(frames) != 1 || len(frames[0]) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	topic := frames[0][1:]
	i := slices.IndexFunc(s.topics[p], func(t []byte) bool { return bytes.Equal(t, topic) })
	switch {
	case frames[0][0] == 1 && len(s.topics[p]) < maxTopics:
		s.topics[p] = append(s.topics[p], topic)
	case frames[0][0] == 0 && i >= 0:
		s.topics[p] = slices.Delete(s.topics[p], i, i+1)
	}
}

// close closes all connections after the queued messages have been written.
func (s *Socket) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.listener != nil {
		s.listener.Close()
	}
	for _, conn := range s.greeting {
		conn.Close()
	}
	for _, p := range s.peers {
		p.end()
	}
}

// Sockets are the channels between a front end and a kernel, at either end.
type Sockets struct {
	Shell, IOPub, Stdin, Control *Socket
	heartbeat                    *Socket
	stop                         func()
}

// Dial connects a front end to the kernel described by c, and subscribes to all
// of its output. It waits for the kernel's sockets to appear, until ctx is done.
// Cancelling ctx later closes everything.
func Dial(ctx context.Context, c Connection) (*Sockets, error) {
	s := newSockets(ctx, c, dealer, sub, req)
	identity := NewID() // one for all: some kernels answer control requests on shell
	for port, socket := range s.byPort(c) {
		if err := socket.dial(c.network(), c.address(port), identity); err != nil {
			s.Close()
			return nil, fmt.Errorf("wire: connect to the kernel: %w", err)
		}
	}
	if err := s.IOPub.sendFrames([][]byte{{1}}); err != nil {
		s.Close()
		return nil, fmt.Errorf("wire: subscribe to the kernel's output: %w", err)
	}
	return s, nil
}

// Listen opens a kernel's sockets as c describes them and answers heartbeats,
// until ctx is done. Resources of peers without the key are bounded, and they do
// not delay others.
func Listen(ctx context.Context, c Connection) (*Sockets, error) {
	s := newSockets(ctx, c, router, pub, rep)
	history, unarrived := newHistory(), newAllowance(maxUnarrived)
	for port, socket := range s.byPort(c) {
		socket.history, socket.allowance = history, unarrived
		if err := socket.listen(c.network(), c.address(port)); err != nil {
			s.Close()
			return nil, fmt.Errorf("wire: listen: %w", err)
		}
	}
	return s, nil
}

// newSockets makes the sockets of one end, unconnected. They close when ctx is done.
func newSockets(ctx context.Context, c Connection, requests, output, heartbeat string) *Sockets {
	ctx, cancel := context.WithCancel(ctx)
	codec := Codec{Key: []byte(c.Key)}
	s := &Sockets{
		Shell:     newSocket(ctx, requests, codec),
		IOPub:     newSocket(ctx, output, codec),
		Stdin:     newSocket(ctx, requests, codec),
		Control:   newSocket(ctx, requests, codec),
		heartbeat: newSocket(ctx, heartbeat, codec),
	}
	context.AfterFunc(ctx, s.closeAll)
	s.stop = cancel
	return s
}

func (s *Sockets) byPort(c Connection) map[int]*Socket {
	return map[int]*Socket{
		c.ShellPort: s.Shell, c.IOPubPort: s.IOPub, c.StdinPort: s.Stdin, c.ControlPort: s.Control,
		c.HeartbeatPort: s.heartbeat,
	}
}

// Beat sends a heartbeat and waits for its echo.
func (s *Sockets) Beat() error {
	if err := s.heartbeat.sendFrames([][]byte{{}, []byte("ping")}); err != nil {
		return fmt.Errorf("wire: heartbeat: %w", err)
	}
	select {
	case <-s.heartbeat.received: // no message of Jupyter's
		return nil
	case <-s.heartbeat.ctx.Done():
		return fmt.Errorf("wire: heartbeat: %w", s.heartbeat.ctx.Err())
	}
}

// Close closes all sockets.
func (s *Sockets) Close() {
	s.closeAll()
	s.stop()
}

func (s *Sockets) closeAll() {
	for _, socket := range []*Socket{s.Shell, s.IOPub, s.Stdin, s.Control, s.heartbeat} {
		socket.close()
	}
}
