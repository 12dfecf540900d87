// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"

	"github.com/lateral-ml/lateral/lib/durable"
)

// figuresVariable names the directory in which pictures are kept besides being shown. A relative one starts where the
// cell runs, which is the notebook's folder.
const figuresVariable = "LATERAL_FIGURES"

// keepFigure writes a figure to the directory in LATERAL_FIGURES, if there is one: as PNG, and as SVG and PDF where the
// figure has the methods WriteSVG and WritePDF, as a *figure.Figure has. Files are named by the caption, else by the
// alt text: a cell that runs again replaces its own.
func keepFigure(d Drawing) {
	dir := os.Getenv(figuresVariable)
	if v := reflect.ValueOf(d); dir == "" || v.Kind() == reflect.Pointer && v.IsNil() {
		return
	}
	write := map[string]func(io.Writer) error{".png": d.WritePNG}
	if v, ok := d.(interface{ WriteSVG(io.Writer) error }); ok {
		write[".svg"] = v.WriteSVG
	}
	if v, ok := d.(interface{ WritePDF(io.Writer) error }); ok {
		write[".pdf"] = v.WritePDF
	}
	title := stringField(d, "Caption")
	if title == "" {
		title = stringField(d, "Alt")
	}
	if err := keepPictures(dir, title, write); err != nil {
		fmt.Fprintf(os.Stderr, "kernelext: keeping a figure in %s: %v\n", figuresVariable, err)
	}
}

// keepImage is keepFigure for an image, which is a PNG already.
func keepImage(b bundle) {
	picture, ok := b.data["image/png"].([]byte)
	if dir := os.Getenv(figuresVariable); ok && dir != "" {
		write := func(w io.Writer) error { _, err := w.Write(picture); return err }
		if err := keepPictures(dir, b.plain(), map[string]func(io.Writer) error{".png": write}); err != nil {
			fmt.Fprintf(os.Stderr, "kernelext: keeping an image in %s: %v\n", figuresVariable, err)
		}
	}
}

// keepPictures writes the same picture in several formats.
func keepPictures(dir, title string, formats map[string]func(io.Writer) error) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	base := filepath.Join(dir, pictureNames.next(title))
	for ext, write := range formats {
		var content bytes.Buffer
		if err := write(&content); err != nil {
			return err
		}
		if err := durable.WriteFile(base+ext, content.Bytes()); err != nil {
			return err
		}
	}
	if !inNotebook {
		fmt.Println("saved", base+".png")
	}
	return nil
}

// pictureNames are those that this process has used.
var pictureNames names

type names struct {
	mu   sync.Mutex
	used map[string]int
}

// next returns a file name without extension for a picture's title, another one each time.
func (n *names) next(title string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.used == nil {
		n.used = map[string]int{}
	}
	name := fileTitle(title)
	n.used[name]++
	if times := n.used[name]; times > 1 {
		name = fmt.Sprintf("%s-%d", name, times)
	}
	return name
}

// fileTitle makes the beginning of a title fit for a file name: what numbers it and its first sentence, or, where that
// is long, as much of it as ends with a clause. "Figure 4. Weights of hidden units: red excites. Look for ..." is
// figure-4-weights-of-hidden-units.
func fileTitle(title string) string {
	const most = 72
	label := titleLabel.FindString(title)
	sentence := title[len(label):]
	if end := sentenceEnd.FindStringIndex(sentence); end != nil {
		sentence = sentence[:end[0]]
	}
	name := fileName(label + sentence)
	for end := len(sentence); len(name) > most; {
		if end = strings.LastIndexAny(sentence[:end], ",;("); end <= 0 { // not even one clause
			name = name[:1+strings.LastIndexByte(name[:most], '-')]
			break
		}
		name = fileName(label + sentence[:end])
	}
	return cmp.Or(strings.Trim(name, "-"), "figure")
}

var (
	titleLabel  = regexp.MustCompile(`^([A-Za-z]+[0-9]+, )?(?i:figure|fig\.|table) [0-9.]+[.:,]? `)
	sentenceEnd = regexp.MustCompile(`[.:!?](\s|$)`)
	noFileName  = regexp.MustCompile(`[^a-z0-9]+`)
)

// fileName joins the words of a text by hyphens.
func fileName(text string) string {
	return strings.Trim(noFileName.ReplaceAllString(strings.ToLower(text), "-"), "-")
}
