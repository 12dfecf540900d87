// SPDX-License-Identifier: Apache-2.0

package page

import (
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
)

var (
	colourSequence = regexp.MustCompile(`\x1b\[([0-9;]*)m`)
	otherSequence  = regexp.MustCompile(`\x1b(\[[0-9;?]*[@-ln-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-Z\\^_])`)
)

// ansi returns terminal text as HTML, with its colours as classes. (The package
// terminal-to-html, v3.16, knows neither full colours nor inverse text, and its
// colours do not follow the reader's light or dark setting.)
func ansi(text string) string {
	text = otherSequence.ReplaceAllString(text, "")
	var (
		b     strings.Builder
		state style
		at    int
	)
	write := func(part string) {
		if part == "" {
			return
		}
		if attributes := state.attributes(); attributes != "" {
			b.WriteString("<span" + attributes + ">" + html.EscapeString(part) + "</span>")
		} else {
			b.WriteString(html.EscapeString(part))
		}
	}
	for _, m := range colourSequence.FindAllStringSubmatchIndex(text, -1) {
		write(strings.ReplaceAll(text[at:m[0]], "\x1b", ""))
		state.apply(text[m[2]:m[3]])
		at = m[1]
	}
	write(strings.ReplaceAll(text[at:], "\x1b", ""))
	return b.String()
}

// style is the state of a terminal's text. Colours are classes "0" to "7" or
// CSS values.
type style struct {
	bold, italic, underline, inverse bool
	foreground, background           string
}

// apply changes the state by the parameters of a colour sequence.
func (s *style) apply(parameters string) {
	codes := strings.Split(parameters, ";")
	for i := 0; i < len(codes); i++ {
		code, _ := strconv.Atoi(codes[i]) // an empty one is 0
		switch {
		case code == 0:
			*s = style{}
		case code == 1:
			s.bold = true
		case code == 3:
			s.italic = true
		case code == 4:
			s.underline = true
		case code == 7:
			s.inverse = true
		case code == 22:
			s.bold = false
		case code == 23:
			s.italic = false
		case code == 24:
			s.underline = false
		case code == 27:
			s.inverse = false
		case 30 <= code && code <= 37:
			s.foreground = strconv.Itoa(code - 30)
		case 90 <= code && code <= 97:
			s.foreground = strconv.Itoa(code - 90)
		case code == 39:
			s.foreground = ""
		case 40 <= code && code <= 47:
			s.background = strconv.Itoa(code - 40)
		case 100 <= code && code <= 107:
			s.background = strconv.Itoa(code - 100)
		case code == 49:
			s.background = ""
		case code == 38 || code == 48:
			colour, used := extended(codes[i+1:])
			i += used
			if code == 38 {
				s.foreground = colour
			} else {
				s.background = colour
			}
		}
	}
}

// extended reads a colour of 256 (5;n) or a full one (2;r;g;b).
func extended(codes []string) (colour string, used int) {
	number := func(i int) int {
		if i >= len(codes) {
			return 0
		}
		n, _ := strconv.Atoi(codes[i])
		return min(max(n, 0), 255)
	}
	switch number(0) {
	case 2:
		return fmt.Sprintf("#%02x%02x%02x", number(1), number(2), number(3)), min(4, len(codes))
	case 5:
		n := number(1)
		switch {
		case n < 16:
			colour = strconv.Itoa(n % 8)
		case n < 232:
			level := func(v int) int { return []int{0, 95, 135, 175, 215, 255}[v%6] }
			n -= 16
			colour = fmt.Sprintf("#%02x%02x%02x", level(n/36), level(n/6), level(n))
		default:
			grey := 8 + 10*(n-232)
			colour = fmt.Sprintf("#%02x%02x%02x", grey, grey, grey)
		}
		return colour, min(2, len(codes))
	}
	return "", min(1, len(codes))
}

// attributes returns the class and style attributes of a span.
func (s *style) attributes() string {
	var classes, css []string
	for _, flag := range []struct {
		on   bool
		name string
	}{{s.bold, "bold"}, {s.italic, "italic"}, {s.underline, "underline"}, {s.inverse, "inverse"}} {
		if flag.on {
			classes = append(classes, flag.name)
		}
	}
	if strings.HasPrefix(s.foreground, "#") {
		css = append(css, "color:"+s.foreground)
	} else if s.foreground != "" {
		classes = append(classes, "fg"+s.foreground)
	}
	if strings.HasPrefix(s.background, "#") {
		css = append(css, "background:"+s.background)
	} else if s.background != "" {
		names := []string{"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"}
		n, _ := strconv.Atoi(s.background)
		css = append(css, "background:color-mix(in srgb, var(--"+names[n]+") 25%, transparent)")
	}
	attributes := ""
	if classes != nil {
		attributes += ` class="` + strings.Join(classes, " ") + `"`
	}
	if css != nil {
		attributes += ` style="` + strings.Join(css, ";") + `"`
	}
	return attributes
}
