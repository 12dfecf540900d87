// SPDX-License-Identifier: Apache-2.0

package synth

import (
	"fmt"
	"sync"

	"codeberg.org/go-fonts/dejavu/dejavusans"
	"codeberg.org/go-fonts/dejavu/dejavusansextralight"
	"codeberg.org/go-fonts/dejavu/dejavuserif"
	"codeberg.org/go-fonts/dejavu/dejavuserifitalic"
	"codeberg.org/go-fonts/latin-modern/lmmono10italic"
	"codeberg.org/go-fonts/latin-modern/lmmono10regular"
	"codeberg.org/go-fonts/latin-modern/lmmonolt10regular"
	"codeberg.org/go-fonts/latin-modern/lmroman10italic"
	"codeberg.org/go-fonts/latin-modern/lmroman10regular"
	"codeberg.org/go-fonts/latin-modern/lmroman7italic"
	"codeberg.org/go-fonts/latin-modern/lmromandunh10regular"
	"codeberg.org/go-fonts/latin-modern/lmromanunsl10regular"
	"codeberg.org/go-fonts/latin-modern/lmsans10regular"
	"codeberg.org/go-fonts/latin-modern/lmsansdemicond10oblique"
	"codeberg.org/go-fonts/latin-modern/lmsansquot8oblique"
	"codeberg.org/go-fonts/liberation/liberationsansitalic"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"codeberg.org/go-fonts/liberation/liberationserifitalic"
	"codeberg.org/go-fonts/liberation/liberationserifregular"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/gomonoitalic"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// faces returns the fonts of the digits. There are no bold faces, because the stroke width is chosen separately.
func faces() [][]byte {
	return [][]byte{
		goregular.TTF, goitalic.TTF, gomonoitalic.TTF,
		dejavusans.TTF, dejavusansextralight.TTF, dejavuserif.TTF, dejavuserifitalic.TTF,
		liberationsansregular.TTF, liberationsansitalic.TTF, liberationserifregular.TTF, liberationserifitalic.TTF,
		lmroman10regular.TTF, lmroman10italic.TTF, lmroman7italic.TTF, lmromandunh10regular.TTF, lmromanunsl10regular.TTF,
		lmsans10regular.TTF, lmsansdemicond10oblique.TTF, lmsansquot8oblique.TTF,
		lmmono10regular.TTF, lmmono10italic.TTF, lmmonolt10regular.TTF,
	}
}

// A point is a position on the page: x to the right, y down.
type point struct{ x, y float64 }

// An outline is the boundary of a digit: closed polygons around the ink, oriented so that the ink of the outer ones is
// to the left of each edge when x points right and y points down. The digit's height is 1 and its centre is the origin.
type outline struct {
	contours [][]point
	stroke   float64 // mean width of the strokes
}

// outlines returns the digits of every face. It reads them once.
//
// It is a function and no variable that a call initialises, so that the linker leaves the fonts, 5 MB, out of programs
// that draw no glyphs.
func outlines() [][10]outline {
	digits.once.Do(func() { digits.all = readOutlines() })
	return digits.all
}

var digits struct {
	once sync.Once
	all  [][10]outline
}

func readOutlines() [][10]outline {
	faces := faces()
	all := make([][10]outline, len(faces))
	var buf sfnt.Buffer
	for i, ttf := range faces {
		f, err := sfnt.Parse(ttf)
		if err != nil {
			panic(fmt.Sprintf("dataset/synth: embedded font %d: %v", i, err))
		}
		for d := range 10 {
			if all[i][d], err = digitOutline(f, &buf, rune('0'+d)); err != nil {
				panic(fmt.Sprintf("dataset/synth: digit %d of embedded font %d: %v", d, i, err))
			}
		}
	}
	return all
}

// unitsPerEm is the resolution at which outlines are read.
const unitsPerEm = 1024

func digitOutline(f *sfnt.Font, buf *sfnt.Buffer, digit rune) (outline, error) {
	glyph, err := f.GlyphIndex(buf, digit)
	if err != nil {
		return outline{}, err
	}
	segments, err := f.LoadGlyph(buf, glyph, fixed.I(unitsPerEm), &sfnt.LoadGlyphOptions{})
	if err != nil {
		return outline{}, err
	}
	bounds, _, err := f.GlyphBounds(buf, glyph, fixed.I(unitsPerEm), font.HintingNone)
	if err != nil {
		return outline{}, err
	}
	height := float64(bounds.Max.Y - bounds.Min.Y)
	middle := point{float64(bounds.Max.X+bounds.Min.X) / 2, float64(bounds.Max.Y+bounds.Min.Y) / 2}
	at := func(p fixed.Point26_6) point {
		return point{(float64(p.X) - middle.x) / height, (float64(p.Y) - middle.y) / height}
	}

	var o outline
	var pen point
	add := func(p point) {
		last := len(o.contours) - 1
		o.contours[last] = append(o.contours[last], p)
		pen = p
	}
	for _, s := range segments {
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			o.contours = append(o.contours, nil)
			add(at(s.Args[0]))
		case sfnt.SegmentOpLineTo:
			line(pen, at(s.Args[0]), add)
		case sfnt.SegmentOpQuadTo:
			a, b, c := pen, at(s.Args[0]), at(s.Args[1])
			curve(a, lerp(a, b, 2./3), lerp(c, b, 2./3), c, add)
		case sfnt.SegmentOpCubeTo:
			curve(pen, at(s.Args[0]), at(s.Args[1]), at(s.Args[2]), add)
		}
	}
	o.orient()
	return o, nil
}
