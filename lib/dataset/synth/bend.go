// SPDX-License-Identifier: Apache-2.0

package synth

import "github.com/lateral-ml/lateral/lib/tensor"

// knots is the number of control points of a bending field in each direction.
const knots = 6

// A bend is a smooth random displacement of the plane: a uniform cubic B-spline surface whose control points cover a
// square slightly larger than a digit.
type bend [knots][knots]point

// draw draws the control points from a normal distribution.
func (b *bend) draw(rng *tensor.RNG, deviation float64) {
	for i := range b {
		for j := range b[i] {
			b[i][j] = point{deviation * rng.NormFloat64(), deviation * rng.NormFloat64()}
		}
	}
}

// move displaces a point.
func (b *bend) move(p point) point {
	// The square from -0.75 to 0.75 has knots-3 cells.
	const cells = knots - 3
	u, v := float64((p.x+0.75)*(cells/1.5)), float64((p.y+0.75)*(cells/1.5))
	i, j := min(max(int(u), 0), cells-1), min(max(int(v), 0), cells-1)
	wu, wv := spline(u-float64(i)), spline(v-float64(j))
	var d point
	for k, a := range wv {
		for l, c := range wu {
			w := float64(a * c)
			d.x += float64(w * b[j+k][i+l].x)
			d.y += float64(w * b[j+k][i+l].y)
		}
	}
	return point{p.x + d.x, p.y + d.y}
}

// spline returns the weights of the four control points around t in [0, 1].
func spline(t float64) [4]float64 {
	s := 1 - t
	t2, s2 := float64(t*t), float64(s*s)
	t3, s3 := float64(t2*t), float64(s2*s)
	return [4]float64{
		s3 / 6,
		(float64(3*t3) - float64(6*t2) + 4) / 6,
		(float64(3*s3) - float64(6*s2) + 4) / 6,
		t3 / 6,
	}
}
