// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"slices"
)

// A view is an interactive view in the form that a page needs.
type view struct {
	Title  string          `json:"title"` // for a panel, its mark
	Alt    string          `json:"alt"`
	Width  int             `json:"width"` // CSS pixels
	Height int             `json:"height"`
	Option json.RawMessage `json:"option"`           // of ECharts
	Images *int            `json:"images,omitempty"` // index of the imageSheet with the images of its samples

	sheet *imageSheet
}

// An imageSheet is one picture with an image for each sample, row by row.
type imageSheet struct {
	Address string `json:"address"` // data: URL of a PNG
	H       int    `json:"h"`       // pixels of one image
	W       int    `json:"w"`
	Columns int    `json:"columns"` // images in a row
	Zoom    int    `json:"zoom"`    // CSS pixels per pixel
}

// Views returns the interactive views of the same data as JSON that is safe inside a script element. It is an object
// with views, a list of objects with title, alt, width, height and option (see [Figure.ECharts]), and sheets, the
// images from [WithImages]; a view refers to its sheet by index. A figure has at most one view; panels have one for
// each panel with a view. ok is false if there is none.
func (f *Figure) Views() (list []byte, ok bool) {
	all := struct {
		Views  []view        `json:"views"`
		Sheets []*imageSheet `json:"sheets"`
	}{f.views(""), []*imageSheet{}}
	if len(all.Views) == 0 {
		return nil, false
	}
	for i, v := range all.Views {
		if v.sheet == nil {
			continue
		}
		at := slices.IndexFunc(all.Sheets, func(s *imageSheet) bool { return *s == *v.sheet })
		if at < 0 { // panels with the same samples share a sheet
			at = len(all.Sheets)
			all.Sheets = append(all.Sheets, v.sheet)
		}
		all.Views[i].Images = &at
	}
	list, err := json.Marshal(all)
	if err != nil {
		panic(fmt.Sprintf("figure: Views: %s: %v", f.kind, err)) // plain numbers and strings always encode
	}
	return list, true
}

func (f *Figure) views(mark string) (views []view) {
	for i, panel := range f.panels {
		views = append(views, panel.views(join(mark, panelMark(i)))...)
	}
	if f.echarts != nil {
		option, _ := f.ECharts()
		w, h := f.Size()
		views = append(views, view{Title: mark, Alt: f.Alt, Width: max(w, 420), Height: max(h, 340), Option: option,
			sheet: f.images})
	}
	return views
}

// WithImages returns a copy of the figure whose interactive view shows row i of images beside the pointer when it
// points at sample i. The figure must be made by ScatterClasses. t determines how rows become images, as in
// [ImageGrid]. Grey images are reduced to 16 shades, so that thousands fit into a notebook.
func WithImages[M Matrix](f *Figure, t Tiles, images M) *Figure {
	const op = "WithImages"
	n := numbersOf(op, images)
	if f.kind != "ScatterClasses" {
		panic("figure: " + op + ": " + f.kind + " has no samples to point at")
	}
	if f.samples != len(n.rows) {
		panic(fmt.Sprintf("figure: %s: %d images for %d samples", op, len(n.rows), f.samples))
	}
	planes := t.fit(op, n)
	t.Map = t.Map.or(Gray)
	if r := n.span(); t.Range == ([2]float64{}) {
		t.Range = [2]float64{0, 1}
		if !r.empty() && (r.lo < 0 || r.hi > 1) {
			t.Range = [2]float64{r.lo, r.hi}
		}
	}
	g := *f
	g.images = t.sheet(n, planes)
	return &g
}

// sheet draws all rows into one picture.
func (t *Tiles) sheet(n numbers, planes int) *imageSheet {
	s := &imageSheet{H: t.H, W: t.W, Columns: int(math.Ceil(math.Sqrt(float64(len(n.rows)))))}
	s.Zoom = max(1, 96/max(t.H, t.W))
	r := image.Rect(0, 0, s.Columns*t.W, (len(n.rows)+s.Columns-1)/s.Columns*t.H)
	var pixels interface {
		image.Image
		Set(x, y int, c color.Color)
	} = image.NewNRGBA(r)
	if planes == 1 && t.Map == Gray {
		var shades color.Palette
		for i := range 16 {
			shades = append(shades, color.Gray{Y: uint8(17 * i)})
		}
		pixels = image.NewPaletted(r, shades)
	}
	for i, row := range n.rows {
		tile := t.image(row, planes)
		x0, y0 := i%s.Columns*t.W, i/s.Columns*t.H
		for y := range t.H {
			for x := range t.W {
				pixels.Set(x0+x, y0+y, tile.At(x, y))
			}
		}
	}
	var buf bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&buf, pixels); err != nil {
		panic(fmt.Sprintf("figure: WithImages: %v", err)) // writing to memory does not fail
	}
	s.Address = "data:image/png;base64," + base64.StdEncoding.EncodeToString(buf.Bytes())
	return s
}
