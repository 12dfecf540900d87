// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"fmt"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

// maxText is how much text one cell may print: a front end cannot show more.
const maxText = 2 << 20

// recorder turns a kernel's messages into the outputs of cells, as a front end
// does. Messages find their cell by the request they belong to, so that output
// which arrives after its cell has ended is not lost.
type recorder struct {
	cells    map[string]*record            // by request
	displays map[string][]*notebook.Output // by display identifier, in any cell
	live     func(text string)             // told texts that are redrawn in place; may be nil
}

func newRecorder() *recorder {
	return &recorder{cells: map[string]*record{}, displays: map[string][]*notebook.Output{}}
}

// record is the recording of one cell.
type record struct {
	cell      *notebook.Cell
	terminals map[*notebook.Output]*terminal
	clearNext bool // clear the outputs when the next one comes
	text      int  // bytes printed that are not cleared
	timing    map[string]any
}

// begin starts the recording of a cell whose messages belong to request.
func (r *recorder) begin(request *wire.Message, cell *notebook.Cell) *record {
	rec := &record{cell: cell, terminals: map[*notebook.Output]*terminal{}, timing: map[string]any{}}
	r.cells[request.Header.ID] = rec
	return rec
}

// stamp notes when an event of the cell happened.
func (rec *record) stamp(event string) {
	rec.timing[event] = time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")
}

// handle records one message from iopub.
func (r *recorder) handle(m *wire.Message) {
	rec := r.cells[m.Parent.ID]
	if rec == nil {
		return
	}
	switch m.Header.Type {
	case "status":
		var status wire.Status
		if m.Decode(&status) == nil && (status.State == "busy" || status.State == "idle") {
			rec.stamp("iopub.status." + status.State)
		}
	case "execute_input":
		var input wire.ExecuteInput
		if m.Decode(&input) == nil {
			rec.cell.ExecutionCount = &input.ExecutionCount
		}
		rec.stamp("iopub.execute_input")
	case "stream":
		var stream wire.Stream
		if m.Decode(&stream) == nil {
			rec.stream(stream)
		}
	case "clear_output":
		var clear wire.ClearOutput
		if m.Decode(&clear) == nil {
			rec.clearNext = true
			if !clear.Wait {
				rec.clear()
			}
		}
	case "error":
		var e wire.Error
		if m.Decode(&e) == nil {
			rec.add(&notebook.Output{Type: notebook.Error, ErrorName: e.Name, ErrorValue: e.Value, Traceback: e.Traceback})
		}
	case "display_data", "execute_result", "update_display_data":
		var display wire.Display
		if m.Decode(&display) == nil {
			r.display(rec, m.Header.Type, display)
		}
	}
}

// display adds an output, and replaces what earlier ones with its display
// identifier show.
func (r *recorder) display(rec *record, msgType string, display wire.Display) {
	id := display.Transient.DisplayID
	if text, ok := display.Data["text/plain"].(string); ok && id != "" && len(display.Data) == 1 && r.live != nil {
		r.live(text)
	}
	for _, earlier := range r.displays[id] {
		earlier.Data, earlier.Metadata = display.Data, display.Metadata
	}
	if msgType == "update_display_data" {
		return
	}
	output := &notebook.Output{Type: notebook.OutputType(msgType), Data: display.Data, Metadata: display.Metadata}
	if output.Type == notebook.ExecuteResult {
		output.ExecutionCount = &display.ExecutionCount
	}
	rec.add(output)
	if id != "" {
		r.displays[id] = append(r.displays[id], output)
	}
}

// add appends an output.
func (rec *record) add(output *notebook.Output) {
	rec.clear()
	rec.cell.Outputs = append(rec.cell.Outputs, output)
}

// clear removes the outputs if that is due.
func (rec *record) clear() {
	if rec.clearNext {
		rec.cell.Outputs, rec.clearNext, rec.text = nil, false, 0
		clear(rec.terminals)
	}
}

// stream appends text to the last output, if it is one of the same stream.
func (rec *record) stream(stream wire.Stream) {
	if stream.Text == "" {
		return
	}
	if rec.clear(); rec.text > maxText {
		return
	}
	var last *notebook.Output
	if n := len(rec.cell.Outputs); n > 0 {
		last = rec.cell.Outputs[n-1]
	}
	if last == nil || last.Type != notebook.Stream || last.Name != stream.Name {
		last = &notebook.Output{Type: notebook.Stream, Name: stream.Name}
		rec.add(last)
		rec.terminals[last] = &terminal{}
	}
	terminal := rec.terminals[last]
	before := terminal.len()
	terminal.write(stream.Text)
	rec.text += max(0, terminal.len()-before)
	if rec.text > maxText {
		terminal.write(fmt.Sprintf("\n[the rest of what this cell printed is left out: more than %d MB]\n", maxText>>20))
	}
}

// hasError reports whether the cell shows an error.
func (rec *record) hasError() bool {
	for _, output := range rec.cell.Outputs {
		if output.Type == notebook.Error {
			return true
		}
	}
	return false
}

// fail adds an error output.
func (rec *record) fail(name, value string) {
	rec.add(&notebook.Output{Type: notebook.Error, ErrorName: name, ErrorValue: value, Traceback: []string{value}})
}

// finish stores the texts in the cells, with clean applied to all that is shown.
func (r *recorder) finish(clean func(string) string) {
	for _, rec := range r.cells {
		if len(rec.timing) > 0 {
			if rec.cell.Metadata == nil {
				rec.cell.Metadata = map[string]any{}
			}
			rec.cell.Metadata["execution"] = rec.timing
		}
		for _, output := range rec.cell.Outputs {
			if terminal := rec.terminals[output]; terminal != nil {
				output.Text = terminal.text()
			}
			cleanOutput(output, clean)
		}
	}
}
