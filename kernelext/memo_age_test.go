// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/lib/durable"
)

// TestMemoOfOtherSources checks that an older value is reused with a remark, or computed again where it must be fresh.
func TestMemoOfOtherSources(t *testing.T) {
	dir := t.TempDir()
	memoIn(t, dir, "m", 1, give(5))
	changeEntry(t, dir, func(e *Entry) { e.Sources = "others" })
	if v, said, err := memoIn(t, dir, "m", 1, never[int](t)); v != 5 || err != nil ||
		!strings.Contains(said, "sources were edited since)") {
		t.Errorf("%d %q %v", v, said, err)
	}
	t.Setenv("LATERAL_FRESH", "1")
	if v, said, err := memoIn(t, dir, "m", 1, give(6)); v != 6 || err != nil ||
		!strings.Contains(said, "edited since it was stored, computing again") {
		t.Errorf("fresh: %d %q %v", v, said, err)
	}
	if v, said, err := memoIn(t, dir, "m", 1, never[int](t)); v != 6 || err != nil || !strings.Contains(said, "reused") {
		t.Errorf("fresh, again: %d %q %v", v, said, err)
	}
}

// changeEntry changes what the only entry of a directory says of itself, and returns its file.
func changeEntry(t *testing.T, dir string, change func(*Entry)) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "entry.json"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	e, err := readEntry(filepath.Dir(files[0]))
	must(t, err)
	change(&e)
	content, err := json.Marshal(e)
	must(t, err)
	must(t, os.WriteFile(files[0], durable.Seal(content), 0o666))
	return files[0]
}

// A clock that was set back makes entries of the future, which are as good as others.
func TestMemoAfterTheClockWasSetBack(t *testing.T) {
	dir := t.TempDir()
	memoIn(t, dir, "m", 1, give(5))
	future := time.Now().Add(30 * 24 * time.Hour)
	file := changeEntry(t, dir, func(e *Entry) { e.Created = future })
	must(t, os.Chtimes(file, future, future))
	dated := regexp.MustCompile(`^memo "m": reused \(\d+ B, computed in \d+ ms, dated ` + future.Format(time.DateOnly) +
		`, which this clock has still to reach\)\n$`)
	if v, said, err := memoIn(t, dir, "m", 1, never[int](t)); v != 5 || err != nil || !dated.MatchString(said) {
		t.Errorf("%d %q %v", v, said, err)
	}
	now := time.Unix(1e9, 0)
	for ahead, want := range map[time.Duration]string{-3 * time.Hour: "3 h ago", 0: "0 s ago", time.Second: "0 s ago",
		48 * time.Hour: "dated " + now.Add(48*time.Hour).Format(time.DateOnly) + ", which this clock has still to reach"} {
		if got := since(now.Add(ahead), now); got != want {
			t.Errorf("%v ahead: %q, want %q", ahead, got, want)
		}
	}
	t.Setenv("LATERAL_MEMO", dir)
	if _, err := Trim(1 << 30); err != nil {
		t.Error(err)
	}
	if list, err := List(); len(list) != 1 || err != nil {
		t.Errorf("List: %v %v", list, err)
	}
}
