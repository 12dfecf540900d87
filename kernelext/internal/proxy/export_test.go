// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"time"
	"unicode/utf16"
)

func init() {
	saveTime, killTime = 300*time.Millisecond, 3*time.Second
	maxDisplay, maxDisplays = 2<<20, 8<<20
}

// Completeness and Matches for tests.
var (
	Completeness = completeness
	Matches      = matches
)

// Replay returns the cell that gives back the declarations of cells, and where
// its lines come from, as pairs of cell and line.
func Replay(cells ...string) (code string, origin [][2]int) {
	var sources []source
	for i, c := range cells {
		sources = append(sources, source{i + 1, c})
	}
	code, places := replay(sources)
	for _, p := range places {
		origin = append(origin, [2]int{p.count, p.line})
	}
	return code, origin
}

// Removed returns what cells have removed.
func Removed(cells ...string) []string {
	var sources []source
	for i, c := range cells {
		sources = append(sources, source{i + 1, c})
	}
	return removed(sources)
}

// Question returns the text that GoNB is asked about, and where in it.
func Question(code string, at int) (string, int) {
	q := questionAt(code, at)
	return string(utf16.Decode(q.code)), len(string(utf16.Decode(q.code[:q.cursor])))
}
