// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/lateral-ml/lateral/lib/figure/internal/canvas"
)

// encode returns the option of a chart as JSON. Keys are sorted, so the same data gives the same bytes.
func encode(option map[string]any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(true) // the option goes into a page's script
	err := enc.Encode(option)
	return bytes.TrimSpace(buf.Bytes()), err
}

func common(a Axes, legend bool) []charts.GlobalOpts {
	return []charts.GlobalOpts{
		charts.WithTitleOpts(opts.Title{Title: strings.ReplaceAll(a.Title, "\n", " ")}),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "item"}),
		charts.WithLegendOpts(opts.Legend{Show: opts.Bool(legend), Top: "28"}),
		charts.WithColorsOpts(colorNames()),
	}
}

// axes returns the options of both axes and the margins around the data. names are the labels of the y axis.
func (a Axes) axes(x, y string, names []string) []charts.GlobalOpts {
	wide := 36.0
	for _, name := range names {
		wide = math.Max(wide, canvas.TextWidth(name, canvas.TickSize, false)*1.1)
	}
	turn := 0.0 // names that do not all fit side by side are slanted
	for _, name := range a.XNames {
		if float64(len(a.XNames))*(canvas.TextWidth(name, canvas.TickSize, false)+8) > 360 {
			turn = 30
		}
	}
	xs := opts.XAxis{Name: a.X, NameLocation: "middle", NameGap: 28 + int(turn), Type: x,
		AxisLabel: &opts.AxisLabel{Rotate: turn}, Scale: opts.Bool(true)}
	ys := opts.YAxis{Name: a.Y, NameLocation: "middle", NameGap: int(wide) + 12, Type: y, Scale: opts.Bool(true)}
	// The axes are at the edges, not at the zeros of the other axis.
	xs.AxisLine, ys.AxisLine = &opts.AxisLine{OnZero: opts.Bool(false)}, &opts.AxisLine{OnZero: opts.Bool(false)}
	if a.XRange != ([2]float64{}) {
		xs.Min, xs.Max = a.XRange[0], a.XRange[1]
	}
	if a.YRange != ([2]float64{}) {
		ys.Min, ys.Max = a.YRange[0], a.YRange[1]
	}
	if x == "category" {
		xs.Scale, xs.Data, ys.Scale = nil, a.XNames, nil // bars start at zero
	}
	if y == "category" {
		ys.Scale, ys.Data, ys.Inverse = nil, names, opts.Bool(true) // row 0 at the top
	}
	return []charts.GlobalOpts{charts.WithXAxisOpts(xs), charts.WithYAxisOpts(ys),
		charts.WithGridOpts(opts.Grid{Left: strconv.Itoa(int(wide) + 40), Right: "90", Bottom: strconv.Itoa(56 + int(turn)),
			Top: "64"})}
}

func colorNames() opts.Colors {
	out := make(opts.Colors, len(classColors))
	for i, c := range classColors {
		out[i] = canvas.Hex(c)
	}
	return out
}

// explore adds the interactions besides pointing: drag, zoom with Ctrl and the wheel (the wheel alone scrolls the page)
// or into a box, undo, and save as a picture. axes is x, y or both.
func explore(option map[string]any, axes ...string) map[string]any {
	var zoom []any
	for _, axis := range axes {
		zoom = append(zoom, map[string]any{"type": "inside", axis + "AxisIndex": 0, "zoomOnMouseWheel": "ctrl",
			"filterMode": "none"})
	}
	option["dataZoom"] = zoom
	option["toolbox"] = map[string]any{"right": 8, "top": 0, "feature": map[string]any{
		"dataZoom": map[string]any{"title": map[string]any{"zoom": "zoom into a box", "back": "zoom back"},
			"filterMode": "none"},
		"restore":     map[string]any{"title": "start again"},
		"saveAsImage": map[string]any{"title": "save as picture", "pixelRatio": 2}}}
	option["backgroundColor"] = canvas.Hex(Paper)
	option["animation"] = false
	return option
}

func axisType(log bool) string {
	if log {
		return "log"
	}
	return "value"
}

// lineOption is the interactive view of curves and points. It shows the medians of runs, without bands.
func lineOption(a Axes, cs []curve, style lineStyle) ([]byte, error) {
	chart := charts.NewLine()
	chart.SetGlobalOptions(common(a, entriesOf(cs, swatchLine) != nil)...)
	chart.SetGlobalOptions(a.axes(axisType(a.LogX), axisType(a.LogY), nil)...)
	for _, c := range cs {
		data := make([]opts.LineData, len(c.Y))
		for i, y := range c.Y {
			data[i].Value = []any{value(c.X[i], a.LogX), value(y, a.LogY)}
		}
		line := charts.SeriesOpts(charts.WithLineStyleOpts(opts.LineStyle{Width: 2, Type: lineType(c.Dashed)}))
		if !style.lines {
			line = charts.WithLineStyleOpts(opts.LineStyle{Opacity: opts.Float(0)})
		}
		chart.AddSeries(c.title(), data, line,
			charts.WithLineChartOpts(opts.LineChart{ShowSymbol: opts.Bool(!style.lines || marked(c)), SymbolSize: 6}))
	}
	chart.Validate()
	return encode(explore(chart.JSON(), "x", "y"))
}

func lineType(dashed bool) string {
	if dashed {
		return "dashed"
	}
	return "solid"
}

// value returns a number, or the dash with which ECharts marks a gap.
func value(v float64, log bool) any {
	if !shown(v, log) {
		return "-"
	}
	return v
}

// barOption is the interactive view of bars.
func barOption(a Axes, cs []curve) ([]byte, error) {
	chart := charts.NewBar()
	chart.SetGlobalOptions(common(a, entriesOf(cs, swatchBox) != nil)...)
	chart.SetGlobalOptions(a.axes("category", axisType(a.LogY), nil)...)
	chart.SetXAxis(a.XNames)
	for _, c := range cs {
		data := make([]opts.BarData, len(c.Y))
		for i, y := range c.Y {
			data[i].Value = value(y, a.LogY)
		}
		chart.AddSeries(c.title(), data)
	}
	chart.Validate()
	return encode(explore(chart.JSON(), "x"))
}

// heatOption is the interactive view of a heat map, row 0 at the top.
func heatOption(a Axes, n numbers) ([]byte, error) {
	chart := charts.NewHeatMap()
	a.XNames = labelsOr(a.XNames, n.width())
	chart.SetGlobalOptions(common(a, false)...)
	chart.SetGlobalOptions(a.axes("category", "category", labelsOr(a.YNames, len(n.rows)))...)
	chart.SetGlobalOptions(charts.WithVisualMapOpts(opts.VisualMap{Calculable: opts.Bool(true), Right: "8", Top: "middle",
		Min: float32(a.ZRange[0]), Max: float32(a.ZRange[1]), Text: []string{a.Z, ""},
		InRange: &opts.VisualMapInRange{Color: mapNames(a.Map)}}))
	var data []opts.HeatMapData
	for i, row := range n.rows {
		for j, v := range row {
			data = append(data, opts.HeatMapData{Value: [3]any{j, i, value(v, false)}})
		}
	}
	chart.AddSeries(a.Z, data, charts.WithLabelOpts(opts.Label{Show: opts.Bool(a.Values)}))
	chart.Validate()
	return encode(explore(chart.JSON(), "x", "y"))
}

func labelsOr(names []string, n int) []string {
	if names != nil {
		return names
	}
	out := make([]string, n)
	for i := range out {
		out[i] = strconv.Itoa(i)
	}
	return out
}

func mapNames(m ColorMap) []string {
	var out []string
	for _, c := range colorStops[m] {
		out = append(out, canvas.Hex(c))
	}
	return out
}

// classOption is the interactive view of ScatterClasses: pointing at a sample shows its class and its row, and a click
// in the legend hides or shows a class.
func classOption(a Axes, n numbers, labels []int, classes []entry) ([]byte, error) {
	chart := charts.NewScatter()
	chart.SetGlobalOptions(common(a, true)...)
	chart.SetGlobalOptions(a.axes(axisType(a.LogX), axisType(a.LogY), nil)...)
	chart.SetGlobalOptions(charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "item",
		Formatter: "{a}, sample {b}<br/>{c}"}))
	for k, class := range classes {
		var data []opts.ScatterData
		for i, row := range n.rows {
			if labels[i] == k && shown(row[0], a.LogX) && shown(row[1], a.LogY) {
				data = append(data, opts.ScatterData{Name: strconv.Itoa(i), Value: []any{row[0], row[1]}, SymbolSize: 6})
			}
		}
		chart.AddSeries(class.name, data)
	}
	chart.Validate()
	option := explore(chart.JSON(), "x", "y")
	option["legend"] = map[string]any{"show": true, "type": "scroll", "orient": "vertical",
		"right": 4, "top": 40, "bottom": 20,
		"selector": []any{
			map[string]any{"type": "all", "title": "all"},
			map[string]any{"type": "inverse", "title": "others"},
		}}
	return encode(option)
}
