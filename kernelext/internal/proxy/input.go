// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

// The programs of cells read their standard input from a named pipe that the
// kernel makes (LATERAL_STDIN). While nobody has the pipe open for writing, a
// program that reads gets the end of file at once. This is the case when the
// front end does not allow input requests. When it does, the kernel holds the
// pipe open for writing, watches for a program that blocks in a read, and then
// asks the front end for a line.

const (
	firstLook = 25 * time.Millisecond  // interval of the checks for a blocked read, at first
	lastLook  = 250 * time.Millisecond // and in the end
	settling  = time.Second            // for an answer that GoNB passes on to reach the program
	// Checks in a row before a program that uses gonbui is asked: its own request has a prompt, and hides passwords.
	manyLooks = 12
)

// A console gives the programs of one cell their input.
type console struct {
	kernel *kernel
	child  *child
	to     *execution
	path   string
	done   chan struct{}
	looks  int // how many checks in a row must find the same blocked read

	mu       sync.Mutex
	pipe     *os.File      // nil: programs read the end of their input
	question *wire.Message // the input request that is not answered yet
	gonbs    bool          // it comes from GoNB, which takes the answer
	settled  time.Time     // when GoNB got its last answer
	asked    int           // number of the kernel's own requests
	quick    time.Time     // since when checks are frequent
}

// openInput makes the pipe. Without it GoNB uses a pipe of its own, and programs
// that read wait for ever.
func (k *kernel) openInput() (path string, err error) {
	path = filepath.Join(k.inbox, "stdin")
	return path, makeFIFO(path)
}

// openConsole starts to serve the programs that c runs for e.
func (k *kernel) openConsole(e *execution, c *child) *console {
	in := &console{kernel: k, child: c, to: e, path: k.stdin, done: make(chan struct{}), quick: time.Now(), looks: 2}
	if k.mentions(e.content.Code, "gonbui") {
		in.looks = manyLooks
	}
	if e.content.AllowStdin && k.stdin != "" && (seesReaders(c.PID()) || in.looks == manyLooks) {
		in.pipe, _ = os.OpenFile(in.path, os.O_RDWR|syscall.O_NONBLOCK, 0) // without it there is no input
	}
	if in.pipe != nil {
		go in.watch()
	}
	return in
}

// close drops the input that was not read.
func (in *console) close() {
	close(in.done)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.end()
	in.question = nil
}

// end gives programs the end of file.
func (in *console) end() {
	if in.pipe != nil {
		in.pipe.Close()
		in.pipe = nil
	}
}

// watch asks for a line whenever a program blocks in a read, until the cell ends.
func (in *console) watch() {
	for last, seen := 0, 0; ; {
		in.mu.Lock()
		pause := min(max(time.Since(in.quick)/20, firstLook), lastLook)
		in.mu.Unlock()
		select {
		case <-time.After(pause):
		case <-in.done:
			return
		case <-in.to.ctx.Done():
			return
		}
		in.mu.Lock()
		idle := in.pipe != nil && in.question == nil && time.Since(in.settled) > settling && unread(in.pipe) == 0
		in.mu.Unlock()
		waiting := 0
		if idle {
			waiting = reader(in.child.PID(), in.path)
		}
		if seen++; waiting == 0 || waiting != last {
			last, seen = waiting, 1
		}
		if waiting != 0 && seen == in.looks { // the text that it printed before has arrived by now
			in.askLine()
			last = 0
		}
	}
}

// endOfInput ends the input when it is typed as the whole line. So does the control
// character itself, which jupyter console sends.
const endOfInput = "^D"

// askLine asks the front end for a line. The program has usually printed its own
// prompt, so the first request has none.
func (in *console) askLine() {
	in.mu.Lock()
	defer in.mu.Unlock()
	request := wire.InputRequest{}
	if in.asked++; in.asked > 1 {
		request.Prompt = "(" + endOfInput + " ends the input) "
	}
	in.send(wire.Reply(in.to.request, "input_request", request))
	in.gonbs = false
}

// pass passes a request of GoNB's on to the front end.
func (in *console) pass(m *wire.Message) {
	in.mu.Lock()
	defer in.mu.Unlock()
	m.Identities = in.to.request.Identities
	in.send(m)
	in.gonbs = true
}

func (in *console) send(question *wire.Message) {
	in.question = question
	in.kernel.sockets.Stdin.Send(question) // a front end that has gone answers nothing
}

// answer passes the user's answer to the program that asked. An answer to a
// request that is no longer open is dropped.
func (in *console) answer(m *wire.Message) {
	in.mu.Lock()
	defer in.mu.Unlock()
	var reply wire.InputReply
	if in.question == nil || m.Parent.ID != "" && m.Parent.ID != in.question.Header.ID || m.Decode(&reply) != nil {
		return
	}
	in.question, in.quick = nil, time.Now()
	switch {
	case in.gonbs:
		in.settled = time.Now()
		m.Identities = nil
		in.child.Answer(m) // one that has ended needs no answer
	case in.pipe == nil:
	case reply.Value == endOfInput || reply.Value == "\x04":
		in.end()
	default:
		go func(pipe *os.File) { pipe.WriteString(reply.Value + "\n") }(in.pipe) // until it is closed
	}
}

func makeFIFO(path string) error { return syscall.Mkfifo(path, 0o600) }
