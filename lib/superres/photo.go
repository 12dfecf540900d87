// SPDX-License-Identifier: Apache-2.0

package superres

import (
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	_ "image/jpeg" // a format that Folder reads
	_ "image/png"  // a format that Folder reads
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	_ "golang.org/x/image/bmp" // a format that Folder reads

	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Photo is the brightness of a photograph.
type Photo struct {
	Name string         // name of its file
	Y    *tensor.Tensor // [H, W], whole numbers from 0 to 255, see [Luma]
}

// largest is the number of pixels up to which a photograph is decoded: a damaged header must not exhaust the memory.
const largest = 1 << 26

var formats = []string{".png", ".jpg", ".jpeg", ".bmp"}

// Folder reads the PNG, JPEG and BMP files of a folder in the order of their names. It ignores other files and
// sub-folders. It returns an error if the folder cannot be read or contains no such file, or if one of the files is
// damaged or has more than 2^26 pixels.
func Folder(dir string) ([]Photo, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("superres: Folder: %w: name a folder of PNG, JPEG or BMP files", err)
	}
	var photos []Photo
	for _, e := range entries {
		if e.IsDir() || !slices.Contains(formats, strings.ToLower(filepath.Ext(e.Name()))) {
			continue
		}
		y, err := read(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("superres: Folder: %s: %w", filepath.Join(dir, e.Name()), err)
		}
		photos = append(photos, Photo{e.Name(), y})
	}
	if len(photos) == 0 {
		return nil, fmt.Errorf("superres: Folder: %s contains no PNG, JPEG or BMP file", dir)
	}
	slices.SortFunc(photos, func(a, b Photo) int { return cmp.Compare(a.Name, b.Name) })
	return photos, nil
}

// read returns the brightness of the picture in a file.
func read(path string) (*tensor.Tensor, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, _, err := image.DecodeConfig(f)
	if err != nil {
		return nil, fmt.Errorf("%w: replace the file with a good copy, or remove it", err)
	}
	if size.Width < 1 || size.Height < 1 || size.Width > largest/size.Height {
		return nil, fmt.Errorf("a picture of %d x %d pixels: want 1 to %d pixels", size.Height, size.Width, largest)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	m, _, err := image.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("%w: replace the file with a good copy, or remove it", err)
	}
	return Luma(m), nil
}

// Luma returns the brightness of a picture in whole numbers. For a colour picture this is the component Y of YCbCr of
// ITU-R BT.601, as rgb2ycbcr of MATLAB computes it from 8-bit components,
//
//	Y = 16 + (65.481 R + 128.553 G + 24.966 B)/255,   16 <= Y <= 235,
//
// rounded. A picture in shades of grey keeps its 8-bit levels, 0 to 255. Transparent parts are black.
func Luma(m image.Image) *tensor.Tensor {
	b := m.Bounds()
	y := tensor.New(b.Dy(), b.Dx())
	if isGrey(m) {
		for r := range b.Dy() {
			row := y.Row(r)
			for c := range row {
				row[c] = float32(color.GrayModel.Convert(m.At(b.Min.X+c, b.Min.Y+r)).(color.Gray).Y)
			}
		}
		return y
	}
	rgb := pixels(m)
	for i := range y.Data() {
		p := rgb[3*i : 3*i+3]
		v := 65.481*float64(p[0]) + 128.553*float64(p[1]) + 24.966*float64(p[2])
		y.Data()[i] = float32(math.Round(16 + v/255))
	}
	return y
}

// pixels returns the components of a picture, 3 bytes a pixel.
func pixels(m image.Image) []byte {
	if m, ok := m.(*image.YCbCr); ok {
		return rgbOf(m)
	}
	b := m.Bounds()
	rgba := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(rgba, rgba.Bounds(), m, b.Min, draw.Src)
	rgb := make([]byte, 0, 3*b.Dx()*b.Dy())
	for p := range slices.Chunk(rgba.Pix, 4) {
		rgb = append(rgb, p[:3]...)
	}
	return rgb
}

// isGrey reports whether a picture's format has shades of grey only.
func isGrey(m image.Image) bool {
	switch m := m.(type) {
	case *image.Gray, *image.Gray16:
		return true
	case *image.Paletted:
		return !slices.ContainsFunc(m.Palette, func(c color.Color) bool {
			r, g, b, _ := c.RGBA()
			return r != g || g != b
		})
	}
	return false
}
