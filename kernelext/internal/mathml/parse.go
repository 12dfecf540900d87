// SPDX-License-Identifier: Apache-2.0

package mathml

import (
	"fmt"
	"html"
	"strings"
)

// reason is what the parser panics with when it cannot go on; Convert turns it
// into an error.
type reason string

// parser reads tokens and returns MathML.
type parser struct {
	tokens  []string
	at      int
	depth   int    // of nesting
	font    string // alphabet in force, a key of alphabets
	display bool   // limits of sums go above and below
}

// maxDepth bounds nesting, since equations come from outside.
const maxDepth = 200

func (p *parser) fail(format string, args ...any) {
	panic(reason(fmt.Sprintf(format, args...)))
}

// deeper counts one level of nesting until the returned function is called.
func (p *parser) deeper() func() {
	if p.depth++; p.depth > maxDepth {
		p.fail("nested too deeply")
	}
	return func() { p.depth-- }
}

func (p *parser) end() bool { return p.at == len(p.tokens) }

// peek returns the next token, "" at the end.
func (p *parser) peek() string {
	if p.end() {
		return ""
	}
	return p.tokens[p.at]
}

func (p *parser) skipSpace() {
	for p.peek() == " " {
		p.at++
	}
}

// next takes the next token that is not a space.
func (p *parser) next() string {
	p.skipSpace()
	t := p.peek()
	if !p.end() {
		p.at++
	}
	return t
}

// node is a piece of MathML that scripts may be attached to.
type node struct {
	xml      string
	limits   bool // scripts go above and below in display style
	always   bool // they do so in any style, as for an underbrace
	function bool // a name such as log, to be set off from its argument
}

// all parses the whole input.
func (p *parser) all() string {
	content := p.list()
	if !p.end() {
		p.fail("%s without a beginning", p.peek())
	}
	return content
}

// nested parses an equation within this one.
func (p *parser) nested(tex string) string {
	return (&parser{tokens: tokenize(tex), depth: p.depth}).all()
}

// list parses until a token that ends a group, a cell or the input.
func (p *parser) list() string {
	defer func(font string, display bool) { p.font, p.display = font, display }(p.font, p.display)

	var b strings.Builder
	closing := ""
	for {
		p.skipSpace()
		switch t := p.peek(); t {
		case "", "}", "&", `\\`, `\end`, `\right`, `\middle`, `\cr`, `\tabularnewline`:
			return b.String() + closing
		case `\displaystyle`, `\textstyle`, `\scriptstyle`, `\scriptscriptstyle`:
			p.at++
			p.display = t == `\displaystyle`
			fmt.Fprintf(&b, `<mstyle displaystyle="%t">`, p.display)
			closing = "</mstyle>" + closing
		case `\rm`, `\bf`, `\it`, `\cal`, `\sf`, `\tt`:
			p.at++
			p.font = map[string]string{`\rm`: "rm", `\bf`: "bf", `\it`: "", `\cal`: "cal", `\sf`: "sf", `\tt`: "tt"}[t]
		default:
			sign, isSign := signs[t]
			if isSign && prefixed(b.String()) {
				p.at++
				b.WriteString(`<mo form="prefix">` + sign + "</mo>")
				continue
			}
			b.WriteString(p.scripted())
		}
	}
}

// signs are operators that stand close to what follows where nothing precedes.
var signs = map[string]string{"-": "−", "+": "+", `\pm`: "±", `\mp`: "∓"}

// prefixed reports whether an operator after row has no left operand.
func prefixed(row string) bool {
	if row == "" {
		return true
	}
	rest, isOperator := strings.CutSuffix(row, "</mo>")
	return isOperator && !strings.ContainsAny(rest[len(rest)-1:], ")]}!|")
}

// smaller parses an argument in text style, as the parts of a fraction are.
func (p *parser) smaller() string {
	defer func(display bool) { p.display = display }(p.display)
	p.display = false
	return p.argument()
}

// scripted parses an atom with its primes, subscript and superscript.
func (p *parser) scripted() string {
	var base node
	if t := p.peek(); t != "^" && t != "_" && t != "'" {
		base = p.atom()
	} else {
		base.xml = "<mrow></mrow>" // a script on nothing
	}
	var sub, super string
	for {
		p.skipSpace()
		switch p.peek() {
		case `\limits`:
			p.at++
			base.limits, base.always = true, true
			continue
		case `\nolimits`:
			p.at++
			base.limits, base.always = false, false
			continue
		case "'":
			primes := 0
			for p.peek() == "'" {
				p.at++
				primes++
			}
			base.xml = "<mrow>" + base.xml + `<mo lspace="0" rspace="0">` + strings.Repeat("′", primes) + "</mo></mrow>"
			continue
		case "_":
			if sub != "" {
				p.fail("two subscripts on one symbol")
			}
			p.at++
			sub = p.smaller()
			continue
		case "^":
			if super != "" {
				p.fail("two superscripts on one symbol")
			}
			p.at++
			super = p.smaller()
			continue
		}
		break
	}
	xml := attach(base, sub, super, base.limits && (p.display || base.always))
	if base.function {
		switch p.peek() {
		case "(", "[", `\left`, `\bigl`, `\Bigl`, "", "}", ")", "]", ",", "&", `\\`:
		default:
			xml += `<mspace width="0.17em"/>`
		}
	}
	return xml
}

// attach puts scripts on a base, beside it or above and below.
func attach(base node, sub, super string, limits bool) string {
	kind := [...]string{"msub", "msup", "msubsup"}
	if limits {
		kind = [...]string{"munder", "mover", "munderover"}
	}
	row := func(s string) string { return element("mrow", s) }
	switch {
	case sub != "" && super != "":
		return element(kind[2], row(base.xml)+row(sub)+row(super))
	case sub != "":
		return element(kind[0], row(base.xml)+row(sub))
	case super != "":
		return element(kind[1], row(base.xml)+row(super))
	}
	return base.xml
}

func element(name, content string) string { return "<" + name + ">" + content + "</" + name + ">" }

// argument parses a command's argument: a group or a single atom.
func (p *parser) argument() string {
	p.skipSpace()
	switch t := p.peek(); t {
	case "", "}", "&", `\\`, "^", "_", `\right`, `\end`:
		p.fail("an argument is missing")
	case "{":
		return p.group()
	default:
		if t >= "0" && t <= "9" { // TeX takes one digit
			p.at++
			return element("mn", p.letters(t))
		}
	}
	return p.atom().xml
}

// group parses {...} and returns its content.
func (p *parser) group() string {
	defer p.deeper()()
	if t := p.next(); t != "{" {
		p.fail("{ is missing before %q", t)
	}
	content := p.list()
	if t := p.next(); t != "}" {
		p.fail("} is missing")
	}
	return content
}

// raw takes {...} without interpreting it.
func (p *parser) raw() string {
	if p.next() != "{" {
		p.fail("{ is missing")
	}
	var b strings.Builder
	for depth := 1; ; {
		if p.end() {
			p.fail("} is missing")
		}
		t := p.tokens[p.at]
		p.at++
		switch t {
		case "{":
			depth++
		case "}":
			if depth--; depth == 0 {
				return b.String()
			}
		}
		b.WriteString(t)
	}
}

// optional takes [...] if it is next.
func (p *parser) optional() (string, bool) {
	p.skipSpace()
	if p.peek() != "[" {
		return "", false
	}
	for end := p.at; end < len(p.tokens); end++ {
		if p.tokens[end] == "]" {
			text := strings.Join(p.tokens[p.at+1:end], "")
			p.at = end + 1
			return text, true
		}
	}
	p.fail("] is missing")
	return "", false
}

// atom parses one symbol, group or command with its arguments.
func (p *parser) atom() node {
	defer p.deeper()()
	t := p.next()
	switch {
	case t == "{":
		p.at--
		return node{xml: element("mrow", p.group())}
	case strings.HasPrefix(t, `\`):
		return p.command(t)
	case t == "~":
		return node{xml: `<mspace width="0.33em"/>`}
	case t >= "0" && t <= "9" || t == "." && p.peek() >= "0" && p.peek() <= "9":
		for c := p.peek(); len(c) == 1 && (c >= "0" && c <= "9" || c == "." && p.digitAfter()); c = p.peek() {
			t += c
			p.at++
		}
		return node{xml: element("mn", p.letters(t))}
	case len(t) == 1 && isLetter(rune(t[0])):
		return node{xml: p.identifier(t)}
	}
	if operator, ok := characters[t]; ok {
		return node{xml: operator}
	}
	if r := []rune(t)[0]; r > 127 {
		return node{xml: element("mi", html.EscapeString(t))}
	}
	p.fail("unexpected %q", t)
	return node{}
}

// digitAfter reports whether a digit follows the next token.
func (p *parser) digitAfter() bool {
	return p.at+1 < len(p.tokens) && p.tokens[p.at+1] >= "0" && p.tokens[p.at+1] <= "9"
}

// identifier returns a variable in the alphabet in force.
func (p *parser) identifier(name string) string {
	if p.font == "rm" {
		return `<mi mathvariant="normal">` + html.EscapeString(name) + "</mi>"
	}
	return element("mi", html.EscapeString(p.letters(name)))
}

// characters are the operators written as themselves. Delimiters do not grow:
// that is \left's business.
var characters = map[string]string{
	"+": "<mo>+</mo>", "-": "<mo>−</mo>", "=": "<mo>=</mo>", "<": "<mo>&lt;</mo>", ">": "<mo>&gt;</mo>",
	"*": "<mo>∗</mo>", "/": "<mo>/</mo>", ",": "<mo>,</mo>", ";": "<mo>;</mo>", ":": "<mo>:</mo>",
	"!": "<mo>!</mo>", "?": "<mo>?</mo>", ".": "<mo>.</mo>", "@": "<mo>@</mo>", `"`: "<mo>\"</mo>",
	"(": `<mo stretchy="false">(</mo>`, ")": `<mo stretchy="false">)</mo>`,
	"[": `<mo stretchy="false">[</mo>`, "]": `<mo stretchy="false">]</mo>`,
	"|": bar("|"), "`": "<mo>‘</mo>",
}

// bar returns a vertical bar without the space of a relation.
func bar(s string) string {
	return `<mo stretchy="false" lspace="0" rspace="0">` + s + "</mo>"
}
