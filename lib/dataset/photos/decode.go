// SPDX-License-Identifier: Apache-2.0

package photos

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/gif"  // a format that is read
	_ "image/jpeg" // a format that is read
	_ "image/png"  // a format that is read
	"io"
	"os"

	_ "golang.org/x/image/bmp" // a format that is read
	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // a format that is read
)

// largest is the number of pixels up to which a photograph is decoded: a damaged header must not exhaust the memory.
const largest = 1 << 27

// checkHeader returns an error unless a file begins as a photograph of reasonable size does.
func checkHeader(path string) error {
	if err := regular(path); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("photos: %w", err)
	}
	defer f.Close()
	return header(path, f)
}

// regular returns an error unless the path is a file; a pipe, for one, could keep its reader waiting for ever.
func regular(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("photos: %w", err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("photos: %s is not a regular file: remove it", path)
	}
	return nil
}

func header(path string, r io.Reader) error {
	size, _, err := image.DecodeConfig(r)
	switch {
	case errors.Is(err, image.ErrFormat):
		return fmt.Errorf("photos: %s is not a PNG, JPEG, GIF, BMP or WebP file, whatever its name says: replace or "+
			"remove it", path)
	case err != nil:
		return fmt.Errorf("photos: %s is damaged (%w): replace or remove it", path, err)
	case size.Width < 1 || size.Height < 1 || size.Width > largest/size.Height:
		return fmt.Errorf("photos: %s has %d x %d pixels: want 1 to %d pixels in all", path, size.Width, size.Height, largest)
	}
	return nil
}

// Decode reads a picture of any of the formats and any size. The error names the file: it cannot be read, is damaged or
// in another format, or has more than 2^27 pixels.
func Decode(path string) (image.Image, error) {
	if err := regular(path); err != nil {
		return nil, err
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("photos: %w", err)
	}
	if err := header(path, bytes.NewReader(file)); err != nil {
		return nil, err
	}
	m, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("photos: %s is damaged (%w): replace or remove it", path, err)
	}
	return m, nil
}

// read puts a photograph into x [C, H, W].
func (c Config) read(x []float32, path string) error {
	m, err := Decode(path)
	if err == nil {
		c.Convert(x, m)
	}
	return err
}

// Convert writes a picture into x, an image [C, H, W] with values from 0 to 1. The picture is cropped to the
// proportions of the image, unless Whole is set, and resized with a filter that averages where it shrinks. Transparent
// parts are black. Brightness is 0.299 R + 0.587 G + 0.114 B. It panics if x has another size.
func (c Config) Convert(x []float32, m image.Image) {
	c = c.withDefaults()
	if len(x) != c.Channels()*c.Height*c.Width {
		panic(fmt.Sprintf("photos: Convert: %d values for %d images of %d x %d", len(x), c.Channels(), c.Height, c.Width))
	}
	part := m.Bounds()
	if !c.Whole {
		part = centre(part, c.Height, c.Width)
	}
	n := c.Height * c.Width
	if grey, ok := m.(*image.Gray); ok && part.Dx() == c.Width && part.Dy() == c.Height { // needs no conversion
		for r := range c.Height {
			row := grey.Pix[grey.PixOffset(part.Min.X, part.Min.Y+r):][:c.Width]
			for i, v := range row {
				for at := r*c.Width + i; at < len(x); at += n {
					x[at] = float32(v) / 255
				}
			}
		}
		return
	}
	rgba := image.NewRGBA(image.Rect(0, 0, c.Width, c.Height))
	if part.Size() == rgba.Rect.Size() {
		draw.Draw(rgba, rgba.Rect, m, part.Min, draw.Src)
	} else {
		draw.BiLinear.Scale(rgba, rgba.Rect, m, part, draw.Src, nil)
	}
	for i := range n {
		p := rgba.Pix[4*i : 4*i+3 : 4*i+3]
		if c.Grey {
			x[i] = (0.299*float32(p[0]) + 0.587*float32(p[1]) + 0.114*float32(p[2])) / 255
			continue
		}
		x[i], x[n+i], x[2*n+i] = float32(p[0])/255, float32(p[1])/255, float32(p[2])/255
	}
}

// centre returns the largest centred part of a rectangle with the proportions h : w.
func centre(r image.Rectangle, h, w int) image.Rectangle {
	width, height := r.Dx(), r.Dy()
	if width*h > height*w {
		width = max(1, height*w/h)
	} else {
		height = max(1, width*h/w)
	}
	x, y := r.Min.X+(r.Dx()-width)/2, r.Min.Y+(r.Dy()-height)/2
	return image.Rect(x, y, x+width, y+height)
}
