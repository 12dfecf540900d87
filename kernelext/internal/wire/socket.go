// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"fmt"
	"io"
	"log"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-zeromq/zmq4"
)

// Socket sends and receives messages over one ZeroMQ socket. Send is safe for
// concurrent use, Receive for one reader.
type Socket struct {
	codec Codec
	mu    sync.Mutex // keeps the frames of two messages apart
	zmq   zmq4.Socket
	keep  atomic.Pointer[func(content []byte) bool]
}

// Send writes m.
func (s *Socket) Send(m *Message) error { return s.SendAs(s.codec, m) }

// SendAs writes m signed with the key of codec instead of the connection's,
// which a peer refuses: for tests of that.
func (s *Socket) SendAs(codec Codec, m *Message) error {
	frames, err := codec.Encode(m)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.zmq.SendMulti(zmq4.NewMsgFrom(frames...)); err != nil {
		return fmt.Errorf("wire: send %s: %w", m.Header.Type, err)
	}
	return nil
}

// Receive waits for the next message. A message that is not well-formed or not
// signed with the connection's key is an error of its own, after which Receive
// can be called again; once the context given to [Dial] or [Listen] is done,
// every call returns that context's error.
func (s *Socket) Receive() (*Message, error) {
	for {
		msg, err := s.zmq.Recv()
		if err != nil {
			return nil, fmt.Errorf("wire: receive: %w", err)
		}
		if keep := s.keep.Load(); keep != nil && !(*keep)(msg.Frames[len(msg.Frames)-1]) {
			continue
		}
		return s.codec.Decode(msg.Frames)
	}
}

// Filter has Receive pass over messages, of which it asks keep before it decodes
// them and checks their signature. It replaces an earlier filter.
func (s *Socket) Filter(keep func(content []byte) bool) { s.keep.Store(&keep) }

// Sockets are the channels between a front end and a kernel, at either end.
type Sockets struct {
	Shell, IOPub, Stdin, Control *Socket
	heartbeat                    zmq4.Socket
}

// quiet keeps the library from writing to standard error: what it logs, a peer
// that goes away in the middle of a handshake, is noticed by its callers.
var quiet = zmq4.WithLogger(log.New(io.Discard, "", 0))

// Dial connects a front end to the kernel described by c, and subscribes to all
// of its output. It waits for the kernel's sockets to appear, until ctx is done.
// Cancelling ctx later closes everything.
func Dial(ctx context.Context, c Connection) (*Sockets, error) {
	options := []zmq4.Option{
		quiet,
		zmq4.WithID(zmq4.SocketIdentity(NewID())), // one for all: some kernels answer control requests on shell
		zmq4.WithDialerRetry(5 * time.Millisecond),
		zmq4.WithDialerMaxRetries(-1), // until ctx is done
	}
	codec := Codec{Key: []byte(c.Key)}
	s := &Sockets{
		Shell:     &Socket{codec: codec, zmq: zmq4.NewDealer(ctx, options...)},
		IOPub:     &Socket{codec: codec, zmq: zmq4.NewSub(ctx, options...)},
		Stdin:     &Socket{codec: codec, zmq: zmq4.NewDealer(ctx, options...)},
		Control:   &Socket{codec: codec, zmq: zmq4.NewDealer(ctx, options...)},
		heartbeat: zmq4.NewReq(ctx, options...),
	}
	for port, socket := range s.byPort(c) {
		if err := socket.Dial(c.endpoint(port)); err != nil {
			s.Close()
			return nil, fmt.Errorf("wire: connect to the kernel: %w", err)
		}
	}
	if err := s.IOPub.zmq.SetOption(zmq4.OptionSubscribe, ""); err != nil {
		s.Close()
		return nil, fmt.Errorf("wire: subscribe to the kernel's output: %w", err)
	}
	return s, nil
}

// Listen opens a kernel's sockets as c describes them and answers heartbeats,
// until ctx is done.
func Listen(ctx context.Context, c Connection) (*Sockets, error) {
	codec := Codec{Key: []byte(c.Key)}
	s := &Sockets{
		Shell:     &Socket{codec: codec, zmq: zmq4.NewRouter(ctx, quiet)},
		IOPub:     &Socket{codec: codec, zmq: zmq4.NewPub(ctx, quiet)},
		Stdin:     &Socket{codec: codec, zmq: zmq4.NewRouter(ctx, quiet)},
		Control:   &Socket{codec: codec, zmq: zmq4.NewRouter(ctx, quiet)},
		heartbeat: zmq4.NewRep(ctx, quiet),
	}
	for port, socket := range s.byPort(c) {
		if err := socket.Listen(c.endpoint(port)); err != nil {
			s.Close()
			return nil, fmt.Errorf("wire: listen: %w", err)
		}
	}
	go s.echo(ctx)
	return s, nil
}

func (s *Sockets) byPort(c Connection) map[int]zmq4.Socket {
	return map[int]zmq4.Socket{
		c.ShellPort:     s.Shell.zmq,
		c.IOPubPort:     s.IOPub.zmq,
		c.StdinPort:     s.Stdin.zmq,
		c.ControlPort:   s.Control.zmq,
		c.HeartbeatPort: s.heartbeat,
	}
}

// echo returns every heartbeat to its sender.
func (s *Sockets) echo(ctx context.Context) {
	for ctx.Err() == nil {
		beat, err := s.heartbeat.Recv()
		if err != nil {
			continue
		}
		s.heartbeat.Send(beat) // a front end that has gone needs no answer
	}
}

// Beat sends a heartbeat and waits for its echo.
func (s *Sockets) Beat() error {
	if err := s.heartbeat.Send(zmq4.NewMsgString("ping")); err != nil {
		return fmt.Errorf("wire: heartbeat: %w", err)
	}
	if _, err := s.heartbeat.Recv(); err != nil {
		return fmt.Errorf("wire: heartbeat: %w", err)
	}
	return nil
}

// Close closes all sockets.
func (s *Sockets) Close() {
	for _, socket := range []zmq4.Socket{s.Shell.zmq, s.IOPub.zmq, s.Stdin.zmq, s.Control.zmq, s.heartbeat} {
		socket.Close()
	}
}
