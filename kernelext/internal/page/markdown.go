// SPDX-License-Identifier: Apache-2.0

package page

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"html/template"
	"mime"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer"
	markdownHTML "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

var (
	headingTag = regexp.MustCompile(`(?s)<h([1-3]) id="([^"]*)">(.*?)</h[1-3]>`)
	anchorTag  = regexp.MustCompile(`</?a\b[^>]*>`)
	anyTag     = regexp.MustCompile(`<[^>]*>`)
)

// plainText returns the text of an HTML fragment.
func plainText(fragment template.HTML) string {
	return strings.TrimSpace(html.UnescapeString(anyTag.ReplaceAllString(string(fragment), "")))
}

// markdown renders the Markdown of one page.
type markdown struct {
	dir     string
	engine  goldmark.Markdown
	anchors anchors
}

func newMarkdown(dir string) *markdown {
	return &markdown{
		dir:     dir,
		anchors: anchors{},
		engine: goldmark.New(
			goldmark.WithExtensions(extension.GFM),
			goldmark.WithRendererOptions(markdownHTML.WithUnsafe(), // a notebook may hold HTML; the page's policy keeps it off the network
				renderer.WithNodeRenderers(util.Prioritized(codeBlocks{}, 100))),
		),
	}
}

// render returns the HTML of a text and what in it could not be shown.
func (m *markdown) render(source string, attachments map[string]any) (string, []string) {
	source, equations := cutEquations(source)
	input := []byte(source)
	document := m.engine.Parser().Parse(text.NewReader(input))
	var warnings []string
	ast.Walk(document, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			n.SetAttributeString("id", []byte(m.anchors.name(textOf(n, input))))
		case *ast.Image:
			data, err := m.picture(string(n.Destination), attachments)
			if err != nil {
				warnings = append(warnings, err.Error())
			} else {
				n.Destination = []byte(data)
			}
		}
		return ast.WalkContinue, nil
	})
	var out bytes.Buffer
	if err := m.engine.Renderer().Render(&out, input, document); err != nil {
		return "<pre>" + html.EscapeString(source) + "</pre>", append(warnings, err.Error())
	}
	rendered, failures := pasteEquations(out.String(), equations)
	return rendered, append(warnings, failures...)
}

// maxPicture is the largest file that is put into a page.
const maxPicture = 8 << 20

// picture returns a data address for a picture that a text refers to.
func (m *markdown) picture(address string, attachments map[string]any) (string, error) {
	if strings.HasPrefix(address, "data:") {
		return address, nil
	}
	if name, ok := strings.CutPrefix(address, "attachment:"); ok {
		if decoded, err := url.PathUnescape(name); err == nil {
			name = decoded
		}
		bundle, _ := attachments[name].(map[string]any)
		for mimeType, content := range bundle {
			if text, ok := content.(string); ok && strings.HasPrefix(mimeType, "image/") {
				return dataAddress(mimeType, text), nil
			}
		}
		return "", fmt.Errorf("the picture %s is not attached to the cell", address)
	}
	if u, err := url.Parse(address); err != nil || u.Scheme != "" || u.Host != "" || m.dir == "" {
		return "", fmt.Errorf("the picture %s is not shown: it is not a file beside the notebook", address)
	}
	path, err := url.PathUnescape(address)
	if err != nil {
		path = address
	}
	path = filepath.Join(m.dir, filepath.FromSlash(path))
	mimeType := mime.TypeByExtension(filepath.Ext(path))
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", fmt.Errorf("the picture %s is not shown: there is no such file", address)
	case !strings.HasPrefix(mimeType, "image/") || info.Size() > maxPicture:
		return "", fmt.Errorf("the picture %s is not shown: it is not a picture of less than %d MB", address, maxPicture>>20)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("the picture %s is not shown: it cannot be read", address)
	}
	return "data:" + mimeType + ";base64," + base64.StdEncoding.EncodeToString(content), nil
}

// anchors makes the identifiers of headings as Jupyter does, so that links
// within a notebook work, and keeps them unique on the page.
type anchors map[string]bool

// name returns the identifier for a heading of this text.
func (a anchors) name(text string) string {
	name := strings.Join(strings.Fields(mark.ReplaceAllString(text, "")), "-")
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune("\"'<>&`", r) {
			return -1
		}
		return r
	}, name)
	if name == "" {
		name = "section"
	}
	unique := name
	for n := 2; a[unique]; n++ {
		unique = fmt.Sprintf("%s-%d", name, n)
	}
	a[unique] = true
	return unique
}

// textOf returns the text within a node.
func textOf(n ast.Node, source []byte) string {
	var b strings.Builder
	ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			switch n := n.(type) {
			case *ast.Text:
				b.Write(n.Value(source))
			case *ast.String:
				b.Write(n.Value)
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// codeBlocks renders fenced code with highlighting.
type codeBlocks struct{}

// RegisterFuncs tells the engine what codeBlocks renders.
func (codeBlocks) RegisterFuncs(register renderer.NodeRendererFuncRegisterer) {
	register.Register(ast.KindFencedCodeBlock, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		block := n.(*ast.FencedCodeBlock)
		fmt.Fprintf(w, "<pre class=\"chroma\"><code>%s</code></pre>\n", highlight(string(block.Lines().Value(source)), string(block.Language(source))))
		return ast.WalkSkipChildren, nil
	})
}
