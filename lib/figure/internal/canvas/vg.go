// SPDX-License-Identifier: Apache-2.0

package canvas

import (
	"image"
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
)

// WritePNG writes a drawing as PNG with density pixels per CSS pixel. A photo keeps all its colours.
func WritePNG(w io.Writer, width, height float64, density int, photo bool, paint func(c *Canvas)) error {
	raster := vgimg.NewWith(vgimg.UseWH(vg.Length(width)*pointsPerPixel, vg.Length(height)*pointsPerPixel),
		vgimg.UseDPI(96*density))
	pixels := raster.Image().(*image.RGBA) // the type that vgimg uses
	paintCard(width, height, paint, &vgBackend{vg: raster, height: height, pixels: pixels, density: float64(density)})
	return encodePNG(w, pixels, photo)
}

// WritePDF writes a drawing as a PDF page of its own size.
func WritePDF(w io.Writer, width, height float64, paint func(c *Canvas)) error {
	page := vgpdf.New(vg.Length(width)*pointsPerPixel, vg.Length(height)*pointsPerPixel)
	paintCard(width, height, paint, &vgBackend{vg: page, height: height})
	_, err := page.WriteTo(w)
	return err
}

const pointsPerPixel = 0.75 // 72 points to the inch, 96 CSS pixels

// vgBackend paints on a canvas of gonum/plot: a raster or a PDF page. Text becomes outlines.
type vgBackend struct {
	vg      vg.Canvas
	height  float64
	pixels  *image.RGBA // the raster; nil for a PDF page
	density float64     // raster pixels per CSS pixel
}

func (b *vgBackend) at(p Point) vg.Point {
	return vg.Point{X: vg.Length(p.X * pointsPerPixel), Y: vg.Length((b.height - p.Y) * pointsPerPixel)}
}

func (b *vgBackend) path(p Path) vg.Path {
	out := make(vg.Path, 0, len(p))
	for _, s := range p {
		switch s.op {
		case opMove:
			out.Move(b.at(s.p[0]))
		case opLine:
			out.Line(b.at(s.p[0]))
		case opQuad:
			out.QuadTo(b.at(s.p[0]), b.at(s.p[1]))
		case opCubic:
			out.CubeTo(b.at(s.p[0]), b.at(s.p[1]), b.at(s.p[2]))
		case opClose:
			out.Close()
		}
	}
	return out
}

// color sets the colour. A page needs the colour and its opacity separately, but color.Color premultiplies them.
func (b *vgBackend) color(c Color) {
	if b.pixels == nil {
		b.vg.SetColor(straight(c))
		return
	}
	b.vg.SetColor(c)
}

// straight is a Color whose RGBA does not premultiply by the opacity.
type straight Color

func (c straight) RGBA() (r, g, b, a uint32) {
	return uint32(c.R) * 0x101, uint32(c.G) * 0x101, uint32(c.B) * 0x101, uint32(c.A) * 0x101
}

func (b *vgBackend) Fill(p Path, c Color) {
	b.color(c)
	b.vg.Fill(b.path(p))
}

func (b *vgBackend) Stroke(p Path, c Color, width float64, dash []float64) {
	lengths := make([]vg.Length, len(dash))
	for i, d := range dash {
		lengths[i] = vg.Length(d * pointsPerPixel)
	}
	b.color(c)
	b.vg.SetLineWidth(vg.Length(width * pointsPerPixel))
	b.vg.SetLineDash(lengths, 0)
	b.vg.Stroke(b.path(p))
}

func (b *vgBackend) Text(p Point, s string, size float64, isBold bool, angle float64, c Color) {
	b.Fill(textOutline(p, s, size, isBold, angle), c)
}

func (b *vgBackend) Image(r Rect, img *image.NRGBA) {
	if b.pixels == nil {
		b.vg.DrawImage(vg.Rectangle{Min: b.at(Point{r.X, r.Bottom()}), Max: b.at(Point{r.Right(), r.Y})}, enlarge(img, r))
		return
	}
	to := image.Rect(round(r.X*b.density), round(r.Y*b.density), round(r.Right()*b.density), round(r.Bottom()*b.density))
	size := img.Bounds().Size()
	for y := to.Min.Y; y < to.Max.Y; y++ {
		v := (y - to.Min.Y) * size.Y / to.Dy()
		for x := to.Min.X; x < to.Max.X; x++ {
			c := img.NRGBAAt((x-to.Min.X)*size.X/to.Dx(), v)
			b.pixels.SetRGBA(x, y, color.RGBA{R: c.R, G: c.G, B: c.B, A: 255}) // our images are opaque
		}
	}
}

// enlarge repeats pixels until the image has at least four of them per CSS pixel, because PDF viewers smooth images
// that they enlarge, and flips it vertically, because a page's y axis points up.
func enlarge(img *image.NRGBA, r Rect) *image.NRGBA {
	size := img.Bounds().Size()
	k := max(1, round(4*r.W/float64(size.X)))
	out := image.NewNRGBA(image.Rect(0, 0, size.X*k, size.Y*k))
	for y := range size.Y * k {
		for x := range size.X * k {
			out.SetNRGBA(x, y, img.NRGBAAt(x/k, size.Y-1-y/k))
		}
	}
	return out
}

func round(x float64) int { return int(math.Round(x)) }
