// SPDX-License-Identifier: Apache-2.0

package site

import (
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// An entry of the search is a section of a page.
type entry struct {
	At    string `json:"at"` // address from the root
	Page  string `json:"page"`
	Title string `json:"title"` // of the section
	Text  string `json:"text"`
}

// maxText is the number of bytes of a section that are searched.
const maxText = 6000

// learn adds the sections of a page to the index. A section begins at a heading with an identifier.
func (s *Site) learn(at, title, text string) {
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		return // not with a strings.Reader
	}
	now := entry{At: at, Page: title, Title: title}
	var words strings.Builder
	flush := func() {
		now.Text = strings.Join(strings.Fields(words.String()), " ")
		if len(now.Text) > maxText {
			now.Text = strings.ToValidUTF8(now.Text[:maxText], "")
		}
		if now.Text != "" {
			s.index = append(s.index, now)
		}
		words.Reset()
	}
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			words.WriteString(n.Data + " ")
			return
		}
		if n.Type == html.ElementNode {
			switch n.Data {
			case "script", "style", "nav", "header", "svg", "title":
				return
			case "h1", "h2", "h3":
				if i := slices.IndexFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "id" }); i >= 0 {
					flush()
					now = entry{At: at + "#" + n.Attr[i].Val, Page: title, Title: strings.TrimSpace(textOf(n))}
				}
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(root)
	flush()
}

// textOf returns the text below a node.
func textOf(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(textOf(c))
	}
	return b.String()
}

// search writes the page that searches, and the index, a script, because pages on a disk may not load anything else.
func (s *Site) search(context.Context) error {
	index, err := json.Marshal(s.index)
	if err != nil {
		return fmt.Errorf("site: %w", err)
	}
	s.put("index.js", []byte("window.lateralIndex = "+string(index)+";\n"))
	s.put("search.js", []byte(pageFile("search.js")))
	return s.page(Page{Title: "Search", At: "search.html", Part: "search", Body: template.HTML(pageFile("search.html")),
		Scripts: []string{"index.js", "search.js"}})
}
