// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"fmt"
	"image"
	"math"

	"github.com/lateral-ml/lateral/lib/figure/internal/canvas"
)

// Tiles holds the options of grids of images and weights. The zero value of each field is a default.
type Tiles struct {
	Title string
	Names []string // one name above each tile

	// H and W are the height and width of a tile in pixels. Default: from the shape of an image tensor, or square.
	H, W int

	Columns int     // default: about a square
	Width   float64 // largest width of the figure, which tiles enlarged by 1/2, 1, 3/2, ... fill; default 640
	Zoom    float64 // CSS pixels per pixel of a tile; default: fills Width, with tiles of at most 112

	Map     ColorMap   // default: Gray for ImageGrid, Diverging for WeightGrid
	Range   [2]float64 // values of the first and the last colour; default: see the helper
	PerTile bool       // give every tile its own range, from its minimum to its maximum, and draw no colour bar
	Z       string     // label of the colour bar, with unit; default: "weight" for WeightGrid, no bar for ImageGrid
}

// ImageGrid draws each row as an image. Values run from black at 0 to white at 1, or from the minimum to the maximum if
// some are outside of [0, 1]. Rows of three planes, as in [N,3,H,W], are red, green and blue.
func ImageGrid[M Matrix](t Tiles, images M) *Figure {
	n := numbersOf("ImageGrid", images)
	t.Map = t.Map.or(Gray)
	r := n.span()
	if t.Range == ([2]float64{}) {
		t.Range = [2]float64{0, 1}
		if !r.empty() && (r.lo < 0 || r.hi > 1) {
			t.Range = [2]float64{r.lo, r.hi}
		}
	}
	return tileGrid("ImageGrid", "images", t, n)
}

// WeightGrid draws each row, the weights of one unit, as an image. Positive weights are red, negative ones blue and
// zero white; the range is symmetric and shared by all tiles, unless PerTile is set.
func WeightGrid[M Matrix](t Tiles, weights M) *Figure {
	n := numbersOf("WeightGrid", weights)
	t.Map = t.Map.or(Diverging)
	if t.Range == ([2]float64{}) {
		t.Range = symmetric(n.span())
	}
	if t.Z == "" {
		t.Z = "weight"
	}
	return tileGrid("WeightGrid", "weights", t, n)
}

// symmetric returns the symmetric range around zero that contains s.
func symmetric(s span) [2]float64 {
	m := math.Max(math.Abs(s.lo), math.Abs(s.hi))
	if s.empty() || m == 0 {
		m = 1
	}
	return [2]float64{-m, m}
}

const (
	tileGap    = 4.0
	tileName   = 15.0 // height of the line above a tile
	barWidth   = 12.0
	barGap     = 12.0
	nameSize   = 11.0
	tileAtMost = 112.0
)

func tileGrid(op, what string, t Tiles, n numbers) *Figure {
	n.cut(t.H * t.W)
	planes := t.fit(op, n)
	if t.Names != nil && len(t.Names) != len(n.rows) {
		panic(fmt.Sprintf("figure: %s: %d names for %d tiles", op, len(t.Names), len(n.rows)))
	}
	if !(t.Range[0] < t.Range[1]) {
		t.Range[1] = t.Range[0] + 1 // all values are equal
	}
	if t.Columns <= 0 {
		t.Columns = columns(len(n.rows))
	}
	t.Columns = min(t.Columns, len(n.rows))
	if t.Width == 0 {
		t.Width = defaultWidth
	}
	bar := colorBar{m: t.Map, scale: scale{span: span{t.Range[0], t.Range[1]}}, label: t.Z}
	hasBar := t.Z != "" && !t.PerTile && planes == 1
	scales := fmt.Sprintf("%s (%s) to %s (%s)", short(t.Range[0]), t.Map.end(0), short(t.Range[1]), t.Map.end(1))
	if t.PerTile {
		scales = "each on its own scale"
	}
	fig := &Figure{kind: op, width: t.Width}
	fig.facts = []string{
		fmt.Sprintf("%d tiles of %d x %d in %d columns", len(n.rows), t.H, t.W, t.Columns), "colours: " + scales,
	}
	if t.Title != "" {
		fig.facts = append([]string{"title: " + t.Title}, fig.facts...)
	}
	fig.Alt = fmt.Sprintf("Grid of %d %s of %d by %d pixels, %s.", len(n.rows), what, t.H, t.W, scales)
	if t.Title != "" {
		fig.Alt = t.Title + ". " + fig.Alt
	}
	rows := (len(n.rows) + t.Columns - 1) / t.Columns
	fig.plan = func(p slot) drawing {
		barTotal := 0.0
		if hasBar {
			barTotal = barGap + bar.width(160)
		}
		zoom := t.zoom(p.width - 2*cardMargin - barTotal)
		tw, th := float64(t.W)*zoom, float64(t.H)*zoom
		above := 0.0
		if t.Names != nil {
			above = tileName
		}
		gridW := float64(t.Columns)*(tw+tileGap) - tileGap
		gridH := float64(rows)*(th+above+tileGap) - tileGap
		if hasBar {
			gridH = math.Max(gridH, 90)
			barTotal = barGap + bar.width(gridH)
		}
		total := gridW + barTotal + 2*cardMargin
		name := join(p.mark, t.Title)
		total = math.Max(total, math.Min(p.width, canvas.TextWidth(name, canvas.TitleSize, true)+2*cardMargin+1))
		title := titleLines(name, total)
		top := titleTop(title)
		return drawing{w: total, h: top + gridH + cardMargin, photo: planes == 3, paint: func(c *Canvas) {
			paintTitle(c, title)
			for i, row := range n.rows {
				x := cardMargin + float64(i%t.Columns)*(tw+tileGap)
				y := top + float64(i/t.Columns)*(th+above+tileGap)
				if t.Names != nil {
					name := canvas.Shorten(t.Names[i], nameSize, false, tw)
					c.Text(x+tw/2, y+tileName/2, name, Style{Size: nameSize, Text: Muted})
				}
				c.Image(canvas.Area(x, y+above, tw, th), t.image(row, planes))
				c.Box(x, y+above, tw, th, "", Style{Stroke: canvas.RGB(0xafb8c1), Width: 0.5})
			}
			if hasBar {
				bar.paint(c, canvas.Area(cardMargin+gridW+barGap, top, barWidth, gridH))
			}
		}}
	}
	return fig
}

// cut divides a single long row into one row per tile.
func (n *numbers) cut(size int) {
	if size <= 0 || len(n.rows) > 1 || n.width()%size != 0 || n.width() == 3*size {
		return // fit reports what is wrong, if anything
	}
	flat := n.rows[0]
	n.rows = nil
	for ; len(flat) > 0; flat = flat[size:] {
		n.rows = append(n.rows, flat[:size])
	}
}

// fit fills in H and W, and returns the number of colour planes of a tile.
func (t *Tiles) fit(op string, n numbers) int {
	if t.H == 0 && t.W == 0 {
		if k := len(n.shape); k >= 2 {
			t.H, t.W = n.shape[k-2], n.shape[k-1]
		} else {
			side := int(math.Round(math.Sqrt(float64(n.width()))))
			t.H, t.W = side, side
		}
	}
	switch n.width() {
	case t.H * t.W:
		return 1
	case 3 * t.H * t.W:
		return 3
	}
	panic(fmt.Sprintf("figure: %s: a row of %d values is neither one nor three planes of H x W = %d x %d: "+
		"set Tiles.H and W", op, n.width(), t.H, t.W))
}

// columns returns a number of columns, a divisor of n if one gives a good shape.
func columns(n int) int {
	if n <= 8 {
		return n
	}
	root := math.Sqrt(float64(n))
	best := int(math.Ceil(1.3 * root))
	for c := int(math.Ceil(root)); float64(c) <= 2.2*root; c++ {
		if n%c == 0 && (n%best != 0 || math.Abs(float64(c)-1.3*root) < math.Abs(float64(best)-1.3*root)) {
			best = c
		}
	}
	return best
}

// zoom returns the enlargement at which all columns fit into a width.
func (t *Tiles) zoom(width float64) float64 {
	most := ((width+tileGap)/float64(t.Columns) - tileGap) / float64(t.W)
	if t.Zoom > 0 {
		return math.Min(t.Zoom, math.Max(most, 0.05))
	}
	most = math.Min(most, math.Max(tileAtMost/float64(max(t.W, t.H)), 0.5))
	if most < 0.5 {
		return math.Max(most, 0.05)
	}
	return math.Floor(2*most) / 2
}

// image returns the pixels of one tile.
func (t *Tiles) image(row []float64, planes int) *image.NRGBA {
	lo, hi := t.Range[0], t.Range[1]
	if t.PerTile {
		s := emptySpan()
		s.add(false, row...)
		lo, hi = s.lo, s.hi
		if t.Map == Diverging {
			r := symmetric(s)
			lo, hi = r[0], r[1]
		}
		if !(lo < hi) {
			hi = lo + 1
		}
	}
	at := func(v float64) float64 { return (v - lo) / (hi - lo) }
	img := image.NewNRGBA(image.Rect(0, 0, t.W, t.H))
	size := t.H * t.W
	for i := range size {
		if planes == 1 {
			img.SetNRGBA(i%t.W, i/t.W, t.Map.At(at(row[i])))
			continue
		}
		var rgb [3]uint8
		for k := range rgb {
			rgb[k] = Gray.At(at(row[k*size+i])).R
		}
		img.SetNRGBA(i%t.W, i/t.W, Color{R: rgb[0], G: rgb[1], B: rgb[2], A: 255})
	}
	return img
}

// end returns the name of the first (0) or the last (1) colour of a map, for alt texts.
func (m ColorMap) end(i int) string {
	return map[ColorMap][2]string{
		Viridis:   {"dark blue", "yellow"},
		Diverging: {"blue", "red"},
		Gray:      {"black", "white"},
		InkMap:    {"white", "dark blue"},
	}[m][i]
}

// A colorBar is the key of a colour map: a strip with ticks and a label at its right.
type colorBar struct {
	m     ColorMap
	scale scale
	label string
}

func (b colorBar) ticks(height float64) []tick { return b.scale.ticks(max(2, int(height/44)), false) }

// width returns the width of a bar of the given height, with ticks and label.
func (b colorBar) width(height float64) float64 {
	a := axis{ticks: b.ticks(height)}
	lines := len(canvas.Wrap(b.label, canvas.LabelSize, false, height))
	return barWidth + 6 + a.widest() + 4 + float64(lines)*canvas.LabelSize*canvas.LineSpacing
}

func (b colorBar) paint(c *Canvas, r canvas.Rect) {
	const steps = 128
	img := image.NewNRGBA(image.Rect(0, 0, 1, steps))
	for i := range steps {
		img.SetNRGBA(0, i, b.m.At(1-(float64(i)+0.5)/steps))
	}
	c.Image(r, img)
	c.Box(r.X, r.Y, r.W, r.H, "", Style{Stroke: Muted, Width: 0.5})
	ticks := b.ticks(r.H)
	x := r.Right()
	for _, t := range ticks {
		y := r.Bottom() - b.scale.place(t.at)*r.H
		c.Line(x, y, x+3, y, Style{Stroke: Muted, Width: 1})
		// At the ends the label moves inwards, so that the bar is no taller than its strip.
		inside := min(max(y, r.Y+canvas.TickSize*canvas.CapHeight/2), r.Bottom()-canvas.TickSize*canvas.CapHeight/2)
		c.Text(x+6, inside, t.label, Style{Size: canvas.TickSize, Text: Muted, Align: Left})
	}
	a := axis{ticks: ticks}
	lines := canvas.Wrap(b.label, canvas.LabelSize, false, r.H)
	for i, line := range lines {
		c.Turned(x+6+a.widest()+4+(float64(i)+0.5)*canvas.LabelSize*canvas.LineSpacing, r.Y+r.H/2, line, math.Pi/2, Style{})
	}
}
