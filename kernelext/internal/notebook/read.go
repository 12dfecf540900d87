// SPDX-License-Identifier: Apache-2.0

package notebook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// ReadFile reads the notebook at path.
func ReadFile(path string) (*Notebook, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("notebook: %w", err)
	}
	nb, err := Read(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return nb, nil
}

// Read parses and checks a notebook of nbformat 4. Cells of a version before
// 4.5 get identifiers made from their position. What other programs often leave
// out is mended, with a note in Repairs. The error of a notebook that is still not
// valid names every cell that is not, as [Validate] does.
func Read(data []byte) (*Notebook, error) {
	tree, err := parse(data)
	if err != nil {
		return nil, err
	}
	upgrade(tree)
	var repairs []string
	if major, _ := integer(tree["nbformat"]); major == 4 {
		repairs = repair(tree)
	}
	if err := validate(tree); err != nil {
		return nil, err
	}
	nb := build(tree)
	nb.Repairs = repairs
	return nb, nil
}

// parse decodes JSON into maps, slices and values; numbers keep their spelling.
func parse(data []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var tree map[string]any
	if err := decoder.Decode(&tree); err != nil {
		return nil, fmt.Errorf("notebook: not JSON: %w", describe(err, data))
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("notebook: line %d: text after the end of the notebook", line(data, decoder.InputOffset()))
	}
	if tree == nil {
		return nil, fmt.Errorf("notebook: null is not a notebook")
	}
	return tree, nil
}

// describe adds the line to a JSON error.
func describe(err error, data []byte) error {
	switch e := err.(type) {
	case *json.SyntaxError:
		return fmt.Errorf("line %d: %w", line(data, e.Offset), err)
	case *json.UnmarshalTypeError:
		return fmt.Errorf("line %d: a notebook is an object, not of type %s", line(data, e.Offset), e.Value)
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("line %d: the file ends in the middle", line(data, int64(len(data))))
	}
	return err
}

func line(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(offset, int64(len(data)))], []byte("\n"))
}

// upgrade brings a tree of nbformat 4.0 to 4.4 to 4.5: every cell gets an
// identifier. Other versions are left for validate to refuse.
func upgrade(tree map[string]any) {
	minor, ok := integer(tree["nbformat_minor"])
	if major, _ := integer(tree["nbformat"]); major != 4 || !ok || minor >= 5 {
		return
	}
	tree["nbformat_minor"] = json.Number("5")
	cells, _ := tree["cells"].([]any)
	for i, cell := range cells {
		if cell, ok := cell.(map[string]any); ok && cell["id"] == nil {
			cell["id"] = fmt.Sprintf("cell-%d", i+1)
		}
	}
}

// build turns a valid tree into a Notebook.
func build(tree map[string]any) *Notebook {
	nb := &Notebook{Metadata: tree["metadata"].(map[string]any)}
	for _, value := range tree["cells"].([]any) {
		tree := value.(map[string]any)
		cell := &Cell{
			Type:     CellType(tree["cell_type"].(string)),
			ID:       tree["id"].(string),
			Metadata: tree["metadata"].(map[string]any),
			Source:   join(tree["source"]),
		}
		cell.Attachments, _ = tree["attachments"].(map[string]any)
		for _, bundle := range cell.Attachments {
			joinBundle(bundle.(map[string]any))
		}
		cell.ExecutionCount = count(tree["execution_count"])
		outputs, _ := tree["outputs"].([]any)
		for _, output := range outputs {
			cell.Outputs = append(cell.Outputs, buildOutput(output.(map[string]any)))
		}
		nb.Cells = append(nb.Cells, cell)
	}
	return nb
}

func buildOutput(tree map[string]any) *Output {
	o := &Output{Type: OutputType(tree["output_type"].(string))}
	switch o.Type {
	case Stream:
		o.Name, o.Text = tree["name"].(string), join(tree["text"])
	case DisplayData, ExecuteResult:
		o.Data = tree["data"].(map[string]any)
		joinBundle(o.Data)
		o.Metadata = tree["metadata"].(map[string]any)
		o.ExecutionCount = count(tree["execution_count"])
	case Error:
		o.ErrorName, o.ErrorValue = tree["ename"].(string), tree["evalue"].(string)
		for _, line := range tree["traceback"].([]any) {
			o.Traceback = append(o.Traceback, line.(string))
		}
	}
	return o
}

// joinBundle replaces lists of lines in a MIME bundle by whole texts.
func joinBundle(bundle map[string]any) {
	for mime, value := range bundle {
		if list, ok := value.([]any); ok && !isJSON(mime) {
			bundle[mime] = join(list)
		}
	}
}

// isJSON reports whether values of the MIME type are JSON and kept as they are.
func isJSON(mime string) bool {
	return mime == "application/json" || strings.HasPrefix(mime, "application/") && strings.HasSuffix(mime, "+json")
}

// join returns a multi-line text, which is a string or a list of strings.
func join(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	var b strings.Builder
	for _, part := range value.([]any) {
		b.WriteString(part.(string))
	}
	return b.String()
}

// count returns an execution count, nil for null or none.
func count(value any) *int {
	if n, ok := integer(value); ok {
		return &n
	}
	return nil
}

// integer returns the value of an integral JSON number.
func integer(value any) (int, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	n, err := number.Int64()
	return int(n), err == nil
}
