// SPDX-License-Identifier: Apache-2.0

// Package notebook reads, checks and writes Jupyter notebooks (nbformat 4.5), and
// says what a cell asks of a reader: the points of an exercise, and minutes.
//
// A notebook that is read and written again keeps everything it held, metadata
// of other programs included, and is laid out as Jupyter lays it out (one space
// of indent, sorted keys, text as lists of lines), so that a version-control
// difference shows what changed and nothing else.
package notebook

import "slices"

// Notebook is a document of cells.
type Notebook struct {
	Metadata map[string]any
	Cells    []*Cell
	Repairs  []string // what Read has mended, a line for each kind of fault
}

// CellType is the kind of a cell.
type CellType string

// The kinds of cells.
const (
	Code     CellType = "code"
	Markdown CellType = "markdown"
	Raw      CellType = "raw"
)

// Cell is one cell. Outputs and ExecutionCount belong to code cells,
// Attachments (images that Markdown refers to) to the others.
type Cell struct {
	Type           CellType
	ID             string // 1 to 64 letters, digits, - and _; unique in the notebook
	Metadata       map[string]any
	Source         string
	Attachments    map[string]any
	Outputs        []*Output
	ExecutionCount *int // nil before the cell has run
}

// OutputType is the kind of an output.
type OutputType string

// The kinds of outputs.
const (
	Stream        OutputType = "stream"
	DisplayData   OutputType = "display_data"
	ExecuteResult OutputType = "execute_result"
	Error         OutputType = "error"
)

// Output is one output of a code cell.
type Output struct {
	Type OutputType

	Name, Text string // Stream: "stdout" or "stderr", and what was written

	Data           map[string]any // DisplayData, ExecuteResult: a value per MIME type
	Metadata       map[string]any
	ExecutionCount *int // ExecuteResult

	ErrorName, ErrorValue string // Error
	Traceback             []string
}

// Tags returns the tags of a cell, such as "parameters" or "raises-exception".
func (c *Cell) Tags() []string {
	list, _ := c.Metadata["tags"].([]any)
	var tags []string
	for _, tag := range list {
		if s, ok := tag.(string); ok {
			tags = append(tags, s)
		}
	}
	return tags
}

// HasTag reports whether the cell carries the tag.
func (c *Cell) HasTag(tag string) bool { return slices.Contains(c.Tags(), tag) }

// Clear removes a code cell's outputs and execution count.
func (c *Cell) Clear() {
	c.Outputs, c.ExecutionCount = nil, nil
	delete(c.Metadata, "execution")
}
