// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// lock takes the lock of this entry, so that of several processes one computes and the others wait for its value.
// The system frees the lock when the process ends, however it ends. unlock is never nil; with an error the entry is
// not locked, which costs double work at worst, as entries appear in one step.
func (m *memo) lock() (unlock func(), err error) {
	unlock = func() {}
	if err := makeMemoDir(m.dir); err != nil {
		return unlock, fmt.Errorf("nothing can be stored in %s: %w", m.dir, err)
	}
	path := filepath.Join(m.dir, ".lock-"+m.entry.Key)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return unlock, fmt.Errorf("nothing can be stored in %s: %w", m.dir, err)
	}
	for waiting := false; ; waiting = true {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			f.Close()
			return unlock, fmt.Errorf("%s cannot be locked: %w", path, err)
		}
		if wasInterrupted() {
			f.Close()
			return unlock, ErrInterrupted
		}
		if !waiting {
			m.say("another computation of it is running, waiting for its value")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// sourcesSum is a hash of the library's Go files, "" where they are not at hand. Version cannot tell one working
// copy from the next; this can, so that Memo says when a value is older than the code.
var sourcesSum = sync.OnceValue(func() string {
	_, here, _, ok := runtime.Caller(0)
	if !ok || Version() != "devel" {
		return ""
	}
	lib := filepath.Join(filepath.Dir(filepath.Dir(here)), "lib")
	h := sha256.New()
	err := filepath.WalkDir(lib, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") {
			return err
		}
		if ext := filepath.Ext(path); ext != ".go" && ext != ".s" {
			return nil
		}
		b, err := os.ReadFile(path)
		fmt.Fprintf(h, "%s %d\n", d.Name(), len(b))
		h.Write(b)
		return err
	})
	if err != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
})
