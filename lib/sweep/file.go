// SPDX-License-Identifier: Apache-2.0

package sweep

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lateral-ml/lateral/lib/durable"
)

// A resultsFile is a file of results, open for appending, with the lines that it had when it was opened.
//
// A result is seconds to hours of work, so each line is made safe on its own: one write, then fsync, some
// milliseconds. A process that is killed, or a machine that loses power, leaves at most one line torn, the last.
type resultsFile struct {
	path  string // "" if results are kept nowhere
	lock  *durable.Lock
	f     *os.File
	size  int64
	torn  error // why a part of a line that could not be written whole is still at its end
	lines []line
}

// openFile opens a file of results, or makes it, for this process alone, and cuts off a last line that is torn.
func openFile(path string) (_ *resultsFile, err error) {
	if path == "" {
		return &resultsFile{}, nil
	}
	s := &resultsFile{path: path}
	if s.lock, err = lockFile(path); err != nil {
		return nil, err
	}
	if err := s.open(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// lockFile locks a file of results, for a sweep that adds to it and for a merge that replaces it. The file need not
// exist, its folder is made.
func lockFile(path string) (*durable.Lock, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, keepError(path, err)
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, keepError(path, errors.New("it is a folder, a pipe or a device"))
	}
	lock, err := durable.Acquire(path)
	if err != nil {
		return nil, keepError(path, err)
	}
	durable.RemoveLeftovers(dir) // of merges that were killed
	return lock, nil
}

func keepError(path string, err error) error {
	return fmt.Errorf("sweep: results cannot be kept in %s: %w", path, err)
}

// open reads the file and makes it ready for appending.
func (s *resultsFile) open() (err error) {
	if _, err := os.Stat(s.path); errors.Is(err, fs.ErrNotExist) {
		if err := durable.WriteFile(s.path, nil); err != nil { // the file's name is on disk before its first row
			return keepError(s.path, err)
		}
	}
	if s.f, err = os.OpenFile(s.path, os.O_RDWR|os.O_APPEND, 0); err != nil {
		return keepError(s.path, err)
	}
	text, err := io.ReadAll(s.f)
	if err != nil {
		return fmt.Errorf("sweep: %s cannot be read: %w", s.path, err)
	}
	c, err := parse(s.path, text)
	if err != nil {
		return err
	}
	if s.lines, err = unique(c.lines); err != nil {
		return err
	}
	s.size = int64(c.whole)
	if c.whole < len(text) {
		if err := os.Truncate(s.path, s.size); err != nil { // on Windows f, open for appending, cannot do it
			return fmt.Errorf("sweep: the torn last line of %s cannot be removed: %w", s.path, err)
		}
	}
	if c.unended {
		return s.write([]byte("\n"))
	}
	return nil
}

// append adds a row and returns when it is on disk. If it cannot be written whole, the file stays as it was.
func (s *resultsFile) append(row []byte) error {
	if s.f == nil {
		return nil
	}
	return s.write(append(durable.Seal(row), '\n'))
}

func (s *resultsFile) write(text []byte) error {
	err := s.torn
	if err == nil {
		err = s.moved()
	}
	if err == nil {
		if _, err = s.f.Write(text); err == nil {
			err = s.f.Sync()
		}
		if err != nil {
			s.torn = os.Truncate(s.path, s.size)
			err = errors.Join(err, s.torn)
		}
	}
	if err != nil {
		return fmt.Errorf("sweep: a result could not be added to %s: %w; the results in it are good: run again when the "+
			"cause is removed", s.path, err)
	}
	s.size += int64(len(text))
	return nil
}

// moved returns an error if the name no longer is of the open file: results would be lost with it.
func (s *resultsFile) moved() error {
	mine, err := s.f.Stat()
	if err != nil {
		return err
	}
	now, err := os.Stat(s.path)
	if err == nil && !os.SameFile(mine, now) {
		return errors.New("another file has taken its place while the sweep ran")
	}
	return err
}

func (s *resultsFile) close() {
	if s.f != nil {
		s.f.Close() // every line was synced
	}
	if s.lock != nil {
		s.lock.Release()
	}
}
