// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"image"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/figure/internal/canvas"
	"github.com/lateral-ml/lateral/lib/tensor"
)

var update = flag.Bool("update", false, "write the golden figures anew")

// TestGolden compares each helper with a stored picture, at the size of CSS pixels. Rounding differs slightly between
// processors, so a few pixels at edges may differ.
func TestGolden(t *testing.T) {
	for _, e := range gallery() {
		if !e.golden {
			continue
		}
		t.Run(e.name, func(t *testing.T) {
			var got bytes.Buffer
			if err := e.make().writePNG(&got, 1); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", e.name+".png")
			if *update {
				if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v; go test -run TestGolden -update writes it", err)
			}
			share, err := difference(got.Bytes(), want)
			if err != nil {
				t.Fatal(err)
			}
			if !(share <= 0.001) {
				t.Errorf("%.2f %% of the pixels differ from %s; look at both, then go test -run TestGolden -update", 100*share,
					file)
			}
		})
	}
}

// difference returns the share of pixels that differ by more than an eighth of the range in some channel.
func difference(a, b []byte) (float64, error) {
	x, err := png.Decode(bytes.NewReader(a))
	if err != nil {
		return 0, err
	}
	y, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return 0, err
	}
	if x.Bounds() != y.Bounds() {
		return 0, errors.New("sizes differ: " + x.Bounds().String() + " and " + y.Bounds().String())
	}
	off, size := 0, x.Bounds().Size()
	for i := range size.X * size.Y {
		r0, g0, b0, _ := x.At(i%size.X, i/size.X).RGBA()
		r1, g1, b1, _ := y.At(i%size.X, i/size.X).RGBA()
		if far(r0, r1) || far(g0, g1) || far(b0, b1) {
			off++
		}
	}
	return float64(off) / float64(size.X*size.Y), nil
}

func far(a, b uint32) bool { return math.Abs(float64(a)-float64(b)) > 65535.0/8 }

// TestDifference makes sure that the comparison detects a change of a few letters.
func TestDifference(t *testing.T) {
	picture := func(title string) []byte {
		var b bytes.Buffer
		if err := LearningCurves(Axes{Title: title, X: "epoch", Y: "loss (nats)", Width: 300},
			Series{Y: []float64{3, 2, 1}}).writePNG(&b, 1); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	if share, err := difference(picture("Loss"), picture("Cost")); err != nil || share <= 0.001 {
		t.Errorf("another title changes %g of the pixels, %v", share, err)
	}
}

// TestDeterministic writes everything twice, from separately made figures.
func TestDeterministic(t *testing.T) {
	for _, e := range gallery() {
		if !e.golden {
			continue
		}
		write := func() (svg, raster, option []byte) {
			f := e.make()
			var s, p bytes.Buffer
			if err := f.WriteSVG(&s); err != nil {
				t.Fatal(err)
			}
			if e.name == "panels" || e.name == "classes" { // lines, images, bars, points and their palettes
				if err := f.writePNG(&p, 1); err != nil {
					t.Fatal(err)
				}
			}
			o, _ := f.ECharts()
			return s.Bytes(), p.Bytes(), o
		}
		s0, p0, o0 := write()
		s1, p1, o1 := write()
		if !bytes.Equal(s0, s1) || !bytes.Equal(p0, p1) || !bytes.Equal(o0, o1) {
			t.Errorf("%s: two figures of the same data differ", e.name)
		}
	}
}

// TestFormats checks sizes, that the SVG is well-formed and contains its alt text, and that the raster is opaque.
func TestFormats(t *testing.T) {
	for _, e := range gallery() {
		f := e.make()
		w, h := f.Size()
		if f.Alt == "" || w < 100 || h < 40 || w > 1000 || h > 2400 {
			t.Errorf("%s: %d x %d, alt %q", e.name, w, h, f.Alt)
		}
		var svg bytes.Buffer
		if err := f.WriteSVG(&svg); err != nil {
			t.Fatal(err)
		}
		dec := xml.NewDecoder(bytes.NewReader(svg.Bytes()))
		for {
			_, err := dec.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", e.name, err)
			}
		}
		if s := coordinates(svg.String()); strings.Contains(s, "NaN") || strings.Contains(s, "Inf") {
			t.Errorf("%s: a coordinate is not a number", e.name)
		}
	}
	f := curvesFigure()
	w, h := f.Size()
	var raster, page bytes.Buffer
	if err := errors.Join(f.WritePNG(&raster), f.WritePDF(&page)); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&raster)
	if err != nil {
		t.Fatal(err)
	}
	if img.Bounds() != image.Rect(0, 0, 2*w, 2*h) {
		t.Errorf("PNG of %v for a figure of %d x %d", img.Bounds(), w, h)
	}
	if o, ok := img.(interface{ Opaque() bool }); !ok || !o.Opaque() {
		t.Error("the background is not opaque")
	}
	if !bytes.HasPrefix(page.Bytes(), []byte("%PDF-")) {
		t.Error("no PDF")
	}
}

// coordinates returns an SVG without its title and the bytes of its images.
func coordinates(svg string) string {
	_, body, _ := strings.Cut(svg, "</title>")
	return base64Data.ReplaceAllString(body, "")
}

var base64Data = regexp.MustCompile(`base64,[^"]*`)

// A textRecorder records the positions of texts.
type textRecorder struct{ boxes []textBox }

type textBox struct {
	canvas.Rect
	text string
}

func (*textRecorder) Fill(canvas.Path, Color)                       {}
func (*textRecorder) Stroke(canvas.Path, Color, float64, []float64) {}
func (*textRecorder) Image(canvas.Rect, *image.NRGBA)               {}
func (r *textRecorder) Text(p canvas.Point, s string, size float64, isBold bool, angle float64, _ Color) {
	w, up, down := canvas.TextWidth(s, size, isBold), 0.72*size, 0.2*size
	b := canvas.Area(p.X, p.Y-up, w, up+down)
	if angle != 0 {
		b = canvas.Area(p.X-up, p.Y-w, up+down, w)
	}
	r.boxes = append(r.boxes, textBox{b, s})
}

// TestTextNeverOverlaps lays out every figure of the gallery, edge cases included, and compares all pairs of texts.
func TestTextNeverOverlaps(t *testing.T) {
	checked := 0
	for _, e := range gallery() {
		d := e.make().layout()
		var r textRecorder
		d.paint(canvas.New(&r, d.w, d.h))
		card := canvas.Area(0, 0, d.w, d.h)
		for i, a := range r.boxes {
			if !card.Contains(canvas.Pt(a.X, a.Y)) || !card.Contains(canvas.Pt(a.Right(), a.Bottom())) {
				t.Errorf("%s: %q leaves the card of %g x %g: %+v", e.name, a.text, d.w, d.h, a.Rect)
			}
			for _, b := range r.boxes[i+1:] {
				checked++
				if a.X < b.Right() && b.X < a.Right() && a.Y < b.Bottom() && b.Y < a.Bottom() {
					t.Errorf("%s: %q and %q overlap: %+v %+v", e.name, a.text, b.text, a.Rect, b.Rect)
				}
			}
		}
	}
	if checked < 1000 {
		t.Fatalf("only %d pairs of texts were compared", checked)
	}
}

// TestAwkwardValues draws random data with NaN, infinities, zeros and extreme values, on all kinds of axes.
func TestAwkwardValues(t *testing.T) {
	rng := tensor.Stream(7, "awkward")
	odd := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, -1, 1e300, -1e300, 1e-300, math.MaxFloat64,
		math.SmallestNonzeroFloat64}
	draw := func(n int) []float64 {
		y := make([]float64, n)
		for i := range y {
			y[i] = rng.NormFloat64()
			if rng.IntN(3) == 0 {
				y[i] = odd[rng.IntN(len(odd))]
			}
		}
		return y
	}
	for i := range 50 {
		n := rng.IntN(6)
		a := Axes{X: "x", Y: "y", Z: "z", LogX: rng.IntN(2) == 0, LogY: rng.IntN(2) == 0, Width: 200}
		figs := []*Figure{
			Lines(a, Series{X: draw(n), Y: draw(n), Low: draw(n), High: draw(n)}, Series{Y: draw(3)}),
			Scatter(a, Series{X: draw(n), Y: draw(n), Low: draw(n), High: draw(n)}),
			Ranges(a, Series{Runs: [][]float64{draw(n), draw(n + 1), draw(2)}}),
			Histograms(a, Series{Y: draw(n)}, Series{Y: draw(2)}),
			HeatMap(a, [][]float64{draw(n + 1), draw(n + 1)}),
			Raster(a, [][]float64{draw(n + 1), draw(n + 1)}, nil),
			ScatterClasses(a, [][]float64{draw(2), draw(2), draw(2)}, []int{0, 1, 0}, nil),
			WeightGrid(Tiles{}, [][]float64{draw(4), draw(4)}),
		}
		a.XNames = []string{"a", "b"}
		figs = append(figs, Bars(a, Series{Y: draw(2), Low: draw(2), High: draw(2)}))
		for _, f := range figs {
			var svg bytes.Buffer
			if err := f.WriteSVG(&svg); err != nil {
				t.Fatal(err)
			}
			body := coordinates(svg.String())
			if strings.Contains(body, "NaN") || strings.Contains(body, "Inf") {
				t.Fatalf("draw %d: %s: a coordinate is not a number:\n%s", i, f.Describe(), body)
			}
			f.ECharts()
		}
	}
}

// figuresOf draws every kind of figure of the same values, with the same text for every label.
func figuresOf(values []float64, text string) []*Figure {
	a := Axes{X: "x" + text, Y: "y" + text, Z: "z" + text, Title: text}
	rows := [][]float64{values, values}
	named := Series{Name: text, Y: values}
	tiles := Tiles{H: 1, W: len(values), Names: []string{text, text}, Title: text}
	grouped := a
	grouped.XNames = make([]string, len(values))
	for i := range values {
		grouped.XNames[i] = text
	}
	return []*Figure{
		Lines(a, named), Scatter(a, named), LearningCurves(a, named), Ranges(a, Series{Name: text, Runs: rows}),
		Histograms(a, named), HeatMap(a, rows), Raster(a, rows, nil), ImageGrid(tiles, rows), WeightGrid(tiles, rows),
		ImageRows(Tiles{H: 1, W: len(values)}, ImageRow[[][]float64]{Name: text, Images: rows}),
		ScatterClasses(a, [][]float64{{values[0], values[1]}}, []int{0}, []string{text}), Bars(grouped, named),
		Draw(100, 100, "a drawing"+text, func(c *Canvas) { c.Text(10, 10, text, Style{}) }),
	}
}

// A figure without values says so: neither its alt text nor its facts contain NaN.
func TestFiguresWithoutValues(t *testing.T) {
	nan := math.NaN()
	figures := figuresOf([]float64{nan, nan}, "")
	figures = append(figures, Histograms(Axes{X: "x", Y: "y"}, Series{Name: "none"}),
		Lines(Axes{X: "x", Y: "y"}, Series{}))
	for _, f := range figures {
		if text := f.Alt + "\n" + f.Describe(); strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
			t.Errorf("%s", text)
		}
	}
}

// Characters that XML cannot represent are replaced, whatever their source.
func TestAnyTextGivesXML(t *testing.T) {
	for _, text := range []string{"\x00", "\x01", "\x1b[31mred\x1b[0m", "caf\xe9", "\ufffe\uffff", "<&\"'>]]>",
		"\u202e\u0085\U0001f600"} {
		for _, f := range figuresOf([]float64{1, 2}, text) {
			var svg bytes.Buffer
			if err := f.WriteSVG(&svg); err != nil {
				t.Fatal(err)
			}
			for dec := xml.NewDecoder(&svg); ; {
				if _, err := dec.Token(); err == io.EOF {
					break
				} else if err != nil {
					t.Errorf("%q: %s: %v", text, f.Alt, err)
					break
				}
			}
			if err := errors.Join(f.WritePNG(io.Discard), f.WritePDF(io.Discard)); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
	}
}

func TestMistakesPanic(t *testing.T) {
	ok := Series{Y: []float64{1}}
	a := Axes{X: "epoch", Y: "error (%)", Z: "value"}
	for want, f := range map[string]func(){
		"LearningCurves: the X axis needs a label": func() { LearningCurves(Axes{Y: "error (%)"}, ok) },
		"Lines: the Y axis needs a label":          func() { Lines(Axes{X: "epoch"}, ok) },
		"HeatMap: the Z (colour) axis needs":       func() { HeatMap(Axes{X: "a", Y: "b"}, [][]float64{{1}}) },
		"Lines: no series":                         func() { Lines(a) },
		"2 values of X, 1 of Y":                    func() { Lines(a, Series{X: []float64{1, 2}, Y: []float64{1}}) },
		"1 values of Y, 2 of Low, 0 of High":       func() { Lines(a, Series{Y: []float64{1}, Low: []float64{1, 2}}) },
		"has no Runs":                              func() { Ranges(a, ok) },
		"Runs together with Y":                     func() { Lines(a, Series{Y: []float64{1}, Runs: [][]float64{{1}}}) },
		"ends in the wrong order":                  func() { Lines(Axes{X: "a", Y: "b", XRange: [2]float64{2, 1}}, ok) },
		"needs a range above zero": func() {
			Lines(Axes{X: "a", Y: "b", LogX: true, XRange: [2]float64{0, 1}}, ok)
		},
		"too small":                               func() { Lines(Axes{X: "a", Y: "b", Width: 20}, ok) },
		"row 1 has 1 values, row 0 has 2":         func() { HeatMap(a, [][]float64{{1, 2}, {3}}) },
		"HeatMap: no values":                      func() { HeatMap(a, [][]float64{}) },
		"shape [3] has no rows":                   func() { HeatMap(a, tensor.New(3)) },
		"set Tiles.H and W":                       func() { ImageGrid(Tiles{}, tensor.New(2, 7)) },
		"2 names for 1 tiles":                     func() { ImageGrid(Tiles{Names: []string{"a", "b"}}, tensor.New(1, 4)) },
		"2 labels for 1 rows":                     func() { ScatterClasses(a, tensor.New(1, 2), []int{0, 1}, nil) },
		"label 3 of row 0 is outside the 1 names": func() { ScatterClasses(a, tensor.New(1, 2), []int{3}, []string{"a"}) },
		"points need two columns":                 func() { ScatterClasses(a, tensor.New(1, 1), []int{0}, nil) },
		"XNames must name the groups":             func() { Bars(a, ok) },
		"Panels: 0 figures":                       func() { Panels(2) },
		"needs an alt text":                       func() { Draw(10, 10, "", func(*Canvas) {}) },
		"zero value draws nothing":                func() { new(Figure).Size() },
		"row 0 has 1 cells, there are 2 columns": func() {
			(&Table{Columns: []string{"a", "b"}, Rows: [][]string{{"1"}}}).Text()
		},
	} {
		func() {
			defer func() {
				if got, _ := recover().(string); !strings.Contains(got, want) || !strings.HasPrefix(got, "figure: ") {
					t.Errorf("panic %q, want %q", got, want)
				}
			}()
			f()
		}()
	}
}

// TestMatrixForms: the same images as a tensor, as rows and as one flat slice give the same figure.
func TestMatrixForms(t *testing.T) {
	x := strokes(6, 5)
	rows32, rows64 := [][]float32{}, [][]float64{}
	for i := range x.Rows() {
		rows32 = append(rows32, x.Row(i))
		rows64 = append(rows64, widen(x.Row(i)))
	}
	tiles := Tiles{H: 5, W: 5}
	var first bytes.Buffer
	if err := WeightGrid(Tiles{}, x).WriteSVG(&first); err != nil {
		t.Fatal(err)
	}
	for form, f := range map[string]*Figure{
		"[][]float32": WeightGrid(Tiles{}, rows32), "[][]float64": WeightGrid(Tiles{}, rows64),
		"[]float32": WeightGrid(tiles, x.Data()), "[]float64": WeightGrid(tiles, widen(x.Data())),
		"tensor [6,25]": WeightGrid(Tiles{}, x.Reshape(6, 25)),
	} {
		var b bytes.Buffer
		if err := f.WriteSVG(&b); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Bytes(), first.Bytes()) {
			t.Errorf("%s gives another figure: %s", form, f.Describe())
		}
	}
	if f := ImageGrid(Tiles{}, strokes(6, 5).Reshape(2, 3, 5, 5)); !strings.Contains(f.Describe(), "2 tiles of 5 x 5") {
		t.Errorf("colour images: %s", f.Describe())
	}
}
