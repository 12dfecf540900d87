// SPDX-License-Identifier: Apache-2.0

// Package playground holds small demonstrations of the library that run in a web page: compiled to WebAssembly, the
// library itself computes there. A demonstration declares its controls; a page shows them, tells the demonstration what
// a reader does with them, and draws the views that it answers with. Everything but the drawing is Go, so that tests
// can play it without a browser.
//
// Data files (networks in safetensors, images) are no part of the program: a page loads those of its demonstration
// only. Command train beside this package makes them.
package playground

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A Demo is a demonstration.
type Demo struct {
	Name     string    `json:"name"`     // of its page
	Title    string    `json:"title"`    //
	Try      string    `json:"try"`      // two sentences: what to try
	Notebook string    `json:"notebook"` // that explains it
	Controls []Control `json:"controls"`
	Files    []string  `json:"files"` // data that it needs

	start func(Files) (Session, error)
}

// A Control is something that a reader moves, presses or draws on.
type Control struct {
	Name    string   `json:"name"`
	Label   string   `json:"label"`
	Kind    string   `json:"kind"`              // Slider, Choice, Pick, Button, Toggle or Pad
	Min     float64  `json:"min,omitempty"`     // of a slider
	Max     float64  `json:"max,omitempty"`     //
	Step    float64  `json:"step,omitempty"`    //
	Value   float64  `json:"value,omitempty"`   // at first; of a choice, its position
	Choices []string `json:"choices,omitempty"` //
	Side    int      `json:"side,omitempty"`    // pixels along each side of a pad
	Key     string   `json:"key,omitempty"`     // letter that presses a button
}

// The kinds of controls.
const (
	Slider = "slider"
	Choice = "choice"
	Pick   = "pick" // a choice made by a button for each, by its number as a key, or by the images of a view
	Button = "button"
	Toggle = "toggle" // a button that stays down
	Pad    = "pad"    // a square to draw on
)

// An Event is what a reader did.
type Event struct {
	Control string  `json:"control"`
	Value   float64 `json:"value"`  // of a slider; the position of a choice or a pick; 1 if a toggle is down
	Pixels  []byte  `json:"pixels"` // of a pad, row by row, 0 paper to 255 ink
}

// A View is something that the page draws.
type View struct {
	Kind    string     `json:"kind"` // Answer, Images, Bars, Lines, TableView, PadView or FieldView
	Label   string     `json:"label,omitempty"`
	Text    string     `json:"text,omitempty"`    // of an answer
	Width   int        `json:"width,omitempty"`   // of each image, in pixels
	Height  int        `json:"height,omitempty"`  //
	Columns int        `json:"columns,omitempty"` // of images
	Zoom    int        `json:"zoom,omitempty"`    // screen pixels for a pixel
	Signed  bool       `json:"signed,omitempty"`  // 128 is zero, below negative, above positive
	Photo   bool       `json:"photo,omitempty"`   // 0 is black, 255 white, in any theme; otherwise paper and ink
	Pixels  []byte     `json:"pixels,omitempty"`  // image after image
	Names   []string   `json:"names,omitempty"`   // of images or bars
	Marks   []int      `json:"marks,omitempty"`   // of images or bars: 1 stands out, 2 does so in another way
	Pick    string     `json:"pick,omitempty"`    // the control that a click on one of the images works
	Values  []float64  `json:"values,omitempty"`  // of bars; of a field, one
	X       string     `json:"x,omitempty"`       // what the axis of lines shows
	Series  []Series   `json:"series,omitempty"`  // of lines
	Rows    [][]string `json:"rows,omitempty"`    // of a table, its head first
}

// A Series is a line. All are drawn between 0 and Max.
type Series struct {
	Name string    `json:"name"`
	X    []float64 `json:"x"`
	Y    []float64 `json:"y"`
	Max  float64   `json:"max"`
}

// The kinds of views.
const (
	Answer    = "answer" // a sentence, read aloud by screen readers when it changes
	Images    = "images"
	Bars      = "bars"
	Lines     = "lines"
	TableView = "table"
	PadView   = "pad"   // what the pad named by Label shows from now on
	FieldView = "field" // the choice that the control named by Label shows from now on
)

// A Session is a demonstration at work.
type Session interface {
	// Do does what an event asks for. An error is for the programmer of the page.
	Do(e Event) error
	// Work does as much as takes some hundredths of a second, and tells whether there is more to do.
	Work() bool
	// Views returns what to draw.
	Views() []View
}

// Files are data by name.
type Files map[string][]byte

// Demos returns all demonstrations, in the order of the course.
func Demos() []Demo {
	return []Demo{penaltyDemo, pursuitDemo, hebbianDemo, winnersDemo, drawDemo, renderDemo, normDemo, pruneDemo,
		oneshotDemo}
}

// Find returns the demonstration of a name.
func Find(name string) (Demo, error) {
	var names []string
	for _, d := range Demos() {
		if d.Name == name {
			return d, nil
		}
		names = append(names, d.Name)
	}
	return Demo{}, fmt.Errorf("playground: there is no %q, only %s", name, strings.Join(names, ", "))
}

// Start begins a demonstration.
func (d Demo) Start(files Files) (Session, error) {
	for _, name := range d.Files {
		if files[name] == nil {
			return nil, fmt.Errorf("playground: %s needs the file %s", d.Name, name)
		}
	}
	return d.start(files)
}

// A Table runs demonstrations for a page, which talks in JSON.
type Table struct{ sessions []Session }

// reply is what a page gets.
type reply struct {
	Views []View `json:"views"`
	Busy  bool   `json:"busy"` // Work has more to do
}

// Start begins a demonstration and returns its number.
func (t *Table) Start(name string, files Files) (int, error) {
	d, err := Find(name)
	if err != nil {
		return 0, err
	}
	s, err := d.Start(files)
	if err != nil {
		return 0, err
	}
	t.sessions = append(t.sessions, s)
	return len(t.sessions) - 1, nil
}

// Do does what the events of a session ask for, works if there is something to do, and returns what the page draws.
func (t *Table) Do(session int, events []byte) ([]byte, error) {
	if session < 0 || session >= len(t.sessions) {
		return nil, fmt.Errorf("playground: there is no session %d", session)
	}
	var done []Event
	if err := json.Unmarshal(events, &done); err != nil {
		return nil, fmt.Errorf("playground: events: %w", err)
	}
	s := t.sessions[session]
	for _, e := range done {
		if err := s.Do(e); err != nil {
			return nil, err
		}
	}
	busy := s.Work()
	return json.Marshal(reply{s.Views(), busy})
}

// unknown is the error of an event that no control of a demonstration sends.
func unknown(demo string, e Event) error {
	return fmt.Errorf("playground: %s has no control %q", demo, e.Control)
}

// ControlOf returns a control of a demonstration by its name.
func (d Demo) ControlOf(name string) (Control, bool) {
	i := slices.IndexFunc(d.Controls, func(c Control) bool { return c.Name == name })
	if i < 0 {
		return Control{}, false
	}
	return d.Controls[i], true
}
