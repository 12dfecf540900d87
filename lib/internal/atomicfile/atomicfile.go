// SPDX-License-Identifier: Apache-2.0

// Package atomicfile writes files that appear whole or not at all: the bytes go to a temporary file in the same folder,
// which is synced and takes the name of the other in one step, by a rename.
//
// Whoever opens the name, whenever, finds the file before or the file after, and so does a machine that lost power. A
// process that is killed may leave its temporary file, ".NAME" and a number.
//
// On Linux and macOS the system promises this. Windows keeps the promise on NTFS, where the rename is one entry of the
// journal; on its other file systems a loss of power in the middle may cost both files. And Windows replaces no file that
// a program holds open: Commit then fails and the file before stays.
//
// (The package renameio, which is made of the same calls, has no code for Windows; what is here is tested on every system
// alike, since it is the same code.)
package atomicfile

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
)

// A File is a temporary file. Write to it, then Commit.
type File struct {
	*os.File
	path string
	done bool
}

// Create returns an empty temporary file that is to become path, with the permissions 0644 before the process' umask.
// The folder must exist.
func Create(path string) (*File, error) {
	dir, name := filepath.Split(path)
	for {
		f, err := os.OpenFile(dir+"."+name+strconv.FormatUint(rand.Uint64(), 10), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			continue // the number was taken
		}
		if err != nil {
			return nil, err
		}
		return &File{File: f, path: path}, nil
	}
}

// Commit gives the file its name. If that fails, what had the name before still has it.
func (f *File) Commit() error {
	// Without the sync a file system may put the rename on disk before the bytes.
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), f.path); err != nil {
		return err
	}
	f.done = true
	return nil
}

// Discard closes and removes the file, unless it has been committed: defer it after Create.
func (f *File) Discard() {
	if !f.done {
		f.Close()
		os.Remove(f.Name())
	}
}

// WriteFile makes data the content of the file path.
func WriteFile(path string, data []byte) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	defer f.Discard()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Commit()
}
