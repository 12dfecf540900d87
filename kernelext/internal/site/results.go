// SPDX-License-Identifier: Apache-2.0

package site

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"image/png"
	"os"
	"path"
	"path/filepath"

	"github.com/lateral-ml/lateral/kernelext/internal/results"
)

// read reads a file of the checkout.
func read(module string, parts ...string) ([]byte, error) {
	content, err := os.ReadFile(filepath.Join(append([]string{module}, parts...)...))
	if err != nil {
		return nil, fmt.Errorf("site: %w", err)
	}
	return content, nil
}

// A row is a comparison as the page shows it.
type row struct {
	results.Row
	Name, Title string // of the notebook
}

// results writes the page of all comparisons.
func (s *Site) results(context.Context) error {
	content, err := read(s.Module, filepath.FromSlash(results.JSONFile))
	if err != nil {
		return err
	}
	var held struct{ Rows []results.Row }
	if err := json.Unmarshal(content, &held); err != nil {
		return fmt.Errorf("site: %s: %w: write it with lateral results", results.JSONFile, err)
	}
	var rows []row
	for _, r := range held.Rows {
		name := r.Notebook[:len(r.Notebook)-len(path.Ext(r.Notebook))]
		rows = append(rows, row{Row: r, Name: name, Title: s.titleOf(name)})
	}
	s.put("filter.js", []byte(pageFile("filter.js")))
	body, err := fill("results.html", map[string]any{"Rows": rows, "Lessons": s.notebooks})
	if err != nil {
		return err
	}
	return s.page(Page{Title: "Results", At: "results.html", Part: "results", Body: body, Scripts: []string{"filter.js"}})
}

// gallery writes the page of the pictures that the notebooks put forward.
func (s *Site) gallery(context.Context) error {
	found, err := results.Pictures(filepath.Join(s.Module, "notebooks"))
	if err != nil {
		return err
	}
	type picture struct {
		File, Alt, Caption, Name, Title string
		Size                            template.HTMLAttr
	}
	var pictures []picture
	for _, p := range found {
		file := path.Base(p.File)
		s.put("gallery/"+file, p.PNG)
		shown := picture{File: "gallery/" + file, Alt: p.Alt, Caption: p.Caption, Size: sizeOf(p.PNG)}
		for _, l := range s.notebooks {
			if len(file) > len(l.Name) && file[:len(l.Name)] == l.Name {
				shown.Name, shown.Title = l.Name, l.Title
			}
		}
		pictures = append(pictures, shown)
	}
	body, err := fill("gallery.html", map[string]any{"Pictures": pictures})
	if err != nil {
		return err
	}
	return s.page(Page{Title: "Gallery", At: "gallery.html", Part: "gallery", Body: body})
}

// sizeOf returns the attributes that keep a picture's place in a page before it is loaded.
func sizeOf(picture []byte) template.HTMLAttr {
	c, err := png.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		return ""
	}
	return template.HTMLAttr(fmt.Sprintf(`width="%d" height="%d"`, c.Width, c.Height))
}

// landing writes the first page.
func (s *Site) landing(context.Context) error {
	var ways, rest []*lesson
	for _, l := range s.notebooks {
		if l.Way {
			ways = append(ways, l)
		} else {
			rest = append(rest, l)
		}
	}
	const picture = "gallery/00_quickstart-rasters.png"
	values := map[string]any{"Ways": ways, "Lessons": rest}
	if content := s.files[picture]; content != nil {
		values["Picture"], values["Size"] = picture, sizeOf(content)
	}
	body, err := fill("landing.html", values)
	if err != nil {
		return err
	}
	return s.page(Page{Title: "Lateral: sparse and competitive neural networks", At: "index.html", Body: body})
}
