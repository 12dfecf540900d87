// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// drawn is a picture as lib/figure makes them.
type drawn struct {
	Caption, Alt string
	err          error
}

func (d drawn) Size() (int, int)           { return 30, 20 }
func (d drawn) WritePNG(w io.Writer) error { w.Write([]byte("PNG")); return d.err }

type grid struct{}

func (grid) HTML() string     { return "<table></table>" }
func (grid) Text() string     { return "a  b" }
func (grid) Markdown() string { return "| a | b |" }

func TestRenderText(t *testing.T) {
	var noFigure *drawn
	for _, c := range []struct {
		item any
		want string
	}{
		{drawn{Alt: "a square"}, "a square"},
		{drawn{}, "Figure"},
		{noFigure, "*kernelext.drawn(nil)"},
		{nil, "<nil>(nil)"},
		{grid{}, "a  b"},
		{Markdown("**x**"), "**x**"},
		{HTML("<p>a &lt; b</p>"), "a < b"},
		{HTML("a <b"), "a"},
		{errors.New("broken"), "broken"},
		{3.5, "3.5"},
		{tensor.From([]float32{1, 2, 3, 6}, 2, 2), "tensor [2 2], 4 values, from 1 to 6, mean 3\n1  2  3  6"},
		{tensor.From([]float32{1, float32(math.NaN())}, 2),
			"tensor [2], 2 values, from 1 to 1, mean 1, 1 NaN or infinite\n1  NaN"},
		{tensor.New(0, 3), "tensor [0 3], 0 values"},
		{tensor.New(10), "tensor [10], 10 values, from 0 to 0, mean 0\n0  0  0  0  0  0  0  0  ..."},
	} {
		bundles, err := render(c.item)
		if err != nil {
			t.Errorf("%T: %v", c.item, err)
			continue
		}
		if got := bundles[0].plain(); got != c.want {
			t.Errorf("%T: text %q, want %q", c.item, got, c.want)
		}
	}
}

func TestRenderReportsWhatCannotBeDrawn(t *testing.T) {
	for _, item := range []any{drawn{err: errors.New("no ink")}, image.NewGray(image.Rect(0, 0, 0, 4))} {
		if _, err := render(item); err == nil {
			t.Errorf("%T is drawn", item)
		}
	}
}

func TestRenderEnlargesSmallImages(t *testing.T) {
	img := image.NewGray(image.Rect(5, 5, 33, 33)) // 28 x 28, not at the origin
	img.SetGray(6, 5, color.Gray{Y: 200})
	b, err := imageBundle(img)
	if err != nil {
		t.Fatal(err)
	}
	got, err := png.Decode(bytes.NewReader(b.data["image/png"].([]byte)))
	if err != nil {
		t.Fatal(err)
	}
	if got.Bounds() != image.Rect(0, 0, 140, 140) {
		t.Errorf("size %v", got.Bounds())
	}
	for x, want := range map[int]uint32{4: 0, 5: 200, 9: 200, 10: 0} {
		if y, _, _, _ := got.At(x, 4).RGBA(); y>>8 != want {
			t.Errorf("column %d is %d, want %d", x, y>>8, want)
		}
	}
	if b, err = imageBundle(image.NewGray(image.Rect(0, 0, 300, 2))); err != nil || b.plain() != "Image, 300 x 2 pixels" {
		t.Errorf("%q %v", b.plain(), err)
	}
}

func TestShowOutsideNotebook(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "figures")
	t.Setenv("LATERAL_FIGURES", dir)
	pictureNames = names{}
	out := captureStdout(t, func() { Show(drawn{Alt: "a square", Caption: "look"}, "text", drawn{Alt: "another"}) })
	for _, want := range []string{"a square\n", "look\n", "text\n", "another\n", "another.png"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in %q", want, out)
		}
	}
	for _, name := range []string{"look.png", "another.png"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != "PNG" {
			t.Errorf("%s: %q %v", name, b, err)
		}
	}
}

// captureStdout returns what f prints.
func captureStdout(t *testing.T, f func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stdout
	os.Stdout = w
	defer func() { os.Stdout = before }()
	text := make(chan string)
	go func() { b, _ := io.ReadAll(r); text <- string(b) }()
	f()
	w.Close()
	return <-text
}

// A notebook shows the summary of a network as a table.
func TestSummaryIsATable(t *testing.T) {
	net := nn.Sequential{nn.NewDense(3, 2, nil, tensor.Stream(1, "weights"))}
	bundles, err := render(nn.Summarize(net, tensor.New(1, 3)))
	if err != nil || len(bundles) != 1 {
		t.Fatalf("%v, %v", bundles, err)
	}
	for _, kind := range []string{"text/html", "text/markdown", "text/plain"} {
		if text, _ := bundles[0].data[kind].(string); !strings.Contains(text, "Linear") {
			t.Errorf("%s: %q", kind, text)
		}
	}
}
