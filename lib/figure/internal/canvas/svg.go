// SPDX-License-Identifier: Apache-2.0

package canvas

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"image"
	"image/png"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// WriteSVG writes a drawing as SVG, with alt as its title.
func WriteSVG(w io.Writer, width, height float64, alt string, paint func(c *Canvas)) error {
	out := newSVG(width, height, alt)
	paintCard(width, height, paint, out)
	_, err := w.Write(out.bytes())
	return err
}

// svgBackend writes SVG elements.
type svgBackend struct {
	buf bytes.Buffer
}

func newSVG(w, h float64, alt string) *svgBackend {
	b := &svgBackend{}
	b.buf.WriteString(`<svg xmlns="http://www.w3.org/2000/svg"`)
	fmt.Fprintf(&b.buf, ` width="%s" height="%s" viewBox="0 0 %[1]s %[2]s"`, number(w), number(h))
	b.buf.WriteString(` role="img" font-family="'Liberation Sans', Arimo, Arial, Helvetica, sans-serif">`)
	fmt.Fprintf(&b.buf, "\n<title>%s</title>\n", html.EscapeString(xmlText(alt)))
	return b
}

// xmlText replaces characters that XML cannot contain, even escaped: control characters, two code points, and invalid
// UTF-8.
func xmlText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
			return utf8.RuneError
		}
		return r // invalid UTF-8 arrives as utf8.RuneError
	}, s)
}

func (b *svgBackend) bytes() []byte {
	return append(b.buf.Bytes(), "</svg>\n"...)
}

func (b *svgBackend) Fill(p Path, c Color) {
	fmt.Fprintf(&b.buf, "<path d=\"%s\" fill=\"%s\"", svgPath(p), Hex(c))
	b.opacity("fill-opacity", c)
	b.buf.WriteString("/>\n")
}

func (b *svgBackend) Stroke(p Path, c Color, width float64, dash []float64) {
	fmt.Fprintf(&b.buf, "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"%s\"", svgPath(p), Hex(c),
		number(width))
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

func (b *svgBackend) Text(p Point, s string, size float64, isBold bool, angle float64, c Color) {
	fmt.Fprintf(&b.buf, `<text x="%s" y="%s" font-size="%s" textLength="%s" lengthAdjust="spacingAndGlyphs" fill="%s"`,
		number(p.X), number(p.Y), number(size), number(TextWidth(s, size, isBold)), Hex(c))
	if isBold {
		b.buf.WriteString(` font-weight="bold"`)
	}
	if angle != 0 {
		fmt.Fprintf(&b.buf, ` transform="rotate(%s %s %s)"`, number(-angle*180/math.Pi), number(p.X), number(p.Y))
	}
	fmt.Fprintf(&b.buf, ">%s</text>\n", html.EscapeString(xmlText(s)))
}

func (b *svgBackend) Image(r Rect, img *image.NRGBA) {
	var data bytes.Buffer
	if err := png.Encode(&data, img); err != nil {
		panic("figure: an image in memory does not encode: " + err.Error())
	}
	fmt.Fprintf(&b.buf, `<image x="%s" y="%s" width="%s" height="%s"`, number(r.X), number(r.Y), number(r.W), number(r.H))
	b.buf.WriteString(` preserveAspectRatio="none" style="image-rendering:pixelated"`)
	fmt.Fprintf(&b.buf, " href=\"data:image/png;base64,%s\"/>\n", base64.StdEncoding.EncodeToString(data.Bytes()))
}

func svgPath(p Path) []byte {
	var out []byte
	for _, s := range p {
		out = append(out, "MLQCZ"[s.op])
		for i := range s.op.points() {
			if i > 0 {
				out = append(out, ' ')
			}
			out = append(append(append(out, number(s.p[i].X)...), ' '), number(s.p[i].Y)...)
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

// Hex returns a colour as "#rrggbb".
func Hex(c Color) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }
