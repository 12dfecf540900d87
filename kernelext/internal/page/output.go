// SPDX-License-Identifier: Apache-2.0

package page

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

// outputs renders the outputs of a cell. A caption joins the picture above it.
func (r *pageWriter) outputs(outputs []*notebook.Output) {
	for i := 0; i < len(outputs); i++ {
		o := outputs[i]
		switch o.Type {
		case notebook.Stream:
			fmt.Fprintf(&r.body, "<div class=\"output %s\"><pre>%s</pre></div>\n", html.EscapeString(o.Name),
				ansi(strings.TrimRight(o.Text, "\n")))
		case notebook.Error:
			r.failure(o)
		default:
			caption := ""
			if i+1 < len(outputs) && isCaption(outputs[i+1]) && !isCaption(o) {
				i++
				caption = r.caption(outputs[i])
			}
			r.display(o, caption)
		}
	}
}

func (r *pageWriter) failure(o *notebook.Output) {
	text := strings.Join(o.Traceback, "\n")
	if strings.TrimSpace(text) == "" {
		text = o.ErrorValue
	}
	fmt.Fprintf(&r.body, "<div class=\"output error\"><pre><span class=\"name\">%s</span>\n%s</pre></div>\n",
		html.EscapeString(o.ErrorName), ansi(strings.Trim(text, "\n")))
}

// isCaption reports whether o is the text below a picture.
func isCaption(o *notebook.Output) bool {
	ours, _ := o.Metadata["lateral"].(map[string]any)
	return ours["role"] == "caption"
}

// caption renders a caption, whose Markdown form may hold equations.
func (r *pageWriter) caption(o *notebook.Output) string {
	text, ok := o.Data["text/markdown"].(string)
	if !ok {
		text, _ = o.Data["text/plain"].(string)
		return html.EscapeString(text)
	}
	rendered, warnings := r.markdown.render(text, nil)
	r.warn(warnings...)
	return rendered
}

// display renders a MIME bundle in its richest form.
func (r *pageWriter) display(o *notebook.Output, caption string) {
	content := r.content(o)
	switch {
	case content == "":
	case caption != "":
		fmt.Fprintf(&r.body, "<figure class=\"output\">%s\n<figcaption>%s</figcaption></figure>\n", content, caption)
	case strings.HasPrefix(content, "<img"):
		fmt.Fprintf(&r.body, "<figure class=\"output\">%s</figure>\n", content)
	default:
		fmt.Fprintf(&r.body, "<div class=\"output\">%s</div>\n", content)
	}
}

// richness is the order in which forms are preferred. HTML that needs a script
// comes after pictures of the same thing: a page without scripts is the aim.
var richness = []string{"text/html", "image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp",
	"text/markdown", "text/latex", "text/plain"}

func (r *pageWriter) content(o *notebook.Output) string {
	forms := richness
	if page, ok := o.Data["text/html"].(string); ok && strings.Contains(strings.ToLower(page), "<script") {
		forms = append(slices.Clone(richness[1:6]), "text/html", "text/markdown", "text/latex", "text/plain")
	}
	if isCaption(o) {
		return r.caption(o)
	}
	for _, mimeType := range forms {
		text, ok := o.Data[mimeType].(string)
		if !ok {
			continue
		}
		switch {
		case mimeType == "text/html":
			return displayed(text)
		case strings.HasPrefix(mimeType, "image/"):
			return image(o, mimeType, text)
		case mimeType == "text/markdown":
			rendered, warnings := r.markdown.render(text, nil)
			r.warn(warnings...)
			return rendered
		case mimeType == "text/latex":
			rendered, failures := pasteEquations(cutEquations(text))
			r.warn(failures...)
			return "<p>" + rendered + "</p>"
		default:
			return "<pre>" + ansi(strings.TrimRight(text, "\n")) + "</pre>"
		}
	}
	return ""
}

// scriptMark stands for the beginning of a script that a cell displays, until the
// page's nonce is known.
const scriptMark = "\ue002<script"

var (
	scriptTag = regexp.MustCompile(`(?i)<script\b`)
	// pageTag is what speaks for a whole page, which an output is not.
	pageTag = regexp.MustCompile(`(?i)</?(meta|base|link|title|html|head|body)\b[^>]*>`)
)

// displayed returns HTML that a cell displays, whose scripts may run.
func displayed(text string) string {
	text = strings.ReplaceAll(text, scriptMark[:len("\ue002")], "")
	if !scriptTag.MatchString(text) {
		return pageTag.ReplaceAllString(text, "")
	}
	return scriptTag.ReplaceAllString(text, scriptMark)
}

// image returns a picture inside the page. An SVG is shown as a picture too:
// so its scripts cannot run and its identifiers cannot meet another one's.
func image(o *notebook.Output, mimeType, content string) string {
	size := ""
	about, _ := o.Metadata[mimeType].(map[string]any)
	for _, name := range []string{"width", "height"} {
		switch value := about[name].(type) {
		case float64, json.Number, int:
			size += fmt.Sprintf(` %s="%v"`, name, value)
		}
	}
	alt, _ := o.Data["text/plain"].(string)
	return fmt.Sprintf(`<img src="%s"%s alt="%s">`, dataAddress(mimeType, content), size,
		html.EscapeString(strings.TrimSpace(alt)))
}

// dataAddress returns a data address for what a MIME bundle holds: SVG as text,
// other pictures in base64.
func dataAddress(mimeType, content string) string {
	if mimeType == "image/svg+xml" {
		content = base64.StdEncoding.EncodeToString([]byte(content))
	}
	base64 := strings.Map(func(r rune) rune { // it becomes part of an attribute
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("+/=-_", r) {
			return r
		}
		return -1
	}, content)
	return "data:" + mimeType + ";base64," + base64
}
