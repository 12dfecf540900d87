// SPDX-License-Identifier: Apache-2.0

package mathml

import (
	"fmt"
	"strings"
)

// environment parses the body of \begin{name} up to \end{name}.
func (p *parser) environment(name string) string {
	defer func(display bool) { p.display = display }(p.display)
	p.display = false
	open, end, align := "", "", ""
	spacing := "0.5em"
	switch name = strings.TrimSpace(name); name {
	case "matrix", "smallmatrix":
		align = "c"
	case "pmatrix":
		open, end, align = "(", ")", "c"
	case "bmatrix":
		open, end, align = "[", "]", "c"
	case "Bmatrix":
		open, end, align = "{", "}", "c"
	case "vmatrix":
		open, end, align = "|", "|", "c"
	case "Vmatrix":
		open, end, align = "‖", "‖", "c"
	case "cases", "dcases":
		open, align, spacing = "{", "l", "1em"
		p.display = name == "dcases"
	case "rcases":
		end, align, spacing = "}", "l", "1em"
	case "array":
		p.optional()
		for _, c := range p.raw() {
			if strings.ContainsRune("lcr", c) {
				align += string(c)
			}
		}
	case "aligned", "align", "align*", "split", "alignedat", "alignat", "alignat*", "eqnarray", "eqnarray*":
		if strings.HasPrefix(name, "alignat") || name == "alignedat" {
			p.raw()
		}
		align, spacing = "rl", "0"
		p.display = true
	case "gathered", "gather", "gather*", "multline", "multline*", "equation", "equation*":
		align = "c"
		p.display = true
	default:
		p.fail("unknown environment %s", name)
	}
	table := p.table(align, spacing)
	if t := p.next(); t != `\end` {
		p.fail(`\begin{%s} without \end`, name)
	}
	if closed := strings.TrimSpace(p.raw()); closed != name {
		p.fail(`\begin{%s} ended by \end{%s}`, name, closed)
	}
	fence := func(symbol, form string) string {
		if symbol == "" {
			return ""
		}
		return fmt.Sprintf(`<mo stretchy="true" fence="true" form="%s">%s</mo>`, form, symbol)
	}
	return element("mrow", fence(open, "prefix")+table+fence(end, "postfix"))
}

// table parses rows of cells. align holds l, c or r for each column; the
// pattern of an aligned environment (rl) repeats, otherwise the last goes on.
func (p *parser) table(align, spacing string) string {
	columnAlign := func(column int) string {
		i := min(column, len(align)-1)
		if align == "rl" {
			i = column % 2
		}
		if i < 0 {
			return "center"
		}
		return map[byte]string{'l': "left", 'c': "center", 'r': "right"}[align[i]]
	}
	var table strings.Builder
	rows := 0
	for {
		var row strings.Builder
		empty := true
		for column := 0; ; column++ {
			p.skipSpace()
			for p.peek() == `\hline` {
				p.at++
				p.skipSpace()
			}
			cell := p.list()
			empty = empty && cell == "" && p.peek() != "&"
			left := spacing
			if column == 0 {
				left = "0"
			}
			if align == "rl" && column > 0 && column%2 == 0 {
				left = "2em" // a further equation on the line
			}
			fmt.Fprintf(&row, `<mtd style="text-align:%s;padding:0.2em 0 0.2em %s">%s</mtd>`, columnAlign(column), left, cell)
			if p.peek() != "&" {
				break
			}
			p.at++
		}
		t := p.peek()
		last := t != `\\` && t != `\cr` && t != `\tabularnewline`
		if !empty || !last { // nothing after the last \\ is no row
			if rows++; rows > 1000 {
				p.fail("a table of more than 1000 rows")
			}
			table.WriteString(element("mtr", row.String()))
		}
		if last {
			return fmt.Sprintf(`<mtable displaystyle="%t">%s</mtable>`, p.display, table.String())
		}
		p.at++
		p.optional() // \\[2pt]
	}
}

// substack parses the lines under a sum.
func (p *parser) substack() string {
	if p.next() != "{" {
		p.fail(`{ is missing after \substack`)
	}
	table := p.table("c", "0")
	if p.next() != "}" {
		p.fail("} is missing")
	}
	return table
}
