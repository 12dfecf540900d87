// SPDX-License-Identifier: Apache-2.0

package page

import (
	"regexp"

	"github.com/microcosm-cc/bluemonday"
)

// clean keeps of HTML in Markdown what shows text and pictures: no script, no
// style sheet, no form, no frame, and addresses of pages, mail and pictures only.
var clean = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("a", "abbr", "b", "blockquote", "br", "caption", "center", "cite", "code", "dd", "del", "details",
		"dfn", "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img",
		"input", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp", "small", "span", "strong", "sub",
		"summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul", "var", "wbr")
	p.AllowNoAttrs().OnElements("span", "img")
	p.AllowAttrs("id", "class", "title", "lang", "dir").Globally()
	p.AllowAttrs("align").OnElements("div", "p", "img", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6")
	p.AllowAttrs("width", "height").OnElements("img", "table", "td", "th")
	p.AllowAttrs("colspan", "rowspan").OnElements("td", "th")
	p.AllowAttrs("start", "type").OnElements("ol", "li")
	p.AllowAttrs("open").OnElements("details")
	p.AllowAttrs("type").Matching(regexp.MustCompile(`^checkbox$`)).OnElements("input") // of a list of tasks
	p.AllowAttrs("checked", "disabled").OnElements("input")
	p.AllowAttrs("alt").OnElements("img")
	p.AllowStyles("text-align").MatchingEnum("left", "right", "center").OnElements("td", "th")
	p.AllowURLSchemes("http", "https", "mailto", "data")
	p.AllowRelativeURLs(true)
	p.RequireParseableURLs(true)
	p.AllowAttrs("href").Matching(regexp.MustCompile(`^(?i:https?:|mailto:|[^:]*($|[/?#]))`)).OnElements("a")
	p.AllowAttrs("name").OnElements("a")
	p.AllowAttrs("src").Matching(regexp.MustCompile(`^(?i:data:image/[a-z0-9.+-]+;base64,|https?:|[^:]*($|[/?#]))`)).
		OnElements("img")
	return p
}()
