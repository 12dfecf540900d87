// SPDX-License-Identifier: Apache-2.0

package notebook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lateral-ml/lateral/lib/durable"
)

// WriteFile writes the notebook to path, whole or not at all.
func (nb *Notebook) WriteFile(path string) error {
	data, err := nb.Encode()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := durable.WriteFile(path, data); err != nil {
		return fmt.Errorf("notebook: %w", err)
	}
	return nil
}

// Encode returns the notebook as Jupyter writes it to a file. It returns an
// error if the result would not be valid.
func (nb *Notebook) Encode() ([]byte, error) {
	cells := []any{}
	for _, cell := range nb.Cells {
		cells = append(cells, cell.tree())
	}
	e := &encoder{}
	e.value(map[string]any{
		"cells":          cells,
		"metadata":       object(nb.Metadata),
		"nbformat":       4,
		"nbformat_minor": 5,
	}, 0)
	if e.err != nil {
		return nil, e.err
	}
	e.WriteByte('\n')
	if err := Validate(e.Bytes()); err != nil {
		return nil, err
	}
	return e.Bytes(), nil
}

func (c *Cell) tree() map[string]any {
	tree := map[string]any{
		"cell_type": string(c.Type),
		"id":        c.ID,
		"metadata":  object(c.Metadata),
		"source":    splitLines(c.Source),
	}
	if c.Attachments != nil {
		attachments := map[string]any{}
		for name, bundle := range c.Attachments {
			attachments[name] = splitBundle(bundle.(map[string]any))
		}
		tree["attachments"] = attachments
	}
	if c.Type == Code {
		outputs := []any{}
		for _, output := range c.Outputs {
			outputs = append(outputs, output.tree())
		}
		tree["outputs"] = outputs
		tree["execution_count"] = number(c.ExecutionCount)
	}
	return tree
}

func (o *Output) tree() map[string]any {
	tree := map[string]any{"output_type": string(o.Type)}
	switch o.Type {
	case Stream:
		tree["name"], tree["text"] = o.Name, splitLines(o.Text)
	case DisplayData, ExecuteResult:
		tree["data"], tree["metadata"] = splitBundle(o.Data), object(o.Metadata)
		if o.Type == ExecuteResult {
			tree["execution_count"] = number(o.ExecutionCount)
		}
	case Error:
		traceback := []any{}
		for _, line := range o.Traceback {
			traceback = append(traceback, line)
		}
		tree["ename"], tree["evalue"], tree["traceback"] = o.ErrorName, o.ErrorValue, traceback
	}
	return tree
}

// object returns m, or an empty object for nil.
func object(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

func number(n *int) any {
	if n == nil {
		return nil
	}
	return *n
}

// splitBundle writes texts of a MIME bundle as lists of lines, as Jupyter does.
func splitBundle(bundle map[string]any) map[string]any {
	split := map[string]any{}
	for mime, value := range bundle {
		text, ok := value.(string)
		if ok && (strings.HasPrefix(mime, "text/") || mime == "image/svg+xml" || mime == "application/javascript") {
			split[mime] = splitLines(text)
		} else {
			split[mime] = value
		}
	}
	return split
}

// splitLines cuts text after its line ends: the same ones as Python's
// str.splitlines, so that a file goes through Jupyter unchanged.
func splitLines(text string) []any {
	lines := []any{}
	for start := 0; start < len(text); {
		end := start
		for end < len(text) {
			r, size := utf8.DecodeRuneInString(text[end:])
			end += size
			if r == '\r' && end < len(text) && text[end] == '\n' {
				end++
			}
			if strings.ContainsRune("\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029", r) {
				break
			}
		}
		lines = append(lines, text[start:end])
		start = end
	}
	return lines
}

// encoder writes JSON as Python's json.dumps(indent=1, sort_keys=True,
// ensure_ascii=False) does.
type encoder struct {
	bytes.Buffer
	err error
}

func (e *encoder) value(value any, depth int) {
	switch v := value.(type) {
	case map[string]any:
		e.list('{', '}', len(v), depth, func(yield func(func())) {
			for _, key := range slices.Sorted(maps.Keys(v)) {
				yield(func() {
					e.text(key)
					e.WriteString(": ")
					e.value(v[key], depth+1)
				})
			}
		})
	case []any:
		e.list('[', ']', len(v), depth, func(yield func(func())) {
			for _, item := range v {
				yield(func() { e.value(item, depth+1) })
			}
		})
	case string:
		e.text(v)
	case json.Number:
		e.WriteString(v.String())
	default: // null, booleans, numbers
		data, err := json.Marshal(v)
		if err != nil && e.err == nil {
			e.err = fmt.Errorf("notebook: %w", err)
		}
		e.Write(data)
	}
}

// list writes the items between brackets, one on a line.
func (e *encoder) list(open, end byte, n, depth int, items func(yield func(func()))) {
	e.WriteByte(open)
	separator := ""
	items(func(write func()) {
		e.WriteString(separator + "\n" + strings.Repeat(" ", depth+1))
		write()
		separator = ","
	})
	if n > 0 {
		e.WriteString("\n" + strings.Repeat(" ", depth))
	}
	e.WriteByte(end)
}

// text writes a string, escaping what JSON demands and nothing more. Bytes that
// are not UTF-8 become the replacement character.
func (e *encoder) text(s string) {
	e.WriteByte('"')
	for _, r := range s {
		switch r {
		case '"', '\\':
			e.WriteByte('\\')
			e.WriteRune(r)
		case '\n':
			e.WriteString(`\n`)
		case '\r':
			e.WriteString(`\r`)
		case '\t':
			e.WriteString(`\t`)
		case '\b':
			e.WriteString(`\b`)
		case '\f':
			e.WriteString(`\f`)
		default:
			if r < ' ' {
				fmt.Fprintf(e, `\u%04x`, r)
			} else {
				e.WriteRune(r)
			}
		}
	}
	e.WriteByte('"')
}
