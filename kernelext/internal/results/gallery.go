// SPDX-License-Identifier: Apache-2.0

package results

import (
	"encoding/base64"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

// GalleryDir holds the pictures of the page: those of the cells tagged GalleryTag.
const (
	GalleryDir = "notebooks/gallery"
	GalleryTag = "gallery"
)

// A Picture is a figure of a notebook that the page shows.
type Picture struct {
	File    string // below the root of the module
	PNG     []byte
	Alt     string
	Caption string
}

// Pictures returns the first picture of every cell tagged for the gallery, by notebook and cell.
func Pictures(dir string) ([]Picture, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.ipynb")) // sorted
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	var pictures []Picture
	for _, p := range paths {
		nb, err := notebook.ReadFile(p)
		if err != nil {
			return nil, err
		}
		for i, cell := range nb.Cells {
			if !slices.Contains(cell.Tags(), GalleryTag) {
				continue
			}
			picture, err := pictureOf(cell)
			if err != nil {
				return nil, fmt.Errorf("results: %s, cell %d: %w: run the notebook again, or take its tag %q away", p, i+1, err,
					GalleryTag)
			}
			name := strings.TrimSuffix(filepath.Base(p), ".ipynb") + "-" + cell.ID + ".png"
			picture.File = path.Join(GalleryDir, name)
			pictures = append(pictures, picture)
		}
	}
	return pictures, nil
}

// pictureOf returns the first picture among a cell's outputs and the caption that follows it.
func pictureOf(cell *notebook.Cell) (Picture, error) {
	for i, out := range cell.Outputs {
		encoded := text(out.Data["image/png"])
		if encoded == "" {
			continue
		}
		png, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(encoded, "\n", ""))
		if err != nil {
			return Picture{}, fmt.Errorf("its picture is no base64: %w", err)
		}
		picture := Picture{PNG: png, Alt: text(out.Data["text/plain"])}
		if i+1 < len(cell.Outputs) {
			picture.Caption = text(cell.Outputs[i+1].Data["text/plain"])
		}
		return picture, nil
	}
	return Picture{}, fmt.Errorf("no picture among its outputs")
}

// text returns a value of a MIME bundle as one string.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var b strings.Builder
		for _, line := range v {
			s, _ := line.(string)
			b.WriteString(s)
		}
		return b.String()
	}
	return ""
}

// gallery returns the page's pictures with their captions.
func gallery(pictures []Picture) string {
	var b strings.Builder
	for _, p := range pictures {
		alt := strings.NewReplacer("[", "(", "]", ")", "\n", " ").Replace(p.Alt)
		fmt.Fprintf(&b, "![%s](%s)\n\n%s\n\n", alt, strings.TrimPrefix(p.File, NotebooksDir+"/"), p.Caption)
	}
	return b.String()
}
