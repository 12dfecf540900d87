// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"strings"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

//go:embed frames.js
var framesScript string

// The strip of a reader without scripts.
const (
	stripWidth = 920 // CSS pixels
	stripMost  = 8   // pictures; of more, some are left out
	stripName  = 20  // height of the name above a picture
	stripGap   = 8
)

// Frames shows one of several pictures at a time, and a slider that chooses which: over λ, k, the layers, the epochs.
// draw makes the picture of each name. All of them are in the notebook, so the slider answers at once, in exported
// pages too, and without the kernel ([Slide] draws in the kernel instead). Readers without scripts see a strip of the
// pictures, as does a notebook that nobody watches while it runs. The caption is that of the first picture.
//
//	kernelext.Frames("λ", []string{"0", "0.002", "0.008"}, func(i int) kernelext.Drawing { return sheet(nets[i]) })
func Frames(label string, names []string, draw func(i int) Drawing) {
	if len(names) == 0 {
		panic("kernelext: Frames: no names")
	}
	bundles, err := frames(label, names, draw)
	if err != nil {
		fmt.Fprintf(os.Stderr, "kernelext: Frames: %v\n", err)
		return
	}
	emit(bundles...)
}

// frames draws the pictures and returns the strip, its caption and the slider.
func frames(label string, names []string, draw func(i int) Drawing) ([]bundle, error) {
	var pictures []image.Image
	var encoded [][]byte
	var alts []string
	width, caption := 0, ""
	for i, name := range names {
		d := draw(i)
		b, err := drawingBundle(d)
		if err != nil {
			return nil, err
		}
		content := b.data["image/png"].([]byte)
		picture, err := png.Decode(bytes.NewReader(content))
		if err != nil {
			return nil, fmt.Errorf("picture %s: %w", name, err)
		}
		if i == 0 {
			caption = stringField(d, "Caption")
		}
		w, _ := d.Size()
		width = max(width, w)
		pictures, encoded = append(pictures, picture), append(encoded, content)
		alts = append(alts, fmt.Sprintf("%s = %s: %s", label, name, b.plain()))
		keepFigure(d)
	}
	strip, err := stripBundle(label, names, pictures, strings.Join(alts, " "))
	if err != nil {
		return nil, err
	}
	bundles := []bundle{strip}
	if caption != "" {
		bundles = append(bundles, captionBundle(caption))
	}
	if inNotebook {
		bundles = append(bundles, sliderBundle(label, names, encoded, width))
	}
	return bundles, nil
}

// sliderBundle is the output that holds all pictures. It is hidden until its script runs.
func sliderBundle(label string, names []string, pictures [][]byte, width int) bundle {
	var page strings.Builder
	key := elementKey(append(bytes.Join(pictures, nil), label...))
	fmt.Fprintf(&page, `<div data-lateral="%s" hidden><label>%s <input type="range" min="0" max="%d" value="0" `+
		`style="width: 20em; vertical-align: middle"></label> <output></output><br>`,
		key, html.EscapeString(label), len(names)-1)
	for i, picture := range pictures {
		fmt.Fprintf(&page, `<img alt=%s width="%d" style="max-width: 100%%; display: none" src="data:image/png;base64,%s">`,
			attribute(names[i]), width, base64.StdEncoding.EncodeToString(picture))
	}
	page.WriteString("</div>")
	return interactive("frames", fmt.Sprintf("slider over %s: %s", label, strings.Join(names, ", ")),
		"("+framesScript+")("+arguments(key)+")", page.String())
}

// stripOf returns which of n pictures a strip shows: all, or the first, the last, and some between.
func stripOf(n int) []int {
	var shown []int
	for k := range min(n, stripMost) {
		i := k
		if n > stripMost {
			i = int(math.Round(float64(k*(n-1)) / (stripMost - 1)))
		}
		shown = append(shown, i)
	}
	return shown
}

// stripBundle is one picture of all, side by side, each with its name above.
func stripBundle(label string, names []string, pictures []image.Image, alt string) (bundle, error) {
	shown := stripOf(len(pictures))
	columns := min(len(shown), 4)
	tile := (stripWidth+stripGap)/columns - stripGap
	height := 0
	for _, i := range shown {
		r := pictures[i].Bounds()
		height = max(height, r.Dy()*min(tile, r.Dx()/2)/r.Dx())
	}
	rows := (len(shown) + columns - 1) / columns
	out := image.NewRGBA(image.Rect(0, 0, columns*(tile+stripGap)-stripGap, rows*(height+stripName+stripGap)-stripGap))
	draw.Draw(out, out.Bounds(), image.White, image.Point{}, draw.Src)
	face, err := stripFace()
	if err != nil {
		return bundle{}, err
	}
	for k, i := range shown {
		x, y := k%columns*(tile+stripGap), k/columns*(height+stripName+stripGap)
		text := font.Drawer{Dst: out, Src: image.NewUniform(color.Gray{Y: 40}), Face: face,
			Dot: fixed.P(x+stripGap, y+stripName-5)}
		text.DrawString(label + " = " + names[i])
		r := pictures[i].Bounds()
		w := min(tile, r.Dx()/2) // no larger than the picture itself
		to := image.Rect(x, y+stripName, x+w, y+stripName+r.Dy()*w/r.Dx())
		draw.CatmullRom.Scale(out, to, pictures[i], r, draw.Src, nil)
	}
	var content bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&content, out); err != nil {
		return bundle{}, err
	}
	return pictureBundle(content.Bytes(), alt, out.Bounds().Dx(), out.Bounds().Dy()), nil
}

func stripFace() (font.Face, error) {
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, err
	}
	return opentype.NewFace(f, &opentype.FaceOptions{Size: 13, DPI: 72})
}
