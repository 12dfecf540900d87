// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"cmp"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

// Cleaner replaces paths of this machine by short neutral names, so that a
// notebook looks the same wherever it was run. The zero value changes nothing.
type Cleaner struct {
	names []pathName
}

type pathName struct{ path, name string }

// Hide has occurrences of the path, and what it is a link to, replaced by name.
// Paths that say nothing, such as / or the current directory, are left alone.
func (c *Cleaner) Hide(path, name string) {
	if !filepath.IsAbs(path) || filepath.Clean(path) == "/" {
		return
	}
	c.names = append(c.names, pathName{filepath.Clean(path), name})
	if real, err := filepath.EvalSymlinks(path); err == nil && real != filepath.Clean(path) && real != "/" {
		c.names = append(c.names, pathName{real, name})
	}
	slices.SortStableFunc(c.names, func(a, b pathName) int { return cmp.Compare(len(b.path), len(a.path)) })
}

// The directories that a session and GoNB make for themselves.
var (
	sessionDir = regexp.MustCompile(`\$TMP(/lateral-\d+\b)+`) // the kernel's and, within, GoNB's
	gonbDir    = regexp.MustCompile(`(\$TMP/)?\bgonb_[0-9a-f]{8}\b`)
)

// Clean returns text with the paths replaced, the longest first. A path is only
// taken where it ends with its last element, so that hiding /home/a leaves
// /home/ab alone.
func (c *Cleaner) Clean(text string) string {
	for _, n := range c.names {
		text = replacePath(text, n)
	}
	return gonbDir.ReplaceAllString(sessionDir.ReplaceAllString(text, "$$TMP"), "$$CELL")
}

func replacePath(text string, n pathName) string {
	var b strings.Builder
	for {
		at := strings.Index(text, n.path)
		if at < 0 {
			break
		}
		end := at + len(n.path)
		b.WriteString(text[:at])
		whole := end == len(text) || !isNameByte(text[end])
		if whole && (at == 0 || !isNameByte(text[at-1])) {
			b.WriteString(n.name)
		} else {
			b.WriteString(n.path)
		}
		text = text[end:]
	}
	b.WriteString(text)
	return b.String()
}

// isNameByte reports whether c can continue the name of a file.
func isNameByte(c byte) bool {
	return c == '_' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80
}

// cleanOutput applies clean to every text of an output.
func cleanOutput(o *notebook.Output, clean func(string) string) {
	o.Text, o.ErrorValue = clean(o.Text), clean(o.ErrorValue)
	for i, line := range o.Traceback {
		o.Traceback[i] = clean(line)
	}
	for mime, value := range o.Data {
		if !strings.HasPrefix(mime, "image/") || mime == "image/svg+xml" {
			o.Data[mime] = cleanValue(value, clean)
		}
	}
}

// cleanValue applies clean to the texts within a JSON value.
func cleanValue(value any, clean func(string) string) any {
	switch v := value.(type) {
	case string:
		return clean(v)
	case []any:
		for i := range v {
			v[i] = cleanValue(v[i], clean)
		}
	case map[string]any:
		for key := range v {
			v[key] = cleanValue(v[key], clean)
		}
	}
	return value
}
