// SPDX-License-Identifier: Apache-2.0

// Package session runs one Jupyter kernel: it starts the process, talks to it
// until code is done, interrupts it, notices when it dies, and leaves nothing
// behind.
package session

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/wire"
	"github.com/lateral-ml/lateral/lib/durable"
)

const (
	waitDelay  = 500 * time.Millisecond // for output of an ended kernel
	idleLimit  = 10 * time.Second       // between a reply and the idle status that follows it
	closeLimit = 2 * time.Second        // for a kernel to end when asked
	drainQuiet = 50 * time.Millisecond  // of silence mean that no late output is coming
	drainLimit = 2 * time.Second        // for late output: a program left behind may print for ever
)

// startLimit is the time that a kernel has to answer its first request. Tests shorten it.
var startLimit = 60 * time.Second

var errNoAnswer = errors.New("the kernel did not answer")

// Spec says how to start a kernel.
type Spec struct {
	Argv []string // program and arguments; "{connection_file}" is replaced
	Dir  string   // working directory
	Env  []string // complete environment; TMPDIR is replaced by a directory of the session's own
	ID   string   // of the kernel, in the name of its connection file, where GoNB's widgets look for it; default random

	// SignalInterrupt interrupts with SIGINT, as interrupt_mode "signal" of a
	// kernel specification asks; otherwise with a message.
	SignalInterrupt bool

	// Grace is how long an interrupted kernel has to answer before it is
	// killed. Default 8 s: GoNB gives a cell 5 s.
	Grace time.Duration
}

// Session is a running kernel. It serves one execution at a time.
type Session struct {
	Info wire.KernelInfo // what the kernel says about itself
	Dir  string          // private temporary directory of the kernel

	dir     *durable.TempDir
	spec    Spec
	id      string
	process *process
	sockets *wire.Sockets
	cancel  context.CancelFunc

	iopub, shell, stdin <-chan *wire.Message
	failed              chan error // messages that could not be read
}

// DeadError reports a kernel process that ended by itself.
type DeadError struct {
	State string // how it ended, such as "signal: killed"
	Log   string // the last lines it wrote to standard error
}

func (e *DeadError) Error() string {
	return "the kernel died (" + e.State + ")" + lastWords(e.Log)
}

// lastWords ends a message with what a kernel has written to standard error, if anything.
func lastWords(log string) string {
	if log == "" {
		return ""
	}
	return "; the last it said was:\n" + log
}

// Start runs a kernel and waits until it answers and its output arrives.
func Start(ctx context.Context, spec Spec) (*Session, error) {
	if spec.Grace == 0 {
		spec.Grace = 8 * time.Second
	}
	dir, err := durable.MakeTempDir("", "lateral-")
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	if spec.ID == "" {
		spec.ID = wire.NewID()
	}
	s := &Session{Dir: dir.Path, dir: dir, spec: spec, id: spec.ID, cancel: cancel, failed: make(chan error, 1)}
	if err := s.start(ctx, life); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Session) start(ctx, life context.Context) error {
	connection, err := wire.NewConnection(s.Dir)
	if err != nil {
		return err
	}
	file := filepath.Join(s.Dir, "kernel-"+s.id+".json")
	if err := connection.Write(file); err != nil {
		return fmt.Errorf("session: connection file: %w", err)
	}
	var argv []string
	for _, arg := range s.spec.Argv {
		argv = append(argv, strings.ReplaceAll(arg, "{connection_file}", file))
	}
	env := append(s.spec.Env[:len(s.spec.Env):len(s.spec.Env)], "TMPDIR="+s.Dir)
	if s.process, err = startProcess(argv, s.spec.Dir, env); err != nil {
		return err
	}

	// Give up waiting for the kernel's sockets when it dies, when the caller
	// does, or when it takes too long.
	ctx, stop := context.WithTimeoutCause(ctx, startLimit, errNoAnswer)
	defer stop()
	ready := make(chan struct{})
	defer close(ready) // before stop
	go func() {
		select {
		case <-s.process.exited:
			s.cancel()
		case <-ctx.Done():
			s.cancel()
		case <-ready:
		}
	}()
	if s.sockets, err = wire.Dial(life, connection); err == nil {
		s.iopub = s.pump(life, s.sockets.IOPub)
		s.shell = s.pump(life, s.sockets.Shell)
		s.stdin = s.pump(life, s.sockets.Stdin)
		go s.discard(life, s.sockets.Control)
		err = s.handshake(ctx)
	}
	select {
	case <-s.process.exited:
		return s.dead()
	default:
	}
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errNoAnswer):
		return fmt.Errorf("session: %w within %v%s", cause, startLimit, lastWords(s.process.log.last(10)))
	case cause != nil:
		return cause
	}
	return err
}

// pump forwards the messages of socket, in order, to the returned channel.
func (s *Session) pump(life context.Context, socket *wire.Socket) <-chan *wire.Message {
	messages := make(chan *wire.Message, 64)
	go func() {
		for life.Err() == nil {
			m, err := socket.Receive()
			switch {
			case life.Err() != nil:
				return
			case errors.Is(err, wire.ErrSignature):
				select {
				case s.failed <- fmt.Errorf("session: %w: something else is writing to the kernel's sockets", err):
				default: // one such report is enough
				}
			case err != nil: // a closed connection; the end of the process tells
			default:
				select {
				case messages <- m:
				case <-life.Done():
					return
				}
			}
		}
	}()
	return messages
}

// discard reads answers to control requests, which nobody waits for.
func (s *Session) discard(life context.Context, socket *wire.Socket) {
	for life.Err() == nil {
		socket.Receive()
	}
}

// handshake asks for the kernel's description until the answer and its status
// on iopub have both come: before that, the kernel may not have seen our
// subscription, and a first cell's output would be lost.
func (s *Session) handshake(ctx context.Context) error {
	var replied, subscribed, idle bool
	var newest string // the newest request
	for !replied || !idle {
		if !replied || !subscribed {
			request := wire.New(s.id, "kernel_info_request", wire.Empty{})
			newest = request.Header.ID
			if err := s.sockets.Shell.Send(request); err != nil {
				return err
			}
		}
		again := time.After(300 * time.Millisecond)
		for waiting := true; waiting && (!replied || !idle); {
			select {
			case m := <-s.iopub:
				subscribed = true
				idle = idle || m.Parent.ID == newest && isIdle(m)
			case m := <-s.shell:
				if m.Header.Type == "kernel_info_reply" {
					if err := m.Decode(&s.Info); err != nil {
						return err
					}
					replied = true
				}
			case err := <-s.failed:
				return err
			case <-s.process.exited:
				return s.dead()
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-again:
				waiting = false
			}
		}
	}
	return nil
}

// isIdle reports whether m says that its request is done.
func isIdle(m *wire.Message) bool {
	var status wire.Status
	return m.Header.Type == "status" && m.Decode(&status) == nil && status.State == "idle"
}

// NewExecute returns a request to run code. With stop, requests sent before its
// failure was known are not executed.
func (s *Session) NewExecute(code string, stop bool) *wire.Message {
	return wire.New(s.id, "execute_request", wire.ExecuteRequest{
		Code: code, StoreHistory: true, StopOnError: stop, UserExpressions: map[string]string{},
	})
}

// Execute sends request and waits for both the kernel's reply and the idle
// status that ends its output. Every message on iopub is given to handle, also
// those that belong to earlier requests. When ctx is done the kernel is
// interrupted, and killed if it does not answer within the grace period; the
// error is then ctx's cause. Other errors are a [*DeadError] or a failure of the connection; after any of them use
// [Session.Alive].
func (s *Session) Execute(ctx context.Context, request *wire.Message, handle func(*wire.Message)) (
	wire.ExecuteReply, error) {
	var reply wire.ExecuteReply
	if err := s.sockets.Shell.Send(request); err != nil {
		return reply, err
	}
	var (
		replied, idle bool
		cause         error // why the kernel was interrupted
		done          = ctx.Done()
		grace, late   <-chan time.Time
	)
	interrupt := func(why error) {
		cause, done = why, nil
		grace = time.After(s.spec.Grace)
		s.Interrupt()
	}
	for !replied || !idle {
		select {
		case m := <-s.iopub:
			handle(m)
			if m.Parent.ID == request.Header.ID && isIdle(m) {
				idle = true
			}
		case m := <-s.shell:
			if m.Parent.ID != request.Header.ID || m.Header.Type != "execute_reply" {
				continue
			}
			if err := m.Decode(&reply); err != nil {
				return reply, err
			}
			replied = true
			late = time.After(idleLimit)
		case <-s.stdin: // the request does not allow questions
		case <-done:
			interrupt(context.Cause(ctx))
		case <-grace:
			s.process.kill()
			s.drain(handle)
			return reply, cause
		case <-late:
			return reply, fmt.Errorf("session: the kernel replied but was not idle %v later", idleLimit)
		case err := <-s.failed:
			return reply, err
		case <-s.process.exited:
			s.drain(handle)
			if cause != nil {
				return reply, cause
			}
			return reply, s.dead()
		}
	}
	return reply, cause
}

// Channels are the ways out of a kernel, for a program that routes messages
// itself instead of calling [Session.Execute].
type Channels struct {
	IOPub, Shell, Stdin <-chan *wire.Message
	Failed              <-chan error    // a message that could not be read
	Exited              <-chan struct{} // closed when the process has ended
}

// Channels returns the kernel's messages. Whoever reads them must not call Execute.
func (s *Session) Channels() Channels {
	return Channels{s.iopub, s.shell, s.stdin, s.failed, s.process.exited}
}

// Send sends a request to the kernel.
func (s *Session) Send(m *wire.Message) error { return s.sockets.Shell.Send(m) }

// Filter has the session pass over output that is not to be kept, as
// [wire.Socket.Filter] does.
func (s *Session) Filter(keep func(content []byte) bool) { s.sockets.IOPub.Filter(keep) }

// Answer sends the answer to an input_request.
func (s *Session) Answer(m *wire.Message) error { return s.sockets.Stdin.Send(m) }

// A Process is one that the kernel has started.
type Process struct {
	PID  int
	Name string
}

// Processes returns what the kernel has started and still runs.
func (s *Session) Processes() []Process { return group(s.process.cmd.Process.Pid) }

// PID is the kernel's process number.
func (s *Session) PID() int { return s.process.cmd.Process.Pid }

// Kill ends the kernel and everything it started at once.
func (s *Session) Kill() { s.process.kill() }

// Err returns the [*DeadError] of a kernel that has ended, nil for one that runs.
func (s *Session) Err() error {
	if s.Alive() {
		return nil
	}
	return s.dead()
}

// Drain gives handle what still arrives for requests that are done.
func (s *Session) Drain(handle func(*wire.Message)) { s.drain(handle) }

func (s *Session) drain(handle func(*wire.Message)) {
	limit := time.After(drainLimit)
	for {
		select {
		case m := <-s.iopub:
			handle(m)
		case <-time.After(drainQuiet):
			return
		case <-limit:
			return
		}
	}
}

// Interrupt asks the kernel to stop what it is doing.
func (s *Session) Interrupt() {
	if s.spec.SignalInterrupt {
		s.process.signal(syscall.SIGINT)
		return
	}
	s.sockets.Control.Send(wire.New(s.id, "interrupt_request", wire.Empty{})) // a failed one ends in the grace period
}

// Alive reports whether the kernel still runs.
func (s *Session) Alive() bool {
	select {
	case <-s.process.exited:
		return false
	default:
		return true
	}
}

func (s *Session) dead() error {
	return &DeadError{State: s.process.state, Log: s.process.log.last(10)}
}

// Close ends the kernel and everything it started, politely at first, and
// removes its files.
func (s *Session) Close() {
	if s.process != nil {
		if s.sockets != nil && s.Alive() {
			s.sockets.Control.Send(wire.New(s.id, "shutdown_request", wire.Shutdown{}))
			select {
			case <-s.process.exited:
			case <-time.After(closeLimit):
			}
		}
		s.process.kill()
	}
	s.cancel()
	if s.sockets != nil {
		s.sockets.Close()
	}
	s.dir.Remove() // what is left the next one removes
}
