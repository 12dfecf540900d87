// SPDX-License-Identifier: Apache-2.0

package durable

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// A Lock locks a name for one process. The system releases it when the process ends, even if it is killed.
type Lock struct{ file *flock.Flock }

// A HeldError reports that another process, or another part of this one, holds a lock.
type HeldError struct {
	Path   string // the locked path
	Holder string // "process 123 on HOST", or "another process" if unknown
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("%s is in use by %s: wait until it ends, or choose another name", e.Path, e.Holder)
}

// Acquire locks the name path, a file or a folder that need not exist; its parent must exist. If the lock is already
// held, the error is a [*HeldError]. On a file system without locks Acquire does not lock and returns no error;
// [Lock.Held] tells.
//
// The lock is on a separate file beside path, ".NAME.lock", which stays when the lock is released: path itself may be
// replaced by a rename while it is locked. If path is a symbolic link, its target is locked.
func Acquire(path string) (*Lock, error) {
	target, err := followLink(path)
	if err != nil {
		return nil, err
	}
	l := lockFor(target)
	ok, err := l.file.TryLock()
	return l.taken(path, ok, err)
}

// AcquireWait locks like Acquire but waits while the lock is held. Before it waits it calls waiting once, with the
// holder; waiting may be nil. The error wraps context.Cause(ctx) if ctx ended first.
func AcquireWait(ctx context.Context, path string, waiting func(holder string)) (*Lock, error) {
	for first := true; ; first = false {
		l, err := Acquire(path)
		var held *HeldError
		if !errors.As(err, &held) {
			return l, err
		}
		if first && waiting != nil {
			waiting(held.Holder)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", held, context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func lockFor(path string) *Lock {
	dir, name := filepath.Split(filepath.Clean(path))
	return &Lock{flock.New(dir+"."+name+".lock", flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o666))}
}

// taken handles the result of an attempt to lock and, if it succeeded, records the holder.
func (l *Lock) taken(path string, ok bool, err error) (*Lock, error) {
	switch {
	case errors.Is(err, errors.ErrUnsupported), errors.Is(err, syscall.ENOLCK): // NFS without its lock service
		return l, nil
	case err != nil:
		l.file.Close()
		return nil, fmt.Errorf("%s cannot be locked: %w", path, err)
	case !ok:
		holder, _ := os.ReadFile(l.file.Path())
		l.file.Close()
		if len(holder) == 0 {
			holder = []byte("another process")
		}
		return nil, &HeldError{path, strings.TrimSpace(string(holder))}
	}
	host, _ := os.Hostname()
	// Only for messages: if this fails, an error message lacks the name of the holder.
	os.WriteFile(l.file.Path(), fmt.Appendf(nil, "process %d on %s\n", os.Getpid(), host), 0o666)
	return l, nil
}

// Held reports whether the lock is held: a file system without locks keeps nobody else from the name.
func (l *Lock) Held() bool { return l.file.Locked() }

// Release releases the lock.
func (l *Lock) Release() { l.file.Close() }
