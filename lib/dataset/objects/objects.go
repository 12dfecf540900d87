// SPDX-License-Identifier: Apache-2.0

// Package objects makes pictures of solids from a seed: for learning which shapes are alike, whatever their pose,
// place, light and texture.
//
//	solids := objects.Solids(10, 1, "train")             // ten mugs, ten chairs, ...
//	x := solids.Render(100, objects.Views{Seed: 1, Stream: "train", Textures: objects.TrainTextures})
//
// Each solid is a class, and its kind is a superclass: two different mugs are two classes of the superclass mug.
// [Solids] and [Sticks] make solids, [ReadFiles] reads them from OBJ files. They take the place of BlenderRender and
// ShapeNet in [NINAI17, section 4], whose images are not public.
package objects

import (
	"fmt"
	"math"
	"runtime"
	"strconv"

	"github.com/lateral-ml/lateral/lib/internal/parallel"
	"github.com/lateral-ml/lateral/lib/render"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Collection is a list of solids.
type Collection struct {
	Meshes []*render.Mesh // of the classes, as fitted by [render.Mesh.Fit]
	Super  []int          // superclass of each class
	Names  []string       // of the superclasses
}

// Kinds is the number of superclasses of [Solids].
func Kinds() int { return len(families) }

// Solids returns n solids of each kind, superclass by superclass: class i is of superclass i/n. The sizes and parts of
// a solid are random. They depend on seed, stream, kind and number alone, so that more solids begin with the same ones.
// It panics if n is negative.
func Solids(n int, seed uint64, stream string) *Collection {
	c := &Collection{}
	for super, f := range families {
		c.Names = append(c.Names, f.name)
		for i := range n {
			u := draw{tensor.Stream(seed, fmt.Sprintf("dataset/solids/%s/%s/%d", stream, f.name, i))}
			c.add(f.build(u), super)
		}
	}
	return c
}

// crease is the angle up to which edges look smooth.
const crease = 0.75

func (c *Collection) add(m *render.Mesh, super int) {
	c.Meshes, c.Super = append(c.Meshes, m.Fit().Smooth(crease)), append(c.Super, super)
}

// Sticks returns n stick figures, each a superclass of its own: three to six sticks, each growing from a random place
// on one before it. They depend on seed, stream and number alone. It panics if n is negative.
func Sticks(n int, seed uint64, stream string) *Collection {
	c := &Collection{}
	for i := range n {
		u := draw{tensor.Stream(seed, fmt.Sprintf("dataset/sticks/%s/%d", stream, i))}
		c.add(stick(u), i)
		c.Names = append(c.Names, "stick figure "+strconv.Itoa(i+1))
	}
	return c
}

func stick(u draw) *render.Mesh {
	m, r := &render.Mesh{}, u.in(0.07, 0.11)
	ends := [][2]render.Vec{{{}, u.direction().Scale(u.in(1, 1.6))}}
	for range u.from(2, 5) {
		from := ends[u.IntN(len(ends))]
		along := from[1].Sub(from[0])
		start := from[0].Add(along.Scale(float64(u.IntN(3)) / 2))
		way := u.direction()
		for math.Abs(way.Dot(along.Unit())) > 0.8 { // nearly the same line
			way = u.direction()
		}
		ends = append(ends, [2]render.Vec{start, start.Add(way.Scale(u.in(0.6, 1.4)))})
	}
	for _, e := range ends {
		m.Add(render.Rod(e[0], e[1], r, r, 9))
		for _, end := range e {
			m.Add(render.Sphere(r*1.02, 8).Move(end.X, end.Y, end.Z))
		}
	}
	return m
}

// direction returns a random unit vector.
func (u draw) direction() render.Vec {
	for {
		v := render.Vec{X: u.in(-1, 1), Y: u.in(-1, 1), Z: u.in(-1, 1)}
		if n := v.Len(); n > 0.1 && n < 1 {
			return v.Scale(1 / n)
		}
	}
}

// The kinds of textures, see [render.Textures], cut into those to train and those to test with: as in [NINAI17], no
// texture of one is in the other.
var (
	TrainTextures = []int{0, 1, 2, 4, 5, 6, 8, 9, 11, 12}
	TestTextures  = []int{3, 7, 10, 13, 14}
)

// Views says from where and how solids are seen. The zero value is complete but for Seed and Stream.
type Views struct {
	Side     int    // of the images, in pixels; 0 means 64
	Seed     uint64 // with Stream, of everything that is random
	Stream   string
	Textures []int   // kinds to draw from; nil means all
	Tilt     float64 // largest tilt of a solid, in radians; 0 means 0.35
	Tumble   bool    // turn solids in all directions, not only around their vertical axis with a tilt
	Workers  int     // goroutines; 0 means one per core. Results do not depend on it
}

// A Nuisance is what differs between the images of a solid besides its pose.
type Nuisance struct {
	Place   int // where the solid is: 0 centre, 1 top left, 2 top right, 3 bottom left, 4 bottom right
	Light   int // where the strongest light is, the same
	Texture int // kind
}

// Render returns n images of each solid x [len(Meshes)·n, 1, Side, Side], with pixels in [0, 1] in steps of 1/255:
// image i shows solid i/n. Its place is one of five, and so is that of the strongest light; the texture is one of
// Textures, of random contrast and scale. The table, a second light, size and distance vary as well [NINAI17, section
// 4]. It panics if n is negative or Side below 8.
//
// An image depends on Seed, Stream, its index and the options alone, not on the number of goroutines.
func (c *Collection) Render(n int, v Views) *tensor.Tensor {
	x, _ := c.render(n, v)
	return x
}

// RenderAll is [Collection.Render] and returns what was drawn for each image, too.
func (c *Collection) RenderAll(n int, v Views) (*tensor.Tensor, []Nuisance) { return c.render(n, v) }

func (c *Collection) render(n int, v Views) (*tensor.Tensor, []Nuisance) {
	if v.Side == 0 {
		v.Side = 64
	}
	if n < 0 || v.Side < 8 {
		panic(fmt.Sprintf("dataset/objects: Render: %d images of side %d: want n >= 0, side >= 8", n, v.Side))
	}
	if v.Textures == nil {
		for i := range render.Textures {
			v.Textures = append(v.Textures, i)
		}
	}
	if v.Tilt == 0 {
		v.Tilt = 0.35
	}
	if v.Workers == 0 {
		v.Workers = runtime.GOMAXPROCS(0)
	}
	x, drawn := tensor.New(len(c.Meshes)*n, 1, v.Side, v.Side), make([]Nuisance, len(c.Meshes)*n)
	parallel.For(v.Workers, len(drawn), 1, nil, func(_ any, lo, hi int) {
		r, s := render.New(v.Side), &render.Scene{}
		for i := lo; i < hi; i++ {
			s.Mesh = c.Meshes[i/n]
			drawn[i] = v.draw(s, draw{tensor.Stream(v.Seed, "dataset/views/"+v.Stream+"/"+strconv.Itoa(i))})
			r.Draw(x.Row(i), s)
		}
	})
	return x, drawn
}

// corner returns the directions to one of five places.
func corner(place int) (x, y float64) {
	return [5]float64{0, -1, 1, -1, 1}[place], [5]float64{0, 1, 1, -1, -1}[place]
}

// draw draws everything about a scene but the solid.
func (v *Views) draw(s *render.Scene, u draw) Nuisance {
	d := Nuisance{Place: u.IntN(5), Light: u.IntN(5), Texture: v.Textures[u.IntN(len(v.Textures))]}
	turn := render.Turn(render.Vec{Z: 1}, u.in(0, 2*math.Pi))
	if v.Tumble {
		turn = turn.Then(render.Turn(u.direction(), u.in(0, 2*math.Pi)))
	} else {
		s, c := math.Sincos(u.in(0, 2*math.Pi))
		turn = turn.Then(render.Turn(render.Vec{X: c, Y: s}, u.in(0, v.Tilt)))
	}
	s.Turn, s.Size = turn, u.in(0.5, 0.6)

	up := u.in(0.65, 1) // elevation of the camera, in radians
	sin, cos := math.Sincos(up)
	s.Eye = render.Vec{Y: -cos, Z: sin}.Scale(u.in(4, 5))
	px, py := corner(d.Place)
	s.X, s.Y = 0.36*px+u.in(-0.04, 0.04), 0.36*py/sin+u.in(-0.04, 0.04)-0.4*cos // the solid's middle is above the table

	dark, light := u.in(0.1, 0.4), u.in(0.75, 1)
	s.Texture = v.texture(u, d.Texture, dark, light)
	s.Table = v.texture(u, 1, 0, 0)
	s.Table.Dark = u.in(0.08, 0.7)
	s.Table.Light = s.Table.Dark + u.in(0, 0.15)
	s.Table.Scale = u.in(1, 3)
	s.Gloss = max(0, u.in(-0.1, 0.25))

	lx, ly := corner(d.Light)
	key := render.Vec{X: 0.75 * lx, Y: 0.75*ly - 0.2, Z: 1.1}
	fill := render.Vec{X: u.in(-1, 1), Y: u.in(-1, 0.4), Z: 1}
	s.Ambient = u.in(0.16, 0.3)
	s.Lights = append(s.Lights[:0], render.Light{From: key, Power: u.in(0.5, 0.8)},
		render.Light{From: fill, Power: u.in(0.08, 0.22)})
	return d
}

func (v *Views) texture(u draw, kind int, dark, light float64) render.Texture {
	return render.Texture{
		Kind: kind, Dark: dark, Light: light, Scale: u.in(1.2, 2.6), Seed: u.Uint32(),
		Turn: render.Turn(u.direction(), u.in(0, 2*math.Pi)),
	}
}
