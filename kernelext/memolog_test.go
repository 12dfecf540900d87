// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

func init() {
	scenarios["several memos"] = func() {
		fmt.Println("before")
		for i := range 12 {
			Memo([]string{"coarse", "fine"}[i%3/2], i, func() (int, error) { return i, nil })
		}
		fmt.Println("after")
	}
}

// The memos of a cell share one output, which is redrawn, before the text that follows it.
func TestMemosOfACellShareALine(t *testing.T) {
	dir := t.TempDir()
	for _, want := range []string{
		`^memos "coarse" \(8\), "fine" \(4\): computed in .*, stored \(.*\)$`,
		`^memos "coarse" \(8\), "fine" \(4\): reused \(.*, computed in .*, \d+ s ago\)$`,
	} {
		var k fakeKernel
		if status := k.run(t, "several memos", "LATERAL_MEMO="+dir); status != 0 {
			t.Fatalf("exit status %d:\n%s", status, k.transcript())
		}
		shown := k.displays()
		if len(shown) != 12 {
			t.Fatalf("%d displays, want one and 11 updates:\n%s", len(shown), k.transcript())
		}
		for _, e := range shown {
			if e.data.DisplayID == "" || e.data.DisplayID != shown[0].data.DisplayID {
				t.Errorf("display %q is not the line of the memos", e.text)
			}
		}
		if last := shown[11].text; !regexp.MustCompile(want).MatchString(last) {
			t.Errorf("got %s, want %s", last, want)
		}
		if text := k.transcript(); !strings.HasPrefix(text, "before\n") || !strings.HasSuffix(text, "after\n") {
			t.Errorf("text and line in another order:\n%s", text)
		}
	}
}

// Where displays cannot be sent, each memo prints its line.
func TestMemosWithoutAKernelThatReads(t *testing.T) {
	k := fakeKernel{mute: true}
	k.run(t, "several memos", "LATERAL_MEMO="+t.TempDir())
	if n := strings.Count(k.transcript(), "memo \"fine\": computed in"); n != 4 {
		t.Errorf("%d lines of 4 memos:\n%s", n, k.transcript())
	}
}

func TestTold(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	old := outcome{name: "a", bytes: 6_000_000, took: 70 * time.Second, reused: true, created: now.Add(-3 * time.Hour)}
	older := outcome{name: "a", bytes: 500_000, took: 5 * time.Second, reused: true, edited: true,
		created: now.Add(-5 * time.Hour)}
	made := outcome{name: "b", bytes: 12, took: 2 * time.Second}
	for want, outcomes := range map[string][]outcome{
		`memo "a": reused (6.0 MB, computed in 1 min 10 s, 3 h ago)`: {old},
		`memo "b": computed in 2 s, stored (12 B)`:                   {made},
		`memos "a" (2): reused (6.5 MB, computed in 1 min 15 s, 5 h ago; the library's sources were edited since)`: {
			old, older},
		`memos "a" (1), "b" (2): 1 reused (6.0 MB, computed in 1 min 10 s, 3 h ago), 2 computed in 4 s, stored (24 B)`: {
			old, made, made},
	} {
		if got := told(outcomes, now); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
