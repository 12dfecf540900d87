// SPDX-License-Identifier: Apache-2.0

package page

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"html/template"
	"io"
	"io/fs"
	"mime"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

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
			goldmark.WithRendererOptions(markdownHTML.WithUnsafe(), // HTML is kept here and cleaned afterwards
				renderer.WithNodeRenderers(util.Prioritized(codeBlocks{}, 100))),
		),
	}
}

// maxText is the longest text that is rendered: the time that Markdown takes can
// grow with its square, to about two seconds for this much of the worst kind.
const maxText = 32 << 10

// render returns the HTML of a text and what in it could not be shown.
func (m *markdown) render(source string, attachments map[string]any) (string, []string) {
	if len(source) > maxText {
		return "<pre>" + html.EscapeString(source) + "</pre>\n",
			[]string{fmt.Sprintf("a text of %d kB, more than %d, is shown as it is written: divide it into several cells",
				len(source)>>10, maxText>>10)}
	}
	source, equations := cutEquations(source)
	input := []byte(source)
	document := m.engine.Parser().Parse(text.NewReader(input))
	var warnings []string
	var spans []*ast.CodeSpan
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
		case *ast.Link:
			n.Destination = pageOf(n.Destination)
		case *ast.CodeSpan:
			spans = append(spans, n)
		}
		return ast.WalkContinue, nil
	})
	for _, span := range spans {
		m.linkNotebook(span, input)
	}
	var out bytes.Buffer
	if err := m.engine.Renderer().Render(&out, input, document); err != nil {
		return "<pre>" + html.EscapeString(source) + "</pre>", append(warnings, err.Error())
	}
	rendered, failures := pasteEquations(clean.Sanitize(out.String()), equations)
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
	mimeType := mime.TypeByExtension(filepath.Ext(path))
	if !strings.HasPrefix(mimeType, "image/") {
		return "", fmt.Errorf("the picture %s is not shown: its name is not that of a picture", address)
	}
	content, err := readWithin(m.dir, filepath.FromSlash(path))
	if err != nil {
		return "", fmt.Errorf("the picture %s is not shown: %w", address, err)
	}
	return "data:" + mimeType + ";base64," + base64.StdEncoding.EncodeToString(content), nil
}

// readWithin reads a regular file of at most maxPicture bytes that is in a folder
// or below, also by way of links.
func readWithin(dir, path string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	file, err := root.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // does not wait for a pipe's writer
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("there is no such file")
	case errors.Is(err, fs.ErrPermission):
		return nil, errors.New("it may not be read")
	case err != nil:
		return nil, errors.New("it is not a file in the notebook's folder")
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a file")
	case info.Size() > maxPicture:
		return nil, fmt.Errorf("it has more than %d MB", maxPicture>>20)
	}
	content, err := io.ReadAll(io.LimitReader(file, maxPicture+1))
	if err == nil && len(content) > maxPicture {
		err = fmt.Errorf("it has more than %d MB", maxPicture>>20)
	}
	return content, err
}

// pageOf returns the address of a notebook's page for that of a notebook beside
// this one, and any other as it is.
func pageOf(destination []byte) []byte {
	address, fragment, _ := strings.Cut(string(destination), "#")
	if u, err := url.Parse(address); err != nil || u.Scheme != "" || u.Host != "" ||
		!strings.HasSuffix(address, ".ipynb") {
		return destination
	}
	address = strings.TrimSuffix(address, ".ipynb") + ".html"
	if fragment != "" {
		address += "#" + fragment
	}
	return []byte(address)
}

var notebookName = regexp.MustCompile(`^[\w-]+$`)

// linkNotebook makes the name of a notebook in this one's folder a link to its page.
func (m *markdown) linkNotebook(span *ast.CodeSpan, source []byte) {
	name := textOf(span, source)
	parent := span.Parent()
	if m.dir == "" || !notebookName.MatchString(name) || parent.Kind() == ast.KindLink {
		return
	}
	if _, err := os.Stat(filepath.Join(m.dir, name+".ipynb")); err != nil {
		return
	}
	link := ast.NewLink()
	link.Destination = []byte(name + ".html")
	parent.ReplaceChild(parent, span, link)
	link.AppendChild(link, span)
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
	register.Register(ast.KindFencedCodeBlock, renderCode)
}

func renderCode(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	block := n.(*ast.FencedCodeBlock)
	fmt.Fprintf(w, "<pre class=\"chroma\"><code>%s</code></pre>\n",
		highlight(string(block.Lines().Value(source)), string(block.Language(source))))
	return ast.WalkSkipChildren, nil
}
