// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"encoding/json"
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
	if len(o.Series) != 4 || o.Series[1].Name != "validation" || o.Series[1].Type != "line" || len(o.Series[1].Data) != 15 {
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
	if b, _ := LearningCurves(Axes{Title: "</script>", X: "a", Y: "b"}, Series{Y: []float64{1}}).ECharts(); strings.Contains(string(b), "</") {
		t.Errorf("the option can end a script: %s", b)
	}
	option(t, barsFigure())
	option(t, rangesFigure())
	if _, ok := drawFigure().ECharts(); ok {
		t.Error("a drawing claims an interactive view")
	}
}
