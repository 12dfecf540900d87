// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/data"
)

// Where there are no photographs, scenes are leaves, whitened alike.
func TestScenesFallBack(t *testing.T) {
	if testing.Short() {
		t.Skip("makes ten large images")
	}
	t.Setenv(Env, t.TempDir())
	if _, found, err := Find(manifest("olshausen"), ""); found || err != nil {
		t.Skip("the file is in the cache", err)
	}
	s, err := Scenes(5)
	if err != nil {
		t.Fatal(err)
	}
	square := 0.0
	for _, v := range s.X.Data() {
		square += float64(v) * float64(v) / float64(s.X.Len())
	}
	if s.Name != "Leaves" || len(s.Sum) != 64 || !slices.Equal(s.X.Shape(), []int{10, 1, 512, 512}) ||
		math.Abs(square-0.1) > 1e-4 {
		t.Errorf("%s of shape %v, variance %v", s.Name, s.X.Shape(), square)
	}
}

// npy returns a file of 2x2x3 numbers.
func npy() []byte {
	const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2, 3), }\n"
	file := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), 0)
	file = append(file, header...)
	for i := range 12 {
		file = binary.LittleEndian.AppendUint32(file, math.Float32bits(float32(i)))
	}
	return file
}

func TestNaturalImages(t *testing.T) {
	good := npy()
	sum := sha256.Sum256(good)
	set := manifest("olshausen")
	set.Files = []data.File{{Name: "IMAGES.npy", Size: int64(len(good)), SHA256: hex.EncodeToString(sum[:])}}
	other := slices.Clone(good)
	other[len(other)-1]++
	for _, c := range []struct {
		file []byte
		want string
	}{
		{good, ""},
		{good[:100], "IMAGES.npy is truncated: it ends after 100 of 121 bytes\nreplace the named file with a good copy, or " +
			"make it again: get IMAGES.mat from"},
		{other, "IMAGES.npy is not the original"},
	} {
		dir := filepath.Join(t.TempDir(), "olshausen")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "IMAGES.npy"), c.file, 0o644); err != nil {
			t.Fatal(err)
		}
		place, found, err := Find(set, filepath.Dir(dir))
		if err != nil || !found {
			t.Fatal(place, err)
		}
		s, err := loadNatural(set, place)
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%d bytes: %v, want %q", len(c.file), err, c.want)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(s.X.Shape(), []int{2, 1, 2, 3}) || s.X.At(0, 0, 1, 0) != 3 || len(s.Sum) != 64 || s.Source == "" {
			t.Errorf("%v", s.X)
		}
	}
}

// Whoever lacks the images learns how to make the file and where to put it, and no download is tried.
func TestNaturalImagesMissing(t *testing.T) {
	empty := t.TempDir()
	t.Setenv(Env, empty)
	where := "no file of Olshausen's images in " + empty + ", and nobody offers it for download: get IMAGES.mat from"
	put := "then put these files into " + empty + "\n  IMAGES.npy (10,485,888 bytes)"
	_, load := NaturalImages(empty)
	_, fetch := Fetch(t.Context(), manifest("olshausen"), empty, nil)
	for _, err := range []error{load, fetch} {
		if err == nil || !strings.Contains(err.Error(), where) || !strings.Contains(err.Error(), put) {
			t.Errorf("got %v, want %q and %q", err, where, put)
		}
	}
	if _, found, err := Find(manifest("olshausen"), ""); found || err != nil {
		t.Skip("the file is in the cache", err)
	}
	_, err := NaturalImages("")
	if want := "or into a directory that $" + Env + " names"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	if err := os.WriteFile(filepath.Join(empty, "IMAGES.npy"), npy(), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func() error{
		"NaturalImages": func() error { _, err := NaturalImages(""); return err },
		"Scenes":        func() error { _, err := Scenes(1); return err }, // no fall-back from a damaged file
		"Fetch":         func() error { _, err := Fetch(t.Context(), manifest("olshausen"), "", nil); return err },
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), "IMAGES.npy is truncated") {
			t.Errorf("%s of a damaged file: %v", name, err)
		}
	}
}
