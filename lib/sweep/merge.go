// SPDX-License-Identifier: Apache-2.0

package sweep

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/lateral-ml/lateral/lib/durable"
)

// Merge joins files of results, such as those of the shards of a grid, into the file out, which also keeps the results
// that it has. It returns the number of results in out.
//
// The rows of out are sorted, and none occurs twice: two runs with the same results merge to the same bytes. A torn
// last line is left out. Different results for one setting are an error, as is a file out that a sweep or another merge
// uses; out then stays as it is. Merge knows nothing of the types of settings and results, so it joins the files of any
// sweep.
func Merge(out string, files ...string) (rows int, err error) {
	lock, err := lockFile(out)
	if err != nil {
		return 0, err
	}
	defer lock.Release()
	switch _, err := os.Stat(out); {
	case err == nil:
		files = append([]string{out}, files...)
	case !errors.Is(err, fs.ErrNotExist):
		return 0, fmt.Errorf("sweep: results cannot be merged into %s: %w", out, err)
	}
	lines, err := readRows(files)
	if err != nil {
		return 0, err
	}
	slices.SortFunc(lines, func(a, b line) int { return bytes.Compare(a.row, b.row) })
	var text bytes.Buffer
	for _, l := range lines {
		text.Write(durable.Seal(l.row))
		text.WriteByte('\n')
	}
	if err := durable.WriteFile(out, text.Bytes()); err != nil {
		return 0, fmt.Errorf("sweep: results cannot be merged: %w", err)
	}
	return len(lines), nil
}

// ReadRows returns the results in the files of a sweep, in the order of the files, each setting once. A torn last line
// is left out. Different results for one setting, or lines that are not of these types, are an error.
func ReadRows[S, R any](files ...string) ([]Row[S, R], error) {
	lines, err := readRows(files)
	if err != nil {
		return nil, err
	}
	known, err := decodeLines[S, R](lines)
	if err != nil {
		return nil, err
	}
	rows := make([]Row[S, R], len(lines))
	for i, l := range lines {
		rows[i] = *known[l.key]
	}
	return rows, nil
}
