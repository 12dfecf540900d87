// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"fmt"
	"os"
	"slices"
	"time"
)

// Trim removes the stored entries that nobody has used for longest, until all others together take at most limit
// bytes, and returns what it removed. Damaged entries go first.
func Trim(limit int64) ([]Entry, error) { return trim(limit, "") }

// trim is Trim that spares the entry in one directory.
func trim(limit int64, spare string) ([]Entry, error) {
	dirs, err := entryDirs()
	if err != nil {
		return nil, err
	}
	type stored struct {
		Entry
		dir  string
		used time.Time
	}
	var all []stored
	var total int64
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil {
			continue // another process has removed it
		}
		s := stored{dir: dir, used: info.ModTime()}
		if s.Entry, err = readEntry(dir); err != nil {
			s.used = time.Time{}
		}
		all, total = append(all, s), total+s.Size()
	}
	slices.SortStableFunc(all, func(a, b stored) int { return a.used.Compare(b.used) })
	var removed []Entry
	for _, s := range all {
		if total <= limit && !s.used.IsZero() {
			break
		}
		if s.dir == spare {
			continue
		}
		if err := discard(s.dir); err != nil {
			return removed, fmt.Errorf("memo: removing %s: %w", s.dir, err)
		}
		total -= s.Size()
		removed = append(removed, s.Entry)
	}
	return removed, nil
}
