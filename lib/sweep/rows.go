// SPDX-License-Identifier: Apache-2.0

package sweep

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/lateral-ml/lateral/lib/durable"
)

// How a line starts: as durable.Seal writes it, or as earlier versions did, without a check sum.
const (
	sealedStart = `{"sha256":"`
	plainStart  = `{"setting":`
)

const blank = " \t\r" // at the ends of a line; files that were edited on Windows have \r

// A line is a row in a file, whatever the types of its setting and result.
type line struct {
	file   string
	number int    // in the file, from 1
	key    string // the setting
	row    []byte // {"setting":...,"result":...}
}

// String says where the line is.
func (l line) String() string { return fmt.Sprintf("line %d of %s", l.number, l.file) }

// A content is what a file of results holds.
type content struct {
	lines   []line
	whole   int  // length in bytes up to the end of the last row: what follows is blank, or a torn line
	unended bool // the last row lacks its newline
}

// readRows returns the lines of files that may be growing, each setting once. A torn last line is left out.
func readRows(files []string) ([]line, error) {
	var all []line
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("sweep: %w", err)
		}
		c, err := parse(file, text)
		if err != nil {
			return nil, err
		}
		all = append(all, c.lines...)
	}
	return unique(all)
}

// parse reads a file of results. Blank lines, white space around a row and a byte order mark do not matter.
func parse(file string, text []byte) (content, error) {
	if kind := foreignKind(text); kind != "" {
		return content{}, fmt.Errorf("sweep: %s is no file of results: it is %s", file, kind)
	}
	var c content
	rest := bytes.TrimPrefix(text, []byte("\ufeff"))
	for number := 1; len(rest) > 0; number++ {
		raw, after, ended := bytes.Cut(rest, []byte("\n"))
		end := len(text) - len(after)
		if !ended { // after a loss of power the end of a file may be zeros
			raw = bytes.TrimRight(raw, blank+"\x00")
			end = len(text) - len(rest) + len(raw)
		}
		rest = after
		trimmed := bytes.Trim(raw, blank)
		if len(trimmed) == 0 {
			continue
		}
		row, key, err := parseRow(trimmed)
		switch {
		case err == nil:
			c.lines = append(c.lines, line{file, number, key, row})
			c.whole, c.unended = end, !ended
		case ended || !isTorn(bytes.TrimLeft(trimmed, "\x00")):
			return content{}, fmt.Errorf("sweep: line %d of %s is no result of a sweep: %w; choose another file, "+
				"or mend or remove the line: a result that is missing is computed again", number, file, err)
		}
	}
	return c, nil
}

// foreignKind says what a file is that has no lines of UTF-8, "" if it may have some.
func foreignKind(text []byte) string {
	for start, kind := range map[string]string{
		"\x1f\x8b": "compressed; unpack it with gunzip",
		"\xff\xfe": "UTF-16 text; save it as UTF-8",
		"\xfe\xff": "UTF-16 text; save it as UTF-8",
	} {
		if bytes.HasPrefix(text, []byte(start)) {
			return kind
		}
	}
	return ""
}

// parseRow returns the row in a line, and its setting.
func parseRow(text []byte) (row []byte, key string, err error) {
	if bytes.HasPrefix(text, []byte(sealedStart)) {
		if row, err = durable.Open(text); err != nil {
			if syntax := json.Unmarshal(text, new(json.RawMessage)); syntax != nil {
				err = fmt.Errorf("%w: %w", durable.ErrDamaged, syntax) // says more
			}
			return nil, "", err
		}
	} else {
		var b bytes.Buffer
		if err := json.Compact(&b, text); err != nil {
			return nil, "", err
		}
		row = b.Bytes()
	}
	var parts struct{ Setting, Result json.RawMessage }
	if err := json.Unmarshal(row, &parts); err != nil {
		return nil, "", err
	}
	if string(row) != fmt.Sprintf(`{"setting":%s,"result":%s}`, parts.Setting, parts.Result) {
		return nil, "", errors.New(`it does not have the form {"setting":...,"result":...}`)
	}
	return row, string(parts.Setting), nil
}

// isTorn reports whether a text is the beginning of a line, without its end.
func isTorn(text []byte) bool {
	n := min(len(text), len(sealedStart)) // both starts have this length
	if start := string(text[:n]); start != sealedStart[:n] && start != plainStart[:n] {
		return false
	}
	return errors.Is(json.NewDecoder(bytes.NewReader(text)).Decode(new(json.RawMessage)), io.ErrUnexpectedEOF)
}

// unique returns each setting's first line. The others have to agree with it.
func unique(lines []line) ([]line, error) {
	first := make(map[string]line, len(lines))
	var all []line
	for _, l := range lines {
		f, twice := first[l.key]
		switch {
		case !twice:
			first[l.key] = l
			all = append(all, l)
		case !bytes.Equal(f.row, l.row):
			return nil, fmt.Errorf("sweep: %v and %v have different results for one setting, %s: they come from different "+
				"versions or machines; keep the line that you trust and remove the other", f, l, l.key)
		}
	}
	return all, nil
}

// decode reads a row. It must be the very bytes that these types would write: otherwise another program or another
// version wrote it, and part of it would be lost or taken for zero.
func decode[S, R any](row []byte) (*Row[S, R], error) {
	r := new(Row[S, R])
	d := json.NewDecoder(bytes.NewReader(row))
	d.DisallowUnknownFields()
	if err := d.Decode(r); err != nil {
		return nil, err
	}
	again, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, row) {
		return nil, fmt.Errorf("read and written again, it becomes %s", again)
	}
	return r, nil
}

// decodeLines returns rows by the key of their settings.
func decodeLines[S, R any](lines []line) (map[string]*Row[S, R], error) {
	rows := make(map[string]*Row[S, R], len(lines))
	for _, l := range lines {
		row, err := decode[S, R](l.row)
		if err != nil {
			return nil, fmt.Errorf("sweep: %v is no result of this sweep, or one of another version: %w; choose another "+
				"file, or remove the line to have it computed again", l, err)
		}
		rows[l.key] = row
	}
	return rows, nil
}
