// SPDX-License-Identifier: Apache-2.0

package canvas

import (
	"math"
	"strings"
	"sync"

	"codeberg.org/go-fonts/dejavu/dejavusans"
	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// Sizes of text in CSS pixels.
const (
	TickSize  = 12.0
	LabelSize = 13.0
	TitleSize = 14.0

	CapHeight   = 0.70 // height of a capital letter, relative to the font size
	LineSpacing = 1.25 // distance between baselines, relative to the font size
)

// A typeface measures text and returns the outlines of its glyphs. It is parsed on first use.
type typeface struct {
	mu     sync.Mutex
	font   *sfnt.Font
	buf    sfnt.Buffer
	em     fixed.Int26_6
	glyphs map[rune]glyph
	last   bool // no fallback: missing glyphs are empty boxes
}

// A glyph is an outline relative to the font size, y pointing down from the baseline.
type glyph struct {
	index   sfnt.GlyphIndex // 0 if it comes from the fallback font
	advance float64
	outline Path
}

var (
	// fallback has the characters that Liberation lacks, such as the superscript minus. It is parsed only for them.
	fallback = sync.OnceValue(func() *typeface {
		t := parseTypeface(dejavusans.TTF)
		t.last = true
		return t
	})
	regular = sync.OnceValue(func() *typeface { return parseTypeface(liberationsansregular.TTF) })
	bold    = sync.OnceValue(func() *typeface { return parseTypeface(liberationsansbold.TTF) })
)

func face(isBold bool) *typeface {
	if isBold {
		return bold()
	}
	return regular()
}

func parseTypeface(ttf []byte) *typeface {
	f, err := sfnt.Parse(ttf)
	if err != nil {
		panic("figure: the built-in font does not parse: " + err.Error())
	}
	return &typeface{font: f, em: fixed.Int26_6(f.UnitsPerEm()), glyphs: map[rune]glyph{}}
}

// glyph returns the glyph of a rune; t.mu is held.
func (t *typeface) glyph(r rune) glyph {
	if g, ok := t.glyphs[r]; ok {
		return g
	}
	var g glyph
	g.index, _ = t.font.GlyphIndex(&t.buf, r)
	if g.index == 0 && !t.last {
		other := fallback()
		other.mu.Lock()
		g = other.glyph(r)
		other.mu.Unlock()
		g.index = 0
		t.glyphs[r] = g
		return g
	}
	adv, err := t.font.GlyphAdvance(&t.buf, g.index, t.em, font.HintingNone)
	if err == nil {
		g.advance = float64(adv) / float64(t.em)
	}
	segments, err := t.font.LoadGlyph(&t.buf, g.index, t.em, nil)
	if err == nil {
		g.outline = t.outline(segments)
	}
	t.glyphs[r] = g
	return g
}

func (t *typeface) outline(segments sfnt.Segments) Path {
	at := func(p fixed.Point26_6) Point {
		return Point{float64(p.X) / float64(t.em), float64(p.Y) / float64(t.em)}
	}
	var p Path
	for _, s := range segments {
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			if len(p) > 0 {
				p.Close()
			}
			p.Move(at(s.Args[0]))
		case sfnt.SegmentOpLineTo:
			p.Line(at(s.Args[0]))
		case sfnt.SegmentOpQuadTo:
			p.quad(at(s.Args[0]), at(s.Args[1]))
		case sfnt.SegmentOpCubeTo:
			p.cubic(at(s.Args[0]), at(s.Args[1]), at(s.Args[2]))
		}
	}
	if len(p) > 0 {
		p.Close()
	}
	return p
}

// each calls f with every glyph of s and its distance from the start, relative to the font size, and returns the width.
func (t *typeface) each(s string, f func(g glyph, x float64)) float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	x := 0.0
	var prev glyph
	for i, r := range s {
		g := t.glyph(r)
		if i > 0 && prev.index != 0 && g.index != 0 {
			if k, err := t.font.Kern(&t.buf, prev.index, g.index, t.em, font.HintingNone); err == nil {
				x += float64(k) / float64(t.em)
			}
		}
		if f != nil {
			f(g, x)
		}
		x += g.advance
		prev = g
	}
	return x
}

// TextWidth returns the width of one line of text.
func TextWidth(s string, size float64, isBold bool) float64 {
	return size * face(isBold).each(s, nil)
}

// textOutline returns the outlines of one line of text whose baseline starts at p, rotated anticlockwise by angle.
func textOutline(p Point, s string, size float64, isBold bool, angle float64) Path {
	sin, cos := math.Sincos(angle)
	var out Path
	face(isBold).each(s, func(g glyph, x float64) {
		out = append(out, g.outline.transform(func(q Point) Point {
			q = Point{size * (q.X + x), size * q.Y}
			return Point{p.X + q.X*cos + q.Y*sin, p.Y - q.X*sin + q.Y*cos}
		})...)
	})
	return out
}

// Wrap breaks text into lines no wider than width. A newline always breaks; a word that is too long is split.
func Wrap(s string, size float64, isBold bool, width float64) []string {
	var lines []string
	for _, paragraph := range strings.Split(s, "\n") {
		line := ""
		for _, word := range strings.Fields(paragraph) {
			longer := strings.TrimSpace(line + " " + word)
			if line != "" && TextWidth(longer, size, isBold) > width {
				lines = append(lines, line)
				longer = word
			}
			line = longer
		}
		lines = append(lines, line)
	}
	for i, line := range lines {
		lines[i] = Shorten(line, size, isBold, width)
	}
	return lines
}

// Shorten truncates one line of text to a width and marks the cut with an ellipsis.
func Shorten(s string, size float64, isBold bool, width float64) string {
	if TextWidth(s, size, isBold) <= width {
		return s
	}
	runes := []rune(s)
	for len(runes) > 1 {
		runes = runes[:len(runes)-1]
		if cut := strings.TrimRight(string(runes), " ") + "…"; TextWidth(cut, size, isBold) <= width {
			return cut
		}
	}
	return string(runes)
}
