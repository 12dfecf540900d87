// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/runner"
	"golang.org/x/term"
)

// line is one line of progress: on a terminal it counts the seconds until it
// ends, elsewhere it is printed when it has ended.
type line struct {
	out   io.Writer
	text  string
	start time.Time
	live  bool
	stop  chan struct{}
	wait  sync.WaitGroup

	mu   sync.Mutex
	note string    // how far what runs is
	said time.Time // when a note was last printed, where this is no terminal
}

// startLine begins a line of progress on out.
func startLine(out io.Writer, text string) *line {
	l := &line{out: out, text: text, start: time.Now(), stop: make(chan struct{})}
	file, ok := out.(*os.File)
	l.live = ok && term.IsTerminal(int(file.Fd()))
	if l.live {
		l.wait.Add(1)
		go l.tick()
	}
	return l
}

func (l *line) tick() {
	defer l.wait.Done()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		l.mu.Lock()
		text := fmt.Sprintf("%s ... %.0f s  %s", l.text, time.Since(l.start).Seconds(), l.note)
		l.mu.Unlock()
		fmt.Fprint(l.out, "\r\x1b[K"+fitted(text, l.out))
		select {
		case <-ticker.C:
		case <-l.stop:
			return
		}
	}
}

// noteEvery is the shortest time between two notes where there is no terminal.
var noteEvery = 2 * time.Second

// say notes how far what runs is: at the end of the line, or, where this is no terminal, below.
func (l *line) say(note string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note = strings.ReplaceAll(note, "\n", "  ")
	if now := time.Now(); !l.live && now.Sub(l.said) >= noteEvery && now.Sub(l.start) >= noteEvery {
		l.said = now
		fmt.Fprintf(l.out, "        %s\n", l.note)
	}
}

// fitted cuts a line to the width of the terminal: one that is wrapped could not be overwritten.
func fitted(text string, out io.Writer) string {
	if file, ok := out.(*os.File); ok {
		width, _, err := term.GetSize(int(file.Fd()))
		if r := []rune(text); err == nil && width > 0 && len(r) >= width {
			return string(r[:width-1])
		}
	}
	return text
}

// end completes the line with the time that passed and whether it failed.
func (l *line) end(err error) {
	close(l.stop)
	l.wait.Wait()
	outcome := ""
	if err != nil {
		outcome = " FAILED"
	}
	start := ""
	if l.live {
		start = "\r\x1b[K"
	}
	fmt.Fprintf(l.out, "%s%s: %.1f s%s\n", start, l.text, time.Since(l.start).Seconds(), outcome)
}

// cellLines shows the progress of a notebook, a line for each cell.
type cellLines struct {
	log     io.Writer
	line    *line
	through bool // the last cell has ended
}

// live notes a text that the running cell redraws in place.
func (c *cellLines) live(text string) { c.line.say(text) }

func (c *cellLines) progress(p runner.Progress) {
	if !p.Done {
		width := len(fmt.Sprint(p.Cells))
		c.line = startLine(c.log, strings.TrimRight(fmt.Sprintf("[%*d/%d] %s", width, p.Cell, p.Cells, p.Title), " "))
		return
	}
	var err error
	if p.Problem != nil {
		err = p.Problem
	}
	c.line.end(err)
	c.through = p.Cell == p.Cells
}
