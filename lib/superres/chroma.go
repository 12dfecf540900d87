// SPDX-License-Identifier: Apache-2.0

package superres

import "image"

// rgbOf converts a JPEG picture to RGB, 3 bytes a pixel, with the colours of smaller resolution enlarged by a triangle
// filter, as the usual decoder (libjpeg) does it. The decoder of Go repeats colours instead, which blurs edges of the
// brightness where a colour exceeds the range; in results on photographs this is visible in the second digit.
func rgbOf(m *image.YCbCr) []byte {
	b := m.Bounds()
	h, w := b.Dy(), b.Dx()
	rgb := make([]byte, 3*h*w)
	cb, cr := make([]int, w), make([]int, w)
	for r := range h {
		chromaRow(cb, m, m.Cb, r)
		chromaRow(cr, m, m.Cr, r)
		for c := range w {
			y := int(m.Y[m.YOffset(b.Min.X+c, b.Min.Y+r)])
			cb, cr := cb[c]-128, cr[c]-128
			const half = 1 << 15
			p := rgb[3*(r*w+c):]
			p[0] = clampLevel(y + (91881*cr+half)>>16)
			p[1] = clampLevel(y + (-22554*cb-46802*cr+half)>>16)
			p[2] = clampLevel(y + (116130*cb+half)>>16)
		}
	}
	return rgb
}

func clampLevel(v int) byte { return byte(max(0, min(v, 255))) }

// chromaRow sets dst to row r of a colour component at full resolution. Halved axes are interpolated with weights 3/4
// and 1/4; the rare other subsamplings are repeated.
func chromaRow(dst []int, m *image.YCbCr, plane []byte, r int) {
	b := m.Bounds()
	h, w := (b.Dy()+1)/2, (b.Dx()+1)/2
	switch {
	case b.Min != image.Point{} || m.SubsampleRatio != image.YCbCrSubsampleRatio420 &&
		m.SubsampleRatio != image.YCbCrSubsampleRatio422:
		for c := range dst {
			dst[c] = int(plane[m.COffset(b.Min.X+c, b.Min.Y+r)])
		}
	case m.SubsampleRatio == image.YCbCrSubsampleRatio422:
		row := plane[r*m.CStride:]
		interpolate(dst, w, 1, 2, 2, func(c int) int { return int(row[c]) })
	default:
		other := r/2 - 1 // the second nearest row
		if r%2 == 1 {
			other = r/2 + 1
		}
		near, far := plane[r/2*m.CStride:], plane[max(0, min(other, h-1))*m.CStride:]
		interpolate(dst, w, 8, 7, 4, func(c int) int { return 3*int(near[c]) + int(far[c]) })
	}
}

// interpolate doubles a row of w elements: dst[2c] = (3 at(c) + at(c-1) + even) >> shift, and dst[2c+1] = (3 at(c) +
// at(c+1) + odd) >> shift. The elements at the edges continue outwards.
func interpolate(dst []int, w, even, odd, shift int, at func(c int) int) {
	for i := range dst {
		c, next, round := i/2, i/2-1, even
		if i%2 == 1 {
			next, round = i/2+1, odd
		}
		dst[i] = (3*at(c) + at(max(0, min(next, w-1))) + round) >> shift
	}
}
