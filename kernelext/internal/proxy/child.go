// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/cell"
	"github.com/lateral-ml/lateral/kernelext/internal/session"
	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

const (
	drainTime    = 50 * time.Millisecond // of silence mean that a dead child has said all
	replayLimit  = 2 * time.Minute
	maxRestarts  = 3 // within restartFrame
	restartFrame = time.Minute
)

// gopls is the name of the program behind completion, which GoNB starts.
const gopls = "gopls"

// A child is a running GoNB.
type child struct {
	*session.Session
	gone chan struct{} // closed when it has ended and all it said was handled
	warm atomic.Bool   // gopls has read the module

	brake   brake
	flooded atomic.Bool // the cell has printed more than is passed on

	mu      sync.Mutex
	current *execution                    // whose output is coming
	asked   map[string]chan *wire.Message // completions and inspections by request
	counts  int                           // GoNB's execution counter
	cells   map[int]func(line int) place  // by that counter, where lines come from
}

// ready returns the child, after starting one if there is none.
func (k *kernel) ready(ctx context.Context) (*child, error) {
	k.mu.Lock()
	old, closed := k.child, k.closed
	k.mu.Unlock()
	switch {
	case closed:
		return nil, errShutdown
	case old != nil && old.Err() == nil:
		return old, nil
	}
	if err := k.tired(); err != nil {
		return nil, err
	}
	spec := k.Child
	spec.Env = slices.Clone(spec.Env)
	if k.inbox != "" {
		spec.Env = append(spec.Env, "LATERAL_INBOX="+k.inbox, "LATERAL_STDIN="+k.stdin)
	}
	k.mu.Lock()
	for name, value := range k.env {
		spec.Env = append(spec.Env, name+"="+value)
	}
	k.mu.Unlock()
	s, err := session.Start(ctx, spec)
	if err != nil {
		return nil, fmt.Errorf("GoNB, which compiles the cells, did not start: %w", err)
	}
	c := &child{
		Session: s, gone: make(chan struct{}),
		asked: map[string]chan *wire.Message{}, cells: map[int]func(int) place{},
	}
	c.brake.signal = func(sig syscall.Signal) { c.signal(map[int]bool{}, sig) }
	c.Filter(c.wanted)
	k.mu.Lock()
	k.child = c
	k.mu.Unlock()
	go k.read(c)
	go c.watchGopls()
	for _, code := range k.Setup {
		if err := k.silently(c, code); err != nil {
			return nil, err
		}
	}
	if old != nil {
		old.Close() // its files
		k.replayOn(c)
	}
	return c, nil
}

// tired is the error of a GoNB that ends again and again.
func (k *kernel) tired() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	k.starts = slices.DeleteFunc(k.starts, func(t time.Time) bool { return now.Sub(t) > restartFrame })
	if len(k.starts) > maxRestarts {
		return errors.New("GoNB, which compiles the cells, ended several times within a minute: " +
			"restart the kernel, and see what it says in Jupyter's terminal")
	}
	k.starts = append(k.starts, now)
	return nil
}

// revive starts another child if the one there was has ended while idle.
func (k *kernel) revive(ctx context.Context) {
	k.mu.Lock()
	c := k.child
	k.mu.Unlock()
	if c == nil || c.Err() == nil || ctx.Err() != nil {
		return
	}
	k.logf("%v", c.Err())
	if _, err := k.ready(ctx); err != nil {
		k.logf("%v", err) // the next cell reports it
	}
}

// replayOn gives a new child the declarations of the cells so far.
func (k *kernel) replayOn(c *child) {
	k.mu.Lock()
	cells := slices.Clone(k.declared)
	k.mu.Unlock()
	code, origin := replay(cells)
	outcome, replayed := "there were no declarations to give back", error(nil)
	if strings.TrimSpace(code) != "" {
		from := map[int]bool{}
		for _, p := range origin {
			from[p.count] = true
		}
		outcome = fmt.Sprintf("the declarations of earlier cells (%d) are back", len(from))
		if replayed = k.silentlyAt(c, code, func(line int) place {
			if line < 1 || line > len(origin) {
				return place{}
			}
			return origin[line-1]
		}); replayed != nil {
			outcome = "the declarations so far could not be given back: run their cells again (" + replayed.Error() + ")"
		}
	}
	if gone := removed(cells); len(gone) > 0 && replayed == nil {
		replayed = k.silently(c, "%rm "+strings.Join(gone, " "))
	}
	k.mu.Lock()
	k.replayed = replayed
	k.notice = "[the process behind the kernel was started again; " + outcome + "]"
	k.mu.Unlock()
}

// takeNotice returns what the next cell should say about the child, once.
func (k *kernel) takeNotice() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	notice := k.notice
	k.notice = ""
	return notice
}

// remember notes that GoNB knows a cell's declarations.
func (k *kernel) remember(c *cell.Cell, count int) {
	if c.Script {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if slices.Contains(c.Commands, "%reset") {
		k.declared = nil
	}
	k.declared = append(k.declared, source{count, c.Code})
}

// silently runs code of the kernel's own, which shows nothing.
func (k *kernel) silently(c *child, code string) error { return k.silentlyAt(c, code, nil) }

func (k *kernel) silentlyAt(c *child, code string, origin func(line int) place) error {
	code, _ = cell.Read(code).Protected(nil)
	content := wire.ExecuteRequest{
		Code: code, Silent: true, StoreHistory: origin != nil, UserExpressions: map[string]string{},
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), replayLimit, errors.New("it took too long"))
	defer cancel()
	e := &execution{kernel: k, content: content, request: wire.New(k.id, "execute_request", content),
		replied: make(chan wire.ExecuteReply, 1), idle: make(chan struct{}, 1), ctx: ctx}
	e.output = &output{kernel: k, silent: true, origin: c.origin}
	c.begin(e, false, 0)
	defer c.end(e)
	if origin != nil {
		c.mu.Lock()
		c.counts++
		c.cells[c.counts] = origin
		c.mu.Unlock()
	}
	if err := c.Send(e.request); err != nil {
		return err
	}
	reply, err := e.wait(c)
	if err == nil && reply.Status == "error" {
		err = errors.New(e.notCompiled(reply).value())
	}
	return err
}

// begin directs the child's output to e. If GoNB counts the request, lines of
// that count are e's, but for the line that the kernel has added, if it is not 0.
func (c *child) begin(e *execution, counted bool, added int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = e
	if counted {
		c.counts++
		c.cells[c.counts] = func(line int) place {
			if added > 0 && line >= added {
				line-- // of the added line itself: the command that begins the program
			}
			return place{e.count, line}
		}
	}
}

// end leaves late output to itself.
func (c *child) end(e *execution) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == e {
		c.current = nil
	}
}

// origin translates GoNB's numbering of cells. A count of 0 means the cell that runs.
func (c *child) origin(p place) place {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.count == 0 {
		p.count = c.counts
	}
	if from := c.cells[p.count]; from != nil && p.line > 0 {
		return from(p.line)
	}
	return place{}
}

// read handles what the child says until it ends.
func (k *kernel) read(c *child) {
	channels := c.Channels()
	handle := func(quiet <-chan time.Time) bool {
		select {
		case m := <-channels.IOPub:
			k.fromIOPub(c, m)
		case m := <-channels.Shell:
			c.fromShell(m)
		case m := <-channels.Stdin:
			k.fromStdin(m)
		case <-channels.Failed: // a forged message is passed over
		case <-channels.Exited:
			channels.Exited = nil
		case <-quiet:
			return false
		}
		return true
	}
	for channels.Exited != nil {
		handle(nil)
	}
	for handle(time.After(drainTime)) {
	}
	close(c.gone)
	k.awake()
}

// fromIOPub passes on what the child published.
func (k *kernel) fromIOPub(c *child, m *wire.Message) {
	c.mu.Lock()
	e := c.current
	_, asked := c.asked[m.Parent.ID]
	c.mu.Unlock()
	switch {
	case e != nil && m.Parent.ID == e.request.Header.ID:
		e.begun.Store(true)
		e.output.handle(m)
		var status wire.Status
		if m.Header.Type == "status" && m.Decode(&status) == nil && status.State == "idle" {
			signal(e.idle)
		}
	case asked || m.Header.Type == "status" || m.Header.Type == "error" || m.Header.Type == "execute_input":
		// The kernel has said so, or it belongs to a request of its own.
	case m.Parent.Session != k.id && m.Parent.Type == "execute_request": // late output of a cell that has ended
		late := &output{
			kernel: k, request: &wire.Message{Header: m.Parent}, ended: true, origin: c.origin, shown: map[string]bool{},
		}
		late.handle(m)
	case strings.HasPrefix(m.Header.Type, "comm_"):
		k.noteComm(m)
		k.publish(topical(m))
	}
}

// signal says once that something has happened.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// fromShell takes a reply to whoever waits for it.
func (c *child) fromShell(m *wire.Message) {
	c.mu.Lock()
	e, answer := c.current, c.asked[m.Parent.ID]
	c.mu.Unlock()
	if answer != nil {
		answer <- m // it has room for one
		return
	}
	var reply wire.ExecuteReply
	if e != nil && m.Parent.ID == e.request.Header.ID && m.Header.Type == "execute_reply" && m.Decode(&reply) == nil {
		select {
		case e.replied <- reply:
		default:
		}
	}
}

// fromStdin passes a program's question to the person who runs it, if there is
// one.
func (k *kernel) fromStdin(m *wire.Message) {
	k.mu.Lock()
	e := k.current
	k.mu.Unlock()
	switch {
	case e == nil || m.Header.Type != "input_request":
	case !e.content.AllowStdin:
		e.cancel(errNoInput)
	default:
		if in := k.console(); in != nil {
			in.pass(m)
		}
	}
}

// wanted tells whether output is to be passed on. What is left out is not even decoded.
func (c *child) wanted(content []byte) bool {
	c.brake.read(len(content))
	return !c.flooded.Load() || !bytes.HasPrefix(content, printedText)
}

// signal sends a signal, once, to everything that the child has started but
// gopls.
func (c *child) signal(signalled map[int]bool, sig syscall.Signal) {
	for _, p := range c.Processes() {
		if p.Name != gopls && !signalled[p.PID] {
			signalled[p.PID] = true
			syscall.Kill(p.PID, sig) // one that has just ended needs none
		}
	}
}

// endChild ends the child for good.
func (k *kernel) endChild() {
	k.mu.Lock()
	c := k.child
	k.closed = true
	k.mu.Unlock()
	if c != nil {
		c.Close()
	}
}
