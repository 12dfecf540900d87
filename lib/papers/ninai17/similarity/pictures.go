// SPDX-License-Identifier: Apache-2.0

package similarity

import (
	"fmt"
	"image"
	"image/color"
	_ "image/gif"  // a format that is read
	_ "image/jpeg" // a format that is read
	_ "image/png"  // a format that is read
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// endings of the pictures of a folder.
var endings = []string{".png", ".jpg", ".jpeg", ".gif"}

// Pictures reads the PNG, JPEG and GIF files of a folder, in the order of their names, as grey images [N, 1, 64, 64]
// for [Net.Predict], and returns their names. All must be square, of one size, and at least 64 pixels wide; larger ones
// are shrunk. The error names the first file that cannot be read or differs, and its size. Other files are skipped.
func Pictures(folder string) (x *tensor.Tensor, names []string, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, nil, fmt.Errorf("similarity: %w", err)
	}
	for _, e := range entries {
		if slices.Contains(endings, strings.ToLower(filepath.Ext(e.Name()))) && !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		return nil, nil, fmt.Errorf("similarity: %s holds no PNG, JPEG or GIF file", folder)
	}
	for i, name := range names {
		m, err := picture(filepath.Join(folder, name))
		if err != nil {
			return nil, nil, err
		}
		n := m.Bounds().Dx()
		if i == 0 {
			x = tensor.New(len(names), 1, n, n)
		} else if n != x.Shape()[2] {
			return nil, nil, fmt.Errorf("similarity: %s is %d pixels wide, but %s is %d: bring all pictures to one size",
				name, n, names[0], x.Shape()[2])
		}
		b := m.Bounds()
		for k := range x.Row(i) {
			grey := color.Gray16Model.Convert(m.At(b.Min.X+k%n, b.Min.Y+k/n)).(color.Gray16)
			x.Row(i)[k] = float32(grey.Y) / 0xffff
		}
	}
	return shrink(x), names, nil
}

// picture reads a square picture.
func picture(path string) (image.Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("similarity: %w", err)
	}
	defer f.Close()
	size, _, err := image.DecodeConfig(f)
	switch {
	case err != nil:
		return nil, fmt.Errorf("similarity: %s is damaged or no picture (%w): replace or remove it", path, err)
	case size.Width != size.Height || size.Width < side || size.Width > 1<<14:
		return nil, fmt.Errorf("similarity: %s has %d x %d pixels: want a square of %d to %d", path, size.Width,
			size.Height, side, 1<<14)
	}
	if _, err := f.Seek(0, 0); err != nil {
		return nil, fmt.Errorf("similarity: %w", err)
	}
	m, _, err := image.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("similarity: %s is damaged (%w): replace or remove it", path, err)
	}
	return m, nil
}
