// SPDX-License-Identifier: Apache-2.0

// Package site writes the course as a web site of files: landing page, course map, notebooks, playgrounds, results,
// gallery, documentation of the packages, and a search over all of it. The site needs no server and no network: every
// address in it is relative, so that it works from a disk and below any path.
package site

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"html/template"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/page"
	"github.com/lateral-ml/lateral/lib/durable"
)

// A Site is what is to be written, and how.
type Site struct {
	Module string                 // root of the checkout
	GoRoot string                 // of the Go installation
	Charts func() (string, error) // see page.Options
	Warn   func(string)           // is told what falls short; may be nil

	files     map[string][]byte
	notebooks []*lesson
	index     []entry
}

// A Page is a page of the site.
type Page struct {
	Title    string
	Up       string // the way to the site's root: "" or "../"
	At       string // its place below the root
	Part     string // of the site that it belongs to
	Contents []Heading
	Body     template.HTML
	Scripts  []string
}

// A Heading is an entry of a table of contents.
type Heading struct {
	Level    int
	ID, Text string
}

// parts are the entries of the bar at the top of all pages.
var parts = []struct{ Name, Label, At string }{
	{"course", "Course", "course.html"},
	{"playground", "Playgrounds", "playground/index.html"},
	{"results", "Results", "results.html"},
	{"gallery", "Gallery", "gallery.html"},
	{"api", "Packages", "api/index.html"},
	{"search", "Search", "search.html"},
}

// Write makes the site in the folder out, which may exist; files of an earlier site are replaced. It returns the number
// of files and of bytes.
func (s *Site) Write(ctx context.Context, out string) (files int, size int64, err error) {
	s.files = map[string][]byte{}
	s.style()
	if err := s.readNotebooks(); err != nil {
		return 0, 0, err
	}
	steps := []func(context.Context) error{
		s.playgrounds, s.lessons, s.course, s.results, s.gallery, s.packages, s.landing, s.search,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return 0, 0, err
		}
		if ctx.Err() != nil {
			return 0, 0, context.Cause(ctx)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		path := filepath.Join(out, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return 0, 0, fmt.Errorf("site: %w", err)
		}
		if err := durable.WriteFile(path, s.files[name]); err != nil {
			return 0, 0, err
		}
		size += int64(len(s.files[name]))
	}
	return len(s.files), size, nil
}

// sheets are the rules of the site, after those of all pages.
func sheets() []page.Sheet {
	return []page.Sheet{
		{CSS: template.CSS(pageFile("site.css"))}, {Scheme: "dark", CSS: template.CSS(pageFile("dark.css"))},
	}
}

// style writes a file for the rules that always hold, one for those of light pages and one for those of dark pages.
func (s *Site) style() {
	files := map[string]string{}
	for _, sheet := range append(page.Sheets(), sheets()...) {
		files[cmp.Or(sheet.Scheme, "style")] += string(sheet.CSS)
	}
	for name, rules := range files {
		s.put(name+".css", []byte(rules))
	}
	s.put("theme.js", []byte(pageFile("theme.js")))
}

// put adds a file to the site.
func (s *Site) put(name string, content []byte) { s.files[name] = content }

// page adds a page to the site and to the index of the search.
func (s *Site) page(p Page) error {
	t, err := template.New("base").Parse(pageFile("base.html"))
	if err != nil {
		return fmt.Errorf("site: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, struct {
		Page
		Header template.HTML
		Sheets []page.Sheet
	}{p, header(p.Up, p.Part), page.Sheets()}); err != nil {
		return fmt.Errorf("site: %w", err)
	}
	s.put(p.At, b.Bytes())
	s.learn(p.At, p.Title, string(p.Body))
	return nil
}

// header returns the bar at the top of a page.
func header(up, part string) template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, "<header class=\"site\"><a class=\"skip\" href=\"#main\">Skip to the text</a>"+
		"<a class=\"home\" href=\"%sindex.html\">Lateral</a>", up)
	for _, p := range parts {
		current := ""
		if p.Name == part {
			current = ` aria-current="page"`
		}
		fmt.Fprintf(&b, "<a href=\"%s%s\"%s>%s</a>", up, p.At, current, p.Label)
	}
	b.WriteString("<button type=\"button\" class=\"theme\" hidden></button></header>\n<div id=\"main\"></div>")
	return template.HTML(b.String())
}

func (s *Site) warn(format string, args ...any) {
	if s.Warn != nil {
		s.Warn(fmt.Sprintf(format, args...))
	}
}
