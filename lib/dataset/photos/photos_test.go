// SPDX-License-Identifier: Apache-2.0

package photos_test

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io/fs"
	"log"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/bmp"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/dataset/photos"
)

// picture is w x h pixels large. Its left half has the colour c, its right half is black.
func picture(w, h int, c color.Color) image.Image {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, color.Black)
			if x < w/2 {
				m.Set(x, y, c)
			}
		}
	}
	return m
}

func save(t testing.TB, path string, m image.Image) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	switch filepath.Ext(path) {
	case ".jpg":
		err = jpeg.Encode(f, m, &jpeg.Options{Quality: 95})
	case ".bmp":
		err = bmp.Encode(f, m)
	default:
		err = png.Encode(f, m)
	}
	if err != nil {
		t.Fatal(err)
	}
}

var red, grey = color.NRGBA{255, 0, 0, 255}, color.Gray{102}

// Photographs of several sizes and formats become images of one size, sorted by class and name.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	save(t, filepath.Join(dir, "red", "b.png"), picture(40, 20, red))
	save(t, filepath.Join(dir, "red", "deep", "a.jpg"), picture(30, 90, red))
	save(t, filepath.Join(dir, "grey", "1.bmp"), picture(8, 8, grey))
	save(t, filepath.Join(dir, ".thumbnails", "1.png"), picture(8, 8, grey))
	os.WriteFile(filepath.Join(dir, "grey", "notes.txt"), []byte("no photograph"), 0o666)
	os.WriteFile(filepath.Join(dir, "README"), []byte("no class"), 0o666)

	f, err := photos.Open(dir, photos.Config{Height: 8, Width: 8})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(f.Classes, []string{"grey", "red"}) || !slices.Equal(f.Y, []int{0, 1, 1}) ||
		!slices.Equal(f.Files, []string{"grey/1.bmp", "red/b.png", "red/deep/a.jpg"}) {
		t.Fatalf("%+v", f)
	}
	set, err := f.Load()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(set.X.Shape(), []int{3, 3, 8, 8}) || set.Source != "3 photographs of "+filepath.Base(dir) {
		t.Fatalf("shape %v, source %q", set.X.Shape(), set.Source)
	}
	near := func(name string, got, want float32) {
		t.Helper()
		if !(math.Abs(float64(got-want)) < 0.02) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	// The centred 20 x 20 part of b.png is half red; a.jpg is cropped to 30 x 30, half red.
	for i, name := range []string{"1.bmp", "b.png", "a.jpg"} {
		left := [][3]float32{{0.4, 0.4, 0.4}, {1, 0, 0}, {1, 0, 0}}[i]
		for c := range 3 {
			near(name+" left", set.X.At(i, c, 4, 1), left[c])
			near(name+" right", set.X.At(i, c, 4, 6), 0)
		}
	}
	g, err := photos.Config{Height: 8, Width: 8, Grey: true}.Read(filepath.Join(dir, "red", "b.png"))
	if err != nil {
		t.Fatal(err)
	}
	near("brightness of red", g.At(0, 0, 4, 1), 0.299)
	// Whole: 40 x 20 is squeezed, so that the left half of the image is red.
	g, _ = photos.Config{Height: 4, Width: 4, Grey: true, Whole: true}.Read(filepath.Join(dir, "red", "b.png"))
	near("squeezed", g.At(0, 0, 2, 0), 0.299)
}

func TestBadFolders(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text", "cat", "note.png")
	save(t, filepath.Join(dir, "text", "cat", "1.png"), picture(8, 8, red))
	os.WriteFile(text, []byte("this is a text"), 0o666)
	save(t, filepath.Join(dir, "cut", "cat", "1.jpg"), picture(64, 64, red))
	cut := filepath.Join(dir, "cut", "cat", "1.jpg")
	b, _ := os.ReadFile(cut)
	os.WriteFile(cut, b[:len(b)-100], 0o666)
	os.MkdirAll(filepath.Join(dir, "empty"), 0o755)
	os.MkdirAll(filepath.Join(dir, "hole", "dog"), 0o755)
	save(t, filepath.Join(dir, "hole", "cat", "1.png"), picture(8, 8, red))
	save(t, filepath.Join(dir, "flat", "1.png"), picture(8, 8, red))
	for _, part := range []string{"train", "Test"} {
		save(t, filepath.Join(dir, "parts", part, "cat", "1.png"), picture(8, 8, red))
	}
	for name, want := range map[string]string{
		"parts":   "parts of a set rather than classes",
		"text":    text + " is not a PNG",
		"empty":   filepath.Join(dir, "empty") + " contains no photographs in sub-folders",
		"flat":    filepath.Join(dir, "flat") + " contains no photographs in sub-folders",
		"hole":    filepath.Join(dir, "hole", "dog") + " contains no photograph",
		"nowhere": "no such file",
	} {
		if _, err := photos.Open(filepath.Join(dir, name), photos.Config{}); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: want an error with %q, got %v", name, want, err)
		}
	}
	f, err := photos.Open(filepath.Join(dir, "cut"), photos.Config{}) // its header is good
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Load(); err == nil || !strings.Contains(err.Error(), cut+" is damaged") {
		t.Errorf("a truncated file: %v", err)
	}
	s := f.Stream()
	var batch dataset.Batch
	s.Plan([]int{0}, 1)
	s.Gather(&batch, []int{0})
	if s.Err() == nil || !strings.Contains(s.Err().Error(), cut) || batch.X.Len() != 0 {
		t.Errorf("a truncated file in a stream: %v", s.Err())
	}
	g, err := photos.Open(filepath.Join(dir, "hole", ".."), photos.Config{})
	if err == nil { // cut, empty, flat, hole and text are its classes
		t.Errorf("%+v", g)
	}
	if _, err := f.WithClasses([]string{"dog"}); err == nil || !strings.Contains(err.Error(), `no class "cat"`) {
		t.Errorf("another class: %v", err)
	}
}

// A stream, planned or not, and packed rows give the same samples as reading everything at once.
func TestStreamsAgree(t *testing.T) {
	dir := t.TempDir()
	for i := range 23 {
		save(t, filepath.Join(dir, "all", fmt.Sprint("class", i%3), fmt.Sprintf("%02d.png", i)),
			picture(6+i%4, 7, color.Gray{uint8(10 * i)}))
	}
	f, err := photos.Open(filepath.Join(dir, "all"), photos.Config{Height: 5, Width: 5, Grey: true})
	if err != nil {
		t.Fatal(err)
	}
	set, err := f.Load()
	if err != nil {
		t.Fatal(err)
	}
	packed := filepath.Join(dir, "packed.npy")
	if err := f.Pack(packed); err != nil {
		t.Fatal(err)
	}
	rows, err := dataset.OpenRows(packed, 1.0/255)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if !slices.Equal(rows.Classes, f.Classes) {
		t.Errorf("classes %q", rows.Classes)
	}
	for name, s := range map[string]*dataset.Stream{"photos": f.Stream(), "rows": dataset.NewStream(rows)} {
		var got, want dataset.Batch
		order := dataset.Order(f.Len(), 1, 0)
		check := func(idx []int) {
			t.Helper()
			s.Gather(&got, idx)
			set.Gather(&want, idx)
			if s.Err() != nil || !slices.Equal(got.Y, want.Y) || got.X.Len() != want.X.Len() {
				t.Fatalf("%s: %v, labels %v, want %v", name, s.Err(), got.Y, want.Y)
			}
			for i, v := range got.X.Data() {
				if !(math.Abs(float64(v-want.X.Data()[i])) <= 0.5/255+1e-6) {
					t.Fatalf("%s: element %d is %v, want %v", name, i, v, want.X.Data()[i])
				}
			}
		}
		for range 3 { // epochs; the second deviates from its plan
			s.Plan(order, 4)
			for idx := range slices.Chunk(order, 4) {
				check(idx)
			}
			check([]int{22, 0})
			s.Plan(order, 4)
			check(order[:4])
			check([]int{3})
			check(order[4:8])
		}
		s.Plan(order, 4) // abandoned
		s.Plan(nil, 0)
	}
	if s := f.Stream(); s.Fingerprint() != set.Sum {
		t.Error("the fingerprint of the stream is not that of the folder")
	}
}

// A second pack that stops half-way leaves no old samples beside its labels.
func TestPackAgain(t *testing.T) {
	dir := t.TempDir()
	save(t, filepath.Join(dir, "all", "cat", "1.png"), picture(8, 8, red))
	f, err := photos.Open(filepath.Join(dir, "all"), photos.Config{})
	if err != nil {
		t.Fatal(err)
	}
	packed, names := filepath.Join(dir, "p.npy"), filepath.Join(dir, "p-classes.txt")
	for range 2 {
		if err := f.Pack(packed); err != nil {
			t.Fatal(err)
		}
	}
	os.Remove(names)
	os.Mkdir(names, 0o755)
	if err := f.Pack(packed); err == nil {
		t.Error("classes were written to a folder")
	}
	if _, err := os.Stat(packed); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the old samples are left beside new labels: %v", err)
	}
}

func TestPackIntoNowhere(t *testing.T) {
	dir := t.TempDir()
	save(t, filepath.Join(dir, "cat", "1.png"), picture(8, 8, red))
	f, err := photos.Open(dir, photos.Config{})
	if err != nil {
		t.Fatal(err)
	}
	os.Mkdir(filepath.Join(dir, "cat", "folder.png"), 0o755)
	if err := os.Symlink(os.DevNull, filepath.Join(dir, "cat", "null.png")); err == nil {
		if _, err := photos.Open(dir, photos.Config{}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("a device: %v", err)
		}
	}
	if err := f.Pack(filepath.Join(dir, "none", "x.npy")); err == nil {
		t.Error("a folder that is not there")
	}
	os.Remove(filepath.Join(dir, "cat", "1.png"))
	if err := f.Pack(filepath.Join(dir, "x.npy")); err == nil || !strings.Contains(err.Error(), "1.png") {
		t.Errorf("a photograph that is gone: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.npy*")); left != nil {
		t.Errorf("left behind: %q", left)
	}
}

func Example() {
	dir, err := os.MkdirTemp("", "photos")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"cat/1.png", "cat/2.png", "dog/1.png"} {
		path := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		f, err := os.Create(path)
		if err != nil {
			log.Fatal(err)
		}
		png.Encode(f, image.NewGray(image.Rect(0, 0, 50, 40)))
		f.Close()
	}

	folder, err := photos.Open(dir, photos.Config{Height: 28, Width: 28})
	if err != nil {
		log.Fatal(err)
	}
	set, err := folder.Load()
	fmt.Println(folder.Classes, folder.Y, set.X.Shape(), err)
	// Output: [cat dog] [0 0 1] [3 3 28 28] <nil>
}
