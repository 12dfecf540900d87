// SPDX-License-Identifier: Apache-2.0

package figure

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

// writeSVG writes a drawing as SVG, with its words as the title.
func writeSVG(w io.Writer, width, height float64, alt string, paint func(c *Canvas)) error {
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
