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

// GoNB gives all programs of cells one standard input: a named pipe of the
// kernel's (LATERAL_STDIN). While nobody has it open for writing, a program
// reads the end of its input at once: so it is where the front end allows no
// questions. Where it does, the kernel holds the pipe open, sees that a program
// waits for input, and asks the person at the front end for a line.

const (
	firstLook = 25 * time.Millisecond // between looks for a program that waits
	lastLook  = 250 * time.Millisecond
	settling  = time.Second // for an answer that GoNB hands on to reach the program
	manyLooks = 12          // in a row, of a program that may ask by itself: its own question says more, and hides passwords
)

// A console gives the programs of one cell their input.
type console struct {
	kernel *kernel
	child  *child
	to     *execution
	path   string
	done   chan struct{}
	looks  int // in a row must find a program that waits

	mu       sync.Mutex
	pipe     *os.File      // nil: programs read the end of their input
	question *wire.Message // that the front end has not answered yet
	gonbs    bool          // the question comes from GoNB, which takes the answer
	settled  time.Time     // when an answer through GoNB has arrived
	asked    int           // questions of the kernel's
	quick    time.Time     // since when looks are frequent
}

// openInput makes the pipe. Without it GoNB has its own way, in which programs
// that read wait for ever.
func (k *kernel) openInput() (path string, err error) {
	path = filepath.Join(k.inbox, "stdin")
	return path, makeFIFO(path)
}

// openConsole begins to answer the programs that c runs for e.
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

// close leaves what was not read unread.
func (in *console) close() {
	close(in.done)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.end()
	in.question = nil
}

// end has programs read the end of their input.
func (in *console) end() {
	if in.pipe != nil {
		in.pipe.Close()
		in.pipe = nil
	}
}

// watch asks for a line whenever a program waits for one, until the cell ends.
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
		if waiting != 0 && seen == in.looks { // what it has printed before has arrived meanwhile
			in.askLine()
			last = 0
		}
	}
}

// endOfInput is what people type to end the input, beside the character itself.
const endOfInput = "^D"

// askLine asks the front end for a line. What for is on the screen already.
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

// pass hands a question of GoNB's to the front end.
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

// answer gives what a person typed to the program that asked. An answer to a
// question that nobody waits for any more is dropped.
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
