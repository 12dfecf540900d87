// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/data"
)

// Sets with sums of the compressed files are kept compressed, and any change is noticed.
func TestSumsOfCompressedFiles(t *testing.T) {
	isolate(t)
	set, files := tiny()
	for i, f := range set.Files {
		set.Files[i].SHA256, set.Files[i].Gzip = "", fmt.Sprintf("%x", sha256.Sum256(gzipped(t, files[f.Name])))
	}
	set.Mirrors = []string{newMirror(t, files, nil).URL + "/"}
	dir := t.TempDir()
	place, err := Fetch(t.Context(), set, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "mnist", "train-labels-idx1-ubyte.gz")
	if place.Paths[1] != path {
		t.Errorf("files %q", place.Paths)
	}
	train, test, err := loadMNIST(set, place)
	if err != nil || !slices.Equal(train.Y, []int{1, 0, 9}) || test.Len() != 2 {
		t.Errorf("%v, %v, %v", train, test, err)
	}
	b, _ := os.ReadFile(path)
	b[9]++ // the operating system in the gzip header: the content is the same
	write(t, path, b)
	if _, _, err := loadMNIST(set, place); err == nil || !strings.Contains(err.Error(), path+" is not the original") {
		t.Errorf("a changed file: %v", err)
	}
	if _, err := Fetch(t.Context(), set, dir, nil); err != nil { // replaces it
		t.Error(err)
	}
	set.Files[1].Gzip = strings.Repeat("0", 64)
	_, err = Fetch(t.Context(), set, t.TempDir(), nil)
	if err == nil || !strings.Contains(err.Error(), "is not the original") {
		t.Errorf("a wrong download: %v", err)
	}
}

// The four files of a part of EMNIST, with few images: upright, letters counted from 0.
func TestEMNIST(t *testing.T) {
	set, files := tiny()
	dir := t.TempDir()
	for name, b := range files {
		write(t, filepath.Join(dir, name), b)
	}
	for i := range set.Files {
		set.Files[i].SHA256 = ""
	}
	place, found, err := Find(set, dir)
	if err != nil || !found {
		t.Fatal(err)
	}
	if _, _, err := loadMNIST(set, place); err != nil {
		t.Error(err)
	}
	set.Files[0].Size++
	if _, _, err := loadMNIST(set, place); err == nil || !strings.Contains(err.Error(), "is truncated") {
		t.Errorf("a file of the wrong size: %v", err)
	}
	x := []float32{1, 2, 3, 4, 5, 6, 7, 8, 9}
	if mirrorDiagonal(x, 3); !slices.Equal(x, []float32{1, 4, 7, 2, 5, 8, 3, 6, 9}) {
		t.Errorf("transposed: %v", x)
	}
	isolate(t)
	if _, _, err := EMNIST("", "capitals"); err == nil || !strings.Contains(err.Error(), "use balanced") {
		t.Errorf("an unknown part: %v", err)
	}
	for part, classes := range map[string]int{"balanced": 47, "letters": 26, "digits": 10, "byclass": 62} {
		_, _, err := EMNIST("", part)
		if err == nil || !strings.Contains(err.Error(), "gzip.zip") || !strings.Contains(err.Error(), "emnist-"+part) {
			t.Errorf("%s: %v", part, err)
		}
		s, ok := data.Lookup("emnist-" + part)
		if !ok || !strings.Contains(s.Description, fmt.Sprintf("in %d classes", classes)) {
			t.Errorf("%s: %q", part, s.Description)
		}
	}
}

// A stream reads ahead while its user computes: with reading and computing of 5 ms a batch, 20 batches take about 100
// ms instead of 200.
func TestStreamReadsAhead(t *testing.T) {
	r := &slow{n: 40, pause: 5 * time.Millisecond}
	s := NewStream(r)
	order := Order(40, 1, 0)
	var b Batch
	times := map[bool]time.Duration{true: time.Hour, false: time.Hour}
	for range 3 {
		for planned := range times {
			start := time.Now()
			if planned {
				s.Plan(order, 2)
			}
			for idx := range slices.Chunk(order, 2) {
				s.Gather(&b, idx)
				if !slices.Equal(b.Y, idx) {
					t.Fatalf("got %v, want %v", b.Y, idx)
				}
				time.Sleep(r.pause)
			}
			times[planned] = min(times[planned], time.Since(start))
			s.Plan(nil, 0)
		}
	}
	if times[true] > times[false]*4/5 {
		t.Errorf("planned %v, otherwise %v", times[true], times[false])
	}
	if n := testing.AllocsPerRun(5, func() {
		for idx := range slices.Chunk(order, 2) {
			s.Gather(&b, idx)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// slow takes a while to read a batch.
type slow struct {
	n     int
	pause time.Duration
}

func (s *slow) Len() int { return s.n }
func (s *slow) Read(b *Batch, idx []int) error {
	time.Sleep(s.pause)
	b.X.Resize(len(idx), 1)
	b.Y = append(b.Y[:0], idx...)
	return nil
}
