// SPDX-License-Identifier: Apache-2.0

package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// A TempDir is a temporary folder that is locked until Remove or the end of its process. Keep the value as long: the
// lock goes with it.
type TempDir struct {
	Path string
	lock *flock.Flock
}

// dirLock is the name of a folder's lock, within it.
const dirLock = ".lock"

// MakeTempDir creates a folder in parent ("" for [os.TempDir]) whose name is prefix and a number, which only this user
// can enter. It removes those of the same prefix whose processes were killed and could not.
func MakeTempDir(parent, prefix string) (*TempDir, error) {
	if parent == "" {
		parent = os.TempDir()
	}
	removeOrphans(parent, prefix)
	for {
		path, err := os.MkdirTemp(parent, prefix)
		if err != nil {
			return nil, err
		}
		flags := flock.SetFlag(os.O_CREATE | os.O_RDWR)
		lock := flock.New(filepath.Join(path, dirLock), flags, flock.SetPermissions(0o600))
		held, err := lock.TryLock()
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // a file system without locks has no orphans either
			os.Remove(lock.Path())
			return &TempDir{path, lock}, nil
		}
		if _, err := os.Lstat(lock.Path()); held && err == nil {
			return &TempDir{path, lock}, nil
		}
		lock.Close() // removeOrphans of another process came between
	}
}

// Remove deletes the folder with all that is in it.
func (d *TempDir) Remove() error {
	d.lock.Close()
	return removeTempDir(d.Path)
}

// removeTempDir deletes a folder, its lock last: if a process that writes there gets in the way, another can try again.
func removeTempDir(path string) error {
	entries, err := os.ReadDir(path)
	for _, e := range entries {
		if e.Name() != dirLock {
			err = errors.Join(err, os.RemoveAll(filepath.Join(path, e.Name())))
		}
	}
	if err != nil {
		return err
	}
	return os.RemoveAll(path)
}

// removeOrphans deletes the folders of MakeTempDir that nobody holds any more.
func removeOrphans(parent, prefix string) {
	entries, _ := os.ReadDir(parent) // a leftover costs disk space, nothing else
	for _, e := range entries {
		number, ok := strings.CutPrefix(e.Name(), prefix)
		if _, err := strconv.ParseUint(number, 10, 64); !ok || err != nil || !e.IsDir() {
			continue
		}
		path := filepath.Join(parent, e.Name())
		lock := flock.New(filepath.Join(path, dirLock), flock.SetFlag(os.O_RDWR))
		free, err := lock.TryLock()
		if runtime.GOOS == "windows" {
			lock.Close() // else it cannot be removed
		}
		switch info, statErr := e.Info(); {
		case free && err == nil:
			removeTempDir(path)
		case errors.Is(err, fs.ErrNotExist) && statErr == nil && time.Since(info.ModTime()) > time.Minute:
			os.Remove(path) // if it is empty, its process was killed between two steps
		}
		lock.Close()
	}
}
