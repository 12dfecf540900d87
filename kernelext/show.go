// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"bytes"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"reflect"
	"strings"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Drawing is a picture that knows its size in CSS pixels and draws itself as PNG with twice as many pixels each
// way, for sharp display on dense screens. A *figure.Figure is one. If the value has string fields named Caption and
// Alt, Show displays the caption below the picture and gives Alt to readers who cannot see it.
//
// It is an interface so that a cell that draws nothing need not link the drawing library.
type Drawing interface {
	Size() (width, height int)
	WritePNG(io.Writer) error
}

// A Grid is a table in the three forms that front ends ask for. A *figure.Table is one.
type Grid interface {
	HTML() string
	Text() string     // aligned columns
	Markdown() string // a pipe table
}

// Markdown is text that Show renders as Markdown, with equations between dollar signs.
type Markdown string

// HTML is text that Show passes to the front end as it is.
type HTML string

// Show displays each item, one below the other:
//
//   - a [Drawing] (*figure.Figure) as a picture with its caption below,
//   - an image.Image as a picture, small ones enlarged by a whole factor so that pixels can be seen,
//   - a [Grid] (*figure.Table) as a table,
//   - [Markdown] and [HTML] rendered,
//   - a *tensor.Tensor as its shape, range, mean and first values,
//   - an error as its message, anything else as fmt.Print shows it.
//
// Text printed before Show appears above, text printed after it below, and when Show returns nothing can be lost any
// more, however the cell ends. Every output carries a text form. Outside a notebook the text form is printed. If
// LATERAL_FIGURES names a directory, pictures are kept there too: drawings as PNG, SVG and PDF, images as PNG. An item
// that cannot be drawn is reported on stderr.
func Show(items ...any) {
	for _, item := range items {
		bundles, err := render(item)
		if err != nil {
			fmt.Fprintf(os.Stderr, "kernelext: Show: %v\n", err)
			continue
		}
		emit(bundles...)
		switch item := item.(type) {
		case Drawing:
			keepFigure(item)
		case image.Image:
			keepImage(bundles[0])
		}
	}
}

// emit displays bundles in the notebook, or prints their text.
func emit(bundles ...bundle) {
	if inNotebook && kernel.deliver(bundles...) == nil {
		return
	}
	for _, b := range bundles {
		fmt.Println(strings.TrimRight(b.plain(), "\n"))
	}
}

// render turns an item into outputs.
func render(item any) ([]bundle, error) {
	if v := reflect.ValueOf(item); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return []bundle{textBundle(fmt.Sprintf("%T(nil)", item))}, nil
	}
	switch item := item.(type) {
	case Drawing:
		return drawingBundles(item)
	case image.Image:
		b, err := imageBundle(item)
		return []bundle{b}, err
	case Grid:
		return []bundle{{data: map[string]any{
			"text/html": item.HTML(), "text/markdown": item.Markdown(), "text/plain": item.Text()}}}, nil
	case Markdown:
		return []bundle{{data: map[string]any{"text/markdown": string(item), "text/plain": string(item)}}}, nil
	case HTML:
		return []bundle{{data: map[string]any{"text/html": string(item), "text/plain": untag(string(item))}}}, nil
	case *tensor.Tensor:
		return []bundle{textBundle(summary(item))}, nil
	}
	return []bundle{textBundle(fmt.Sprint(item))}, nil // prints an error's message and what a Stringer says
}

func textBundle(s string) bundle { return bundle{data: map[string]any{"text/plain": s}} }

// drawingBundles returns the picture and, as an output of its own, the caption. A caption inside an HTML figure
// would need the picture as a data URI there, and again as image/png for front ends that show no HTML: twice the
// size. Two outputs read the same in JupyterLab, VS Code, nbconvert and on code-hosting pages.
func drawingBundles(d Drawing) ([]bundle, error) {
	picture, err := drawingBundle(d)
	if err != nil {
		return nil, err
	}
	if caption := stringField(d, "Caption"); caption != "" {
		return []bundle{picture, captionBundle(caption)}, nil
	}
	return []bundle{picture}, nil
}

func drawingBundle(d Drawing) (bundle, error) {
	var buf bytes.Buffer
	if err := d.WritePNG(&buf); err != nil {
		return bundle{}, fmt.Errorf("drawing %T: %w", d, err)
	}
	alt := stringField(d, "Alt")
	if alt == "" {
		alt = "Figure"
	}
	w, h := d.Size()
	return pictureBundle(buf.Bytes(), alt, w, h), nil
}

// pictureBundle is a PNG shown w by h CSS pixels large.
func pictureBundle(picture []byte, alt string, w, h int) bundle {
	return bundle{
		data:     map[string]any{"image/png": picture, "text/plain": alt},
		metadata: map[string]any{"image/png": map[string]any{"width": w, "height": h, "alt": alt}},
	}
}

// captionBundle is the text below a picture. An HTML exporter finds it by the class, or by the metadata.
func captionBundle(caption string) bundle {
	return bundle{
		data: map[string]any{
			"text/html": `<p class="lateral-caption" style="max-width: 46em"><em>` + html.EscapeString(caption) +
				`</em></p>`,
			"text/markdown": escapeMarkdown(caption),
			"text/plain":    caption,
		},
		metadata: map[string]any{"lateral": map[string]any{"role": "caption"}},
	}
}

// escapeMarkdown keeps plain text plain, except for equations between dollar signs.
func escapeMarkdown(s string) string {
	parts := strings.Split(s, "$")
	for i := 0; i < len(parts); i += 2 {
		parts[i] = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", "|", `\|`).Replace(parts[i])
	}
	return strings.Join(parts, "$")
}

// stringField returns the named string field of the struct that v is or points to, "" if it has none.
func stringField(v any, name string) string {
	s := reflect.Indirect(reflect.ValueOf(v))
	if s.Kind() != reflect.Struct {
		return ""
	}
	if f := s.FieldByName(name); f.IsValid() && f.Kind() == reflect.String {
		return f.String()
	}
	return ""
}

// smallImage is the width in CSS pixels below which an image is enlarged.
const smallImage = 140

func imageBundle(img image.Image) (bundle, error) {
	r := img.Bounds()
	if r.Empty() {
		return bundle{}, fmt.Errorf("the image is empty: %v", r)
	}
	factor := max(1, smallImage/max(r.Dx(), r.Dy()))
	alt := fmt.Sprintf("Image, %d x %d pixels", r.Dx(), r.Dy())
	if factor > 1 {
		alt += fmt.Sprintf(", shown %d times larger", factor)
		img = enlarged{img, factor}
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		return bundle{}, fmt.Errorf("encoding the image: %w", err)
	}
	return pictureBundle(buf.Bytes(), alt, r.Dx()*factor, r.Dy()*factor), nil
}

// enlarged shows every pixel of an image as a square.
type enlarged struct {
	image.Image
	factor int
}

func (e enlarged) Bounds() image.Rectangle {
	r := e.Image.Bounds()
	return image.Rect(0, 0, r.Dx()*e.factor, r.Dy()*e.factor)
}

func (e enlarged) At(x, y int) color.Color {
	r := e.Image.Bounds()
	return e.Image.At(r.Min.X+x/e.factor, r.Min.Y+y/e.factor)
}

// summary describes a tensor in two lines: shape and statistics, then the first values.
func summary(t *tensor.Tensor) string {
	data := t.Data()
	head := fmt.Sprintf("tensor %v, %d values", t.Shape(), len(data))
	low, high, sum, odd := math.Inf(1), math.Inf(-1), 0.0, 0
	for _, v := range data {
		x := float64(v)
		if math.IsNaN(x) || math.IsInf(x, 0) {
			odd++
			continue
		}
		low, high, sum = min(low, x), max(high, x), sum+x
	}
	if n := len(data) - odd; n > 0 {
		head += fmt.Sprintf(", from %.4g to %.4g, mean %.4g", low, high, sum/float64(n))
	}
	if odd > 0 {
		head += fmt.Sprintf(", %d NaN or infinite", odd)
	}
	if len(data) == 0 {
		return head
	}
	first := make([]string, min(8, len(data)))
	for i := range first {
		first[i] = fmt.Sprintf("%.4g", data[i])
	}
	if len(data) > len(first) {
		first = append(first, "...")
	}
	return head + "\n" + strings.Join(first, "  ")
}

// untag returns the text of an HTML fragment.
func untag(s string) string {
	var b strings.Builder
	for s != "" {
		text, rest, found := strings.Cut(s, "<")
		b.WriteString(text)
		if !found {
			break
		}
		if _, s, found = strings.Cut(rest, ">"); !found {
			break
		}
	}
	return strings.TrimSpace(html.UnescapeString(b.String()))
}
