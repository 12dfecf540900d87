// SPDX-License-Identifier: Apache-2.0

package canvas

import (
	"bytes"
	"image"
	"image/png"
	"testing"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// TestPageImage: images for a page are upside down and enlarged, and a page gets colours that are not premultiplied by
// their opacity. The look of PDF pages was checked by eye.
func TestPageImage(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 1, 2))
	img.SetNRGBA(0, 0, Ink)
	img.SetNRGBA(0, 1, Muted)
	out := enlarge(img, Rect{0, 0, 2, 4})
	if out.Bounds() != image.Rect(0, 0, 8, 16) || out.NRGBAAt(0, 0) != Muted || out.NRGBAAt(7, 15) != Ink {
		t.Errorf("enlarged to %v with %v at the top", out.Bounds(), out.NRGBAAt(0, 0))
	}
	if r, _, _, a := straight(Color{R: 255, A: 51}).RGBA(); r != 0xffff || a != 51*0x101 {
		t.Errorf("red %d, opacity %d", r, a)
	}
}

// TestPalette: few colours stay exact, many are approximated closely, a photo is unchanged.
func TestPalette(t *testing.T) {
	few := image.NewRGBA(image.Rect(0, 0, 16, 16))
	many := image.NewRGBA(image.Rect(0, 0, 64, 64))
	for i := range 16 * 16 {
		copy(few.Pix[4*i:], []uint8{uint8(i), 7, 9, 255})
	}
	rng := tensor.Stream(1, "noise")
	for i := range 64 * 64 {
		copy(many.Pix[4*i:], []uint8{uint8(rng.IntN(256)), uint8(rng.IntN(256)), uint8(rng.IntN(256)), 255})
	}
	out, ok := withPalette(few)
	if !ok {
		t.Fatal("256 colours do not fit into a palette of 256")
	}
	for i := range 16 * 16 {
		if r, _, _, _ := out.At(i%16, i/16).RGBA(); r>>8 != uint32(i) {
			t.Fatalf("colour %d became %d", i, r>>8)
		}
	}
	if _, ok := withPalette(many); ok {
		t.Error("noise of all colours was squeezed into a palette")
	}
	var full bytes.Buffer
	if err := encodePNG(&full, few, true); err != nil {
		t.Fatal(err)
	}
	if img, err := png.Decode(&full); err != nil || img.At(200%16, 200/16) != few.At(200%16, 200/16) {
		t.Errorf("a photo does not come back: %v", err)
	}
}

// TestSigns makes sure that the characters of the field have glyphs.
func TestSigns(t *testing.T) {
	face := regular()
	for _, r := range "λμσΣΔβθ±×·−–≤≥≈∞∈√‖²³⁻⁰¹⁹₀₁→←∂∇ℓ…°" {
		face.mu.Lock()
		g := face.glyph(r)
		face.mu.Unlock()
		if len(g.outline) == 0 {
			t.Errorf("no glyph for %c", r)
		}
		if other, _ := fallback().font.GlyphIndex(nil, r); g.index == 0 && other == 0 {
			t.Errorf("%c is an empty box", r)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, width := range []float64{20, 60, 200} {
		for _, line := range Wrap("inhibition between neighbouring units\nand a second line", 12, false, width) {
			if w := TextWidth(line, 12, false); w > width {
				t.Errorf("line %q is %g wide, more than %g", line, w, width)
			}
		}
	}
	if got := Wrap("one two", 12, false, 1000); len(got) != 1 {
		t.Errorf("%q wraps in a wide place", got)
	}
}
