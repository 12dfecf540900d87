// SPDX-License-Identifier: Apache-2.0

package durable_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/lib/durable"
)

func TestSealFindsEveryFlippedBit(t *testing.T) {
	for _, content := range []string{`{}`, `{"a":[1,2.5,"x"]}`, `""`} {
		sealed := durable.Seal([]byte(content))
		if got, err := durable.Open(append(sealed, " \n"...)); err != nil || string(got) != content {
			t.Fatalf("%q comes back as %q, %v", content, got, err)
		}
		for i := range 8 * len(sealed) {
			flipped := bytes.Clone(sealed)
			flipped[i/8] ^= 1 << (i % 8)
			if got, err := durable.Open(flipped); !errors.Is(err, durable.ErrDamaged) {
				t.Fatalf("bit %d of %s is flipped: %q, %v", i, sealed, got, err)
			}
		}
		for n := range sealed {
			if _, err := durable.Open(sealed[:n]); !errors.Is(err, durable.ErrDamaged) {
				t.Fatalf("%q: %v", sealed[:n], err)
			}
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(durable.Seal([]byte(`{"a":1}`)))
	f.Add([]byte(`{"sha256":"","content":}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		content, err := durable.Open(text)
		if err == nil && !bytes.Equal(durable.Seal(content), bytes.TrimSpace(text)) {
			t.Errorf("%q is taken for a sealed text", text)
		}
	})
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results")
	lock, err := durable.Acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	var held *durable.HeldError
	if _, err := durable.Acquire(path); !errors.As(err, &held) || held.Holder == "" || held.Path != path {
		t.Fatalf("a second lock: %v", err)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Millisecond, errors.New("too long"))
	defer cancel()
	waited := ""
	_, err = durable.AcquireWait(ctx, path, func(holder string) { waited += holder })
	if !errors.As(err, &held) || waited != held.Holder {
		t.Fatalf("waiting for %q: %v", waited, err)
	}
	time.AfterFunc(20*time.Millisecond, lock.Release)
	again, err := durable.AcquireWait(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	again.Release()
	if _, err := durable.Acquire(filepath.Join(path, "no", "such", "folder")); err == nil {
		t.Error("a lock in a folder that does not exist")
	}
}

func TestRemoveLeftovers(t *testing.T) {
	dir := t.TempDir()
	leftover := filepath.Join(dir, ".a.tmp-17")
	others := []string{"a", ".a", ".a.tmp-", ".a.tmp-x", "a.tmp-17", ".tmp"}
	for _, name := range append(others, filepath.Base(leftover)) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f, err := durable.Create(filepath.Join(dir, "b"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Discard()
	durable.RemoveLeftovers(dir)
	if _, err := os.Stat(leftover); err == nil {
		t.Error("the leftover is still there")
	}
	for _, name := range others {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("%s is gone", name)
		}
	}
	if err := f.Commit(); err != nil {
		t.Errorf("a file that is being written was removed: %v", err)
	}
}

// A file is not removed between its creation and its lock.
func TestRemoveLeftoversWhileOthersWrite(t *testing.T) {
	dir := t.TempDir()
	done := make(chan struct{})
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					durable.RemoveLeftovers(dir)
				}
			}
		})
	}
	for range 1000 {
		f, err := durable.Create(filepath.Join(dir, "a"))
		if err != nil {
			t.Error(err)
			break
		}
		durable.RemoveLeftovers(dir)
		if _, err := os.Stat(f.Name()); err != nil {
			t.Error(err)
		}
		f.Discard()
	}
	close(done)
	group.Wait()
}

func TestWriteThroughLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege there")
	}
	dir := t.TempDir()
	for link, target := range map[string]string{"one": "two", "two": "file", "loop": "loop"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := durable.WriteFile(filepath.Join(dir, "one"), []byte("x")); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "file")); err != nil || string(got) != "x" {
		t.Errorf("the file holds %q, %v", got, err)
	}
	if target, err := os.Readlink(filepath.Join(dir, "one")); err != nil || target != "two" {
		t.Errorf("the link names %q, %v", target, err)
	}
	if err := durable.WriteFile(filepath.Join(dir, "loop"), nil); err == nil {
		t.Error("a link to itself was written")
	}
	lock, err := durable.Acquire(filepath.Join(dir, "one"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	var held *durable.HeldError
	if _, err := durable.Acquire(filepath.Join(dir, "file")); !errors.As(err, &held) {
		t.Errorf("the file that a locked link names can be locked: %v", err)
	}
}

// The target of a link is looked up from the folder that the link is in, whatever name led there.
func TestWriteThroughLinkInLinkedFolder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege there")
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "deep", "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"short": "deep/folder", "deep/folder/link": "../file"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := durable.WriteFile(filepath.Join(dir, "short", "link"), []byte("x")); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "deep", "file")); err != nil || string(got) != "x" {
		t.Errorf("the file holds %q, %v", got, err)
	}
}

func ExampleSeal() {
	sealed := durable.Seal([]byte(`{"step":7}`))
	content, err := durable.Open(sealed)
	fmt.Println(string(content), err)
	sealed[len(sealed)-3] = '8'
	_, err = durable.Open(sealed)
	fmt.Println(err)
	// Output:
	// {"step":7} <nil>
	// damaged: the content does not have the SHA-256 that was written with it
}
