// SPDX-License-Identifier: Apache-2.0

package render

import "math"

// A Vec is a point or a direction in space.
type Vec struct{ X, Y, Z float64 }

// Add returns v + w.
func (v Vec) Add(w Vec) Vec { return Vec{v.X + w.X, v.Y + w.Y, v.Z + w.Z} }

// Sub returns v - w.
func (v Vec) Sub(w Vec) Vec { return Vec{v.X - w.X, v.Y - w.Y, v.Z - w.Z} }

// Scale returns s·v.
func (v Vec) Scale(s float64) Vec { return Vec{v.X * s, v.Y * s, v.Z * s} }

// Dot returns the inner product of v and w.
func (v Vec) Dot(w Vec) float64 { return v.X*w.X + v.Y*w.Y + v.Z*w.Z }

// Cross returns the vector product of v and w.
func (v Vec) Cross(w Vec) Vec {
	return Vec{v.Y*w.Z - v.Z*w.Y, v.Z*w.X - v.X*w.Z, v.X*w.Y - v.Y*w.X}
}

// Len returns the Euclidean length of v.
func (v Vec) Len() float64 { return math.Sqrt(v.Dot(v)) }

// Unit returns v with length 1, or 0 if v is 0.
func (v Vec) Unit() Vec {
	if n := v.Len(); n > 0 {
		return v.Scale(1 / n)
	}
	return Vec{}
}

// A Rotation is an orthogonal matrix with determinant 1, row by row. The zero value is no rotation at all: use [Turn].
type Rotation [3]Vec

// Turn returns the rotation about an axis through the origin by an angle in radians, counterclockwise when the axis
// points at the viewer.
func Turn(axis Vec, angle float64) Rotation {
	a := axis.Unit()
	s, c := math.Sincos(angle)
	d := 1 - c
	return Rotation{
		{c + d*a.X*a.X, d*a.X*a.Y - s*a.Z, d*a.X*a.Z + s*a.Y},
		{d*a.Y*a.X + s*a.Z, c + d*a.Y*a.Y, d*a.Y*a.Z - s*a.X},
		{d*a.Z*a.X - s*a.Y, d*a.Z*a.Y + s*a.X, c + d*a.Z*a.Z},
	}
}

// Of returns the rotated vector.
func (r *Rotation) Of(v Vec) Vec { return Vec{r[0].Dot(v), r[1].Dot(v), r[2].Dot(v)} }

// Inverse returns the opposite rotation.
func (r Rotation) Inverse() Rotation {
	return Rotation{{r[0].X, r[1].X, r[2].X}, {r[0].Y, r[1].Y, r[2].Y}, {r[0].Z, r[1].Z, r[2].Z}}
}

// Then returns the rotation r followed by s.
func (r Rotation) Then(s Rotation) Rotation {
	columns := r.Inverse()
	var t Rotation
	for i, row := range s {
		t[i] = Vec{row.Dot(columns[0]), row.Dot(columns[1]), row.Dot(columns[2])}
	}
	return t
}

// frame returns the rotation into coordinates whose third axis points along z, and whose second is as near as possible
// to up.
func frame(z, up Vec) Rotation {
	z = z.Unit()
	x := up.Cross(z)
	if x.Len() < 1e-6 {
		x = Vec{1, 0, 0}.Sub(z.Scale(z.X))
	}
	x = x.Unit()
	return Rotation{x, z.Cross(x), z}
}
