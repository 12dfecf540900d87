// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"math"
)

// Box returns a box with sides x, y and z, centred at the origin.
func Box(x, y, z float64) *Mesh {
	m := &Mesh{}
	for i := range 8 {
		side := func(bit int, length float64) float64 { return (float64(i>>bit&1) - 0.5) * length }
		m.Points = append(m.Points, Vec{side(0, x), side(1, y), side(2, z)})
	}
	for _, q := range [][4]int32{{0, 2, 3, 1}, {4, 5, 7, 6}, {0, 1, 5, 4}, {2, 6, 7, 3}, {0, 4, 6, 2}, {1, 3, 7, 5}} {
		m.quad(q[0], q[1], q[2], q[3])
	}
	return m
}

func (m *Mesh) quad(a, b, c, d int32) {
	m.Faces = append(m.Faces, [3]int32{a, b, c}, [3]int32{a, c, d})
}

// Lathe returns the surface that a profile describes when it turns around the Z axis, in the given number of segments.
// The profile has pairs of a radius and a height, from the bottom up along the outside; a profile that comes down again
// inside makes a vessel. Ends with a radius above 0 are closed by a disc. It panics for fewer than 2 pairs or 3
// segments.
func Lathe(segments int, profile ...[2]float64) *Mesh {
	if len(profile) < 2 || segments < 3 {
		panic(fmt.Sprintf("render: Lathe: %d pairs, %d segments: want at least 2 and 3", len(profile), segments))
	}
	rings := make([][]Vec, len(profile))
	for i, p := range profile {
		rings[i] = make([]Vec, segments)
		for j := range rings[i] {
			s, c := math.Sincos(2 * math.Pi * float64(j) / float64(segments))
			rings[i][j] = Vec{p[0] * c, p[0] * s, p[1]}
		}
	}
	return skin(rings, false)
}

// Sphere returns a sphere of the given radius around the origin.
func Sphere(radius float64, segments int) *Mesh {
	var profile [][2]float64
	for i := range segments/2 + 1 {
		s, c := math.Sincos(math.Pi * float64(i) / float64(segments/2))
		profile = append(profile, [2]float64{radius * s, -radius * c})
	}
	return Lathe(segments, profile...)
}

// Rod returns a cylinder or truncated cone between two points with the given radii.
func Rod(from, to Vec, r0, r1 float64, segments int) *Mesh {
	return Tube(segments, false, []Vec{from, to}, r0, r1)
}

// Tube returns a tube of round cross-section along a path. Its radius is interpolated linearly between the given radii,
// which are equally spaced over the points of the path. A closed path joins its end to its start; otherwise the ends
// are discs. It panics for fewer than 2 points or 3 segments, or without a radius.
func Tube(segments int, closed bool, path []Vec, radii ...float64) *Mesh {
	if len(path) < 2 || segments < 3 || len(radii) == 0 {
		panic(fmt.Sprintf("render: Tube: %d points, %d segments, %d radii: want at least 2, 3 and 1",
			len(path), segments, len(radii)))
	}
	rings := make([][]Vec, len(path))
	var side Vec
	for i, p := range path {
		next, previous := min(i+1, len(path)-1), max(i-1, 0)
		if closed {
			next, previous = (i+1)%len(path), (i+len(path)-1)%len(path)
		}
		along := path[next].Sub(path[previous]).Unit()
		side = side.Sub(along.Scale(side.Dot(along))).Unit() // the ring before, carried along without twist
		if side == (Vec{}) {
			side = frame(along, Vec{0, 0, 1})[0]
		}
		other, radius := along.Cross(side), between(radii, float64(i)/float64(len(path)-1))
		rings[i] = make([]Vec, segments)
		for j := range rings[i] {
			s, c := math.Sincos(2 * math.Pi * float64(j) / float64(segments))
			rings[i][j] = p.Add(side.Scale(radius * c)).Add(other.Scale(radius * s))
		}
	}
	return skin(rings, closed)
}

// between interpolates linearly between equally spaced values, for t from 0 to 1.
func between(values []float64, t float64) float64 {
	x := t * float64(len(values)-1)
	i := min(int(x), max(len(values)-2, 0))
	if len(values) == 1 {
		return values[0]
	}
	return values[i] + (x-float64(i))*(values[i+1]-values[i])
}

// Circle returns points on a circle around the origin in the plane of X and Y, from one angle to another in radians.
// The end of a full circle is not repeated.
func Circle(radius, from, to float64, points int) []Vec {
	steps := float64(points - 1)
	if math.Abs(to-from) > 2*math.Pi-1e-9 {
		steps = float64(points)
	}
	path := make([]Vec, points)
	for i := range path {
		s, c := math.Sincos(from + (to-from)*float64(i)/steps)
		path[i] = Vec{radius * c, radius * s, 0}
	}
	return path
}

// Torus returns a ring around the Z axis with the radii of its circle and of its tube.
func Torus(radius, tube float64, segments int) *Mesh {
	return Tube(segments/2, true, Circle(radius, 0, 2*math.Pi, segments), tube)
}

// Prism returns a solid of the given height over an outline in the plane of X and Y, from -height/2 to height/2. The
// outline runs counterclockwise, and all of it must be visible from the mean of its points. It panics for fewer than 3
// points.
func Prism(outline [][2]float64, height float64) *Mesh {
	if len(outline) < 3 {
		panic(fmt.Sprintf("render: Prism: an outline of %d points: want at least 3", len(outline)))
	}
	rings := [][]Vec{nil, nil}
	for _, p := range outline {
		rings[0] = append(rings[0], Vec{p[0], p[1], -height / 2})
		rings[1] = append(rings[1], Vec{p[0], p[1], height / 2})
	}
	return skin(rings, false)
}

// skin joins rings of equally many points by faces. It closes both ends by fans around their centres or, if closed,
// joins them.
func skin(rings [][]Vec, closed bool) *Mesh {
	m, n := &Mesh{}, int32(len(rings[0]))
	for _, ring := range rings {
		m.Points = append(m.Points, ring...)
	}
	joints := len(rings) - 1
	if closed {
		joints++
	}
	for i := range int32(joints) {
		lower, upper := i*n, (i+1)%int32(len(rings))*n
		for j := range n {
			k := (j + 1) % n
			m.Faces = appendFace(m.Faces, m.Points, lower+j, lower+k, upper+k)
			m.Faces = appendFace(m.Faces, m.Points, lower+j, upper+k, upper+j)
		}
	}
	if closed {
		return m
	}
	for end, ring := range [][]Vec{rings[0], rings[len(rings)-1]} {
		centre, first := int32(len(m.Points)), int32(end*(len(rings)-1))*n
		var mean Vec
		for _, p := range ring {
			mean = mean.Add(p.Scale(1 / float64(n)))
		}
		m.Points = append(m.Points, mean)
		for j := range n {
			a, b := first+j, first+(j+1)%n
			if end == 0 {
				a, b = b, a
			}
			m.Faces = appendFace(m.Faces, m.Points, centre, a, b)
		}
	}
	return m
}

// appendFace appends a face unless it has no area.
func appendFace(faces [][3]int32, points []Vec, a, b, c int32) [][3]int32 {
	if points[b].Sub(points[a]).Cross(points[c].Sub(points[a])).Len() < 1e-12 {
		return faces
	}
	return append(faces, [3]int32{a, b, c})
}
