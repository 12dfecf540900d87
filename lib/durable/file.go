// SPDX-License-Identifier: Apache-2.0

// Package durable protects stored files against kills, power loss, concurrent writers and damaged disks:
//
//   - [WriteFile] and [Create] write files atomically, and [RenameFolder] renames folders atomically;
//   - [MakeTempDir] creates temporary folders; the next call removes those whose process was killed;
//   - [Acquire] locks a name, so that only one of several processes writes;
//   - [Seal] and [Open] add a check sum to JSON and verify it, so that a flipped bit is an error.
//
// A file is written under a temporary name in the same folder and synced. A rename then gives it the final name in one
// step, and the folder is synced. A program that opens the name finds either the old or the new file, even after a
// power loss. A process that is killed may leave its temporary file; [RemoveLeftovers] deletes such files.
//
// Linux and macOS guarantee this on their usual file systems, and after [File.Commit] the new file survives a power
// loss. Windows guarantees less:
//
//   - The rename is MoveFileEx with MOVEFILE_REPLACE_EXISTING, which Microsoft does not call atomic. NTFS makes it one
//     entry of its journal, so that a power loss leaves the old or the new file; other file systems may lose both.
//   - Folders cannot be synced. The bytes of a new file are on the disk when Commit returns, but its name may not be: a
//     power loss in the seconds after may bring back the old file.
//   - A file that another program has open, or that is read-only, is not replaced, because programs (those in Go, too)
//     open files without allowing that. Commit then returns an error and the old file stays: close the file and commit
//     again. Nor is a folder renamed while a file in it is open.
//   - Of permissions there is only the read-only mark.
//
// A kill costs nothing on any of them. The tests run on Linux; for Windows the package is only compiled and vetted.
package durable

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
)

// A File is a temporary file. Write to it, then Commit.
type File struct {
	*os.File
	path string
	perm fs.FileMode  // of the file that Commit replaces; 0 if there is none
	lock *flock.Flock // held while the file is written, so that RemoveLeftovers does not delete it
	done bool
}

// temporary is the suffix of the names of temporary files, before a number.
const temporary = ".tmp-"

// Create returns an empty temporary file that Commit renames to path, with the permissions of the file that it
// replaces, or 0644 before the process' umask if there is none. The folder must exist. If path is a symbolic link,
// Commit replaces the file that it points to, not the link. It is an error if path names a folder, a pipe or a device.
func Create(path string) (*File, error) {
	path, err := followLink(path)
	if err != nil {
		return nil, err
	}
	var old fs.FileMode
	perm := fs.FileMode(0o644)
	if info, err := os.Lstat(path); err == nil {
		if !info.Mode().IsRegular() {
			return nil, &fs.PathError{Op: "create", Path: path, Err: errors.New("it exists and is not a regular file")}
		}
		old = info.Mode().Perm()
		perm = old&perm | 0o600 // until Commit, what is private stays so
	}
	dir, name := filepath.Split(path)
	for {
		temp := dir + "." + name + temporary + strconv.FormatUint(rand.Uint64(), 10)
		f, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, perm)
		if errors.Is(err, fs.ErrExist) {
			continue // the number was taken
		}
		if err != nil {
			return nil, err
		}
		lock, ok := lockTemporary(temp)
		if _, err := os.Lstat(temp); !ok || errors.Is(err, fs.ErrNotExist) {
			lock.Close() // RemoveLeftovers came between: it holds the lock, or has removed the file
			f.Close()
			continue
		}
		return &File{File: f, path: path, perm: old, lock: lock}, nil
	}
}

// followLink returns the file that path points to, which need not exist.
func followLink(path string) (string, error) {
	for range 40 { // as many links as Linux follows
		target, err := os.Readlink(path)
		if err != nil {
			return path, nil // not a link
		}
		if !filepath.IsAbs(target) {
			dir, err := filepath.EvalSymlinks(filepath.Dir(path)) // ".." in target goes up from there
			if err != nil {
				return "", err
			}
			target = filepath.Join(dir, target)
		}
		path = target
	}
	return "", &fs.PathError{Op: "open", Path: path, Err: errors.New("too many symbolic links")}
}

// lockTemporary marks a temporary file as being written, unless another holds its lock; ok is false then. Windows needs
// no mark: an open file cannot be removed there, and a lock would exclude its own writer.
func lockTemporary(path string) (lock *flock.Flock, ok bool) {
	lock = flock.New(path, flock.SetFlag(os.O_RDWR))
	if runtime.GOOS == "windows" {
		return lock, true
	}
	held, err := lock.TryLock()
	return lock, held || err != nil // a file system without locks has no marks, and RemoveLeftovers removes nothing there
}

// Commit gives the file its final name. If writing, syncing or renaming fails, the old file stays. If only the folder
// cannot be synced afterwards, Commit returns that error though the new file is in place: a power loss may bring back
// the old one.
func (f *File) Commit() error {
	if f.perm != 0 {
		f.Chmod(f.perm) // fails on file systems that have no permissions
	}
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
	f.lock.Close()
	return syncFolder(filepath.Dir(f.path))
}

// Discard closes and removes the file unless it has been committed: defer it after Create.
func (f *File) Discard() {
	if !f.done {
		f.Close()
		f.lock.Close()
		os.Remove(f.Name())
	}
}

// WriteFile replaces the content of the file path by data, atomically.
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

// RenameFolder gives a folder a new name, which must be free. It first syncs all of its content, so that the new name
// is either the complete folder or does not exist.
func RenameFolder(from, to string) error {
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return syncFolder(path)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
	if err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(to))
}

// syncFolder syncs the entries of a folder. It ignores file systems that cannot sync folders.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // folders cannot be opened there, and NTFS keeps their entries in its journal
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) {
		return err
	}
	return nil
}

// RemoveLeftovers deletes the temporary files in a folder whose process was killed.
func RemoveLeftovers(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if !e.Type().IsRegular() || !isTemporary(e.Name()) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		lock := flock.New(path, flock.SetFlag(os.O_RDWR))
		if free, err := lock.TryLock(); free && err == nil {
			if runtime.GOOS == "windows" {
				lock.Close() // otherwise it cannot be removed
			}
			os.Remove(path) // a leftover only costs disk space
		}
		lock.Close()
	}
}

// isTemporary reports whether a name is one of a temporary file.
func isTemporary(name string) bool {
	i := strings.LastIndex(name, temporary)
	if i < 1 || name[0] != '.' {
		return false
	}
	_, err := strconv.ParseUint(name[i+len(temporary):], 10, 64)
	return err == nil
}
