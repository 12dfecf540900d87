// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"encoding/gob"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// The kernel reads a cell's text from two pipes (stdout, stderr) and its displays, encoded with gob, from a third.
// Three goroutines of the kernel forward what arrives, so nothing but time orders one pipe against another:
//
//   - text, then display: wait until the text pipes are empty (drainText) before the display is sent;
//   - display, then text: wait for the kernel's acknowledgement, which it sends after it has forwarded the display.
//
// The displays go through package gonbui, because a pipe takes one gob stream: a second encoder beside that of
// gonb's own widgets would break it. gonbui waits without limit; here every wait has one.

// patience bounds every wait for the kernel. A kernel that takes longer than this has stopped reading.
var patience = 10 * time.Second

// inNotebook tells whether this process is a cell that a GoNB kernel runs.
var inNotebook = claimPipe()

// cellVariable marks the process that owns the pipe, for the programs that the cell starts.
const cellVariable = "LATERAL_CELL"

// claimPipe reports whether this process may write to the kernel's pipe. A program started by a cell inherits
// GONB_PIPE, but two writers would garble the pipe: it counts as outside the notebook and prints text.
func claimPipe() bool {
	pipe := os.Getenv(protocol.GONB_PIPE_ENV)
	if pipe == "" {
		return false
	}
	mine := strconv.Itoa(os.Getpid())
	if owner, of, _ := strings.Cut(os.Getenv(cellVariable), ":"); of == pipe && owner != mine {
		return false
	}
	os.Setenv(cellVariable, mine+":"+pipe)
	return true
}

func init() {
	// The kernel has registered the same two, so metadata and JSON data may nest.
	gob.Register(map[string]any{})
	gob.Register([]any{})
}

// A bundle is one output: the same content in several formats, of which a front end shows the richest it knows.
type bundle struct {
	data     map[string]any // MIME type to string, []byte or (for JSON types) nested map[string]any and []any
	metadata map[string]any
	id       string // display id of an output that is redrawn in place, empty for others
}

// plain is the text form, which every bundle has.
func (b bundle) plain() string {
	s, _ := b.data["text/plain"].(string)
	return s
}

// maxBundle is the largest output that is sent, in bytes: no browser opens a notebook with a much larger one.
const maxBundle = 32 << 20

// fitting returns b, or, where it is too large, an output that says so.
func (b bundle) fitting() bundle {
	size := 0
	for _, content := range b.data {
		switch content := content.(type) {
		case string:
			size += len(content)
		case []byte:
			size += len(content) * 4 / 3 // in base64
		}
	}
	if size <= maxBundle {
		return b
	}
	small := textBundle(
		fmt.Sprintf("[an output of %s is left out, more than %s: draw less at once, or write it to a file]",
			humanize.Bytes(uint64(size)), humanize.Bytes(maxBundle)))
	small.id = b.id
	return small
}

// newDisplayID returns an id that no earlier run of the cell has used: GoNB sends only updates for a known id, and
// the front end has long cleared the output that they would update.
func newDisplayID() string { return fmt.Sprintf("lateral-%016x", rand.Uint64()) }

// A link is the connection to the kernel. Once broken it stays so: every later display is printed as text.
type link struct {
	mu     sync.Mutex
	broken error
}

var kernel link

var errSlow = errors.New("the kernel does not answer")

// deliver displays bundles next to each other, after all text written so far and before any text written later.
func (l *link) deliver(bundles ...bundle) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	drainText()
	for _, b := range bundles {
		if err := l.send(b); err != nil {
			return err
		}
	}
	return l.within(gonbui.Sync)
}

// update redraws an output that deliver has created. It does not wait: the next update, or settle, follows anyway.
func (l *link) update(b bundle) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.send(b)
}

// settle waits until the kernel has forwarded every update.
func (l *link) settle() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.within(gonbui.Sync)
}

func (l *link) send(b bundle) error {
	b = b.fitting()
	d := &protocol.DisplayData{Data: make(map[protocol.MIMEType]any, len(b.data)), Metadata: b.metadata, DisplayID: b.id}
	for mime, content := range b.data {
		d.Data[protocol.MIMEType(mime)] = content
	}
	return l.within(func() { gonbui.SendData(d) })
}

// within runs one call of gonbui and gives up on the link if it takes too long or leaves an error.
func (l *link) within(call func()) error {
	if l.broken != nil {
		return l.broken
	}
	done := make(chan error, 1)
	go func() {
		call()
		done <- gonbui.Error()
	}()
	var err error
	select {
	case err = <-done:
	case <-time.After(patience):
		err = fmt.Errorf("%w within %v", errSlow, patience)
	}
	if err != nil {
		l.broken = err
		fmt.Fprintf(os.Stderr, "kernelext: displays are printed as text from here on: %v\n", err)
	}
	return err
}

// fail ends the cell with a readable message instead of a stack trace. It is for what a user can mend: a wrong
// setting, a failed computation.
func fail(err error) {
	if inNotebook {
		_ = kernel.settle() // a broken link has already been reported
		drainText()
	}
	fmt.Fprintln(os.Stderr, err)
	exit(1)
}

// exit is os.Exit; tests replace it.
var exit = os.Exit
