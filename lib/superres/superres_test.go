// SPDX-License-Identifier: Apache-2.0

package superres_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"log"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/image/bmp"

	"github.com/lateral-ml/lateral/lib/dataset"
	. "github.com/lateral-ml/lateral/lib/superres"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// The bicubic rows of [NINAI17, tables 12 and 13], to all digits to which the protocol reproduces them.
func TestBicubicRowsOfTheDocument(t *testing.T) {
	photos := map[string][]Photo{}
	for _, row := range []struct {
		name       string
		scale      int
		psnr, ssim float64
	}{
		{"set14", 3, 27.54, .7733}, {"set14", 4, 26.01, .7018},
		{"bsds500-test", 3, 27.19, .7636}, {"bsds500-test", 4, 25.92, .6952},
	} {
		if photos[row.name] == nil {
			var err error
			if photos[row.name], err = Load(row.name); errors.Is(err, fs.ErrNotExist) {
				t.Skip(err)
			} else if err != nil {
				t.Fatal(err)
			}
		}
		pairs, err := Pairs(photos[row.name], row.scale)
		if err != nil {
			t.Fatal(err)
		}
		var psnr, ssim float64
		var mu sync.Mutex
		var wg sync.WaitGroup
		for w := range 2 {
			wg.Go(func() {
				for i := w; i < len(pairs); i += 2 {
					p, s := pairs[i].Score(pairs[i].Low)
					mu.Lock()
					psnr += p / float64(len(pairs))
					ssim += s / float64(len(pairs))
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		t.Logf("%s x%d: %.3f dB, %.5f", row.name, row.scale, psnr, ssim)
		if math.Abs(psnr-row.psnr) > 0.01 || math.Abs(ssim-row.ssim) > 0.0001 {
			t.Errorf("%s x%d: %.3f dB and %.4f, in the document %.2f dB and %.4f", row.name, row.scale, psnr, ssim, row.psnr,
				row.ssim)
		}
	}
}

func TestResizeAgainstPillow(t *testing.T) {
	text, err := os.ReadFile("testdata/resize.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		X     []float32
		Cases []struct {
			H, W int
			Y    []float32
		}
	}
	if err := json.Unmarshal(text, &golden); err != nil || len(golden.Cases) != 4 {
		t.Fatalf("%d cases, %v", len(golden.Cases), err)
	}
	const h, w = 20, 24
	x := tensor.From(golden.X, h, w)
	for _, c := range golden.Cases {
		y := Resize(x, c.H, c.W)
		// Weights reach two pixels of the image, or of a smaller result, to each side.
		edgeH, edgeW := 2*max(c.H/h, 1)+1, 2*max(c.W/w, 1)+1
		checked := 0
		for r := edgeH; r < c.H-edgeH; r++ {
			for s := edgeW; s < c.W-edgeW; s++ {
				checked++
				if got, want := y.At(r, s), c.Y[r*c.W+s]; !(math.Abs(float64(got-want)) < 2e-3) {
					t.Fatalf("to %d x %d: pixel %d, %d is %v, want %v", c.H, c.W, r, s, got, want)
				}
			}
		}
		if checked == 0 {
			t.Errorf("to %d x %d: nothing was checked", c.H, c.W)
		}
	}
}

// At distances 1/4, 3/4, 5/4 and 7/4 the kernel is 111, 29, -9 and -3 of 128. Enlarging 0, 128, 256, whose mirrored
// continuation is 128, 0 | 0, 128, 256 | 256, 128, gives for instance -3·128/128 - 9·128/128 = -12 for the first pixel.
func TestResizeByHand(t *testing.T) {
	for _, c := range []struct{ x, want []float32 }{
		{[]float32{0, 128, 256}, []float32{-12, 23, 93, 163, 233, 268}},
		{[]float32{0, 0, 0, 256, 0, 0, 0, 0}, []float32{-9, 111, 29, -3}},
	} {
		row := Resize(tensor.From(c.x, 1, len(c.x)), 1, len(c.want))
		column := Resize(tensor.From(c.x, len(c.x), 1), len(c.want), 1)
		for i, want := range c.want {
			if !(math.Abs(float64(row.Data()[i]-want)) < 1e-4) || row.Data()[i] != column.Data()[i] {
				t.Errorf("pixel %d is %v in a row and %v in a column, want %v", i, row.Data()[i], column.Data()[i], want)
			}
		}
	}
}

func TestResizeKeepsConstants(t *testing.T) {
	x := tensor.New(2, 3, 7, 5)
	x.Fill(100)
	for _, size := range [][2]int{{1, 1}, {3, 2}, {7, 5}, {20, 31}} {
		y := Resize(x, size[0], size[1])
		if y.Rank() != 4 || y.Dim(0) != 2 || y.Dim(1) != 3 {
			t.Fatalf("shape %v", y.Shape())
		}
		for _, v := range y.Data() {
			if !(math.Abs(float64(v)-100) < 1e-4) {
				t.Fatalf("to %v: %v", size, v)
			}
		}
	}
}

// picture returns a colourful picture of h x w pixels.
func picture(h, w int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for r := range h {
		for c := range w {
			m.SetNRGBA(c, r, color.NRGBA{uint8(40 + 5*r), uint8(90 + 4*c), uint8(200 - 3*r), 255})
		}
	}
	return m
}

func save(t *testing.T, path string, encode func(w io.Writer) error) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := encode(f); err != nil {
		t.Fatal(err)
	}
}

func TestFolder(t *testing.T) {
	dir, m := t.TempDir(), picture(20, 30)
	save(t, filepath.Join(dir, "c.JPG"), func(w io.Writer) error { return jpeg.Encode(w, m, &jpeg.Options{Quality: 100}) })
	save(t, filepath.Join(dir, "a.png"), func(w io.Writer) error { return png.Encode(w, m) })
	save(t, filepath.Join(dir, "b.bmp"), func(w io.Writer) error { return bmp.Encode(w, m) })
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("no picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	photos, err := Folder(dir)
	if err != nil || len(photos) != 3 {
		t.Fatalf("%d photographs, %v", len(photos), err)
	}
	for i, name := range []string{"a.png", "b.bmp", "c.JPG"} {
		y := photos[i].Y
		if photos[i].Name != name || y.Dim(0) != 20 || y.Dim(1) != 30 {
			t.Fatalf("photograph %d is %s of shape %v", i, photos[i].Name, y.Shape())
		}
		for p, v := range y.Data() { // a JPEG of such a smooth picture is almost exact
			if want := photos[0].Y.Data()[p]; i < 2 && v != want || !(math.Abs(float64(v-want)) <= 2) {
				t.Fatalf("%s: pixel %d is %v, want %v", name, p, v, want)
			}
		}
	}
}

func TestFolderErrors(t *testing.T) {
	huge := func(w io.Writer) error { // a header of 60,000 x 60,000 pixels, and nothing else
		var b bytes.Buffer
		if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
			return err
		}
		head := b.Bytes()[:33]
		binary.BigEndian.PutUint32(head[16:], 60000)
		binary.BigEndian.PutUint32(head[20:], 60000)
		binary.BigEndian.PutUint32(head[29:], crc32.ChecksumIEEE(head[12:29]))
		_, err := w.Write(head)
		return err
	}
	for want, make := range map[string]func(dir string){
		"contains no PNG, JPEG or BMP file": func(string) {},
		"x.png is not a PNG": func(dir string) {
			if err := os.WriteFile(filepath.Join(dir, "x.png"), bytes.Repeat([]byte("x"), 99), 0o644); err != nil {
				t.Fatal(err)
			}
		},
		"has 60000 x 60000 pixels": func(dir string) { save(t, filepath.Join(dir, "x.png"), huge) },
		"not a regular file": func(dir string) {
			if err := os.Symlink(os.DevNull, filepath.Join(dir, "x.png")); err != nil {
				t.Skip(err)
			}
		},
	} {
		dir := t.TempDir()
		make(dir)
		if _, err := Folder(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := Folder(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that does not exist: %v", err)
	}
}

// The extremes of Y and a hand-worked colour: 16 + (65.481·200 + 128.553·100 + 24.966·50)/255 = 122.67.
func TestLuma(t *testing.T) {
	m := image.NewNRGBA(image.Rect(5, 5, 8, 6))
	m.SetNRGBA(5, 5, color.NRGBA{0, 0, 0, 255})
	m.SetNRGBA(6, 5, color.NRGBA{255, 255, 255, 255})
	m.SetNRGBA(7, 5, color.NRGBA{200, 100, 50, 255})
	if got, want := Luma(m).Data(), []float32{16, 235, 123}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	shades := image.NewPaletted(image.Rect(0, 0, 2, 1), color.Palette{color.Gray{7}, color.Gray{250}})
	shades.Pix[1] = 1
	if got, want := Luma(shades).Data(), []float32{7, 250}; !slices.Equal(got, want) {
		t.Errorf("shades of grey: %v, want %v", got, want)
	}
}

func TestPairsAndCrops(t *testing.T) {
	photos := []Photo{{"a", Luma(picture(31, 44))}, {"b", Luma(picture(40, 36))}}
	pairs, err := Pairs(photos, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]int{{30, 42}, {39, 36}} {
		p := pairs[i]
		if !slices.Equal(p.High.Shape(), want) || !slices.Equal(p.Low.Shape(), want) || p.Name != photos[i].Name {
			t.Errorf("pair %d is %s of shapes %v and %v", i, p.Name, p.High.Shape(), p.Low.Shape())
		}
	}
	if psnr, ssim := pairs[0].Score(pairs[0].High); !math.IsInf(psnr, 1) || ssim != 1 {
		t.Errorf("the original scores %v and %v", psnr, ssim)
	}
	crops, err := Crops(pairs, 50, 9, tensor.Stream(1, "crops"))
	if err != nil || !slices.Equal(crops.X.Shape(), []int{50, 1, 9, 9}) || len(crops.Sum) != 64 {
		t.Fatalf("crops of shape %v, %v", crops.X.Shape(), err)
	}
	for i := range 50 {
		low, high := tensor.From(crops.X.Row(i), 9, 9), tensor.From(crops.Target.Row(i), 9, 9)
		if !slices.ContainsFunc(pairs, func(p Pair) bool { return same(low, p.Low, high, p.High) }) {
			t.Fatalf("crop %d is in no pair", i)
		}
	}
}

// same reports whether the crops lie at one place of a pair.
func same(low, lowOf, high, highOf *tensor.Tensor) bool {
	n := low.Dim(0)
	at := func(r, c int) bool {
		for i := range n {
			for j := range n {
				if low.At(i, j) != lowOf.At(r+i, c+j)/255 || high.At(i, j) != highOf.At(r+i, c+j)/255 {
					return false
				}
			}
		}
		return true
	}
	for r := range lowOf.Dim(0) - n + 1 {
		for c := range lowOf.Dim(1) - n + 1 {
			if at(r, c) {
				return true
			}
		}
	}
	return false
}

func TestImagesTooSmall(t *testing.T) {
	small := []Photo{{"fine.png", tensor.New(40, 40)}, {"tiny.png", tensor.New(18, 50)}}
	if _, err := Pairs(small, 4); err == nil || !strings.Contains(err.Error(), "tiny.png has 18 x 50 pixels") {
		t.Errorf("Pairs: %v", err)
	}
	pairs, err := Pairs(small[:1], 4)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Crops(pairs, 1, 41, tensor.Stream(1, ""))
	if err == nil || !strings.Contains(err.Error(), "fine.png has 40 x 40") {
		t.Errorf("Crops: %v", err)
	}
}

func TestLoad(t *testing.T) {
	t.Setenv(dataset.Env, t.TempDir())
	if _, err := Load("set41"); err == nil || !strings.Contains(err.Error(), "leaves-train") {
		t.Errorf("an unknown name: %v", err)
	}
	if _, err := Load("set14"); err == nil || !strings.Contains(err.Error(), "Set14_colour with bridge.bmp") {
		t.Errorf("no folder: %v", err)
	}
	dir := filepath.Join(os.Getenv(dataset.Env), "superres", "Set14_colour")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	save(t, filepath.Join(dir, "bridge.bmp"), func(w io.Writer) error { return bmp.Encode(w, picture(9, 9)) })
	if _, err := Load("set14"); err == nil || !strings.Contains(err.Error(), "has 1 photographs, but") {
		t.Errorf("one of 14: %v", err)
	}
	train, err := Load("leaves-train")
	test, err2 := Load("leaves-test")
	if err != nil || err2 != nil || len(train) != 100 || len(test) != 20 ||
		slices.Equal(train[0].Y.Data(), test[0].Y.Data()) {
		t.Errorf("leaves: %v, %v", err, err2)
	}
}

func Example() {
	pairs, err := Pairs(Leaves(2, 64, 1, "test"), 3)
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range pairs {
		psnr, ssim := p.Score(p.Low)
		fmt.Printf("%s: bicubic interpolation reaches %.1f dB and %.2f\n", p.Name, psnr, ssim)
	}
	// Output:
	// leaves 1: bicubic interpolation reaches 18.0 dB and 0.60
	// leaves 2: bicubic interpolation reaches 18.5 dB and 0.67
}

// No file makes Folder panic, and what it accepts is a photograph.
func FuzzFolder(f *testing.F) {
	for name, encode := range map[string]func(w io.Writer) error{
		".png": func(w io.Writer) error { return png.Encode(w, picture(5, 4)) },
		".bmp": func(w io.Writer) error { return bmp.Encode(w, picture(5, 4)) },
		".jpg": func(w io.Writer) error { return jpeg.Encode(w, picture(5, 4), nil) },
	} {
		var b bytes.Buffer
		if err := encode(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(name, b.Bytes())
		f.Add(name, b.Bytes()[:b.Len()/2])
	}
	f.Fuzz(func(t *testing.T, ending string, content []byte) {
		if !slices.Contains([]string{".png", ".bmp", ".jpg"}, ending) {
			return
		}
		if size, _, err := image.DecodeConfig(bytes.NewReader(content)); err == nil && size.Width*size.Height > 1<<20 {
			return // would take long
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "x"+ending), content, 0o644); err != nil {
			t.Fatal(err)
		}
		photos, err := Folder(dir)
		if err == nil && (len(photos) != 1 || photos[0].Y.Len() == 0) {
			t.Errorf("photographs %v", photos)
		}
	})
}
