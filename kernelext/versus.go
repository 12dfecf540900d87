// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"fmt"
	"html"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// VersusMIME is the type of the machine-readable form of a Versus table, kept in the executed notebook beside the
// form for people. Package results reads it.
const VersusMIME = "application/vnd.lateral.versus+json"

// A Direction says which of two values is the better one.
type Direction int

// The directions. Neither is for values that describe rather than rate, such as a count.
const (
	Neither Direction = iota
	Lower
	Higher
)

// A Row compares one value of a document with the one measured here.
type Row struct {
	Item     string // what was measured, such as "test error, 784-128-10, lambda 1e-4"
	Document any    // the document's value: a number, or text such as "< 2"; nil if the document gives none
	Here     any    // the value measured here: a number, text, or one number per seed ([]float64); nil if not run
	Unit     string // of both values, such as "%"

	// What makes the two values uncertain. Seeds and Spread, the sample standard deviation over the seeds, are computed
	// if Here is a slice; 0 means unknown.
	Seeds, DocumentSeeds   int
	Spread, DocumentSpread float64
	Samples                int // test samples behind both values, if these are shares of samples (in % or from 0 to 1)

	Better   Direction // whether a lower or a higher value is the better one
	Counted  bool      // both values follow from counting or from a formula, not from an experiment
	Unlike   string    // how the setting differs from the document's, if too much to compare: "half of the channels"
	Headline bool      // belongs into the short table of the README

	Data    string // data set behind Here, if it is not the one named in Setup
	Profile string // amount of work behind Here, if it is not this run's profile: "paper" or "30 of 100 epochs"
	Note    string // what else a reader should know
}

// Versus displays a table that sets a document's values beside the ones measured here, with the spread over seeds, the
// difference and a verdict. A missing value is shown as missing. The same rows are kept in the notebook in a form that
// "lateral results" collects.
//
//	kernelext.Versus("Competing hidden units [KH19]",
//		kernelext.Row{Item: "test error", Document: 1.46, Here: errors, Unit: "%", Better: kernelext.Lower,
//			Samples: 10000, Profile: "500 of 1000 epochs"})
//
// The standard error of the difference is
//
//	SE² = Spread²/Seeds + DocumentSpread²/DocumentSeeds + (p (1-p) + p' (1-p'))/Samples
//
// with the shares p and p' of Here and Document; a part whose numbers are missing is left out. The verdict is
//
//	agrees          the difference is at most 2 SE
//	better, worse   it is more, in a known Direction; "differs" in none
//	not comparable  the row says how its setting is Unlike the document's
//	not run, not in the document
//
// There is none if a value is text, if the row is Counted, or if nothing is known about the uncertainty.
//
// A row whose values are neither numbers nor text is a programmer's mistake: Versus panics.
func Versus(document string, rows ...Row) {
	emit(versusBundle(document, rows, time.Now()))
}

func versusBundle(document string, rows []Row, now time.Time) bundle {
	compared := make([]comparison, len(rows))
	var list []any
	for i, r := range rows {
		compared[i] = compare(r)
		list = append(list, compared[i].fields())
	}
	return bundle{data: map[string]any{
		"text/html":  versusHTML(document, compared),
		"text/plain": versusText(document, compared),
		VersusMIME: map[string]any{
			"document": document, "profile": Profile(), "date": now.UTC().Format(time.DateOnly),
			"lateral": Version(), "rows": list,
		},
	}}
}

// A comparison is a Row with its values sorted out.
type comparison struct {
	Row                    // with Seeds and Spread
	document, here any     // float64, string, or nil
	difference     float64 // of the values
	bound          float64 // 2 SE of the difference, 0 if it is not known
	hasDifference  bool
}

func compare(r Row) comparison {
	c := comparison{Row: r, document: value(r.Item, r.Document)}
	if c.Data == "" {
		c.Data = sessionData()
	}
	if seeds, ok := r.Here.([]float64); ok {
		c.Seeds = len(seeds)
		c.here, c.Spread = meanSpread(seeds)
	} else {
		c.here = value(r.Item, r.Here)
	}
	d, ok1 := c.document.(float64)
	h, ok2 := c.here.(float64)
	if ok1 && ok2 && !math.IsNaN(d) && !math.IsNaN(h) {
		c.difference, c.hasDifference = h-d, true
		c.bound = 2 * math.Sqrt(variance(c.Spread, c.Seeds)+variance(c.DocumentSpread, c.DocumentSeeds)+
			c.binomial(h)+c.binomial(d))
	}
	return c
}

// variance returns that of a mean of n values with a standard deviation, 0 if it is not known.
func variance(deviation float64, n int) float64 {
	if n < 2 {
		return 0
	}
	return deviation * deviation / float64(n)
}

// binomial returns the variance of a share of the test samples, 0 if their number is not known.
func (c comparison) binomial(share float64) float64 {
	if c.Samples == 0 {
		return 0
	}
	whole := 1.0
	if c.Unit == "%" {
		whole = 100
	}
	return share * (whole - share) / float64(c.Samples)
}

// meanSpread returns mean and sample standard deviation, nil for no values.
func meanSpread(values []float64) (mean any, spread float64) {
	if len(values) == 0 {
		return nil, 0
	}
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	m := sum / float64(len(values))
	for _, v := range values {
		spread += (v - m) * (v - m)
	}
	spread = math.Sqrt(spread / float64(max(len(values)-1, 1)))
	if spread <= 1e-12*math.Abs(m) { // equal values but for the rounding of their mean
		spread = 0
	}
	return m, spread
}

// value brings a table value to float64, string or nil.
func value(item string, v any) any {
	switch rv := reflect.ValueOf(v); {
	case v == nil:
		return nil
	case rv.CanInt():
		return float64(rv.Int())
	case rv.CanUint():
		return float64(rv.Uint())
	case rv.Kind() == reflect.Float32: // 1.46 stays 1.46, not 1.4600000381
		f, _ := strconv.ParseFloat(strconv.FormatFloat(rv.Float(), 'g', -1, 32), 64)
		return f
	case rv.CanFloat():
		return rv.Float()
	case rv.Kind() == reflect.String:
		if rv.String() == "" {
			return nil
		}
		return rv.String()
	}
	panic(fmt.Sprintf("kernelext: Versus: row %q has a value of type %T: use a number, a text, or nil", item, v))
}

// fields is the machine-readable row. gob takes no nil and JSON no NaN: what is missing is left out, what is not
// finite is text.
func (c comparison) fields() map[string]any {
	m := map[string]any{"item": c.Item}
	put := func(name string, v any) {
		switch v := v.(type) {
		case nil:
		case float64:
			if math.IsNaN(v) || math.IsInf(v, 0) {
				m[name] = fmt.Sprint(v)
			} else {
				m[name] = v
			}
		case string:
			if v != "" {
				m[name] = v
			}
		}
	}
	put("document", c.document)
	put("here", c.here)
	if c.hasDifference {
		put("difference", c.difference)
	}
	if c.Seeds > 0 {
		m["seeds"] = c.Seeds
	}
	if c.Seeds != 1 && c.Spread > 0 {
		put("spread", c.Spread)
	}
	if c.bound > 0 {
		put("bound", c.bound)
	}
	if c.Counted {
		m["counted"] = true
	}
	if c.Headline {
		m["headline"] = true
	}
	put("unit", c.Unit)
	put("data", c.Data)
	put("profile", c.Profile)
	put("unlike", c.Unlike)
	put("note", c.Note)
	put("verdict", c.verdict())
	return m
}

// verdict says in a word how the value here compares.
func (c comparison) verdict() string {
	switch {
	case c.here == nil:
		return "not run"
	case c.document == nil:
		return "not in the document"
	case c.Unlike != "":
		return "not comparable"
	case !c.hasDifference || c.Counted || c.bound == 0:
		return ""
	case math.Abs(c.difference) <= c.bound:
		return "agrees"
	case c.Better == Neither:
		return "differs"
	case (c.difference < 0) == (c.Better == Lower):
		return "better"
	}
	return "worse"
}

// digits is the number of decimals of the values measured here: as many as the document gives, or enough for two
// figures of the spread and one of the interval.
func (c comparison) digits() int {
	digits := 0
	if d, ok := c.document.(float64); ok {
		_, fraction, _ := strings.Cut(strconv.FormatFloat(d, 'f', -1, 64), ".")
		digits = len(fraction)
	} else if h, ok := c.here.(float64); ok {
		digits = figures(h, 3)
	}
	if c.Spread > 0 {
		digits = max(digits, figures(c.Spread, 2))
	}
	if c.bound > 0 {
		digits = max(digits, figures(c.bound, 1))
	}
	return min(digits, 9)
}

// figures is the number of decimals that show x with n significant figures.
func figures(x float64, n int) int {
	if x == 0 || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return max(0, n-1-int(math.Floor(math.Log10(math.Abs(x)))))
}

// missing stands where there is no value.
const missing = "–"

// cells are the texts of a table row, in the order of versusColumns.
func (c comparison) cells() []string {
	document, here, seeds, difference := missing, missing, missing, missing
	switch v := c.document.(type) {
	case float64:
		document = c.withUnit(strconv.FormatFloat(v, 'f', -1, 64))
	case string:
		document = v
	}
	switch v := c.here.(type) {
	case float64:
		here = strconv.FormatFloat(v, 'f', c.digits(), 64)
		if c.Spread > 0 {
			here += " ± " + strconv.FormatFloat(c.Spread, 'f', c.digits(), 64)
		}
		here = c.withUnit(here)
	case string:
		here = v
	}
	if c.Seeds > 0 {
		seeds = strconv.Itoa(c.Seeds)
	}
	if c.hasDifference {
		difference = fmt.Sprintf("%+.*f", c.digits(), c.difference)
		if c.bound > 0 {
			difference += fmt.Sprintf(" ± %.*f", c.digits(), c.bound)
		}
		difference = c.withUnit(difference)
	}
	if v := c.verdict(); v != "" {
		difference = strings.TrimPrefix(difference+" ("+v+")", missing+" ")
	}
	return []string{c.Item, document, here, seeds, difference, c.setting(), c.Note}
}

// setting says what the value here took, and how that differs from the document's.
func (c comparison) setting() string {
	return strings.TrimPrefix(strings.TrimSuffix(c.Profile+"; "+c.Unlike, "; "), "; ")
}

func (c comparison) withUnit(s string) string {
	if c.Unit == "" {
		return s
	}
	return s + " " + c.Unit
}

var versusColumns = []string{"", "document", "here", "seeds", "difference ± 2 SE", "setting", "note"}

// versusLines returns the lines of a table, its head first, without columns that are empty in all rows.
func versusLines(rows []comparison) [][]string {
	lines := make([][]string, len(rows)+1)
	for column, name := range versusColumns {
		cells, empty := []string{name}, column > 0
		for _, c := range rows {
			cell := c.cells()[column]
			cells, empty = append(cells, cell), empty && cell == ""
		}
		if !empty {
			for i, cell := range cells {
				lines[i] = append(lines[i], cell)
			}
		}
	}
	return lines
}

func versusHTML(document string, rows []comparison) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<table class=\"lateral-versus\">\n<caption>%s</caption>\n<thead>", html.EscapeString(document))
	for i, cells := range versusLines(rows) {
		tag := "td"
		if i == 0 {
			tag = "th"
		}
		b.WriteString("<tr>")
		for _, cell := range cells {
			fmt.Fprintf(&b, "<%s style=\"text-align: left\">%s</%s>", tag, html.EscapeString(cell), tag)
		}
		b.WriteString("</tr>")
		if i == 0 {
			b.WriteString("</thead>\n<tbody>")
		}
		b.WriteString("\n")
	}
	b.WriteString("</tbody>\n</table>")
	return b.String()
}

// versusText aligns the columns with spaces.
func versusText(document string, rows []comparison) string {
	lines := versusLines(rows)
	widths := make([]int, len(lines[0]))
	for _, cells := range lines {
		for i, s := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(s))
		}
	}
	var b strings.Builder
	b.WriteString(document + "\n")
	for _, cells := range lines {
		var line strings.Builder
		for i, s := range cells {
			line.WriteString(s + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(s)+2))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}
