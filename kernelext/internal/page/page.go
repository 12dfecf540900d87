// SPDX-License-Identifier: Apache-2.0

// Package page writes a notebook as one HTML page that needs nothing else: no
// network and no font, and no script but that of interactive views, without
// which it reads as well. Equations become MathML, Go is highlighted, pictures
// are inside the page, and the colours follow the reader's light or dark setting.
//
// HTML in Markdown is cleaned: scripts, forms, frames and addresses that run code
// go. HTML that a cell displays stays as it is, with its scripts: who made the
// notebook could run code already. The page's policy lets these scripts load
// nothing and send nothing, forms included (where interactive views need their
// library, it can be fetched from one address). It cannot keep a script, or a
// link, from opening another page, and so from telling that page something.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

//go:embed page.html
var layout string

//go:embed page.css
var stylesheet string

//go:embed dark.css
var darkStylesheet string

var pageTemplate = template.Must(template.New("page").Parse(layout))

// Options says how to render.
type Options struct {
	Title string // where the notebook has no heading
	Dir   string // where pictures that the text refers to are; "" if there are none

	Header template.HTML // stands above the page; it may bring no script
	Sheets []Sheet       // rules for it, after those of the page
	Script string        // runs before anything is shown; "" for none

	// Charts returns the script that draws interactive views (kernelext.Explore),
	// compressed by gzip and in base64. It is called if the notebook has such
	// views. Without it, or where it fails, the reader's browser loads the script
	// from a public address when a view is opened.
	Charts func() (string, error)
	// Offline keeps the browser from asking that address: such views then stay static where there is no script.
	Offline bool
}

// Warning is something that the page could not show as it was meant.
type Warning struct {
	Cell    int // from 1
	Message string
}

func (w Warning) String() string { return fmt.Sprintf("cell %d: %s", w.Cell, w.Message) }

// Render returns the page, and what in it falls short: an equation that stays
// TeX, a picture that was not found.
func Render(nb *notebook.Notebook, o Options) ([]byte, []Warning, error) {
	r := &pageWriter{markdown: newMarkdown(o.Dir)}
	for i, cell := range nb.Cells {
		r.cell = i + 1
		if cell.HasTag("remove-cell") {
			continue
		}
		switch cell.Type {
		case notebook.Markdown:
			r.text(cell)
		case notebook.Code:
			r.code(cell)
		case notebook.Raw:
			fmt.Fprintf(&r.body, "<section class=\"raw\"><pre>%s</pre></section>\n", html.EscapeString(cell.Source))
		}
		r.spend(cell.Minutes())
	}
	charts, connect := r.charts(nb, o)
	body := r.body.String()
	sum := sha256.Sum256([]byte(body + charts))
	nonce := base64.RawURLEncoding.EncodeToString(sum[:16]) // nothing in the page can know it
	body = strings.ReplaceAll(body, scriptMark, `<script nonce="`+nonce+`"`)
	title := o.Title
	if len(r.headings) > 0 {
		title = plainText(r.headings[0].HTML)
	}
	var page bytes.Buffer
	err := pageTemplate.Execute(&page, struct {
		Title    string
		Sheets   []Sheet
		Script   template.JS
		Policy   string
		Nonce    string
		Charts   string
		Contents []heading
		Header   template.HTML
		Body     template.HTML
	}{title, append(Sheets(), o.Sheets...), template.JS(o.Script), policy(nonce, connect), nonce, charts, r.headings,
		o.Header, template.HTML(body)})
	if err != nil {
		return nil, nil, fmt.Errorf("page: %w", err)
	}
	return page.Bytes(), r.warnings, nil
}

// A Sheet is a part of the style of a page: rules that always hold, or those of light or of dark pages. The attributes
// of its element are its scheme and its media, so that a script can let the reader choose.
type Sheet struct {
	Scheme string // "light" or "dark"; "" for rules that always hold
	CSS    template.CSS
}

// Media says where the sheet holds if the reader does not choose: paper is light.
func (s Sheet) Media() string {
	switch s.Scheme {
	case "light":
		return "print, not (prefers-color-scheme: dark)"
	case "dark":
		return "screen and (prefers-color-scheme: dark)"
	}
	return ""
}

// Sheets returns the style of pages, for pages that others write, too.
func Sheets() []Sheet {
	const plain = ".input .chroma { background: none; }\n"
	return []Sheet{
		{"", template.CSS(stylesheet + plain)},
		{"light", template.CSS(highlightCSS("github"))},
		{"dark", template.CSS(darkStylesheet + highlightCSS("github-dark"))},
	}
}

// policy is what the browser lets the page do. Scripts run if the page's own or a
// cell's display (with the nonce), or if one of those adds them; connect is where
// they may load from, "" if from nowhere.
func policy(nonce, connect string) string {
	if connect == "" {
		connect = "'none'"
	}
	return "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; font-src data:; style-src " +
		"'unsafe-inline'; " +
		"script-src 'nonce-" + nonce + "' 'strict-dynamic'; connect-src " + connect
}

// charts returns the script of interactive views, if there are any and none of
// them brings it, and where else it may come from.
func (r *pageWriter) charts(nb *notebook.Notebook, o Options) (script, connect string) {
	const address = "https://cdn.jsdelivr.net"
	for i, cell := range nb.Cells {
		for _, out := range cell.Outputs {
			ours, _ := out.Metadata["lateral"].(map[string]any)
			if ours["kind"] != "explore" {
				continue
			}
			if o.Charts == nil && o.Offline {
				return "", ""
			}
			if o.Charts == nil {
				return "", address
			}
			script, err := o.Charts()
			if err != nil && o.Offline {
				r.cell = i + 1
				r.warn(fmt.Sprintf("interactive views stay static: %v", err))
				return "", ""
			}
			if err != nil {
				r.cell = i + 1
				r.warn(fmt.Sprintf("interactive views will load their script from %s: %v", address, err))
				return "", address
			}
			return script, ""
		}
	}
	return "", ""
}

// pageWriter is the state of a page that is being written.
type pageWriter struct {
	markdown *markdown
	body     strings.Builder
	headings []heading
	warnings []Warning
	cell     int
}

// heading is an entry of the table of contents.
type heading struct {
	Level   int
	ID      string
	HTML    template.HTML
	minutes float64 // of the cells below a heading of a section, up to the next
}

// Time says how long a section takes, "" for other headings.
func (h heading) Time() string {
	if h.Level != 2 || h.minutes == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f min", math.Ceil(h.minutes))
}

// spend adds the minutes of a cell to the section that it belongs to.
func (r *pageWriter) spend(minutes float64) {
	for i := len(r.headings) - 1; i >= 0; i-- {
		if r.headings[i].Level <= 2 {
			r.headings[i].minutes += minutes
			return
		}
	}
}

func (r *pageWriter) warn(messages ...string) {
	for _, message := range messages {
		r.warnings = append(r.warnings, Warning{Cell: r.cell, Message: message})
	}
}

// text renders a Markdown cell.
func (r *pageWriter) text(cell *notebook.Cell) {
	rendered, warnings := r.markdown.render(cell.Source, cell.Attachments)
	r.warn(warnings...)
	for _, m := range headingTag.FindAllStringSubmatch(rendered, -1) {
		r.headings = append(r.headings, heading{
			Level: int(m[1][0] - '0'), ID: html.UnescapeString(m[2]),
			HTML: template.HTML(anchorTag.ReplaceAllString(m[3], "")),
		})
	}
	fmt.Fprintf(&r.body, "<section class=\"text\">\n%s</section>\n", rendered)
}

// summary is what stands for folded code: the first comment that begins a line.
func summary(cell *notebook.Cell) string {
	for line := range strings.Lines(cell.Source) {
		if comment, ok := strings.CutPrefix(line, "// "); ok {
			return "Code: " + strings.TrimSpace(comment)
		}
	}
	return "Code"
}

// code renders a code cell and its outputs.
func (r *pageWriter) code(cell *notebook.Cell) {
	r.body.WriteString("<section class=\"code\">\n")
	if !cell.HasTag("remove-input") && strings.TrimSpace(cell.Source) != "" {
		count := "&nbsp;"
		if cell.ExecutionCount != nil {
			count = fmt.Sprint(*cell.ExecutionCount)
		}
		source := fmt.Sprintf("<div class=\"input\"><span class=\"count\">[%s]</span><pre "+
			"class=\"chroma\"><code>%s</code></pre></div>\n", count, highlightCell(cell.Source))
		if cell.HasTag("hide-input") {
			source = fmt.Sprintf("<details><summary>%s</summary>\n%s</details>\n", html.EscapeString(summary(cell)), source)
		}
		r.body.WriteString(source)
	}
	if !cell.HasTag("remove-output") {
		r.outputs(cell.Outputs)
	}
	r.body.WriteString("</section>\n")
}
