// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/cell"
	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

const (
	abortWindow = 50 * time.Millisecond // after a cell's arrival, in which the others of Run All arrive
	signalEvery = 20 * time.Millisecond
)

// Tests have less patience.
var (
	saveTime = 5 * time.Second // for an interrupted cell to end by itself
	killTime = 2 * time.Second // more, for GoNB to notice that it was killed
)

// A queued request waits for its turn.
type queued struct {
	request *wire.Message
	at      time.Time
}

// enqueue adds an execute_request.
func (k *kernel) enqueue(m *wire.Message) {
	k.mu.Lock()
	k.queue = append(k.queue, queued{m, time.Now()})
	k.mu.Unlock()
	k.awake()
}

// awake makes the executing goroutine look around.
func (k *kernel) awake() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// executeAll runs requests one after the other, until ctx is done. Between them
// it sees that there is a GoNB.
func (k *kernel) executeAll(ctx context.Context) {
	k.ready(ctx) // a failure is reported by the first cell
	for {
		k.mu.Lock()
		var next queued
		aborted := false
		if len(k.queue) > 0 {
			next, k.queue = k.queue[0], k.queue[1:]
			aborted = next.at.Before(k.abortUntil)
		}
		k.mu.Unlock()
		switch {
		case ctx.Err() != nil:
			return
		case next.request == nil:
			select {
			case <-k.wake:
			case <-ctx.Done():
				return
			}
			k.revive(ctx)
			k.adoptGopls(ctx)
		case aborted:
			k.answer(k.sockets.Shell, next.request, "execute_reply", func() any {
				return executeReply{ExecuteReply: wire.ExecuteReply{Status: "aborted", ExecutionCount: k.count}}
			})
		default:
			k.execute(ctx, next.request, next.at)
		}
	}
}

// executeReply has what the protocol asks for besides.
type executeReply struct {
	wire.ExecuteReply
	Expressions map[string]any `json:"user_expressions"`
	Payload     []any          `json:"payload"`
}

// An execution is one request on its way.
type execution struct {
	kernel  *kernel
	request *wire.Message
	content wire.ExecuteRequest
	cell    *cell.Cell
	count   int
	output  *output
	console *console // under the kernel's mu; nil while GoNB does not run the cell

	ctx     context.Context // done when interrupted
	cancel  context.CancelCauseFunc
	begun   atomic.Bool // GoNB has said something about it
	replied chan wire.ExecuteReply
	idle    chan struct{}
}

var (
	errInterrupted = errors.New("interrupted")
	errNoInput     = errors.New("the cell asks for input, but nobody can answer in this front end")
)

// execute runs one request from its busy to its idle status.
func (k *kernel) execute(ctx context.Context, m *wire.Message, arrived time.Time) {
	e := &execution{kernel: k, request: m, replied: make(chan wire.ExecuteReply, 1), idle: make(chan struct{}, 1)}
	k.status(m, "busy")
	defer k.status(m, "idle")
	if err := m.Decode(&e.content); err != nil {
		reply := wire.ExecuteReply{Status: "error", ExecutionCount: k.count, Name: "ProtocolError", Value: err.Error()}
		k.sockets.Shell.Send(wire.Reply(m, "execute_reply", executeReply{ExecuteReply: reply}))
		return
	}
	e.cell = cell.Read(e.content.Code)
	e.content.Code = e.cell.Code
	e.ctx, e.cancel = context.WithCancelCause(ctx)
	defer e.cancel(nil)

	k.mu.Lock()
	if e.content.StoreHistory && !e.content.Silent {
		k.count++
		k.history = append(k.history, entry{k.count, e.content.Code})
	}
	e.count = k.count
	e.output = &output{kernel: k, request: m, cell: cellOf(m, e.content.Code), count: e.count,
		shell: hasShell(e.cell), shown: map[string]bool{}, origin: func(p place) place { return p }}
	k.current = e
	k.mu.Unlock()
	if !e.content.Silent {
		k.show(m, "execute_input", wire.ExecuteInput{Code: e.content.Code, ExecutionCount: e.count})
	}

	failed := e.run(ctx)
	if failed != nil {
		time.Sleep(time.Until(arrived.Add(abortWindow))) // where the cell failed at once
	}

	k.mu.Lock()
	k.current = nil
	if e.ctx.Err() != nil || failed != nil && e.content.StopOnError {
		k.abortUntil = time.Now()
	}
	k.mu.Unlock()
	reply := executeReply{
		ExecuteReply: wire.ExecuteReply{Status: "ok", ExecutionCount: e.count},
		Expressions:  map[string]any{}, Payload: []any{},
	}
	if failed != nil {
		text := failed.text()
		reply.Status, reply.Name, reply.Value, reply.Traceback = "error", failed.Name, failed.value(), text
		reply.Failure = &failed.Failure
		k.show(m, "error", wire.Error{Name: failed.Name, Value: failed.value(), Traceback: text})
	}
	k.sockets.Shell.Send(wire.Reply(m, "execute_reply", reply))
}

// cellOf identifies the cell that a request runs: by the front end's own name
// for it, where it gives one, else by its text.
func cellOf(m *wire.Message, code string) string {
	if id, ok := m.Metadata["cellId"].(string); ok && id != "" {
		return id
	}
	return code
}

// run runs the request's magics and, if anything is left, its code on GoNB.
func (e *execution) run(ctx context.Context) *failure {
	k := e.kernel
	failed := k.check(e.cell)
	var done map[int]bool
	if failed == nil {
		done, failed = k.runMagics(e.ctx, e.request, e.cell)
	}
	if failed != nil {
		failed.Count = e.count
		return failed
	}
	code, added := k.forGoNB(e.cell, done)
	if strings.TrimSpace(code) == "" {
		return nil
	}
	for try := 1; ; try++ {
		c, err := k.ready(ctx)
		if err != nil {
			return newFailure("KernelError", err.Error())
		}
		if notice := k.takeNotice(); notice != "" {
			k.show(e.request, "stream", wire.Stream{Name: "stderr", Text: notice + "\n"})
		}
		failed, sent := e.on(c, code, added)
		if sent || try == 2 {
			return failed
		}
		// GoNB has just ended, and the cell has not run: it runs on the next one.
		c.Kill()
		<-c.gone
	}
}

// on runs code, to which the kernel may have added a line, on a GoNB and says why
// it failed, nil if it did not, and whether GoNB got it at all.
func (e *execution) on(c *child, code string, added int) (failed *failure, sent bool) {
	content := e.content
	content.Code, content.StoreHistory = code, !content.Silent
	e.output.origin = c.origin
	e.output.flood = func() { c.flooded.Store(true) }
	defer c.flooded.Store(false)
	c.begin(e, content.StoreHistory, added)
	defer c.end(e)
	e.attach(e.kernel.openConsole(e, c))
	defer e.attach(nil)
	raw, err := json.Marshal(content)
	if err != nil {
		return newFailure("KernelError", err.Error()), true
	}
	request := *e.request
	request.Identities, request.Content = nil, raw
	if err := c.Send(&request); err != nil {
		return newFailure("KernelError", err.Error()), false
	}
	return e.outcome(c)
}

// attach sets the cell's console and closes the previous one.
func (e *execution) attach(in *console) {
	e.kernel.mu.Lock()
	before := e.console
	e.console = in
	e.kernel.mu.Unlock()
	if before != nil {
		before.close()
	}
}

// outcome waits for the end of what was sent to a GoNB and says why it failed,
// nil if it did not, and whether GoNB got it at all.
func (e *execution) outcome(c *child) (failed *failure, got bool) {
	reply, err := e.wait(c)
	if err != nil && !e.begun.Load() && e.ctx.Err() == nil {
		why := fmt.Sprintf("the cell's kernel process ended before the cell began: %v", err)
		return newFailure("KernelDied", why), false
	}
	return e.verdict(c, reply, err), true
}

// verdict says why what GoNB has done with a cell is a failure, nil if it is none.
func (e *execution) verdict(c *child, reply wire.ExecuteReply, err error) *failure {
	k := e.kernel
	report, exit := e.output.end()
	cause := context.Cause(e.ctx)
	switch {
	case err != nil:
		return k.lost(e, c, err)
	case reply.Status != "error" && !e.content.Silent:
		k.remember(e.cell, e.count)
	}
	switch {
	case errors.Is(cause, errNoInput):
		return newFailure("InputError", cause.Error())
	case cause != nil && (exit != "" || reply.Status == "error"):
		return newFailure("Interrupted", "interrupted")
	case reply.Status == "error" && exitLine.MatchString(strings.TrimSpace(reply.Value)+"\n"): // GoNB 0.11.4 and later
		return e.died(report, strings.TrimSpace(reply.Value))
	case reply.Status == "error":
		return e.notCompiled(reply)
	case exit != "":
		return e.died(report, exit)
	}
	return nil
}

// wait waits until GoNB has replied and has sent all output. An interrupt is
// passed to every process that GoNB has started or still starts: the compiler,
// a shell, the cell. What does not end in time is killed, in the end GoNB
// itself. The error is that of a GoNB that has ended.
func (e *execution) wait(c *child) (wire.ExecuteReply, error) {
	var (
		reply         wire.ExecuteReply
		replied, idle bool
		interrupted   = e.ctx.Done()
		tick          <-chan time.Time
		since         time.Time
		signalled     = map[int]bool{}
	)
	for !replied || !idle {
		select {
		case reply = <-e.replied:
			replied = true
		case <-e.idle:
			idle = true
		case <-c.gone:
			return reply, c.Err()
		case <-interrupted:
			interrupted = nil
			ticker := time.NewTicker(signalEvery)
			defer ticker.Stop()
			tick, since = ticker.C, time.Now()
			c.signal(signalled, syscall.SIGINT)
		case <-tick:
			switch waited := time.Since(since); {
			case waited < saveTime:
				c.signal(signalled, syscall.SIGINT)
			case waited < saveTime+killTime:
				c.signal(map[int]bool{}, syscall.SIGKILL)
			default:
				c.Kill()
			}
		}
	}
	return reply, nil
}

// interrupt ends what runs now.
func (k *kernel) interrupt() {
	k.mu.Lock()
	e := k.current
	k.mu.Unlock()
	if e != nil {
		e.cancel(errInterrupted)
	}
}

// lost reports a GoNB that has ended in the middle of a cell, and starts another.
func (k *kernel) lost(e *execution, c *child, err error) *failure {
	why := fmt.Sprintf("the cell's kernel process ended: %v", err)
	if context.Cause(e.ctx) != nil {
		why = "the cell did not end when it was interrupted, and its kernel process was killed"
	}
	k.logf("%s", why)
	if _, err := k.ready(context.WithoutCancel(e.ctx)); err != nil {
		return newFailure("KernelDied", why+"; it cannot be started again: "+err.Error())
	}
	failed := newFailure("KernelDied", why)
	failed.Detail = k.takeNotice()
	return failed
}
