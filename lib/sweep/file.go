// SPDX-License-Identifier: Apache-2.0

package sweep

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// rowStart is how every line of a file of results starts.
const rowStart = `{"setting":`

// A line is a row as the file has it, whatever the types of its setting and result.
type line struct {
	file   string
	number int    // in the file, from 1
	key    string // the setting
	text   []byte // without the newline
}

// String says where the line is.
func (l line) String() string { return fmt.Sprintf("line %d of %s", l.number, l.file) }

// A resultsFile is a file of results, open for appending, with the lines that it had when it was opened.
//
// A result is seconds to hours of work, so each line is made safe on its own: one write, then fsync, some
// milliseconds. A process that is killed, or a machine that loses power, leaves at most one line torn, the last.
type resultsFile struct {
	path  string // "" if results are kept nowhere
	f     *os.File
	size  int64
	lines []line
}

// openFile opens a file of results, or makes it, for this process alone, and cuts off a last line that is torn.
func openFile(path string) (*resultsFile, error) {
	if path == "" {
		return &resultsFile{}, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, fmt.Errorf("sweep: results cannot be kept in %s: %w", path, err)
	}
	f, err := openLocked(path, os.O_RDWR|os.O_CREATE|os.O_APPEND)
	if err != nil {
		return nil, fmt.Errorf("sweep: results cannot be kept in %s: %w", path, err)
	}
	s := &resultsFile{path: path, f: f}
	if err := s.read(); err != nil {
		f.Close()
		return nil, err
	}
	return s, nil
}

func (s *resultsFile) read() error {
	text, err := io.ReadAll(s.f)
	if err != nil {
		return fmt.Errorf("sweep: %s cannot be read: %w", s.path, err)
	}
	lines, whole, err := splitRows(s.path, text)
	if err != nil {
		return err
	}
	s.lines, s.size = lines, int64(whole)
	if whole < len(text) {
		if err := s.f.Truncate(s.size); err != nil {
			return fmt.Errorf("sweep: the torn last line of %s cannot be removed: %w", s.path, err)
		}
	}
	return nil
}

// append writes a line and returns when it is on disk. If it cannot be written whole, the file stays as it was.
func (s *resultsFile) append(line []byte) error {
	if s.f == nil {
		return nil
	}
	_, err := s.f.Write(append(line, '\n'))
	if err == nil {
		err = s.f.Sync()
	}
	if err != nil {
		err = fmt.Errorf("sweep: a result could not be added to %s: %w; the results in it are good: run again when the cause is removed", s.path, err)
		return errors.Join(err, s.f.Truncate(s.size))
	}
	s.size += int64(len(line)) + 1
	return nil
}

func (s *resultsFile) close() {
	if s.f != nil {
		s.f.Close() // every line was synced
	}
}

// openLocked opens a file and locks it until it is closed, or the process ends in whatever way. A file that another
// process holds is an error.
func openLocked(path string, flag int) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, flag, 0o666)
		if err != nil {
			return nil, err
		}
		if err := lockFile(f); err != nil {
			f.Close()
			return nil, err
		}
		mine, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		if current, err := os.Stat(path); err == nil && os.SameFile(mine, current) {
			return f, nil
		}
		f.Close() // a merge has put another file in its place
	}
}

var errInUse = errors.New("another process is writing to it: wait until it has ended, or choose another file")

// readRows returns the lines of a file of results that may be growing; a torn last line is left out.
func readRows(path string) ([]line, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	lines, _, err := splitRows(path, text)
	return lines, err
}

// splitRows returns the lines of a file and the length of the part that is whole: a last line without its newline is
// torn.
func splitRows(path string, text []byte) (lines []line, whole int, err error) {
	for {
		end := bytes.IndexByte(text[whole:], '\n')
		if end < 0 {
			break
		}
		l := line{file: path, number: len(lines) + 1, text: text[whole : whole+end]}
		if l.key, err = rowKey(l.text); err != nil {
			return nil, 0, fmt.Errorf("sweep: %v is no result of a sweep: %w; choose another file, or remove the line", l, err)
		}
		lines = append(lines, l)
		whole += end + 1
	}
	// After a loss of power the end of a file may be zeros.
	torn := bytes.TrimLeft(text[whole:], "\x00")
	if n := min(len(torn), len(rowStart)); string(torn[:n]) != rowStart[:n] {
		return nil, 0, fmt.Errorf("sweep: %s is no file of results: it ends with %.40q; choose another file", path, torn)
	}
	if lines, err = unique(lines); err != nil {
		return nil, 0, err
	}
	return lines, whole, nil
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
		case !bytes.Equal(f.text, l.text):
			return nil, fmt.Errorf("sweep: %v and %v have different results for one setting, %s: they come from different versions or machines; remove one of them", f, l, l.key)
		}
	}
	return all, nil
}

// rowKey returns the setting of a line.
func rowKey(line []byte) (string, error) {
	var row struct {
		Setting, Result json.RawMessage
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&row); err != nil {
		return "", err
	}
	if !bytes.HasPrefix(line, []byte(rowStart)) || row.Result == nil || d.More() {
		return "", fmt.Errorf("it does not have the form %s...,\"result\":...}", rowStart)
	}
	return string(row.Setting), nil
}
