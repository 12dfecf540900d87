// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image/png"
	"math"
	"strings"
	"testing"
)

// option decodes the interactive view of a figure.
func option(t *testing.T, f *Figure) (o struct {
	Series []struct {
		Name string
		Type string
		Data []struct {
			Name  string
			Value any
		}
	}
}) {
	t.Helper()
	b, ok := f.ECharts()
	if !ok {
		t.Fatalf("%s has no interactive view", f.kind)
	}
	if err := json.Unmarshal(b, &o); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return o
}

func TestECharts(t *testing.T) {
	o := option(t, curvesFigure())
	if len(o.Series) != 4 || o.Series[1].Name != "validation" || o.Series[1].Type != "line" ||
		len(o.Series[1].Data) != 15 {
		t.Errorf("curves: %+v", o)
	}
	if v := o.Series[1].Data[0].Value.([]any); v[0] != 1.0 || v[1] != 28.0 {
		t.Errorf("the first point is %v", v)
	}
	if v := o.Series[1].Data[7].Value.([]any); v[1] != "-" {
		t.Errorf("the gap is %v", v)
	}
	points, labels := clouds(30, 3)
	o = option(t, ScatterClasses(Axes{X: "a", Y: "b"}, points, labels, nil))
	n := 0
	for k, s := range o.Series {
		for _, d := range s.Data {
			n++
			if d.Name == "4" && k != labels[4] {
				t.Errorf("sample 4 of class %d is in series %d", labels[4], k)
			}
		}
	}
	if n != 30 || len(o.Series) != 3 {
		t.Errorf("%d points in %d series", n, len(o.Series))
	}
	o = option(t, HeatMap(Axes{X: "a", Y: "b", Z: "c"}, [][]float64{{1, 2}, {3, 4}}))
	if d := o.Series[0].Data; len(d) != 4 || d[2].Value.([]any)[2] != 3.0 {
		t.Errorf("heat map: %+v", o)
	}
	if b, _ := barsFigure().ECharts(); !strings.Contains(string(b), `"k-WTA with k = 5"`) {
		t.Errorf("bars without their names: %s", b)
	}
	if b, _ := LearningCurves(Axes{Title: "</script>", X: "a", Y: "b"},
		Series{Y: []float64{1}}).ECharts(); strings.Contains(string(b), "</") {
		t.Errorf("the option can end a script: %s", b)
	}
	option(t, barsFigure())
	option(t, rangesFigure())
	if _, ok := drawFigure().ECharts(); ok {
		t.Error("a drawing claims an interactive view")
	}
}

func TestViews(t *testing.T) {
	points, labels := clouds(30, 3)
	images := make([][]float64, 30)
	for i := range images {
		images[i] = []float64{float64(i) / 29, 0, 0, 1}
	}
	scatter := WithImages(ScatterClasses(Axes{X: "a", Y: "b"}, points, labels, nil), Tiles{}, images)
	again := WithImages(ScatterClasses(Axes{X: "c", Y: "d"}, points, labels, nil), Tiles{}, images)
	heat := HeatMap(Axes{X: "a", Y: "b", Z: "c"}, [][]float64{{1, 2}, {3, 4}})
	list, ok := Panels(2, drawFigure(), scatter, again, heat).Views()
	var all struct {
		Views  []view
		Sheets []imageSheet
	}
	if err := json.Unmarshal(list, &all); err != nil || !ok || len(all.Views) != 3 || len(all.Sheets) != 1 {
		t.Fatalf("%v in %s", err, list)
	}
	v, sheet := all.Views[0], all.Sheets[0]
	if v.Title != "(b)" || *v.Images != 0 || *all.Views[1].Images != 0 || all.Views[2].Title != "(d)" ||
		all.Views[2].Images != nil || v.Width < 400 || v.Alt == "" {
		t.Errorf("views %+v", all.Views)
	}
	// The page finds the image of sample 23 at this place.
	content, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(sheet.Address, "data:image/png;base64,"))
	if err != nil {
		t.Fatal(err)
	}
	tiles, err := png.Decode(bytes.NewReader(content))
	if err != nil || sheet.W != 2 || sheet.H != 2 {
		t.Fatalf("%v, %+v", err, sheet)
	}
	x, y := 23%sheet.Columns*2, 23/sheet.Columns*2
	if r, _, _, _ := tiles.At(x, y).RGBA(); math.Abs(float64(r)/0xffff-23.0/29) > 0.04 {
		t.Errorf("the first pixel of sample 23 is %d", r)
	}
	for _, f := range []func(){
		func() { WithImages(drawFigure(), Tiles{}, images) },
		func() { WithImages(scatter, Tiles{}, images[1:]) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("images that do not fit the figure do not panic")
				}
			}()
			f()
		}()
	}
	if _, ok := drawFigure().Views(); ok {
		t.Error("a drawing claims a view")
	}
}
