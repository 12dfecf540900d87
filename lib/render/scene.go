// SPDX-License-Identifier: Apache-2.0

// Package render draws a solid on a table, in grey, with the shadows of several lights.
//
// A [Mesh] comes from a few solids ([Box], [Lathe], [Tube], [Prism]) put together, or from an OBJ file ([ReadOBJ]). A
// [Scene] says how the solid lies, where the camera and the lights are, and which [Texture] it has. A [Renderer] draws
// scenes:
//
//	mug := render.Lathe(24, [2]float64{0.5, 0}, [2]float64{0.5, 1}, [2]float64{0.45, 1}, [2]float64{0.45, 0.1})
//	mug.Fit().Smooth(0.6)
//	render.New(64).Draw(pixels, &render.Scene{Mesh: mug, ...})
//
// The method is rasterisation: for each of 2 x 2 samples of a pixel, the nearest face is found by a depth buffer. From
// each light, another depth buffer says what is in its shadow. This costs about half a millisecond for an image of 64 x
// 64 and a mesh of a thousand faces. Ray tracing would cost ten times as much. The pixels depend on the scene alone.
package render

import "fmt"

// A Light is a lamp far away.
type Light struct {
	From  Vec     // direction towards the lamp; the table lies in the plane of X and Y, and Z points up
	Power float64 // brightness of a white surface that faces the lamp
}

// A Scene is a solid on a table.
type Scene struct {
	Mesh    *Mesh    // as fitted by [Mesh.Fit]
	Turn    Rotation // of the solid about its centre
	Size    float64  // radius of the sphere around the solid
	X, Y    float64  // where its centre is above the table. The solid touches the table
	Texture Texture
	Table   Texture
	Gloss   float64 // brightness of highlights, 0 for none

	Lights  []Light // at most 4
	Ambient float64 // brightness of a white surface in all shadows

	// Eye is the camera, which looks at the origin. Its image of the plane through the origin at right angles to its
	// view reaches from -1 to 1.
	Eye Vec
}

// samples is the number of samples of a pixel along each axis.
const samples = 2

// maxLights is the largest number of lights.
const maxLights = 4

// shadowSide is the number of cells of a shadow's depth buffer along each axis.
const shadowSide = 96

// A Renderer draws images. It reuses its memory: use one for each goroutine.
type Renderer struct {
	side    int
	eye     Vec
	view    Rotation // into the camera's coordinates: right, up, back
	ray     [3]Vec   // direction of the ray through (x, y) of the image: x·ray[0] + y·ray[1] + ray[2]
	seen    raster
	points  []Vec // of the mesh, in the world
	corners []corner
	shadows []shadow
}

// A shadow is the depth buffer of a light.
type shadow struct {
	raster
	Light
	to    Rotation // into the light's image, whose first two axes are in cells
	first Vec      // what to add there
}

// New returns a renderer of images with side x side pixels. It panics if side is below 1.
func New(side int) *Renderer {
	if side < 1 {
		panic(fmt.Sprintf("render: New: images of side %d", side))
	}
	return &Renderer{side: side, seen: newRaster(side*samples, true)}
}

// Draw draws a scene. Pixels [side*side] are grey levels in [0, 1] in steps of 1/255, row by row from the top. It
// panics if the number of pixels is another, the mesh is empty or the camera is not above the table.
func (r *Renderer) Draw(pixels []float32, s *Scene) {
	switch {
	case len(pixels) != r.side*r.side:
		panic(fmt.Sprintf("render: Draw: %d pixels for an image of %d x %d", len(pixels), r.side, r.side))
	case s.Mesh == nil || len(s.Mesh.Faces) == 0:
		panic("render: Draw: the mesh has no faces")
	case !(s.Eye.Z > 0):
		panic(fmt.Sprintf("render: Draw: the camera at %v is not above the table", s.Eye))
	case len(s.Lights) > maxLights:
		panic(fmt.Sprintf("render: Draw: %d lights, more than %d", len(s.Lights), maxLights))
	}
	s.Texture.check()
	s.Table.check()
	centre := r.place(s)
	r.look(s)
	for i, l := range s.Lights {
		r.shine(i, l, s, centre)
	}
	r.shade(pixels, s)
}

// place moves the points of the mesh into the world and returns the solid's centre.
func (r *Renderer) place(s *Scene) Vec {
	lowest := 0.0
	r.points = r.points[:0]
	for _, p := range s.Mesh.Points {
		p = s.Turn.Of(p).Scale(s.Size)
		lowest = min(lowest, p.Z)
		r.points = append(r.points, p)
	}
	centre := Vec{s.X, s.Y, -lowest}
	for i, p := range r.points {
		r.points[i] = p.Add(centre)
	}
	return centre
}

// look finds the nearest face at each sample.
func (r *Renderer) look(s *Scene) {
	r.eye, r.view = s.Eye, frame(s.Eye, Vec{0, 1, 0})
	half := float64(r.seen.side) / 2
	r.ray[0], r.ray[1] = r.view[0].Scale(1/half), r.view[1].Scale(-1/half)
	r.ray[2] = r.view[1].Sub(r.view[0]).Sub(r.view[2].Scale(r.eye.Len()))
	r.corners = r.corners[:0]
	for _, p := range r.points {
		r.corners = append(r.corners, r.project(p))
	}
	r.seen.clear(0)
	for i, f := range s.Mesh.Faces {
		r.seen.draw(i, r.corners[f[0]], r.corners[f[1]], r.corners[f[2]])
	}
}

// project returns the place of a point of the world in the image, in samples, and the inverse of its distance.
func (r *Renderer) project(p Vec) corner {
	p = p.Sub(r.eye)
	far := -r.view[2].Dot(p)
	scale := r.eye.Len() / far
	half := float64(r.seen.side) / 2
	return corner{half * (1 + scale*r.view[0].Dot(p)), half * (1 - scale*r.view[1].Dot(p)), 1 / far}
}
