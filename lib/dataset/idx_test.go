// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// idxFile returns an IDX file of unsigned bytes with the given dimensions and values.
func idxFile(dims []int, values ...byte) []byte {
	b := []byte{0, 0, 8, byte(len(dims))}
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, uint32(d))
	}
	return append(b, values...)
}

func gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func parse(b []byte, rank int) (*idx, error) {
	return parseIDX(bytes.NewReader(b), int64(len(b)), rank, maxUnpacked)
}

func TestParseIDX(t *testing.T) {
	file := idxFile([]int{2, 1, 3}, 1, 2, 3, 4, 5, 6)
	for name, b := range map[string][]byte{"plain": file, "compressed": gzipped(t, file)} {
		a, err := parse(b, imageRank)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !slices.Equal(a.dims, []int{2, 1, 3}) || !bytes.Equal(a.values, []byte{1, 2, 3, 4, 5, 6}) ||
			!bytes.Equal(a.raw, file) {
			t.Errorf("%s: got %+v", name, a)
		}
	}
}

func TestParseIDXSaysWhatIsWrong(t *testing.T) {
	images := idxFile([]int{2, 2, 2}, 1, 2, 3, 4, 5, 6, 7, 8)
	packed := gzipped(t, images)
	spoilt := slices.Clone(packed)
	spoilt[len(spoilt)-5] ^= 0xff // in the check sum at the end
	for _, c := range []struct {
		name string
		file []byte
		rank int
		want string
	}{
		{"empty", nil, imageRank, "is empty"},
		{"three bytes", []byte{0, 0, 8}, imageRank, "ends after 3 bytes"},
		{"web page", []byte("<!DOCTYPE html><html>"), imageRank, `is not an IDX file: it starts with "<!DO"`},
		{"labels for images", idxFile([]int{3}, 1, 2, 3), imageRank,
			"holds labels (magic number 0x00000801) where images belong (0x00000803): the files are swapped"},
		{"images for labels", images, labelRank, "holds images (magic number 0x00000803) where labels belong (0x00000801): " +
			"the files are swapped"},
		{"four dimensions", idxFile([]int{1, 1, 1, 1}, 1), imageRank, "has 4 dimensions, want 3"},
		{"floats", append([]byte{0, 0, 0x0d, 3}, images[4:]...), imageRank, "IDX type 0x0d, want unsigned bytes"},
		{"half a header", images[:10], imageRank, "ends within its header, after 10 of 16 bytes"},
		{"short", images[:20], imageRank, "its header declares 2x2x2 values"},
		{"short, compressed", gzipped(t, images[:20]), imageRank, "declares 2x2x2 = 8 values, it ends after 4"},
		{"long", append(slices.Clone(images), 9), imageRank, "is too long: bytes follow the 2x2x2 = 8 values"},
		{"long, compressed", gzipped(t, append(slices.Clone(images), 9)), imageRank, "is too long"},
		{"cut gzip", packed[:len(packed)-12], imageRank, "is truncated"},
		{"gzip without its sum", packed[:len(packed)-4], imageRank, "is truncated: the end of its gzip data is missing"},
		{"gzip with a wrong sum", spoilt, imageRank, "is damaged at its end: gzip: invalid checksum"},
		{"gzip header alone", packed[:4], imageRank, "its gzip header cannot be read"},
		{"overflowing dimensions", idxFile([]int{1<<32 - 1, 1<<32 - 1, 1<<32 - 1}, 0), imageRank,
			"17 bytes on disk cannot hold"},
	} {
		a, err := parse(c.file, c.rank)
		if err == nil {
			t.Errorf("%s: accepted as %v", c.name, a.dims)
		} else if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is\n  %v\nwithout\n  %s", c.name, err, c.want)
		}
	}
}

// A header that declares gigabytes must not cause their allocation.
func TestParseIDXAllocatesWhatTheFileCanHold(t *testing.T) {
	for name, b := range map[string][]byte{
		"plain":      idxFile([]int{1 << 20, 64, 64}, 1, 2, 3),
		"compressed": gzipped(t, idxFile([]int{1 << 20, 64, 64}, 1, 2, 3)),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := parse(b, imageRank); err == nil {
			t.Errorf("%s: accepted", name)
		}
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
			t.Errorf("%s: %d bytes allocated for a file of %d", name, got, len(b))
		}
	}
}

// A few megabytes of gzip can expand to gigabytes: the limit applies before memory is allocated.
func TestParseIDXKeepsToItsLimit(t *testing.T) {
	images := idxFile([]int{1000, 10, 10}, make([]byte, 100_000)...)
	packed := gzipped(t, images)
	if _, err := parseIDX(bytes.NewReader(packed), int64(len(packed)), imageRank, int64(len(images))); err != nil {
		t.Errorf("as large as allowed: %v", err)
	}
	_, err := parseIDX(bytes.NewReader(packed), int64(len(packed)), imageRank, int64(len(images))-1)
	if err == nil ||
		!strings.Contains(err.Error(), "is too large: its header declares 1000x10x10 values, 100,015 bytes are allowed") {
		t.Errorf("larger than allowed: %v", err)
	}
	if _, err := parseIDX(bytes.NewReader(images), int64(len(images)), imageRank, 10); err != nil {
		t.Errorf("not compressed: %v", err)
	}
	if _, err := parse(append(packed, make([]byte, 512)...), imageRank); err != nil {
		t.Errorf("zeros behind the gzip data: %v", err)
	}
}

func TestReadIDXNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "train-images-idx3-ubyte")
	if _, err := readIDX(path, imageRank, maxUnpacked); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a file that is not there: %v", err)
	}
	if err := os.WriteFile(path, []byte("abcd"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readIDX(path, imageRank, maxUnpacked); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a file of something else: %v", err)
	}
}

func FuzzParseIDX(f *testing.F) {
	images := idxFile([]int{2, 2, 2}, 1, 2, 3, 4, 5, 6, 7, 8)
	f.Add(images, false)
	f.Add(idxFile([]int{3}, 7, 2, 1), true)
	f.Add(gzipped(f, images), false)
	f.Add(gzipped(f, images)[:20], false)
	f.Add(idxFile([]int{1 << 31, 1 << 31, 4}, 1), false)
	f.Fuzz(func(t *testing.T, b []byte, label bool) {
		rank := imageRank
		if label {
			rank = labelRank
		}
		a, err := parse(b, rank)
		if err != nil {
			return
		}
		n := 1
		for _, d := range a.dims {
			n *= d
		}
		if len(a.dims) != rank || n != len(a.values) {
			t.Fatalf("dimensions %v, %d values", a.dims, len(a.values))
		}
		// Accepted content is exactly one file: writing it again gives the same bytes.
		if again := idxFile(a.dims, a.values...); !bytes.Equal(again, a.raw) {
			t.Fatal("the parsed parts do not make up the file")
		}
		if !bytes.HasPrefix(b, gzipMagic) && !bytes.Equal(a.raw, b) {
			t.Fatal("a plain file was not taken as it is")
		}
	})
}
