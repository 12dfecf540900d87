// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"
)

// encode returns the option of a chart as JSON. Keys come out sorted, so the same data gives the same bytes.
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

func colorNames() opts.Colors {
	out := make(opts.Colors, len(classColors))
	for i, c := range classColors {
		out[i] = hex(c)
	}
	return out
}

func axisType(log bool) string {
	if log {
		return "log"
	}
	return "value"
}

// lineOption is the interactive view of curves and points.
func lineOption(a Axes, f frame, cs []curve, style lineStyle) ([]byte, error) {
	chart := charts.NewLine()
	chart.SetGlobalOptions(append(common(a, entriesOf(cs, swatchLine) != nil),
		charts.WithXAxisOpts(opts.XAxis{Name: a.X, NameLocation: "middle", NameGap: 28, Type: axisType(a.LogX), Min: f.x.lo, Max: f.x.hi}),
		charts.WithYAxisOpts(opts.YAxis{Name: a.Y, NameLocation: "middle", NameGap: 48, Type: axisType(a.LogY), Min: f.y.lo, Max: f.y.hi}),
		charts.WithDataZoomOpts(opts.DataZoom{Type: "inside"}),
	)...)
	for _, c := range cs {
		data := make([]opts.LineData, len(c.Y))
		for i, y := range c.Y {
			data[i].Value = []any{value(c.X[i], a.LogX), value(y, a.LogY)}
		}
		line := charts.SeriesOpts(charts.WithLineStyleOpts(opts.LineStyle{Width: 2, Type: lineType(c.Dashed)}))
		if !style.lines {
			line = charts.WithLineStyleOpts(opts.LineStyle{Opacity: opts.Float(0)})
		}
		chart.AddSeries(c.title(), data, line, charts.WithLineChartOpts(opts.LineChart{ShowSymbol: opts.Bool(!style.lines || marked(c)), SymbolSize: 6}))
	}
	chart.Validate()
	return encode(chart.JSON())
}

func lineType(dashed bool) string {
	if dashed {
		return "dashed"
	}
	return "solid"
}

// value returns a number, or the dash by which ECharts marks a gap.
func value(v float64, log bool) any {
	if !shown(v, log) {
		return "-"
	}
	return v
}

// barOption is the interactive view of bars.
func barOption(a Axes, cs []curve) ([]byte, error) {
	chart := charts.NewBar()
	chart.SetGlobalOptions(append(common(a, entriesOf(cs, swatchBox) != nil),
		charts.WithXAxisOpts(opts.XAxis{Name: a.X, NameLocation: "middle", NameGap: 28, Type: "category"}),
		charts.WithYAxisOpts(opts.YAxis{Name: a.Y, NameLocation: "middle", NameGap: 48, Type: axisType(a.LogY)}),
	)...)
	chart.SetXAxis(a.XNames)
	for _, c := range cs {
		data := make([]opts.BarData, len(c.Y))
		for i, y := range c.Y {
			data[i].Value = value(y, a.LogY)
		}
		chart.AddSeries(c.title(), data)
	}
	chart.Validate()
	return encode(chart.JSON())
}

// heatOption is the interactive view of a heat map, row 0 at the top.
func heatOption(a Axes, n numbers) ([]byte, error) {
	chart := charts.NewHeatMap()
	chart.SetGlobalOptions(append(common(a, false),
		charts.WithXAxisOpts(opts.XAxis{Name: a.X, NameLocation: "middle", NameGap: 28, Type: "category"}),
		charts.WithYAxisOpts(opts.YAxis{Name: a.Y, NameLocation: "middle", NameGap: 48, Type: "category",
			Data: labelsOr(a.YNames, len(n.rows)), Inverse: opts.Bool(true)}),
		charts.WithVisualMapOpts(opts.VisualMap{Calculable: opts.Bool(true), Min: float32(a.ZRange[0]), Max: float32(a.ZRange[1]),
			Text: []string{a.Z, ""}, InRange: &opts.VisualMapInRange{Color: mapNames(a.Map)}}),
	)...)
	chart.SetXAxis(labelsOr(a.XNames, n.width()))
	var data []opts.HeatMapData
	for i, row := range n.rows {
		for j, v := range row {
			data = append(data, opts.HeatMapData{Value: [3]any{j, i, value(v, false)}})
		}
	}
	chart.AddSeries(a.Z, data, charts.WithLabelOpts(opts.Label{Show: opts.Bool(a.Values)}))
	chart.Validate()
	return encode(chart.JSON())
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
		out = append(out, hex(c))
	}
	return out
}

// classOption is the interactive view of a map of classes: pointing at a sample names its class and its row.
func classOption(a Axes, f frame, n numbers, labels []int, classes []entry) ([]byte, error) {
	chart := charts.NewScatter()
	global := append(common(a, true),
		charts.WithXAxisOpts(opts.XAxis{Name: a.X, NameLocation: "middle", NameGap: 28, Type: axisType(a.LogX), Min: f.x.lo, Max: f.x.hi}),
		charts.WithYAxisOpts(opts.YAxis{Name: a.Y, NameLocation: "middle", NameGap: 48, Type: axisType(a.LogY), Min: f.y.lo, Max: f.y.hi}),
		charts.WithDataZoomOpts(opts.DataZoom{Type: "inside"}),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "item", Formatter: "{a}, sample {b}<br/>{c}"}),
	)
	chart.SetGlobalOptions(global...)
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
	return encode(chart.JSON())
}
