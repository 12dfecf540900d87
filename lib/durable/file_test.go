// SPDX-License-Identifier: Apache-2.0

package durable

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// only fails unless path has this content and is the only file of its folder.
func only(t *testing.T, path, content string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != content {
		t.Errorf("the file holds %.20q, %v; want %.20q", got, err, content)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("%v where one file should be", files)
	}
}

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.json")
	for _, content := range []string{"first", "", "third"} {
		if err := WriteFile(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		only(t, path, content)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm()&^0o644 != 0 {
		t.Errorf("permissions %v, %v", info.Mode(), err)
	}
}

// A file that is replaced keeps its permissions: what is private stays so, even before it is whole.
func TestPermissionsStay(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no such permissions")
	}
	path := filepath.Join(t.TempDir(), "a")
	for _, want := range []fs.FileMode{0o600, 0o664, 0o640, 0o444} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, want); err != nil {
			t.Fatal(err)
		}
		f, err := Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(f.Name()); err != nil || info.Mode().Perm()&^(want|0o600) != 0 {
			t.Errorf("while %v is written others have %v, %v", want, info.Mode(), err)
		}
		if err := f.Commit(); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%v became %v, %v", want, info.Mode(), err)
		}
	}
}

// A name without a folder is in the working directory.
func TestWorkingDirectory(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := WriteFile("a", []byte("b")); err != nil {
		t.Fatal(err)
	}
	only(t, filepath.Join(dir, "a"), "b")
}

// Until Commit, and after Discard, the old file is there.
func TestDiscard(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	if err := WriteFile(path, []byte("before")); err != nil {
		t.Fatal(err)
	}
	f, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("half"); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "before" {
		t.Errorf("before Commit the file holds %q", got)
	}
	f.Discard()
	only(t, path, "before")
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	if err := WriteFile(filepath.Join(dir, "no", "a"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a missing folder: %v", err)
	}
	folder := filepath.Join(dir, "folder")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(folder, nil); err == nil {
		t.Error("a file has replaced a folder")
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("%v where one folder should be", files)
	}
}

// A program that has a file open goes on reading the old content. Where a system refuses to replace such a file, the
// old one stays, and Commit succeeds as soon as it is closed.
func TestCommitOverAnOpenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	if err := WriteFile(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	reader, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	refused := WriteFile(path, []byte("new"))
	if refused != nil && runtime.GOOS != "windows" {
		t.Error(refused)
	}
	if got, err := io.ReadAll(reader); string(got) != "old" {
		t.Errorf("the reader sees %q, %v", got, err)
	}
	want := "new"
	if refused != nil {
		want = "old"
	}
	if got, err := os.ReadFile(path); string(got) != want {
		t.Errorf("the file holds %q after %v, %v", got, refused, err)
	}
	reader.Close()
	if err := WriteFile(path, []byte("newer")); err != nil {
		t.Error(err)
	}
	if files, err := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("%v where one file should be, %v", files, err)
	}
}

// Readers see one complete version while several writers replace the file.
func TestReadersSeeWholeFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows replaces no file that a reader holds open")
	}
	const writers, versions, size = 3, 20, 100_000
	path := filepath.Join(t.TempDir(), "a")
	if err := WriteFile(path, make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for v := range versions {
				if err := WriteFile(path, bytes.Repeat([]byte{byte(1 + w*versions + v)}, size)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var written atomic.Bool
	go func() { group.Wait(); written.Store(true) }()
	for last := false; !last; {
		last = written.Load()
		got, err := os.ReadFile(path)
		if err != nil || len(got) != size || bytes.Count(got, got[:1]) != size {
			t.Fatalf("read %d bytes, %v", len(got), err)
		}
		if last {
			only(t, path, string(got))
		}
	}
}

func TestRenameFolder(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	if err := os.MkdirAll(filepath.Join(from, "deep"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(from, "deep", "a"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := RenameFolder(from, to); err != nil {
		t.Fatal(err)
	}
	only(t, filepath.Join(to, "deep", "a"), "x")
	if err := RenameFolder(from, to); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is gone: %v", err)
	}
}

// On a file system without locks there is a lock that is not held.
func TestHeld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	lock, err := Acquire(path)
	if err != nil || !lock.Held() {
		t.Fatalf("%v, %v", lock, err)
	}
	if lock.Release(); lock.Held() {
		t.Error("a lock that was released is held")
	}
	if lock, err = lockFor(path).taken(path, false, errors.ErrUnsupported); err != nil || lock.Held() {
		t.Errorf("%v, %v", lock, err)
	}
}
