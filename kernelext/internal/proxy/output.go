// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"fmt"
	"html"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

const (
	maxPrinted = 16 << 20 // bytes of text that a front end gets from one cell
	maxReport  = 256 << 10
	maxTail    = 4 << 10
	reportTime = 15 * time.Second // for a panic's report to be followed by the end of the program
)

// What a browser can still open, in bytes. Tests have less.
var (
	maxDisplay  = 32 << 20  // of one rich output
	maxDisplays = 128 << 20 // of all rich outputs of a cell
)

var (
	// exitLine is what GoNB writes to stderr, as a message of its own, when a program has failed.
	exitLine = regexp.MustCompile(`^(\^C\n)?(exit status \d+|signal: .*)\n$`)
	// reportStart begins what the Go runtime writes when a program dies.
	reportStart = regexp.MustCompile(`(?m)^(panic: |fatal error: |runtime: goroutine stack exceeds)`)
	// cellMark is GoNB's reference to a line of a cell, before a line of its own file.
	cellMark = regexp.MustCompile(`(?:\x1b\[7m)?\[\[ Cell (?:\[(\d+)\] )?Line (\d+) \]\](?:\x1b\[0m)?`)
)

// An output passes on what a cell shows, as the front end should see it. A
// program's last words, the report of its panic and its exit status, are held
// back: they are the cell's error.
type output struct {
	kernel  *kernel
	request *wire.Message
	cell    string // identifies the cell, so that running it again is recognised
	shell   bool   // the cell runs shell commands
	count   int    // execution count of the cell

	mu      sync.Mutex
	origin  func(place) place // from GoNB's numbering to the front end's
	silent  bool
	ended   bool
	report  []byte // held back
	flush   *time.Timer
	flushed []byte // a report that was shown after all
	exit    string // how the program ended, if not well
	tail    string // the last that was printed
	printed int
	cut     bool
	flood   func()          // called when there is too much text; may be nil
	shown   map[string]bool // display identifiers
	rich    int             // bytes of rich outputs, each as it was first shown
	full    bool            // no more of them are passed on
}

// printedText is how GoNB begins the content of a message with text from stdout.
var printedText = []byte(`{"name":"stdout",`)

// handle passes on one message that GoNB published for the cell.
func (o *output) handle(m *wire.Message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.silent {
		return
	}
	switch m.Header.Type {
	case "status", "execute_input", "error":
		// The kernel says these itself.
	case "stream":
		var s wire.Stream
		if m.Decode(&s) == nil {
			o.stream(s)
		}
	case "display_data", "update_display_data", "execute_result":
		var d wire.Display
		if o.fits(m) && m.Decode(&d) == nil {
			o.display(m.Header.Type, d)
		}
	default: // clear_output, comm_open, ...
		o.kernel.noteComm(m)
		o.kernel.publish(topical(m))
	}
}

// fits tells whether there is room for a rich output. If not, a line says so in
// its place, once for all that follow a cell's last.
func (o *output) fits(m *wire.Message) bool {
	size := len(m.Content)
	switch {
	case size > maxDisplay:
		o.leftOut(fmt.Sprintf("an output of %d MB is left out: more than %d MB", size>>20, maxDisplay>>20))
		return false
	case m.Header.Type == "update_display_data":
		return true
	case o.full:
		return false
	}
	o.rich += size
	if o.full = o.rich > maxDisplays; o.full {
		o.leftOut(fmt.Sprintf("the rest of what this cell displays is left out: more than %d MB", maxDisplays>>20))
	}
	return !o.full
}

func (o *output) leftOut(why string) {
	o.kernel.show(o.request, "stream", wire.Stream{Name: "stderr", Text: "[" + why +
		": draw less at once, or write it to a file]\n"})
}

// stream passes on text.
func (o *output) stream(s wire.Stream) {
	if s.Name != "stderr" || o.ended {
		o.print(s)
		return
	}
	if exitLine.MatchString(s.Text) {
		o.exit = strings.TrimPrefix(strings.TrimSpace(s.Text), "^C\n")
		return
	}
	if o.exit != "" && !o.shell { // the program itself had written that
		o.print(wire.Stream{Name: "stderr", Text: o.exit + "\n"})
		o.exit = ""
	}
	if o.report == nil {
		at := reportStart.FindStringIndex(s.Text)
		if at == nil {
			o.print(s)
			return
		}
		o.print(wire.Stream{Name: "stderr", Text: s.Text[:at[0]]})
		s.Text = s.Text[at[0]:]
		o.flush = time.AfterFunc(reportTime, func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.release()
		})
	}
	o.report = append(o.report, s.Text...)
	if len(o.report) > maxReport {
		o.release()
	}
}

// release shows a report after all: the program that wrote it lives on.
func (o *output) release() {
	if len(o.report) > 0 {
		o.flushed = o.report
		o.print(wire.Stream{Name: "stderr", Text: string(o.report)})
	}
	o.report = nil
}

// print publishes text until there is too much of it.
func (o *output) print(s wire.Stream) {
	if s.Text == "" || o.cut {
		return
	}
	// A line that a carriage return overwrites again and again takes no room.
	o.printed += len(s.Text) - max(0, strings.LastIndexByte(s.Text, '\r'))
	if o.printed > maxPrinted {
		o.cut = true
		if o.flood != nil {
			o.flood()
		}
		s = wire.Stream{Name: "stderr",
			Text: fmt.Sprintf("\n[the rest of what this cell prints is left out: more than %d MB]\n", maxPrinted>>20)}
	}
	s.Text = o.renumber(s.Text)
	o.tail += s.Text
	o.tail = o.tail[max(0, len(o.tail)-maxTail):]
	o.kernel.show(o.request, "stream", s)
}

// renumber puts the front end's execution counts into GoNB's references to cells.
func (o *output) renumber(text string) string {
	if !strings.Contains(text, "[[ Cell ") {
		return text
	}
	return cellMark.ReplaceAllStringFunc(text, func(mark string) string {
		p := o.origin(markedPlace(cellMark.FindStringSubmatch(mark)))
		if p.line == 0 {
			return "" // GoNB writes line 0 where it does not know
		}
		return fmt.Sprintf("[[ Cell [%d] Line %d ]]", p.count, p.line)
	})
}

// markedPlace reads a match of cellMark.
func markedPlace(m []string) place {
	count, _ := strconv.Atoi(m[1]) // 0 if it is not there
	line, _ := strconv.Atoi(m[2])
	return place{count, line}
}

// display passes on a rich output, with a text form.
func (o *output) display(msgType string, d wire.Display) {
	if id := d.Transient.DisplayID; id != "" && msgType != "execute_result" {
		msgType = o.displayOrUpdate(msgType, id)
	}
	if d.Data == nil {
		d.Data = map[string]any{}
	}
	if _, ok := d.Data["text/plain"]; !ok {
		d.Data["text/plain"] = plain(d.Data, d.Metadata)
	}
	if d.Metadata == nil {
		d.Metadata = map[string]any{}
	}
	if msgType == "execute_result" {
		d.ExecutionCount = o.count
	}
	if o.kernel.Observe != nil {
		o.kernel.Observe(d)
	}
	o.kernel.show(o.request, msgType, d)
}

// displayOrUpdate decides what an output with an identifier is. GoNB says
// display once in its life and update from then on. When the cell that showed
// it runs again, the front end has cleared it, and there is nothing to update.
func (o *output) displayOrUpdate(msgType, id string) string {
	k := o.kernel
	k.mu.Lock()
	defer k.mu.Unlock()
	if !o.shown[id] && (k.places[id] == "" || k.places[id] == o.cell) {
		o.shown[id] = true
		k.places[id] = o.cell
		return "display_data"
	}
	return msgType
}

var (
	invisible = regexp.MustCompile(`(?is)<(script|style)\b.*?</(script|style)>`)
	tags      = regexp.MustCompile(`(?s)<[^>]*>`)
	blanks    = regexp.MustCompile(`\n[ \t]*(\n[ \t]*)+`)
)

// plain returns a text form of data that has none.
func plain(data, metadata map[string]any) string {
	text := func(mime string) string {
		switch v := data[mime].(type) {
		case string:
			return v
		case []any:
			var b strings.Builder
			for _, line := range v {
				fmt.Fprint(&b, line)
			}
			return b.String()
		}
		return ""
	}
	for _, mime := range []string{"text/markdown", "text/latex"} {
		if s := text(mime); s != "" {
			return s
		}
	}
	if s := text("text/html"); s != "" {
		s = html.UnescapeString(tags.ReplaceAllString(invisible.ReplaceAllString(s, ""), ""))
		if s = strings.TrimSpace(blanks.ReplaceAllString(s, "\n")); s != "" {
			return s
		}
	}
	for _, mime := range slices.Sorted(maps.Keys(data)) {
		if about, ok := metadata[mime].(map[string]any); ok {
			if alt, ok := about["alt"].(string); ok && alt != "" {
				return alt
			}
		}
	}
	return "[" + strings.Join(slices.Sorted(maps.Keys(data)), ", ") + "]"
}

// last returns the last lines that were printed.
func (o *output) last(n int) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(colours.ReplaceAllString(o.tail, "")), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// end says that the program has ended, and returns the report of its panic and
// how it ended. Reports of a program that ended well are shown after all.
func (o *output) end() (report, exit string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	if o.flush != nil {
		o.flush.Stop()
	}
	if o.exit == "" {
		o.release()
		return "", ""
	}
	return string(append(o.flushed, o.report...)), o.exit
}
