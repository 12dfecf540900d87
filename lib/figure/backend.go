// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"gonum.org/v1/plot/vg"
)

// A backend paints paths, text and images in CSS pixels.
type backend interface {
	fill(p path, c Color)
	stroke(p path, c Color, width float64, dash []float64)
	// text writes one line with its baseline starting at p, turned anticlockwise by angle (radians).
	text(p point, s string, size float64, isBold bool, angle float64, c Color)
	// image paints img over r; its pixels stay sharp squares.
	image(r rect, img *image.NRGBA)
}

const pointsPerPixel = 0.75 // 72 points to the inch, 96 CSS pixels

// vgBackend paints on a canvas of gonum/plot: a raster or a PDF page. Text becomes outlines.
type vgBackend struct {
	vg      vg.Canvas
	height  float64
	pixels  *image.RGBA // the raster; nil for a page
	density float64     // raster pixels in a CSS pixel
}

func (b *vgBackend) at(p point) vg.Point {
	return vg.Point{X: vg.Length(p.x * pointsPerPixel), Y: vg.Length((b.height - p.y) * pointsPerPixel)}
}

func (b *vgBackend) path(p path) vg.Path {
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

// color sets the colour. A page wants the colour and its opacity apart, where color.Color multiplies them.
func (b *vgBackend) color(c Color) {
	if b.pixels == nil {
		b.vg.SetColor(straight(c))
		return
	}
	b.vg.SetColor(c)
}

// straight is a Color whose RGBA does not multiply by the opacity.
type straight Color

func (c straight) RGBA() (r, g, b, a uint32) {
	return uint32(c.R) * 0x101, uint32(c.G) * 0x101, uint32(c.B) * 0x101, uint32(c.A) * 0x101
}

func (b *vgBackend) fill(p path, c Color) {
	b.color(c)
	b.vg.Fill(b.path(p))
}

func (b *vgBackend) stroke(p path, c Color, width float64, dash []float64) {
	lengths := make([]vg.Length, len(dash))
	for i, d := range dash {
		lengths[i] = vg.Length(d * pointsPerPixel)
	}
	b.color(c)
	b.vg.SetLineWidth(vg.Length(width * pointsPerPixel))
	b.vg.SetLineDash(lengths, 0)
	b.vg.Stroke(b.path(p))
}

func (b *vgBackend) text(p point, s string, size float64, isBold bool, angle float64, c Color) {
	b.fill(textOutline(p, s, size, isBold, angle), c)
}

func (b *vgBackend) image(r rect, img *image.NRGBA) {
	if b.pixels == nil {
		b.vg.DrawImage(vg.Rectangle{Min: b.at(point{r.x, r.bottom()}), Max: b.at(point{r.right(), r.y})}, enlarge(img, r))
		return
	}
	to := image.Rect(round(r.x*b.density), round(r.y*b.density), round(r.right()*b.density), round(r.bottom()*b.density))
	size := img.Bounds().Size()
	for y := to.Min.Y; y < to.Max.Y; y++ {
		v := (y - to.Min.Y) * size.Y / to.Dy()
		for x := to.Min.X; x < to.Max.X; x++ {
			c := img.NRGBAAt((x-to.Min.X)*size.X/to.Dx(), v)
			b.pixels.SetRGBA(x, y, color.RGBA{R: c.R, G: c.G, B: c.B, A: 255}) // our images are opaque
		}
	}
}

// enlarge repeats pixels until the image has at least four of them in a CSS pixel, since readers of PDF smooth
// what they enlarge, and turns it upside down, as a page's coordinates do.
func enlarge(img *image.NRGBA, r rect) *image.NRGBA {
	size := img.Bounds().Size()
	k := max(1, round(4*r.w/float64(size.X)))
	out := image.NewNRGBA(image.Rect(0, 0, size.X*k, size.Y*k))
	for y := range size.Y * k {
		for x := range size.X * k {
			out.SetNRGBA(x, y, img.NRGBAAt(x/k, size.Y-1-y/k))
		}
	}
	return out
}

func round(x float64) int { return int(math.Round(x)) }

// svgBackend writes SVG elements.
type svgBackend struct {
	buf bytes.Buffer
}

func newSVG(w, h float64, alt string) *svgBackend {
	b := &svgBackend{}
	fmt.Fprintf(&b.buf, `<svg xmlns="http://www.w3.org/2000/svg" width="%s" height="%s" viewBox="0 0 %[1]s %[2]s" role="img"`,
		number(w), number(h))
	b.buf.WriteString(` font-family="'Liberation Sans', Arimo, Arial, Helvetica, sans-serif">`)
	fmt.Fprintf(&b.buf, "\n<title>%s</title>\n", html.EscapeString(xmlText(alt)))
	return b
}

// xmlText replaces what XML cannot hold, even escaped: control characters, two code points, and bytes that are not UTF-8.
func xmlText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
			return utf8.RuneError
		}
		return r // bytes that are not UTF-8 come as utf8.RuneError
	}, s)
}

func (b *svgBackend) bytes() []byte {
	return append(b.buf.Bytes(), "</svg>\n"...)
}

func (b *svgBackend) fill(p path, c Color) {
	fmt.Fprintf(&b.buf, "<path d=\"%s\" fill=\"%s\"", svgPath(p), hex(c))
	b.opacity("fill-opacity", c)
	b.buf.WriteString("/>\n")
}

func (b *svgBackend) stroke(p path, c Color, width float64, dash []float64) {
	fmt.Fprintf(&b.buf, "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"%s\"", svgPath(p), hex(c), number(width))
	b.opacity("stroke-opacity", c)
	if len(dash) > 0 {
		b.buf.WriteString(` stroke-dasharray="`)
		for i, d := range dash {
			if i > 0 {
				b.buf.WriteByte(' ')
			}
			b.buf.WriteString(number(d))
		}
		b.buf.WriteByte('"')
	}
	b.buf.WriteString(" stroke-linejoin=\"round\"/>\n")
}

func (b *svgBackend) opacity(attribute string, c Color) {
	if c.A < 255 {
		fmt.Fprintf(&b.buf, ` %s="%s"`, attribute, number(float64(c.A)/255))
	}
}

func (b *svgBackend) text(p point, s string, size float64, isBold bool, angle float64, c Color) {
	fmt.Fprintf(&b.buf, `<text x="%s" y="%s" font-size="%s" textLength="%s" lengthAdjust="spacingAndGlyphs" fill="%s"`,
		number(p.x), number(p.y), number(size), number(textWidth(s, size, isBold)), hex(c))
	if isBold {
		b.buf.WriteString(` font-weight="bold"`)
	}
	if angle != 0 {
		fmt.Fprintf(&b.buf, ` transform="rotate(%s %s %s)"`, number(-angle*180/math.Pi), number(p.x), number(p.y))
	}
	fmt.Fprintf(&b.buf, ">%s</text>\n", html.EscapeString(xmlText(s)))
}

func (b *svgBackend) image(r rect, img *image.NRGBA) {
	var data bytes.Buffer
	if err := png.Encode(&data, img); err != nil {
		panic("figure: an image in memory does not encode: " + err.Error())
	}
	fmt.Fprintf(&b.buf, `<image x="%s" y="%s" width="%s" height="%s" preserveAspectRatio="none" style="image-rendering:pixelated"`,
		number(r.x), number(r.y), number(r.w), number(r.h))
	fmt.Fprintf(&b.buf, " href=\"data:image/png;base64,%s\"/>\n", base64.StdEncoding.EncodeToString(data.Bytes()))
}

func svgPath(p path) []byte {
	var out []byte
	for _, s := range p {
		out = append(out, "MLQCZ"[s.op])
		for i := range s.op.points() {
			if i > 0 {
				out = append(out, ' ')
			}
			out = append(append(append(out, number(s.p[i].x)...), ' '), number(s.p[i].y)...)
		}
	}
	return out
}

// number writes x with at most two decimals.
func number(x float64) string {
	x = math.Round(x*100) / 100
	if x == 0 {
		return "0" // never -0
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

func hex(c Color) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }
