// SPDX-License-Identifier: Apache-2.0

package durable

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A process that makes a folder, says where, and waits to be killed.
func TestMain(m *testing.M) {
	if parent := os.Getenv("DURABLE_TEMPDIR"); parent != "" {
		d, err := MakeTempDir(parent, "x-")
		if err != nil {
			panic(err)
		}
		os.WriteFile(filepath.Join(d.Path, "file"), nil, 0o600)
		os.Stdout.WriteString(d.Path)
		os.Stdout.Close()
		time.Sleep(time.Hour) // select {} would be a deadlock, which ends the process
		d.Remove()
	}
	os.Exit(m.Run())
}

func TestMakeTempDir(t *testing.T) {
	parent := t.TempDir()
	mine, err := MakeTempDir(parent, "x-")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(mine.Path); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others can enter it: %v, %v", info, err)
	}
	for _, name := range []string{"x-", "x-a", "x-y-1", "x-12", "y-12"} { // no folders of MakeTempDir, or not ready yet
		if err := os.Mkdir(filepath.Join(parent, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	long := filepath.Join(parent, "x-99") // of a process that was killed at once
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	os.Chtimes(long, time.Time{}, time.Now().Add(-time.Hour))
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "DURABLE_TEMPDIR="+parent)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for buffer := make([]byte, 1000); ; {
		n, err := out.Read(buffer)
		said.Write(buffer[:n])
		if err != nil {
			break
		}
	}
	theirs := said.String()
	second, err := MakeTempDir(parent, "x-")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(theirs, "file")); err != nil {
		t.Fatalf("the folder of a process that lives is gone: %v", err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	third, err := MakeTempDir(parent, "x-")
	if err != nil {
		t.Fatal(err)
	}
	for path, there := range map[string]bool{
		mine.Path: true, second.Path: true, third.Path: true, theirs: false, long: false,
		filepath.Join(parent, "x-12"): true, filepath.Join(parent, "x-a"): true, filepath.Join(parent, "x-y-1"): true,
		filepath.Join(parent, "x-"): true, filepath.Join(parent, "y-12"): true,
	} {
		if _, err := os.Stat(path); (err == nil) != there {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, d := range []*TempDir{mine, second, third} {
		if err := d.Remove(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(d.Path); err == nil {
			t.Errorf("%s is still there", d.Path)
		}
	}
	if _, err := MakeTempDir(filepath.Join(parent, "nowhere"), "x-"); err == nil {
		t.Error("a folder in none")
	}
}

// Many that begin at once do not take each other for orphans.
func TestMakeTempDirAtOnce(t *testing.T) {
	parent := t.TempDir()
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			d, err := MakeTempDir(parent, "x-")
			if err != nil {
				t.Error(err)
				return
			}
			defer d.Remove()
			time.Sleep(5 * time.Millisecond)
			if err := os.WriteFile(filepath.Join(d.Path, "file"), nil, 0o600); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}
