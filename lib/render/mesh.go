// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"math"
)

// A Mesh is a surface of triangles. The vertical axis is Z.
type Mesh struct {
	Points []Vec
	Faces  [][3]int32 // corners of the triangles, indices of Points; counterclockwise seen from outside
	// Normals are the unit normals at the corners of each face, which make curved surfaces look smooth; empty for flat
	// faces. See [Mesh.Smooth].
	Normals [][3]Vec
}

// Add appends the surface of another mesh, which does not change, and returns m. Normals are lost.
func (m *Mesh) Add(o *Mesh) *Mesh {
	first := int32(len(m.Points))
	m.Points = append(m.Points, o.Points...)
	for _, f := range o.Faces {
		m.Faces = append(m.Faces, [3]int32{f[0] + first, f[1] + first, f[2] + first})
	}
	m.Normals = nil
	return m
}

// Move shifts the mesh by (x, y, z) and returns it.
func (m *Mesh) Move(x, y, z float64) *Mesh {
	return m.each(func(p Vec) Vec { return p.Add(Vec{x, y, z}) })
}

// Stretch multiplies the coordinates of the mesh by positive factors and returns it. Normals are lost.
func (m *Mesh) Stretch(x, y, z float64) *Mesh {
	if !(x > 0 && y > 0 && z > 0) {
		panic(fmt.Sprintf("render: Stretch: factors %g, %g, %g: want numbers > 0", x, y, z))
	}
	m.Normals = nil
	return m.each(func(p Vec) Vec { return Vec{p.X * x, p.Y * y, p.Z * z} })
}

// Turn rotates the mesh about an axis through the origin by an angle in radians and returns it. Normals are lost.
func (m *Mesh) Turn(axis Vec, angle float64) *Mesh {
	r := Turn(axis, angle)
	m.Normals = nil
	return m.each(r.Of)
}

// Bend replaces every point p by f(p) and returns the mesh. Normals are lost.
func (m *Mesh) Bend(f func(p Vec) Vec) *Mesh {
	m.Normals = nil
	return m.each(f)
}

func (m *Mesh) each(f func(p Vec) Vec) *Mesh {
	for i, p := range m.Points {
		m.Points[i] = f(p)
	}
	return m
}

// Bounds returns the corners of the smallest box around the points of the mesh.
func (m *Mesh) Bounds() (lo, hi Vec) {
	inf := math.Inf(1)
	lo, hi = Vec{inf, inf, inf}, Vec{-inf, -inf, -inf}
	for _, p := range m.Points {
		lo = Vec{min(lo.X, p.X), min(lo.Y, p.Y), min(lo.Z, p.Z)}
		hi = Vec{max(hi.X, p.X), max(hi.Y, p.Y), max(hi.Z, p.Z)}
	}
	return lo, hi
}

// Fit moves the centre of the box around the mesh to the origin and scales the mesh so that its farthest point is at
// distance 1, and returns it. It panics if all points are equal.
func (m *Mesh) Fit() *Mesh {
	lo, hi := m.Bounds()
	c, far := lo.Add(hi).Scale(0.5), 0.0
	for _, p := range m.Points {
		far = max(far, p.Sub(c).Len())
	}
	if !(far > 0) {
		panic(fmt.Sprintf("render: Fit: the %d points of the mesh have no extent", len(m.Points)))
	}
	return m.each(func(p Vec) Vec { return p.Sub(c).Scale(1 / far) })
}

// Smooth sets the normals: at each corner of a face, the mean direction of the faces that share the point and meet the
// face at an angle, in radians, below crease. Sharper edges stay edges. It returns the mesh.
func (m *Mesh) Smooth(crease float64) *Mesh {
	normals := make([]Vec, len(m.Faces)) // of length twice the area
	around := make([][]int32, len(m.Points))
	for i, f := range m.Faces {
		a := m.Points[f[0]]
		normals[i] = m.Points[f[1]].Sub(a).Cross(m.Points[f[2]].Sub(a))
		for _, p := range f {
			around[p] = append(around[p], int32(i))
		}
	}
	m.Normals = make([][3]Vec, len(m.Faces))
	least := math.Cos(crease)
	for i, f := range m.Faces {
		own := normals[i].Unit()
		for c, p := range f {
			var sum Vec
			for _, j := range around[p] {
				if normals[j].Dot(own) >= least*normals[j].Len() {
					sum = sum.Add(normals[j])
				}
			}
			if sum = sum.Unit(); sum == (Vec{}) {
				sum = own
			}
			m.Normals[i][c] = sum
		}
	}
	return m
}
