// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// element returns an element of a MAT-file.
func element(kind uint32, body []byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, kind)
	b = append(binary.LittleEndian.AppendUint32(b, uint32(len(body))), body...)
	for kind != matCompressed && len(b)%8 != 0 {
		b = append(b, 0)
	}
	return b
}

// matArray returns an array of bytes as an element, optionally compressed.
func matArray(name string, compress bool, data []byte, dims ...uint32) []byte {
	var size []byte
	for _, d := range dims {
		size = binary.LittleEndian.AppendUint32(size, d)
	}
	short := append([]byte{1, 0, byte(len(name)), 0}, name...) // a name of at most 4 bytes lies within its tag
	short = append(short, make([]byte, 8-len(short))...)
	body := bytes.Join([][]byte{element(6, []byte{9, 0, 0, 0, 0, 0, 0, 0}), element(matInt32, size), short,
		element(matUint8, data)}, nil)
	if !compress {
		return element(matMatrix, body)
	}
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	w.Write(element(matMatrix, body))
	w.Close()
	return element(matCompressed, z.Bytes())
}

// houseNumbers returns a file of three images of which each has one bright pixel.
func houseNumbers(compress bool, labels ...byte) []byte {
	head := append(bytes.Repeat([]byte{' '}, 124), 0, 1, 'I', 'M')
	x := make([]byte, 3*cifarPixels)
	for n := range 3 {
		row, col, channel := 5+n, 20, n
		x[row+32*(col+32*(channel+3*n))] = 255
	}
	return bytes.Join([][]byte{head, matArray("X", compress, x, 32, 32, 3, 3), matArray("y", compress, labels, 3, 1)}, nil)
}

func TestSVHN(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := SVHN(dir); err == nil || !strings.Contains(err.Error(), "train_32x32.mat (182,040,794 bytes)") {
		t.Errorf("error %v, want one that says which files to put there", err)
	}
	set := manifest("svhn")
	set.Files = slices.Clone(set.Files)
	for i, compress := range []bool{true, false} {
		content := houseNumbers(compress, 10, 1, 9)
		sum := sha256.Sum256(content)
		set.Files[i].Size, set.Files[i].SHA256 = int64(len(content)), hex.EncodeToString(sum[:])
		write(t, filepath.Join(dir, "svhn", set.Files[i].Name), content)
	}
	place, found, err := Find(set, dir)
	if err != nil || !found {
		t.Fatal(place, err)
	}
	if _, _, err := SVHN(dir); err == nil || !strings.Contains(err.Error(), "train_32x32.mat is truncated") {
		t.Errorf("files that are not the originals: %v", err)
	}
	train, test, err := loadSVHN(set, place)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Set{train, test} {
		if s.Len() != 3 || s.Y[0] != 0 || s.Y[1] != 1 || s.Y[2] != 9 {
			t.Fatalf("labels %v", s.Y)
		}
		for n := range 3 {
			sum := float32(0)
			for _, v := range s.X.Row(n) {
				sum += v
			}
			if s.X.At(n, n, 5+n, 20) != 1 || sum != 1 {
				t.Errorf("image %d: the bright pixel is elsewhere, or there are more", n)
			}
		}
	}
	if train.Sum == test.Sum {
		t.Error("different files have one sum")
	}
}

func TestDamagedSVHN(t *testing.T) {
	good := houseNumbers(true, 1, 2, 3)
	for name, content := range map[string][]byte{
		"empty": nil, "cut": good[:len(good)-5], "cut early": good[:140], "no MAT-file": bytes.Repeat([]byte{1}, 500),
		"label 0": houseNumbers(true, 1, 0, 3), "labels missing": houseNumbers(false, 1, 2),
	} {
		if s, err := readSVHN(content); err == nil {
			t.Errorf("%s: read as %v", name, s)
		}
	}
}

// Megabytes of compressed zeros that expand to gigabytes are refused before unpacking, in one element or many.
func TestSVHNThatUnpacksToGigabytes(t *testing.T) {
	head := append(bytes.Repeat([]byte{' '}, 124), 0, 1, 'I', 'M')
	zeros := make([]byte, 64<<20)
	for name, content := range map[string][]byte{
		"one":  bytes.Join([][]byte{head, matArray("X", true, make([]byte, maxMat+1), 1)}, nil),
		"many": bytes.Join([][]byte{head, bytes.Repeat(matArray("X", true, zeros, 1), 5)}, nil),
	} {
		if _, err := readSVHN(content); err == nil || !strings.Contains(err.Error(), "unpacks to more than 225,697") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzSVHN(f *testing.F) {
	f.Add(houseNumbers(false, 1, 2, 3))
	f.Add(houseNumbers(true, 10, 2, 3))
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := readSVHN(content)
		if err == nil && (s.X.Rows() != len(s.Y) || len(s.Y) == 0) {
			t.Errorf("%v images with %d labels", s.X.Shape(), len(s.Y))
		}
	})
}
