// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/lateral-ml/lateral/lib/durable"
)

// lock takes the lock of this entry, so that of several processes one computes and the others wait for its value.
// unlock is never nil; with an error the entry is not locked, which costs double work at worst, as entries appear in
// one step.
func (m *memo) lock() (unlock func(), err error) {
	unlock = func() {}
	if err := makeMemoDir(m.dir); err != nil {
		return unlock, fmt.Errorf("nothing can be stored in %s: %w", m.dir, err)
	}
	ctx := context.Background()
	if stop := listening.Load(); stop != nil {
		ctx = *stop
	}
	lock, err := durable.AcquireWait(ctx, m.path(), func(holder string) {
		m.say("another computation of it is running (%s), waiting for its value", holder)
	})
	if err != nil {
		return unlock, err
	}
	m.locked = lock.Held()
	return lock.Release, nil
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
