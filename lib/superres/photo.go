// SPDX-License-Identifier: Apache-2.0

package superres

import (
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/lib/dataset/photos"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Photo is the brightness of a photograph.
type Photo struct {
	Name string         // name of its file
	Y    *tensor.Tensor // [H, W], whole numbers from 0 to 255, see [Luma]
}

var formats = []string{".png", ".jpg", ".jpeg", ".bmp"}

// Folder reads the PNG, JPEG and BMP files of a folder in the order of their names. It ignores other files and
// sub-folders. It returns an error if the folder cannot be read or contains no such file, or if one of the files is
// damaged or has more than 2^27 pixels.
func Folder(dir string) ([]Photo, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("superres: Folder: %w: name a folder of PNG, JPEG or BMP files", err)
	}
	var list []Photo
	for _, e := range entries {
		if e.IsDir() || !slices.Contains(formats, strings.ToLower(filepath.Ext(e.Name()))) {
			continue
		}
		m, err := photos.Decode(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("superres: Folder: %w", err)
		}
		list = append(list, Photo{e.Name(), Luma(m)})
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("superres: Folder: %s contains no PNG, JPEG or BMP file", dir)
	}
	slices.SortFunc(list, func(a, b Photo) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
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
