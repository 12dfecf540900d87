// SPDX-License-Identifier: Apache-2.0

package similarity

import (
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// draw writes a picture of one grey.
func draw(t *testing.T, path string, width, height int, grey uint8) {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, width, height))
	for i := range m.Pix {
		m.Pix[i] = color.Gray{Y: grey}.Y
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, m); err != nil {
		t.Fatal(err)
	}
}

func TestPictures(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	draw(t, in("b.png"), 100, 100, 255)
	draw(t, in("a.PNG"), 100, 100, 51)
	if err := os.WriteFile(in("notes.txt"), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	x, names, err := Pictures(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(names, []string{"a.PNG", "b.png"}) || !slices.Equal(x.Shape(), []int{2, 1, 64, 64}) {
		t.Errorf("%v, %v", names, x.Shape())
	}
	if math.Abs(float64(x.Row(0)[77])-0.2) > 1e-5 || math.Abs(float64(x.Row(1)[4000])-1) > 1e-5 {
		t.Errorf("pixels %g and %g", x.Row(0)[77], x.Row(1)[4000])
	}
	for want, add := range map[string]func(){
		"z.png is 80 pixels wide, but a.PNG is 100": func() { draw(t, in("z.png"), 80, 80, 0) },
		"z.png has 100 x 90 pixels: want a square":  func() { draw(t, in("z.png"), 100, 90, 0) },
		"z.png has 32 x 32 pixels: want a square":   func() { draw(t, in("z.png"), 32, 32, 0) },
		"z.png is damaged or no picture":            func() { os.WriteFile(in("z.png"), []byte("no"), 0o600) },
	} {
		add()
		if _, _, err := Pictures(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, _, err := Pictures(t.TempDir()); err == nil || !strings.Contains(err.Error(), "holds no PNG") {
		t.Errorf("an empty folder: %v", err)
	}
	if _, _, err := Pictures(in("nowhere")); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("no folder: %v", err)
	}
}
