// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// What nobody has used for longest goes first; what is damaged, always.
func TestTrim(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("LATERAL_MEMO", dir)
	big := strings.Repeat("x", 10_000)
	for i, name := range []string{"oldest", "used again", "newest", "damaged"} {
		memoIn(t, dir, name, 1, give(big))
		at := time.Now().Add(time.Duration(i-10) * time.Hour)
		entry, err := filepath.Glob(filepath.Join(dir, slug(name)+"-*"))
		if err != nil || len(entry) != 1 {
			t.Fatal(entry, err)
		}
		if name == "damaged" {
			if err := os.WriteFile(filepath.Join(entry[0], entryFile), []byte("{"), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chtimes(entry[0], at, at); err != nil {
			t.Fatal(err)
		}
	}
	memoIn(t, dir, "used again", 1, never[string](t))
	names := func() (names []string) {
		list, err := List()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			names = append(names, e.Name)
		}
		return names
	}
	if removed, err := Trim(100_000); err != nil || len(removed) != 1 {
		t.Errorf("with room for all: removed %v, %v", removed, err)
	}
	if got, want := names(), []string{"newest", "oldest", "used again"}; !slices.Equal(got, want) {
		t.Errorf("left %v, want %v", got, want)
	}
	if removed, err := Trim(25_000); err != nil || len(removed) != 1 || removed[0].Name != "oldest" {
		t.Errorf("with room for two: removed %v, %v", removed, err)
	}
	if _, err := Trim(15_000); err != nil {
		t.Error(err)
	}
	if got, want := names(), []string{"used again"}; !slices.Equal(got, want) {
		t.Errorf("left %v, want %v", got, want)
	}

	// A new entry makes room for itself and stays, even if it alone is too large.
	t.Setenv("LATERAL_MEMO_LIMIT", "5000")
	memoIn(t, dir, "large", 1, give(big))
	if got, want := names(), []string{"large"}; !slices.Equal(got, want) {
		t.Errorf("left %v, want %v", got, want)
	}
}

// A folder of memos may be one of other things, too.
func TestTrimLeavesWhatIsNoMemo(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("LATERAL_MEMO", dir)
	others := []string{"mnist", "cifar-10", "Notes 0123456789abcdef", ".mnist" + temporary + "1",
		"train-0123456789ab-0123456789ab"}
	for _, name := range others {
		must(t, os.MkdirAll(filepath.Join(dir, name, valueDir), 0o777))
	}
	memoIn(t, dir, strings.Repeat("long ", 20), 1, give(1))
	if removed, err := Trim(0); err != nil || len(removed) != 1 {
		t.Errorf("removed %v, %v", removed, err)
	}
	for _, name := range others {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

// Results are nobody else's business, unless LATERAL_MEMO says where they go.
func TestMemoDirectoryIsPrivate(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("LATERAL_MEMO", "")
	private := filepath.Join(dir, "cache", "memo")
	if err := makeMemoDir(private); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{private, filepath.Dir(private)} {
		if info, err := os.Stat(d); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", d, info.Mode(), err)
		}
	}
}
