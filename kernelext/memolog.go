// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
)

// An outcome is what became of one memo: its value was reused, or computed and stored.
type outcome struct {
	name    string
	bytes   int64
	took    time.Duration // to compute it, now or when it was stored
	reused  bool
	created time.Time // of a reused value
	edited  bool      // the library's sources were, since then
}

// A memoLog tells the outcomes of a cell's memos. In a notebook they share one line of the cell, redrawn with each
// memo, because a cell may ask for dozens; elsewhere each memo prints a line.
type memoLog struct {
	mu       sync.Mutex
	line     notebookLine
	outcomes []outcome
}

var memos = memoLog{line: notebookLine{id: newDisplayID()}}

func (l *memoLog) add(o outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if inNotebook {
		l.outcomes = append(l.outcomes, o)
		if l.line.put(told(l.outcomes, time.Now())) == nil {
			return
		}
	}
	fmt.Println(told([]outcome{o}, time.Now()))
}

// told is the line about outcomes, such as
//
//	memo "features": reused (6.3 MB, computed in 3 min 10 s, 4 h ago)
//	memos "features" (1), "tuned" (2): 2 reused (7 MB, computed in 3 min, 4 h ago), 1 computed in 12 s, stored (6 MB)
func told(outcomes []outcome, now time.Time) string {
	var names []string
	count := map[string]int{}
	for _, o := range outcomes {
		if count[o.name]++; count[o.name] == 1 {
			names = append(names, o.name)
		}
	}
	head, reused, computed := fmt.Sprintf("memo %q: ", names[0]), "", ""
	if len(outcomes) > 1 {
		for i, name := range names {
			names[i] = fmt.Sprintf("%q (%d)", name, count[name])
		}
		head = "memos " + strings.Join(names, ", ") + ": "
	}
	old, sum := together(outcomes, true)
	if old > 0 {
		edited := ""
		if sum.edited {
			edited = "; the library's sources were edited since"
		}
		reused = fmt.Sprintf("reused (%s, computed in %s, %s%s)", humanize.Bytes(uint64(sum.bytes)), duration(sum.took),
			since(sum.created, now), edited)
	}
	made, sum := together(outcomes, false)
	if made > 0 {
		computed = fmt.Sprintf("computed in %s, stored (%s)", duration(sum.took), humanize.Bytes(uint64(sum.bytes)))
	}
	if old > 0 && made > 0 {
		return fmt.Sprintf("%s%d %s, %d %s", head, old, reused, made, computed)
	}
	return head + reused + computed
}

// together counts the outcomes that are reused or not, and returns their sums and the time of the oldest.
func together(outcomes []outcome, reused bool) (n int, sum outcome) {
	for _, o := range outcomes {
		if o.reused != reused {
			continue
		}
		if n++; n == 1 || o.created.Before(sum.created) {
			sum.created = o.created
		}
		sum.edited = sum.edited || o.edited
		sum.bytes += o.bytes
		sum.took += o.took
	}
	return n, sum
}
