// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// redrawEvery is the shortest time between two redraws of a progress line: five a second.
const redrawEvery = 200 * time.Millisecond

// mostNested is how many lines are shown below a progress line.
const mostNested = 4

// A Progress is one line that tells how far something is, at what rate, and how long it will still take. It redraws
// in place at most five times a second; Done leaves a final line that says how long it took. In a headless run and
// where output is a file, it is drawn at each 10 % of the work or, if the total is not known, whenever the number of
// steps has doubled. Its methods may be called from several goroutines.
//
// Parts of the work that take long may have lines of their own below it: see [Progress.Nested].
//
//	progress := kernelext.NewProgress("training", epochs)
//	for epoch := range epochs {
//		loss := trainEpoch()
//		progress.Step(epoch+1, fmt.Sprintf("loss %.3f", loss))
//	}
//	progress.Done()
type Progress struct {
	mu       *sync.Mutex // of the outermost line, for it and all below
	root     *Progress   // the outermost line, which is p itself if p is not nested
	nested   []*Progress // of the outermost line: those that are not done, in the order they began
	label    string
	total    int
	done     int
	from     int // done before the start
	note     string
	start    time.Time
	drawn    time.Time // of the last redraw
	drawnAt  int       // done at the last redraw
	finished bool
	out      progressOutput
	now      func() time.Time
}

// NewProgress starts a progress line for total steps; 0 means that their number is not known.
func NewProgress(label string, total int) *Progress {
	return newProgress(label, total, newProgressOutput(), time.Now)
}

func newProgress(label string, total int, out progressOutput, now func() time.Time) *Progress {
	p := &Progress{mu: new(sync.Mutex), label: label, total: total, out: out, now: now, start: now()}
	p.root = p
	return p
}

// Nested starts a line below p for a part of its work, such as one network of a sweep. It is redrawn together with p,
// never more than five times a second, and goes when it is done. Of many parts the first four are shown. In a headless
// run and where output is a file, parts are not shown at all.
//
//	sweep := kernelext.NewProgress("networks", len(settings))
//	...
//	network := sweep.Nested(setting.String(), steps)
//	network.Step(step)
//	...
//	network.Done()
//	sweep.Add(1)
func (p *Progress) Nested(label string, total int) *Progress {
	root := p.root
	root.mu.Lock()
	defer root.mu.Unlock()
	n := &Progress{mu: root.mu, root: root, label: label, total: total, out: root.out, now: root.now, start: root.now()}
	root.nested = append(root.nested, n)
	return n
}

// Step says that done steps are complete, counted from the start. The notes, if any, stand at the end of the line.
func (p *Progress) Step(done int, notes ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.set(done, notes)
}

// Add says that n more steps are complete. It suits work that several goroutines share.
func (p *Progress) Add(n int, notes ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.set(p.done+n, notes)
}

func (p *Progress) set(done int, notes []string) {
	p.done = done
	if len(notes) > 0 {
		p.note = strings.Join(notes, "  ")
	}
	if p.finished || p.root.finished || !p.due() {
		return
	}
	p.root.drawn, p.root.drawnAt = p.now(), p.root.done
	p.out.draw(p.root.lines())
}

// due tells whether the lines should be redrawn now.
func (p *Progress) due() bool {
	switch {
	case !p.out.coarse():
		return p.now().Sub(p.root.drawn) >= redrawEvery
	case p != p.root:
		return false
	case p.total > 0:
		return p.done*10/p.total > p.drawnAt*10/p.total
	}
	return p.done > 0 && p.done >= 2*p.drawnAt
}

// lines are the line of unfinished work and those below it.
func (p *Progress) lines() string {
	text := p.line()
	if p.out.coarse() {
		return text
	}
	for i, n := range p.nested {
		if i == mostNested {
			return text + fmt.Sprintf("\n  and %d more", len(p.nested)-i)
		}
		text += "\n  " + n.line()
	}
	return text
}

// Done replaces the line by its final form; a nested one goes. Further steps are ignored.
func (p *Progress) Done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.finished {
		return
	}
	p.finished = true
	if p != p.root {
		p.root.nested = slices.DeleteFunc(p.root.nested, func(n *Progress) bool { return n == p })
		return
	}
	p.out.finish(p.finalLine())
}

const barWidth = 20

// line is the state of unfinished work:
//
//	training  ██████████░░░░░░░░░░  50 %  25/50  4.1/s  6 s left  loss 0.213
func (p *Progress) line() string {
	parts := []string{p.label}
	elapsed := p.now().Sub(p.start)
	if p.total > 0 {
		share := min(1, max(0, float64(p.done)/float64(p.total)))
		full := int(share * barWidth)
		parts = append(parts, strings.Repeat("█", full)+strings.Repeat("░", barWidth-full),
			fmt.Sprintf("%.0f %%", 100*share), fmt.Sprintf("%d/%d", p.done, p.total))
	} else {
		parts = append(parts, fmt.Sprint(p.done))
	}
	if made := p.done - p.from; made > 0 && elapsed > 0 {
		parts = append(parts, rate(made, elapsed))
		if p.total > p.done {
			left := time.Duration(float64(elapsed) / float64(made) * float64(p.total-p.done))
			parts = append(parts, duration(max(left, time.Second).Round(time.Second))+" left")
		}
	}
	return join(append(parts, p.note))
}

// finalLine is the state of finished work: training  50/50 in 12.2 s  4.1/s  loss 0.208
func (p *Progress) finalLine() string {
	elapsed := p.now().Sub(p.start)
	count := fmt.Sprint(p.done)
	if p.total > 0 {
		count += fmt.Sprintf("/%d", p.total)
	}
	return join([]string{p.label, count + " in " + duration(elapsed), rate(p.done-p.from, elapsed), p.note})
}

// join puts two spaces between the parts that are not empty.
func join(parts []string) string {
	kept := parts[:0:0]
	for _, s := range parts {
		if s != "" {
			kept = append(kept, s)
		}
	}
	return strings.Join(kept, "  ")
}

// rate writes steps per second, or seconds per step where that is the larger number.
func rate(done int, elapsed time.Duration) string {
	if done <= 0 || elapsed <= 0 {
		return ""
	}
	if perSecond := float64(done) / elapsed.Seconds(); perSecond >= 1 {
		return fmt.Sprintf("%.3g/s", perSecond)
	}
	return duration(elapsed/time.Duration(done)) + " each"
}

// duration writes a time span with the precision that a reader needs.
func duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second && d%time.Second != 0:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
}

// A progressOutput is where a progress line is drawn.
type progressOutput interface {
	draw(line string)
	finish(line string)
	coarse() bool // redraw rarely, such as at every tenth of the work, rather than five times a second
}

func newProgressOutput() progressOutput {
	if inNotebook {
		return &notebookLine{id: newDisplayID(), headless: Headless()}
	}
	return &terminalLine{redraws: term.IsTerminal(int(os.Stdout.Fd()))}
}

// notebookLine is an output of the cell that is redrawn in place, so that the saved notebook holds the last line.
type notebookLine struct {
	id       string
	shown    bool
	headless bool
}

func (n *notebookLine) bundle(line string) bundle {
	b := textBundle(line)
	b.id = n.id
	return b
}

func (n *notebookLine) draw(line string) {
	var err error
	if n.shown {
		err = kernel.update(n.bundle(line))
	} else {
		n.shown = true
		err = kernel.deliver(n.bundle(line))
	}
	_ = err // link has said so; the final line is printed as text
}

func (n *notebookLine) finish(line string) {
	if n.put(line) != nil {
		fmt.Println(line)
	}
}

// put draws the line and waits until the kernel has it.
func (n *notebookLine) put(line string) error {
	if !n.shown {
		n.shown = true
		return kernel.deliver(n.bundle(line))
	}
	if err := kernel.update(n.bundle(line)); err != nil {
		return err
	}
	return kernel.settle()
}

func (n *notebookLine) coarse() bool { return n.headless }

// terminalLine overwrites its lines on a terminal, and prints line after line into a file.
type terminalLine struct {
	redraws bool
	above   int // lines drawn above the one that the cursor is in
}

func (t *terminalLine) draw(lines string) {
	if !t.redraws {
		fmt.Println(lines)
		return
	}
	fmt.Print(t.clear(), fitted(lines, terminalWidth()))
	t.above = strings.Count(lines, "\n")
}

func (t *terminalLine) finish(line string) {
	if t.redraws {
		fmt.Print(t.clear())
		t.above = 0
	}
	fmt.Println(line)
}

// clear takes the cursor to where the lines began and erases them.
func (t *terminalLine) clear() string {
	if t.above > 0 {
		return fmt.Sprintf("\r\x1b[%dA\x1b[J", t.above)
	}
	return "\r\x1b[K"
}

// fitted cuts lines that are wider than the terminal: one that is wrapped could not be overwritten.
func fitted(lines string, width int) string {
	if width <= 0 {
		return lines
	}
	list := strings.Split(lines, "\n")
	for i, line := range list {
		if r := []rune(line); len(r) >= width {
			list[i] = string(r[:width-1])
		}
	}
	return strings.Join(list, "\n")
}

// terminalWidth returns the columns of the terminal, 0 if it does not say.
func terminalWidth() int {
	width, _, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		return 0
	}
	return width
}

func (t *terminalLine) coarse() bool { return !t.redraws }
