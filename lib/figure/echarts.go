// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"bytes"
	"encoding/json"
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
