// SPDX-License-Identifier: Apache-2.0

package notebook

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// repair mends what programs that write notebooks leave out or add, as Jupyter's
// own tools do when they read them, and returns a note for each kind: cells
// without identifiers or with another cell's, cells without metadata, outputs or
// execution count, text cells with them, tags that appear twice, outputs without
// metadata. What it cannot mend is left for validate to refuse.
func repair(tree map[string]any) []string {
	r := repairer{notes: map[string][]string{}}
	if tree["metadata"] == nil {
		tree["metadata"] = map[string]any{}
	}
	cells, _ := tree["cells"].([]any)
	ids := map[string]bool{}
	for _, value := range cells {
		if cell, ok := value.(map[string]any); ok {
			if id, ok := cell["id"].(string); ok {
				ids[id] = true // no new one may be like these
			}
		}
	}
	seen := map[string]bool{}
	for i, value := range cells {
		cell, ok := value.(map[string]any)
		if !ok {
			continue
		}
		r.cell = fmt.Sprint(i + 1)
		r.identify(cell, seen, ids, i)
		r.complete(cell)
	}
	return r.list()
}

// repairer collects the cells that had each fault.
type repairer struct {
	cell  string
	notes map[string][]string
	order []string
}

func (r *repairer) note(what string) {
	if r.notes[what] == nil {
		r.order = append(r.order, what)
	}
	if cells := r.notes[what]; !slices.Contains(cells, r.cell) {
		r.notes[what] = append(cells, r.cell)
	}
}

// list returns a line for each fault, with the cells that had it.
func (r *repairer) list() []string {
	const most = 5
	var lines []string
	for _, what := range r.order {
		cells := r.notes[what]
		which := "cell " + cells[0]
		if n := len(cells); n > most {
			which = fmt.Sprintf("%d cells, the first of them cell %s,", n, cells[0])
		} else if n > 1 {
			which = "cells " + strings.Join(cells[:n-1], ", ") + " and " + cells[n-1]
		}
		lines = append(lines, which+" "+what)
	}
	return lines
}

// identify gives a cell an identifier of its own.
func (r *repairer) identify(cell map[string]any, seen, all map[string]bool, index int) {
	id, ok := cell["id"].(string)
	switch {
	case cell["id"] == nil:
		r.note("had no identifier")
	case !ok || !cellID.MatchString(id):
		r.note("had an identifier that is none")
	case seen[id]:
		r.note("had the identifier of another")
	default:
		seen[id] = true
		return
	}
	name := fmt.Sprintf("cell-%d", index+1)
	for n := 2; all[name] || seen[name]; n++ {
		name = fmt.Sprintf("cell-%d-%d", index+1, n)
	}
	cell["id"], seen[name] = name, true
}

// complete adds to a cell what is missing and takes away what is not its kind's.
func (r *repairer) complete(cell map[string]any) {
	if cell["metadata"] == nil {
		cell["metadata"] = map[string]any{}
		r.note("had no metadata")
	}
	if metadata, ok := cell["metadata"].(map[string]any); ok {
		r.tags(metadata)
	}
	if cell["source"] == nil {
		cell["source"] = ""
		r.note("had no source")
	}
	if cell["cell_type"] != "code" {
		for _, name := range []string{"outputs", "execution_count"} {
			if _, ok := cell[name]; ok && (cell["cell_type"] == "markdown" || cell["cell_type"] == "raw") {
				delete(cell, name)
				r.note("had " + strings.ReplaceAll(name, "_", " ") + ", though it is text")
			}
		}
		return
	}
	if _, ok := cell["execution_count"]; !ok {
		cell["execution_count"] = nil
		r.note("had no execution count")
	}
	if cell["outputs"] == nil {
		cell["outputs"] = []any{}
		r.note("had no list of outputs")
	}
	outputs, _ := cell["outputs"].([]any)
	for _, value := range outputs {
		if output, ok := value.(map[string]any); ok {
			r.output(output)
		}
	}
}

// output adds to an output what is missing.
func (r *repairer) output(output map[string]any) {
	missing := map[string]any{}
	switch output["output_type"] {
	case "stream":
		missing = map[string]any{"name": "stdout", "text": ""}
	case "display_data":
		missing = map[string]any{"metadata": map[string]any{}, "data": map[string]any{}}
	case "execute_result":
		missing = map[string]any{"metadata": map[string]any{}, "data": map[string]any{}, "execution_count": nil}
	case "error":
		missing = map[string]any{"ename": "", "evalue": "", "traceback": []any{}}
	}
	for name, value := range missing {
		if old, ok := output[name]; !ok || old == nil && value != nil {
			output[name] = value
			r.note("had an incomplete output")
		}
	}
}

// tags removes tags that are empty or appear twice.
func (r *repairer) tags(metadata map[string]any) {
	tags, ok := metadata["tags"].([]any)
	if !ok {
		return
	}
	kept := []any{}
	for _, tag := range tags {
		if tag != "" && !slices.ContainsFunc(kept, func(k any) bool { return same(k, tag) }) {
			kept = append(kept, tag)
		}
	}
	if len(kept) != len(tags) {
		metadata["tags"] = kept
		r.note("had a tag twice, or an empty one")
	}
}

// same tells whether two JSON values are written alike.
func same(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}
