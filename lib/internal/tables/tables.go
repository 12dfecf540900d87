// SPDX-License-Identifier: Apache-2.0

// Package tables lays out tables of text.
package tables

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// A Table is rows of text under column names. A column is right-aligned if all of its filled cells are numbers.
type Table struct {
	Caption string
	Columns []string
	Rows    [][]string // each as long as Columns
}

// check panics if a row does not fit the columns.
func (t *Table) check(op string) {
	if len(t.Columns) == 0 {
		panic("figure: Table." + op + ": no columns")
	}
	for i, row := range t.Rows {
		if len(row) != len(t.Columns) {
			panic(fmt.Sprintf("figure: Table.%s: row %d has %d cells, there are %d columns", op, i, len(row), len(t.Columns)))
		}
	}
}

// numeric reports which columns hold numbers only.
func (t *Table) numeric() []bool {
	out := make([]bool, len(t.Columns))
	for j := range t.Columns {
		filled := false
		out[j] = true
		for _, row := range t.Rows {
			if cell := strings.TrimSpace(row[j]); cell != "" && cell != "-" && cell != "–" && cell != "—" {
				filled = true
				out[j] = out[j] && isNumber(cell)
			}
		}
		out[j] = out[j] && filled
	}
	return out
}

// isNumber reports whether a cell is a number: 97.5, 1,024, -0.3 ± 0.1, 98.2 %, 1.5×, 12 ms, 0.98 [0.97, 0.99].
func isNumber(cell string) bool {
	cell = strings.TrimLeft(cell, "+-−±<>≤≥≈~ ")
	if cell == "" || cell[0] < '0' || cell[0] > '9' {
		return cell == "NaN" || cell == "Inf" || cell == "∞"
	}
	letters := 0
	var before rune
	for _, r := range cell {
		last := before
		before = r
		switch {
		case r == '-' && (last >= '0' && last <= '9'):
			return false // 784-128-10 is a name; a range has an en dash, an exponent an e
		case r == 'e' || r == 'E' || strings.ContainsRune("0123456789.,:%±+-−–×·/()[]^ \u2009\u202f⁻⁰¹²³⁴⁵⁶⁷⁸⁹", r):
		default:
			letters++
		}
	}
	return letters <= 3 // a unit
}

// HTML returns the table as HTML with inline style, in colours that follow the page, light or dark.
func (t *Table) HTML() string {
	t.check("HTML")
	right := t.numeric()
	var b strings.Builder
	b.WriteString(`<table style="border-collapse:collapse;font:13px/1.5 system-ui,'Liberation Sans',Arial,sans-serif;` +
		`font-variant-numeric:tabular-nums;color:inherit;background:transparent;margin:0.5em 0">` + "\n")
	if t.Caption != "" {
		b.WriteString(`<caption style="caption-side:top;text-align:left;font-weight:600;padding:0 0 6px;color:inherit">`)
		fmt.Fprintf(&b, "%s</caption>\n", html.EscapeString(t.Caption))
	}
	line := func(tag, border string, cells []string) {
		b.WriteString(`<tr style="background:transparent">`)
		for j, cell := range cells {
			align := "left"
			if right[j] {
				align = "right"
			}
			fmt.Fprintf(&b, `<%s style="text-align:%s;padding:3px 12px;border:0;border-bottom:%s">%s</%[1]s>`,
				tag, align, border, html.EscapeString(cell))
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("<thead>\n")
	line("th", "2px solid rgba(128,128,128,.7)", t.Columns)
	b.WriteString("</thead>\n<tbody>\n")
	for _, row := range t.Rows {
		line("td", "1px solid rgba(128,128,128,.3)", row)
	}
	b.WriteString("</tbody>\n</table>\n")
	return b.String()
}

// Text returns the table as lines of text with aligned columns.
func (t *Table) Text() string {
	t.check("Text")
	right := t.numeric()
	widths := make([]int, len(t.Columns))
	for _, row := range append([][]string{t.Columns}, t.Rows...) {
		for j, cell := range row {
			widths[j] = max(widths[j], utf8.RuneCountInString(oneLine(cell)))
		}
	}
	var b strings.Builder
	if t.Caption != "" {
		b.WriteString(t.Caption + "\n\n")
	}
	line := func(cells []string) {
		var out strings.Builder
		for j, cell := range cells {
			cell = oneLine(cell)
			if j > 0 {
				out.WriteString("  ")
			}
			pad := strings.Repeat(" ", widths[j]-utf8.RuneCountInString(cell))
			if right[j] {
				out.WriteString(pad + cell)
			} else {
				out.WriteString(cell + pad)
			}
		}
		b.WriteString(strings.TrimRight(out.String(), " ") + "\n")
	}
	line(t.Columns)
	rule := make([]string, len(widths))
	for j, w := range widths {
		rule[j] = strings.Repeat("-", w)
	}
	line(rule)
	for _, row := range t.Rows {
		line(row)
	}
	return b.String()
}

// oneLine joins the lines of a cell.
func oneLine(cell string) string { return strings.ReplaceAll(cell, "\n", " ") }

// Markdown returns the table as a GitHub pipe table.
func (t *Table) Markdown() string {
	t.check("Markdown")
	right := t.numeric()
	escape := strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace
	var b strings.Builder
	if t.Caption != "" {
		b.WriteString("**" + escape(t.Caption) + "**\n\n")
	}
	line := func(cells []string) {
		for _, cell := range cells {
			b.WriteString("| " + escape(cell) + " ")
		}
		b.WriteString("|\n")
	}
	line(t.Columns)
	for _, r := range right {
		if r {
			b.WriteString("| ---: ")
		} else {
			b.WriteString("| --- ")
		}
	}
	b.WriteString("|\n")
	for _, row := range t.Rows {
		line(row)
	}
	return b.String()
}
