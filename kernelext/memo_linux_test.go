// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMemoOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("a small file system cannot be mounted here: %v", err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	v, said, err := memoIn(t, dir, "m", 1, give(make([]byte, 1<<20)))
	if len(v) != 1<<20 || err != nil || !strings.Contains(said, "not stored in "+dir) ||
		!strings.Contains(said, "no space left") {
		t.Errorf("%d bytes, %q %v", len(v), said, err)
	}
	leftovers(t, dir)
	if _, said, err := memoIn(t, dir, "small", 1, give(1)); err != nil || strings.Contains(said, "not stored") {
		t.Errorf("a value that fits: %q %v", said, err)
	}
}
