// SPDX-License-Identifier: Apache-2.0

package mathml

import (
	"fmt"
	"html"
	"strings"
)

// command parses the arguments of a command and returns what it makes.
func (p *parser) command(name string) node {
	if symbol, ok := letters[name]; ok {
		return node{xml: p.identifier(symbol)}
	}
	if symbol, ok := operators[name]; ok {
		if strings.Contains("{}[]‖|⟨⟩⌊⌋⌈⌉⌜⌝", symbol) {
			return node{xml: bar(symbol)}
		}
		return node{xml: element("mo", symbol)}
	}
	if symbol, ok := large[name]; ok {
		return node{xml: `<mo movablelimits="false">` + symbol + "</mo>", limits: !strings.Contains(name, "int")}
	}
	if space, ok := spaces[name]; ok {
		return node{xml: `<mspace width="` + space + `"/>`}
	}
	if mark, ok := accents[name]; ok {
		return node{xml: fmt.Sprintf(`<mover accent="true"><mrow>%s</mrow><mo stretchy="%t">%s</mo></mover>`,
			p.argument(), strings.HasPrefix(name, `\wide`) || strings.HasPrefix(name, `\over`), mark)}
	}
	if limits, ok := functions[name]; ok {
		return node{xml: element("mi", functionName(name)), limits: limits, function: true}
	}
	if font, ok := fonts[name]; ok {
		defer func(before string) { p.font = before }(p.font)
		p.font = font
		return node{xml: element("mrow", p.argument())}
	}
	if size, ok := sizes[name]; ok {
		return node{xml: p.sized(size)}
	}
	return p.construct(name)
}

// construct parses the commands that have a form of their own.
func (p *parser) construct(name string) node {
	row := func() string { return element("mrow", p.argument()) }
	switch name {
	case `\frac`, `\tfrac`, `\dfrac`, `\cfrac`:
		part := func() string { return element("mrow", p.smaller()) }
		fraction := element("mfrac", part()+part())
		if name == `\frac` {
			return node{xml: fraction}
		}
		return node{xml: fmt.Sprintf(`<mstyle displaystyle="%t">%s</mstyle>`, name != `\tfrac`, fraction)}
	case `\binom`:
		return node{xml: element("mrow", `<mo>(</mo><mfrac linethickness="0">`+row()+row()+`</mfrac><mo>)</mo>`)}
	case `\sqrt`:
		if index, ok := p.optional(); ok {
			return node{xml: element("mroot", row()+element("mrow", p.nested(index)))}
		}
		return node{xml: element("msqrt", p.argument())}
	case `\left`:
		return node{xml: p.delimited()}
	case `\begin`:
		return node{xml: p.environment(p.raw())}
	case `\text`, `\textrm`, `\textnormal`, `\mbox`, `\hbox`, `\textit`, `\textbf`, `\texttt`, `\textsf`:
		return node{xml: p.text(name, p.raw())}
	case `\operatorname`, `\mathop`:
		limits := name == `\mathop`
		if p.peek() == "*" {
			p.at++
			limits = true
		}
		if name == `\mathop` {
			return node{xml: row(), limits: limits}
		}
		return node{xml: p.operatorName(), limits: limits, function: true}
	case `\mathbin`, `\mathrel`, `\mathord`, `\mathopen`, `\mathclose`, `\mathpunct`, `\mathinner`, `\ensuremath`:
		return node{xml: row()}
	case `\overset`, `\stackrel`:
		over := row()
		return node{xml: element("mover", row()+over)}
	case `\underset`:
		under := row()
		return node{xml: element("munder", row()+under)}
	case `\overbrace`:
		return node{xml: "<mover>" + row() + "<mo stretchy=\"true\">⏞</mo></mover>", limits: true, always: true}
	case `\underbrace`:
		return node{xml: "<munder>" + row() + "<mo stretchy=\"true\">⏟</mo></munder>", limits: true, always: true}
	case `\underline`:
		return node{xml: `<mrow style="border-bottom:0.06em solid;padding-bottom:0.1em">` + p.argument() + "</mrow>"}
	case `\overline`:
		return node{xml: `<mrow style="border-top:0.06em solid;padding-top:0.1em">` + p.argument() + "</mrow>"}
	case `\xrightarrow`, `\xleftarrow`:
		arrow := map[string]string{`\xrightarrow`: "→", `\xleftarrow`: "←"}[name]
		return node{xml: `<mover><mo stretchy="true">` + arrow + "</mo>" + row() + "</mover>"}
	case `\not`:
		return node{xml: p.negated()}
	case `\pmod`:
		return node{xml: `<mspace width="1em"/><mo stretchy="false">(</mo><mi>mod</mi><mspace width="0.33em"/>` + row() +
			`<mo stretchy="false">)</mo>`}
	case `\bmod`, `\mod`:
		return node{xml: `<mo lspace="0.22em" rspace="0.22em">mod</mo>`}
	case `\substack`:
		return node{xml: p.substack()}
	case `\boxed`, `\fbox`:
		return node{xml: `<mrow style="border:1px solid;padding:0.2em">` + p.argument() + "</mrow>"}
	case `\phantom`, `\hphantom`, `\vphantom`:
		return node{xml: element("mphantom", p.argument())}
	case `\textcolor`, `\color`:
		colour := html.EscapeString(p.raw())
		if strings.ContainsAny(colour, ";&:()") {
			p.fail("colour %q is not a name", colour)
		}
		content := p.list
		if name == `\textcolor` {
			content = p.argument
		}
		return node{xml: `<mrow style="color:` + colour + `">` + content() + "</mrow>"}
	case `\tag`:
		return node{xml: `<mspace width="2em"/><mtext>(` + html.EscapeString(p.raw()) + ")</mtext>"}
	case `\label`:
		p.raw()
		return node{}
	case `\nonumber`, `\notag`, `\hfill`, `\allowbreak`, `\relax`:
		return node{}
	case `\hspace`, `\hskip`, `\kern`, `\mspace`:
		width := p.raw()
		if strings.Trim(width, "0123456789.-empxtcu ") != "" {
			p.fail("%s{%s} is not a width", name, width)
		}
		return node{xml: `<mspace width="` + width + `"/>`}
	}
	p.fail("unknown command %s", name)
	return node{}
}

// functionName returns how a named function is written: \argmax as "arg max".
func functionName(command string) string {
	name := command[1:]
	for _, prefix := range []string{"arg", "lim"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" {
			return prefix + "\u2009" + rest
		}
	}
	return name
}

// operatorName parses the argument of \operatorname into one upright name.
func (p *parser) operatorName() string {
	name := p.raw()
	for space, text := range map[string]string{`\,`: "\u2009", `\ `: " ", "~": "\u00a0", `\-`: "-"} {
		name = strings.ReplaceAll(name, space, text)
	}
	if strings.ContainsAny(name, `\{}$`) {
		p.fail("operator name %q is more than text", name)
	}
	if len([]rune(name)) == 1 {
		return `<mi mathvariant="normal">` + html.EscapeString(name) + "</mi>"
	}
	return element("mi", html.EscapeString(name))
}

// text returns words; $...$ in them is an equation again.
func (p *parser) text(command, source string) string {
	style := map[string]string{
		`\textit`: ` style="font-style:italic"`, `\textbf`: ` style="font-weight:bold"`,
		`\texttt`: ` style="font-family:monospace"`, `\textsf`: ` style="font-family:sans-serif"`,
	}[command]
	var b strings.Builder
	for i, part := range strings.Split(source, "$") {
		switch {
		case part == "":
		case i%2 == 1:
			b.WriteString(element("mrow", p.nested(part)))
		default:
			for escaped, plain := range map[string]string{`\ `: " ", `\,`: "\u2009", "~": "\u00a0", `\%`: "%", `\&`: "&",
				`\_`: "_", `\#`: "#"} {
				part = strings.ReplaceAll(part, escaped, plain)
			}
			if strings.Contains(part, `\`) {
				p.fail("text %q holds a command", part)
			}
			part = strings.NewReplacer("{", "", "}", "").Replace(part)
			if strings.HasPrefix(part, " ") { // browsers drop space at the ends
				part = "\u00a0" + part[1:]
			}
			if strings.HasSuffix(part, " ") {
				part = part[:len(part)-1] + "\u00a0"
			}
			fmt.Fprintf(&b, "<mtext%s>%s</mtext>", style, html.EscapeString(part))
		}
	}
	return b.String()
}

// delimiter takes a delimiter: a character, a command, or "." for none.
func (p *parser) delimiter() string {
	t := p.next()
	switch t {
	case ".":
		return ""
	case "(", ")", "[", "]", "|", "/":
		return t
	case "<":
		return "⟨"
	case ">":
		return "⟩"
	}
	if symbol, ok := operators[t]; ok {
		return symbol
	}
	p.fail("%q is not a delimiter", t)
	return ""
}

// delimited parses \left ... \middle ... \right.
func (p *parser) delimited() string {
	fence := func(form, symbol string) string {
		if symbol == "" {
			return ""
		}
		return fmt.Sprintf(`<mo stretchy="true" fence="true" form="%s">%s</mo>`, form, symbol)
	}
	xml := fence("prefix", p.delimiter())
	for {
		xml += p.list()
		switch p.next() {
		case `\middle`:
			xml += fence("infix", p.delimiter())
		case `\right`:
			return element("mrow", xml+fence("postfix", p.delimiter()))
		default:
			p.fail(`\left without \right`)
		}
	}
}

// sized parses the delimiter of \big and its kin.
func (p *parser) sized(size string) string {
	return fmt.Sprintf(`<mrow><mo stretchy="true" lspace="0" rspace="0" minsize="%s" maxsize="%s">%s</mo></mrow>`,
		size, size, p.delimiter())
}

// negated parses the symbol after \not and strikes it through.
func (p *parser) negated() string {
	t := p.next()
	symbol, ok := operators[t]
	if !ok {
		symbol = t
		if len(t) != 1 || !strings.Contains("=<>|", t) {
			p.fail(`\not before %q`, t)
		}
	}
	return element("mo", html.EscapeString(html.UnescapeString(symbol))+"\u0338")
}
