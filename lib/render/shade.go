// SPDX-License-Identifier: Apache-2.0

package render

import (
	"math"
	"slices"
)

// shine finds what light i meets first.
func (r *Renderer) shine(i int, l Light, s *Scene, centre Vec) {
	if i == len(r.shadows) {
		r.shadows = append(r.shadows, shadow{raster: newRaster(shadowSide, false)})
	}
	d := &r.shadows[i]
	l.From = l.From.Unit()
	d.Light, d.to = l, frame(l.From, Vec{0, 1, 0})
	for i := range 2 {
		d.to[i] = d.to[i].Scale(shadowSide / 2 / (1.05 * s.Size))
	}
	d.first = Vec{shadowSide / 2, shadowSide / 2, 0}.Sub(d.to.Of(centre))
	r.corners = slices.Grow(r.corners, len(r.points))
	light := r.corners[len(r.points):][:len(r.points)] // behind the corners that the camera sees
	for j, p := range r.points {
		light[j] = d.project(p)
	}
	d.clear(float32(math.Inf(-1)))
	for j, f := range s.Mesh.Faces {
		d.draw(j, light[f[0]], light[f[1]], light[f[2]])
	}
}

// project returns the place of a point in the light's image, in cells, and how near it is to the light.
func (d *shadow) project(p Vec) corner {
	return corner{d.to[0].Dot(p) + d.first.X, d.to[1].Dot(p) + d.first.Y, d.to[2].Dot(p) + d.first.Z}
}

// hides reports whether the solid is between a point and the light.
func (d *shadow) hides(p Vec) bool {
	x, y := d.to[0].Dot(p)+d.first.X, d.to[1].Dot(p)+d.first.Y
	if !(x >= 0 && y >= 0 && x < shadowSide && y < shadowSide) {
		return false
	}
	return float64(d.depth[int(y)*shadowSide+int(x)]) > d.to[2].Dot(p)+d.first.Z
}

// shade computes the pixels from the faces that are visible.
func (r *Renderer) shade(pixels []float32, s *Scene) {
	fromTable := r.tableLight(s)
	for y := range r.side {
		for x := range r.side {
			sum, texture, table, ambient := 0.0, -1.0, -1.0, 0.0
			for i := range samples * samples {
				sx, sy := x*samples+i%samples, y*samples+i/samples
				px, py := float64(sx)+0.5, float64(sy)+0.5
				if f := r.seen.face[sy*r.seen.side+sx]; f >= 0 {
					p, n, at := r.hit(int(f), px, py, s)
					if texture < 0 || i == samples*samples-1 {
						texture = s.Texture.at(at)
					}
					sum += r.light(p, n, texture, s)
					continue
				}
				p := r.below(px, py)
				if table < 0 { // its texture and the sky over it change slowly
					table, ambient = s.Table.at(p), s.Ambient*open(p, s)
				}
				sum += table * (ambient + r.lit(p, &fromTable))
			}
			pixels[y*r.side+x] = grey(sum / (samples * samples))
		}
	}
}

// grey returns the pixel for a brightness. Like a camera, it compresses bright values.
func grey(v float64) float32 {
	return float32(int(255*math.Sqrt(min(max(v, 0), 1))+0.5)) / 255
}

// hit returns the point of a face at (x, y) in the image, the normal towards the camera, and the point in the solid's
// own coordinates.
func (r *Renderer) hit(face int, x, y float64, s *Scene) (p, n, at Vec) {
	f := s.Mesh.Faces[face]
	a, b, c := &r.corners[f[0]], &r.corners[f[1]], &r.corners[f[2]]
	wb, wc := weights(x, y, a, b, c)
	wa := (1 - wb - wc) * a.depth // weights in space
	wb, wc = wb*b.depth, wc*c.depth
	inv := 1 / (wa + wb + wc)
	wa, wb, wc = wa*inv, wb*inv, wc*inv
	blend := func(a, b, c Vec) Vec {
		return Vec{a.X*wa + b.X*wb + c.X*wc, a.Y*wa + b.Y*wb + c.Y*wc, a.Z*wa + b.Z*wb + c.Z*wc}
	}
	p = blend(r.points[f[0]], r.points[f[1]], r.points[f[2]])
	at = blend(s.Mesh.Points[f[0]], s.Mesh.Points[f[1]], s.Mesh.Points[f[2]])
	if len(s.Mesh.Normals) > 0 {
		corners := &s.Mesh.Normals[face]
		n = s.Turn.Of(blend(corners[0], corners[1], corners[2])).Unit()
	} else {
		n = r.points[f[1]].Sub(r.points[f[0]]).Cross(r.points[f[2]].Sub(r.points[f[0]])).Unit()
	}
	if n.Dot(r.eye.Sub(p)) < 0 {
		n = n.Scale(-1)
	}
	return p, n, at
}

// light returns the brightness of a point of the solid with normal n.
func (r *Renderer) light(p, n Vec, texture float64, s *Scene) float64 {
	sum := texture * s.Ambient * (0.7 + 0.3*n.Z)
	off := p.Add(n.Scale(2.5 * s.Size / shadowSide)) // outside its own cell of the depth buffer
	for i := range s.Lights {
		d := &r.shadows[i]
		facing := d.From.Dot(n)
		if facing <= 0 || d.hides(off) {
			continue
		}
		half := d.From.Add(r.eye.Sub(p).Unit()).Unit().Dot(n)
		half *= half
		half *= half
		half *= half
		half *= half
		sum += d.Power * (texture*facing + s.Gloss*half*half)
	}
	return sum
}

// below returns the point of the table at (x, y) in the image.
func (r *Renderer) below(x, y float64) Vec {
	d := Vec{
		r.ray[2].X + x*r.ray[0].X + y*r.ray[1].X,
		r.ray[2].Y + x*r.ray[0].Y + y*r.ray[1].Y,
		r.ray[2].Z + x*r.ray[0].Z + y*r.ray[1].Z,
	}
	t := -r.eye.Z / min(d.Z, -1e-3) // the table has no horizon
	return Vec{r.eye.X + t*d.X, r.eye.Y + t*d.Y, 0}
}

// tableLight returns the brightness that each light gives the table.
func (r *Renderer) tableLight(s *Scene) [maxLights]float64 {
	var list [maxLights]float64
	for i := range s.Lights {
		list[i] = r.shadows[i].Power * max(0, r.shadows[i].From.Z)
	}
	return list
}

// lit returns the light on a point of the table.
func (r *Renderer) lit(p Vec, lights *[maxLights]float64) (sum float64) {
	for i := range r.shadows {
		if lights[i] > 0 && !r.shadows[i].hides(p) {
			sum += lights[i]
		}
	}
	return sum
}

// open returns the share of the sky that the solid leaves open over a point of the table, roughly: next to it, the
// table is darker.
func open(p Vec, s *Scene) float64 {
	dx, dy := p.X-s.X, p.Y-s.Y
	return 1 - 0.45/(1+4*(dx*dx+dy*dy)/(s.Size*s.Size))
}
