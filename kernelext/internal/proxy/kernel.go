// SPDX-License-Identifier: Apache-2.0

// Package proxy is the kernel that Jupyter starts: "lateral kernel run". It
// speaks the Jupyter messaging protocol to any front end and drives GoNB, which
// compiles and runs the cells, as a child process. What GoNB does well passes
// through: display, widgets, input, completion, inspection. What it cannot be
// asked to do is mended here:
//
//   - After an error or an interrupt the cells that are queued are aborted.
//   - A program that panicked or exited with a status is an error, with the cell
//     and line to blame; so is one that does not compile.
//   - An interrupt stops whatever runs: the compiler, a shell, the cell, and what
//     the cell has started.
//   - Every rich output has a text form.
//   - is_complete, history and comm_info requests are answered, and anything but
//     an execution at once, also while a cell runs.
//   - A GoNB that dies or hangs is reported and started again, and gets the
//     declarations of the cells so far.
//   - Magic commands of the module's own ([Magic]) stand beside GoNB's.
package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/session"
	"github.com/lateral-ml/lateral/kernelext/internal/wire"
	"github.com/lateral-ml/lateral/lib/durable"
)

// Config says what to serve.
type Config struct {
	Connection wire.Connection // of the front end
	Child      session.Spec    // how to start GoNB
	Setup      []string        // code that every new GoNB runs first, such as %noautoget
	Magics     []Magic
	Observe    func(wire.Display) // sees every output that is displayed; may be nil
	Interrupts <-chan os.Signal   // each interrupts the cell, as an interrupt_request does; may be nil
	// MakeGopls builds gopls, which GoNB finds on its PATH when it starts. The first completion or inspection calls it,
	// in the background; nil if gopls is there.
	MakeGopls func(context.Context) error
	// PackageDir returns where the source of a package is, which cells may import: its names complete without gopls. It
	// may be nil.
	PackageDir func(ctx context.Context, path string) (string, error)
	Log        io.Writer // why a child had to be started again; may be nil
}

// A kernel is the state of a served kernel.
type kernel struct {
	Config
	sockets *wire.Sockets
	id      string // session of messages that answer no request
	stop    context.CancelCauseFunc

	statusMu sync.Mutex
	running  *wire.Message // execute_request that the front end sees as running

	mu         sync.Mutex
	queue      []queued
	wake       chan struct{} // something was queued, or the child has ended
	abortUntil time.Time     // requests that arrived before are aborted
	current    *execution
	child      *child
	closed     bool              // no other child is started
	env        map[string]string // set by magics
	declared   []source          // cells whose declarations GoNB remembers
	starts     []time.Time       // when children were started
	notice     string            // for the next cell to show
	replayed   error             // why the newest GoNB did not get the declarations
	history    []entry
	count      int               // execution count
	comms      map[string]string // open ones: identifier to target
	places     map[string]string // display identifier to the cell that first showed it
	completion completion
	exports    exports
	stdin      string // named pipe that programs read, "" if there is none
	inbox      string // directory of the sockets of cells that wait for their readers, "" if there is none
}

// errShutdown ends a kernel that was asked to.
var errShutdown = errors.New("proxy: shut down")

// Run serves until a front end asks for the end, or ctx is done; then it ends
// GoNB and all it started. The error says why the sockets could not be opened.
func Run(ctx context.Context, c Config) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	sockets, err := wire.Listen(ctx, c.Connection)
	if err != nil {
		return err
	}
	defer sockets.Close()
	if c.Log == nil {
		c.Log = io.Discard
	}
	k := &kernel{
		Config: c, sockets: sockets, id: wire.NewID(), stop: stop, wake: make(chan struct{}, 1),
		env: map[string]string{}, comms: map[string]string{}, places: map[string]string{},
		completion: completion{life: ctx},
	}
	if dir, err := durable.MakeTempDir("", "inbox-"); err == nil { // else cells do not wait and programs read nothing
		defer dir.Remove()
		k.inbox = dir.Path
		if k.stdin, err = k.openInput(); err != nil {
			k.logf("programs have no standard input: %v", err)
		}
	}
	k.publish(wire.New(k.id, "status", wire.Status{State: "starting"}))
	var executing sync.WaitGroup
	executing.Go(func() { k.executeAll(ctx) })
	go receive(ctx, sockets.Shell, k.onShell)
	go receive(ctx, sockets.Control, k.onControl)
	go receive(ctx, sockets.Stdin, k.onStdin)
	go func() {
		for {
			select {
			case <-c.Interrupts:
				k.interrupt()
			case <-ctx.Done():
				return
			}
		}
	}()
	<-ctx.Done()
	k.endChild()
	executing.Wait()
	return nil
}

// receive gives the messages of a socket to handle, one after the other. One
// that is forged, damaged or repeated is passed over.
func receive(ctx context.Context, socket *wire.Socket, handle func(*wire.Message)) {
	for ctx.Err() == nil {
		if m, err := socket.Receive(); err == nil {
			handle(m)
		}
	}
}

// onShell routes a request.
func (k *kernel) onShell(m *wire.Message) {
	switch m.Header.Type {
	case "execute_request":
		k.enqueue(m)
	case "comm_open", "comm_msg", "comm_close":
		k.answer(k.sockets.Shell, m, "", func() any { k.fromFront(m); return nil })
	case "complete_request":
		go k.answer(k.sockets.Shell, m, "complete_reply", func() any { return k.complete(m) })
	case "inspect_request":
		go k.answer(k.sockets.Shell, m, "inspect_reply", func() any { return k.inspect(m) })
	case "is_complete_request":
		k.answer(k.sockets.Shell, m, "is_complete_reply", func() any { return isComplete(m) })
	case "history_request":
		k.answer(k.sockets.Shell, m, "history_reply", func() any { return k.recall(m) })
	case "comm_info_request":
		k.answer(k.sockets.Shell, m, "comm_info_reply", func() any { return k.openComms(m) })
	case "kernel_info_request":
		k.answer(k.sockets.Shell, m, "kernel_info_reply", func() any { return info() })
	case "shutdown_request":
		k.shutdown(k.sockets.Shell, m)
	default: // of a later version of the protocol
		k.answer(k.sockets.Shell, m, "", func() any { return nil })
	}
}

// onControl routes a request that jumps the queue.
func (k *kernel) onControl(m *wire.Message) {
	switch m.Header.Type {
	case "interrupt_request":
		k.answer(k.sockets.Control, m, "interrupt_reply", func() any { k.interrupt(); return wire.OK{Status: "ok"} })
	case "kernel_info_request":
		k.answer(k.sockets.Control, m, "kernel_info_reply", func() any { return info() })
	case "shutdown_request":
		k.shutdown(k.sockets.Control, m)
	default:
		k.answer(k.sockets.Control, m, "", func() any { return nil })
	}
}

// onStdin hands what a person typed to the program that asks.
func (k *kernel) onStdin(m *wire.Message) {
	if in := k.console(); in != nil && m.Header.Type == "input_reply" {
		in.answer(m)
	}
}

// console returns the console of the cell that runs, nil if there is none.
func (k *kernel) console() *console {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.current == nil {
		return nil
	}
	return k.current.console
}

// answer replies to m, between a busy and an idle status. A reply of type ""
// is not sent.
func (k *kernel) answer(socket *wire.Socket, m *wire.Message, replyType string, content func() any) {
	k.status(m, "busy")
	c := content()
	if replyType != "" {
		socket.Send(wire.Reply(m, replyType, c)) // a front end that has gone needs none
	}
	k.status(m, "idle")
}

// shutdown answers the request to end, and ends.
func (k *kernel) shutdown(socket *wire.Socket, m *wire.Message) {
	var content wire.Shutdown
	m.Decode(&content) // anything but true is no restart
	content.Status = "ok"
	k.endChild()
	k.answer(socket, m, "shutdown_reply", func() any {
		k.publish(topical(wire.Reply(m, "shutdown_reply", content)))
		return content
	})
	time.Sleep(20 * time.Millisecond) // let the messages out
	k.stop(errShutdown)
}

// status publishes a state that belongs to request m. While a cell runs, the
// end of another request must not make the kernel look idle, which front ends
// show without looking whose state it is: the cell says again that it is busy.
func (k *kernel) status(m *wire.Message, state string) {
	k.statusMu.Lock()
	defer k.statusMu.Unlock()
	if m.Header.Type == "execute_request" {
		k.running = nil
		if state == "busy" {
			k.running = m
		}
	}
	k.publish(topical(wire.Reply(m, "status", wire.Status{State: state})))
	if state == "idle" && k.running != nil {
		k.publish(topical(wire.Reply(k.running, "status", wire.Status{State: "busy"})))
	}
}

// topical replaces the routing identities of a reply, which iopub has none of,
// by its type as the topic.
func topical(m *wire.Message) *wire.Message {
	m.Identities = [][]byte{[]byte(m.Header.Type)}
	return m
}

// publish sends m on iopub; without a subscriber it is lost, as it should be.
func (k *kernel) publish(m *wire.Message) { k.sockets.IOPub.Send(m) }

// show publishes content that belongs to request m.
func (k *kernel) show(m *wire.Message, msgType string, content any) {
	k.publish(topical(wire.Reply(m, msgType, content)))
}

// fromFront hands a message of a widget to GoNB.
func (k *kernel) fromFront(m *wire.Message) {
	if k.forCell(m) {
		return
	}
	k.noteComm(m)
	k.mu.Lock()
	c := k.child
	k.mu.Unlock()
	if c != nil {
		m.Identities = nil
		c.Send(m) // a child that has just died has no widgets either
	}
}

// ownTarget is the name of this module's own comms, whose identifiers are the
// names of the sockets of the cells that they are for.
const ownTarget = "lateral"

var socketName = regexp.MustCompile(`^[0-9a-f]{8}$`)

// forCell hands the value of a message of an own comm to the cell that waits for
// it. It is false for other comms.
func (k *kernel) forCell(m *wire.Message) bool {
	var comm wire.Comm
	if m.Decode(&comm) != nil || !socketName.MatchString(comm.ID) {
		return false
	}
	k.mu.Lock()
	own := comm.Target == ownTarget || k.comms[comm.ID] == ownTarget
	k.mu.Unlock()
	if !own {
		return false
	}
	k.noteComm(m)
	if len(comm.Data.Value) > 0 && k.inbox != "" {
		if socket, err := net.Dial("unixgram", filepath.Join(k.inbox, comm.ID)); err == nil { // else the cell has ended
			socket.Write(comm.Data.Value)
			socket.Close()
		}
	}
	return true
}

// noteComm remembers which comms are open, whichever side opened them.
func (k *kernel) noteComm(m *wire.Message) {
	var comm wire.Comm
	if m.Header.Type == "comm_msg" || m.Decode(&comm) != nil || comm.ID == "" {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if m.Header.Type == "comm_open" {
		k.comms[comm.ID] = comm.Target
	} else {
		delete(k.comms, comm.ID)
	}
}

// openComms lists the open comms, of one target if the request names it.
func (k *kernel) openComms(m *wire.Message) wire.CommInfoReply {
	var asked wire.Comm
	m.Decode(&asked) // without a target all are meant
	k.mu.Lock()
	defer k.mu.Unlock()
	reply := wire.CommInfoReply{Status: "ok", Comms: map[string]map[string]string{}}
	for id, target := range k.comms {
		if asked.Target == "" || asked.Target == target {
			reply.Comms[id] = map[string]string{"target_name": target}
		}
	}
	return reply
}

// logf tells the log what happened to the child.
func (k *kernel) logf(format string, args ...any) {
	fmt.Fprintf(k.Log, "lateral kernel: "+format+"\n", args...)
}
