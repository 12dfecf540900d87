// SPDX-License-Identifier: Apache-2.0

package page

import (
	"html"
	"html/template"
	"strings"
	"sync"

	"github.com/alecthomas/chroma/v2"
	chromaHTML "github.com/alecthomas/chroma/v2/formatters/html"
	"github.com/alecthomas/chroma/v2/lexers"
	"github.com/alecthomas/chroma/v2/styles"
	"github.com/lateral-ml/lateral/kernelext/internal/cell"
)

var formatter = chromaHTML.New(chromaHTML.WithClasses(true), chromaHTML.PreventSurroundingPre(true))

// languages are the lexers by name. (lexers.Get also tries a name as that of a
// file, with every pattern of every lexer: some milliseconds for each block.)
var languages = sync.OnceValue(func() map[string]chroma.Lexer {
	all := map[string]chroma.Lexer{}
	for _, lexer := range lexers.GlobalLexerRegistry.Lexers {
		config := lexer.Config()
		for _, name := range append(config.Aliases, config.Name) {
			all[strings.ToLower(name)] = lexer
		}
	}
	return all
})

// highlight returns source with its tokens marked by classes; as it is, if the
// language is not known.
func highlight(source, language string) string {
	lexer := languages()[strings.ToLower(language)]
	if lexer == nil {
		return html.EscapeString(source)
	}
	tokens, err := chroma.Coalesce(lexer).Tokenise(nil, source)
	if err != nil {
		return html.EscapeString(source)
	}
	var b strings.Builder
	if formatter.Format(&b, styles.Fallback, tokens) != nil {
		return html.EscapeString(source)
	}
	return b.String()
}

// HighlightGo returns Go source with its tokens marked by the classes of Style.
func HighlightGo(source string) template.HTML { return template.HTML(highlight(source, "go")) }

// highlightCell highlights a cell: Go, but for commands to the kernel, which are
// lines that start with % or !.
func highlightCell(source string) string {
	c := cell.Read(source)
	if c.Script {
		return html.EscapeString(source)
	}
	var b, goCode strings.Builder
	flush := func() {
		if goCode.Len() > 0 {
			b.WriteString(highlight(goCode.String(), "go"))
			goCode.Reset()
		}
	}
	for i, line := range c.Lines {
		if c.IsCommand(i) {
			flush()
			b.WriteString(`<span class="cp">` + html.EscapeString(line) + "</span>\n")
		} else {
			goCode.WriteString(line + "\n")
		}
	}
	flush()
	return strings.TrimRight(b.String(), "\n")
}

// highlightCSS returns the classes' colours in a style.
func highlightCSS(style string) string {
	var b strings.Builder
	formatter.WriteCSS(&b, styles.Get(style))
	return b.String()
}
