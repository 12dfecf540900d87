// SPDX-License-Identifier: Apache-2.0

//go:build unix

package sweep

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/lib/durable"
)

// While a merge into a new file reads what it merges, here from a pipe that is slow, no sweep may begin on that file:
// its results would vanish when the merge puts its own file there.
func TestMergeHoldsAFileThatIsNotThereYet(t *testing.T) {
	dir := t.TempDir()
	out, pipe := filepath.Join(dir, "out.jsonl"), filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	merged := make(chan error, 1)
	go func() {
		_, err := Merge(out, pipe)
		merged <- err
	}()
	w, err := os.OpenFile(pipe, os.O_WRONLY, 0) // returns when Merge has opened the other end
	if err != nil {
		t.Fatal(err)
	}
	var held *durable.HeldError
	if rows, err := sweep(out, 5).Run(t.Context()); !errors.As(err, &held) || len(rows) > 0 {
		t.Errorf("a sweep on the file that a merge is about to make: %d rows, %v", len(rows), err)
	}
	time.AfterFunc(10*time.Millisecond, func() {
		w.WriteString(sealed(row(7, 1)))
		w.Close()
	})
	if err := <-merged; err != nil {
		t.Fatal(err)
	}
	if _, err := sweep(out, 5).Run(t.Context()); err != nil {
		t.Error(err)
	}
	if rows, err := ReadRows[point, worth](out); err != nil || len(rows) != 6 {
		t.Errorf("%d rows in the end, %v", len(rows), err)
	}
}
