// SPDX-License-Identifier: Apache-2.0

package notebook

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// Validate checks data against nbformat 4.5: required fields and their types,
// no fields that do not belong, cell identifiers well-formed and unique, output
// kinds, MIME bundles. The error lists every finding with the cell it is in.
func Validate(data []byte) error {
	tree, err := parse(data)
	if err != nil {
		return err
	}
	return validate(tree)
}

func validate(tree map[string]any) error {
	major, okMajor := integer(tree["nbformat"])
	minor, okMinor := integer(tree["nbformat_minor"])
	switch {
	case !okMajor || !okMinor:
		return errors.New("notebook: nbformat and nbformat_minor, both integers, are required")
	case major < 4:
		return fmt.Errorf("notebook: nbformat %d is too old: convert the file with jupyter nbconvert --to notebook "+
			"--nbformat 4", major)
	case major > 4 || minor < 5:
		return fmt.Errorf("notebook: nbformat %d.%d is not 4.5 or a later 4", major, minor)
	}
	c := &checker{}
	c.fields("notebook", tree, []string{"cells", "metadata", "nbformat", "nbformat_minor"}, nil)
	if metadata, ok := c.object("notebook metadata", tree["metadata"]); ok {
		c.notebookMetadata(metadata)
	}
	cells, ok := tree["cells"].([]any)
	if !ok {
		c.fail("notebook: cells is not a list")
	}
	seen := map[string]int{}
	for i, value := range cells {
		where := fmt.Sprintf("cell %d", i+1)
		cell, ok := c.object(where, value)
		if !ok {
			continue
		}
		if id, ok := cell["id"].(string); ok {
			if first, twice := seen[id]; twice {
				c.fail("%s: id %q is also that of cell %d", where, id, first)
			} else {
				seen[id] = i + 1
			}
			where += " (" + id + ")"
		}
		c.cell(where, cell)
	}
	return errors.Join(c.errs...)
}

// checker collects findings.
type checker struct {
	errs []error
}

func (c *checker) fail(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
}

// fields checks that all required names are present and that nothing is besides
// them and the optional ones.
func (c *checker) fields(where string, tree map[string]any, required, optional []string) {
	for _, name := range required {
		if _, ok := tree[name]; !ok {
			c.fail("%s: %s is missing", where, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		if !slices.Contains(required, name) && !slices.Contains(optional, name) {
			c.fail("%s: %s does not belong here", where, name)
		}
	}
}

func (c *checker) object(where string, value any) (map[string]any, bool) {
	tree, ok := value.(map[string]any)
	if !ok {
		c.fail("%s: not an object", where)
	}
	return tree, ok
}

func (c *checker) text(where string, value any) {
	if _, ok := value.(string); !ok {
		c.fail("%s: not a text", where)
	}
}

// lines checks a multi-line text: a string or a list of strings.
func (c *checker) lines(where string, value any) {
	list, ok := value.([]any)
	if _, text := value.(string); !ok && !text {
		c.fail("%s: neither a text nor a list of lines", where)
	}
	for i, line := range list {
		c.text(fmt.Sprintf("%s, line %d", where, i+1), line)
	}
}

// executionCount checks a non-negative integer or null.
func (c *checker) executionCount(where string, value any) {
	if n, ok := integer(value); value != nil && (!ok || n < 0) {
		c.fail("%s: execution_count is neither null nor a count", where)
	}
}

func (c *checker) notebookMetadata(metadata map[string]any) {
	for name, required := range map[string][]string{"kernelspec": {"name", "display_name"}, "language_info": {"name"}} {
		value, present := metadata[name]
		if !present {
			continue
		}
		info, ok := c.object("notebook metadata, "+name, value)
		for _, field := range required {
			if ok {
				c.text("notebook metadata, "+name+", "+field, info[field])
			}
		}
	}
}

var cellID = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

func (c *checker) cell(where string, cell map[string]any) {
	required, optional := []string{"cell_type", "id", "metadata", "source"}, []string{"attachments"}
	switch cell["cell_type"] {
	case "code":
		required, optional = append(required, "outputs", "execution_count"), nil
	case "markdown", "raw":
	default:
		c.fail("%s: cell_type %s is not code, markdown or raw", where, show(cell["cell_type"]))
		return
	}
	c.fields(where, cell, required, optional)
	if id, ok := cell["id"].(string); cell["id"] != nil && (!ok || !cellID.MatchString(id)) {
		c.fail("%s: id %s is not 1 to 64 letters, digits, - and _", where, show(cell["id"]))
	}
	if metadata, ok := c.object(where+": metadata", cell["metadata"]); ok {
		c.cellMetadata(where, metadata)
	}
	c.lines(where+": source", cell["source"])
	if value, ok := cell["attachments"]; ok {
		attachments, _ := c.object(where+": attachments", value)
		for name, bundle := range attachments {
			c.bundle(where+": attachment "+name, bundle)
		}
	}
	if cell["cell_type"] != "code" {
		return
	}
	c.executionCount(where, cell["execution_count"])
	outputs, ok := cell["outputs"].([]any)
	if !ok {
		c.fail("%s: outputs is not a list", where)
	}
	for i, value := range outputs {
		where := fmt.Sprintf("%s, output %d", where, i+1)
		if output, ok := c.object(where, value); ok {
			c.output(where, output)
		}
	}
}

func (c *checker) cellMetadata(where string, metadata map[string]any) {
	value, present := metadata["tags"]
	if !present {
		return
	}
	tags, ok := value.([]any)
	if !ok {
		c.fail("%s: tags is not a list", where)
	}
	var seen []string
	for _, value := range tags {
		tag, ok := value.(string)
		switch {
		case !ok || tag == "" || regexp.MustCompile(",").MatchString(tag):
			c.fail("%s: tag %s is not a text without commas", where, show(value))
		case slices.Contains(seen, tag):
			c.fail("%s: tag %q appears twice", where, tag)
		}
		seen = append(seen, tag)
	}
}

func (c *checker) output(where string, output map[string]any) {
	switch output["output_type"] {
	case "stream":
		c.fields(where, output, []string{"output_type", "name", "text"}, nil)
		c.text(where+": name", output["name"])
		c.lines(where+": text", output["text"])
	case "display_data":
		c.fields(where, output, []string{"output_type", "data", "metadata"}, nil)
		c.bundle(where, output["data"])
		c.object(where+": metadata", output["metadata"])
	case "execute_result":
		c.fields(where, output, []string{"output_type", "data", "metadata", "execution_count"}, nil)
		c.bundle(where, output["data"])
		c.object(where+": metadata", output["metadata"])
		c.executionCount(where, output["execution_count"])
	case "error":
		c.fields(where, output, []string{"output_type", "ename", "evalue", "traceback"}, nil)
		c.text(where+": ename", output["ename"])
		c.text(where+": evalue", output["evalue"])
		if _, ok := output["traceback"].([]any); !ok {
			c.fail("%s: traceback is not a list", where)
			return
		}
		c.lines(where+": traceback", output["traceback"])
	default:
		c.fail("%s: output_type %s is not stream, display_data, execute_result or error", where, show(output["output_type"]))
	}
}

// bundle checks a MIME bundle: texts, except that JSON types hold any value.
func (c *checker) bundle(where string, value any) {
	bundle, _ := c.object(where+": data", value)
	for _, mime := range slices.Sorted(maps.Keys(bundle)) {
		if !isJSON(mime) {
			c.lines(where+": "+mime, bundle[mime])
		}
	}
}

// show writes a value into a message.
func show(value any) string {
	text, _ := json.Marshal(value)
	if len(text) > 40 {
		return string(text[:40]) + "..."
	}
	return string(text)
}
