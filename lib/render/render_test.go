// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// scene is a box under one light, on a plain table.
func scene() *Scene {
	return &Scene{
		Mesh: Box(1, 1, 1).Fit(), Turn: Turn(Vec{Z: 1}, 0), Size: 0.5,
		Texture: Texture{Dark: 0.8, Light: 0.8}, Table: Texture{Dark: 0.4, Light: 0.4},
		Lights: []Light{{From: Vec{-1, 0, 1}, Power: 0.8}}, Ambient: 0.1, Eye: Vec{0, -3, 3},
	}
}

// Points of the world appear where a camera by hand puts them. The eye is at (0, -3, 3) at distance sqrt(18); right is
// (1, 0, 0), up is (0, 1, 1)/sqrt 2, and a point at depth z from the eye is enlarged by sqrt(18)/z.
func TestProjectedCorners(t *testing.T) {
	const side = 64
	r := New(side)
	s := scene()
	r.place(s)
	r.look(s)
	d := math.Sqrt(18)
	for _, p := range []Vec{{}, {0.5, 0, 0}, {0.2, -0.3, 0.7}, {-0.4, 0.6, 0.1}} {
		depth := d - (-p.Y+p.Z)/math.Sqrt2
		x := side * (1 + d/depth*p.X)
		y := side * (1 - d/depth*(p.Y+p.Z)/math.Sqrt2)
		if got := r.project(p); math.Abs(got.x-x) > 1e-9 || math.Abs(got.y-y) > 1e-9 || math.Abs(got.depth-1/depth) > 1e-9 {
			t.Errorf("%v is at %+v, want (%g, %g), 1/%g", p, got, x, y, depth)
		}
		if p.Z != 0 {
			continue
		}
		if back := r.below(x, y); back.Sub(p).Len() > 1e-9 {
			t.Errorf("the table at (%g, %g) is %v, want %v", x, y, back, p)
		}
	}
	// The box stands on the table, and the image shows it exactly between its projected corners.
	lowest, left, right := math.Inf(1), math.Inf(1), math.Inf(-1)
	for i, p := range r.points {
		lowest = min(lowest, p.Z)
		left, right = min(left, r.corners[i].x), max(right, r.corners[i].x)
	}
	if math.Abs(lowest) > 1e-12 {
		t.Errorf("the lowest point is at height %g", lowest)
	}
	seenLeft, seenRight := r.seen.side, 0
	for i, f := range r.seen.face {
		if f >= 0 {
			seenLeft, seenRight = min(seenLeft, i%r.seen.side), max(seenRight, i%r.seen.side)
		}
	}
	if math.Abs(float64(seenLeft)+0.5-left) > 1 || math.Abs(float64(seenRight)+0.5-right) > 1 {
		t.Errorf("the box covers columns %d to %d, its corners are at %g and %g", seenLeft, seenRight, left, right)
	}
}

// The shadow lies on the side away from the light, and the face towards the light is brighter.
func TestShadowSide(t *testing.T) {
	const side = 64
	draw := func(from Vec) []float32 {
		s := scene()
		s.Lights[0].From = from
		pixels := make([]float32, side*side)
		New(side).Draw(pixels, s)
		return pixels
	}
	mean := func(pixels []float32, x int) float64 { // of the table beside the box, in the rows of its foot
		sum := 0.0
		for y := 30; y < 36; y++ {
			sum += float64(pixels[y*side+x])
		}
		return sum / 6
	}
	fromLeft, fromRight := draw(Vec{-1, 0, 1}), draw(Vec{1, 0, 1})
	const left, right = 20, 43
	if !(mean(fromLeft, right) < 0.7*mean(fromLeft, left)) || !(mean(fromRight, left) < 0.7*mean(fromRight, right)) {
		t.Errorf("light from the left: %.3f left, %.3f right of the box; from the right: %.3f, %.3f",
			mean(fromLeft, left), mean(fromLeft, right), mean(fromRight, left), mean(fromRight, right))
	}
	for y := range side { // the pictures mirror each other
		for x := range side {
			if d := fromLeft[y*side+x] - fromRight[y*side+side-1-x]; math.Abs(float64(d)) > 0.35 {
				t.Fatalf("pixel (%d, %d) differs by %g from its mirror image", x, y, d)
			}
		}
	}
}

// With a second light, a shadow of the first is not as dark; without lights, only the ambient light is left.
func TestLights(t *testing.T) {
	const side = 32
	s := scene()
	total := func() (sum float64) {
		pixels := make([]float32, side*side)
		New(side).Draw(pixels, s)
		for _, v := range pixels {
			sum += float64(v)
		}
		return sum
	}
	one := total()
	s.Lights = append(s.Lights, Light{From: Vec{1, 0, 1}, Power: 0.2})
	two := total()
	s.Lights = nil
	if none := total(); !(none < 0.6*one && one < two) {
		t.Errorf("brightness %g without lights, %g with one, %g with two", none, one, two)
	}
}

// A renderer gives the same pixels whatever it has drawn before.
func TestRendererForgets(t *testing.T) {
	const side = 32
	first, second := make([]float32, side*side), make([]float32, side*side)
	r := New(side)
	r.Draw(first, scene())
	other := scene()
	other.Mesh = Sphere(1, 12).Fit().Smooth(1)
	other.Lights = append(other.Lights, Light{From: Vec{1, 1, 1}, Power: 1}, Light{From: Vec{0, 1, 1}, Power: 1})
	other.Texture.Kind = 5
	other.Texture.Scale, other.Texture.Turn = 2, Turn(Vec{Z: 1}, 1)
	r.Draw(second, other)
	if slices.Equal(first, second) {
		t.Fatal("the second scene looks like the first")
	}
	r.Draw(second, scene())
	if !slices.Equal(first, second) {
		t.Error("the first scene looks different the second time")
	}
	allocations := testing.AllocsPerRun(3, func() { r.Draw(second, other) })
	if allocations > 0 {
		t.Errorf("an image allocates %g times", allocations)
	}
}

// Every texture has dark and light places, stays within its bounds and turns with its object.
func TestTextures(t *testing.T) {
	for kind := range Textures {
		x := Texture{Kind: kind, Dark: 0.2, Light: 0.9, Scale: 1.5, Turn: Turn(Vec{1, 2, 3}, 1), Seed: 7}
		lo, hi := 1.0, 0.0
		for i := range 4000 {
			p := Vec{float64(i%20)/7 - 1.5, float64(i/20%20)/7 - 1.5, float64(i/400)/3 - 1.5}
			v := x.at(p)
			if v < 0.2-1e-9 || v > 0.9+1e-9 {
				t.Fatalf("%v is %g at %v", &x, v, p)
			}
			lo, hi = min(lo, v), max(hi, v)
		}
		if kind > 0 && !(hi-lo > 0.3) {
			t.Errorf("%v: only from %g to %g", &x, lo, hi)
		}
	}
}

// Solids are closed, face outwards and have the volumes that formulas give.
func TestSolids(t *testing.T) {
	regular := [][2]float64{{1, 0}, {0, 1}, {-1, 0}, {0, -1}}
	for name, c := range map[string]struct {
		m      *Mesh
		volume float64
	}{
		"box":    {Box(1, 2, 3), 6},
		"sphere": {Sphere(1, 64), 4 * math.Pi / 3},
		"rod":    {Rod(Vec{1, 2, 3}, Vec{1, 2, 5}, 1, 1, 64), 2 * math.Pi},
		"cone":   {Rod(Vec{}, Vec{X: 3}, 1, 1e-9, 64), math.Pi},
		"torus":  {Torus(2, 0.5, 96), 2 * math.Pi * math.Pi * 2 * 0.25},
		"prism":  {Prism(regular, 0.5), 1},
		"cup":    {Lathe(64, [2]float64{1, 0}, [2]float64{1, 2}, [2]float64{0.5, 2}, [2]float64{0.5, 1}), 1.75 * math.Pi},
	} {
		if v := volume(c.m); math.Abs(v/c.volume-1) > 0.01 {
			t.Errorf("%s: volume %g, want %g", name, v, c.volume)
		}
		edges := map[[2]Vec]int{}
		for _, f := range c.m.Faces {
			for i := range 3 {
				a, b := rounded(c.m.Points[f[i]]), rounded(c.m.Points[f[(i+1)%3]])
				edges[[2]Vec{a, b}]++
			}
		}
		open := 0
		for e, n := range edges {
			if edges[[2]Vec{e[1], e[0]}] != n {
				open++
			}
		}
		if open > 0 {
			t.Errorf("%s has %d open edges", name, open)
		}
	}
}

func rounded(p Vec) Vec {
	r := func(x float64) float64 { return math.Round(x*1e6) / 1e6 }
	return Vec{r(p.X) + 0, r(p.Y) + 0, r(p.Z) + 0}
}

// volume is the sum of the signed tetrahedra between the faces and the origin.
func volume(m *Mesh) (sum float64) {
	for _, f := range m.Faces {
		sum += m.Points[f[0]].Dot(m.Points[f[1]].Cross(m.Points[f[2]])) / 6
	}
	return sum
}

// Smooth rounds a sphere and leaves the edges of a box.
func TestSmooth(t *testing.T) {
	ball := Sphere(1, 24).Smooth(1)
	for i, f := range ball.Faces {
		for c, p := range f {
			if d := ball.Normals[i][c].Sub(ball.Points[p]).Len(); d > 0.15 {
				t.Fatalf("the normal at %v is %v", ball.Points[p], ball.Normals[i][c])
			}
		}
	}
	box := Box(1, 1, 1).Smooth(1)
	for i, n := range box.Normals {
		if n[0] != n[1] || n[1] != n[2] || math.Abs(n[0].Len()-1) > 1e-12 {
			t.Errorf("normals of face %d: %v", i, n)
		}
	}
}

func TestFit(t *testing.T) {
	m := Box(1, 2, 4).Move(5, 6, 7).Fit()
	lo, hi := m.Bounds()
	if lo.Add(hi).Len() > 1e-12 || math.Abs(hi.Len()-1) > 1e-12 {
		t.Errorf("bounds %v and %v", lo, hi)
	}
}

func TestReadOBJ(t *testing.T) {
	const square = `# a square and a triangle
mtllib scene.mtl
o thing
v 9 9 9
v 0 0 0
v 1 0 0 1.0
v 1 1 0
v 0 1 0
vt 0 0
vn 0 0 1
s off
usemtl red
f 2/1/1 3/1/1 4//1 5
f -4 -3 -1 # counted back
`
	m, err := ReadOBJ(strings.NewReader(square), "square.obj")
	if err != nil {
		t.Fatal(err)
	}
	want := [][3]int32{{0, 1, 2}, {0, 2, 3}, {0, 1, 3}}
	if len(m.Points) != 4 || !slices.Equal(m.Faces, want) || m.Points[2] != (Vec{1, 1, 0}) {
		t.Errorf("%+v", m)
	}
	const points = "v 0 0 0\nv 1 0 0\nv 1 1 0\n"
	for text, want := range map[string]string{
		"":                              "a.obj:1: the file ends without a face",
		points:                          "a.obj:4: the file ends without a face",
		points + "f 1 2":                "a.obj:4: a face with 2 corners: want at least 3",
		points + "f 1 2 4":              `a.obj:4: corner "4": there are 3 points so far, numbered from 1`,
		points + "f 1 2 0":              `a.obj:4: corner "0"`,
		points + "f 1 2 -4":             `a.obj:4: corner "-4"`,
		points + "f 1 2 x/3":            `a.obj:4: corner "x/3": want the number of a point`,
		"v 0 0\n":                       "a.obj:1: a point with 2 coordinates: want 3",
		"\n\nv 0 nan 0":                 `a.obj:3: coordinate "nan"`,
		"v 0 1e999 0":                   `a.obj:1: coordinate "1e999"`,
		"v 0 zero 0":                    `a.obj:1: coordinate "zero"`,
		"solid cube":                    `a.obj:1: unknown word "solid": is this an OBJ file?`,
		"v 1 1 1\nf 1 1 1":              "a.obj: all corners of its 1 faces are at one point",
		"v " + strings.Repeat("1", 1e5): "a.obj:1: bufio.Scanner: token too long",
	} {
		if _, err := ReadOBJ(strings.NewReader(text), "a.obj"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
}

func FuzzReadOBJ(f *testing.F) {
	f.Add("v 0 0 0\nv 1 0 0\nv 1 1 0\nf 1 2 3\n")
	f.Add("v 0 0 0\nf -1 1 1/2/3 1\n#\nvn 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ReadOBJ(strings.NewReader(text), "a.obj")
		if err != nil {
			return
		}
		for _, face := range m.Faces {
			for _, p := range face {
				if int(p) >= len(m.Points) || p < 0 {
					t.Fatalf("corner %d of %d points", p, len(m.Points))
				}
			}
		}
		pixels := make([]float32, 64)
		s := scene()
		s.Mesh = m.Fit()
		New(8).Draw(pixels, s)
		for _, v := range pixels {
			if !(v >= 0 && v <= 1) {
				t.Fatalf("pixel %g", v)
			}
		}
	})
}

func TestPanics(t *testing.T) {
	for want, f := range map[string]func(){
		"render: New: images of side 0":                func() { New(0) },
		"render: Draw: 3 pixels for an image of 8 x 8": func() { New(8).Draw(make([]float32, 3), scene()) },
		"render: Draw: the mesh has no faces":          func() { New(1).Draw(make([]float32, 1), &Scene{}) },
		"render: Draw: the camera at {0 0 0} is not above": func() {
			s := scene()
			s.Eye = Vec{}
			New(1).Draw(make([]float32, 1), s)
		},
		"render: Draw: 5 lights, more than 4": func() {
			s := scene()
			s.Lights = make([]Light, 5)
			New(1).Draw(make([]float32, 1), s)
		},
		"render: texture 15 of 15": func() {
			s := scene()
			s.Table.Kind = 15
			New(1).Draw(make([]float32, 1), s)
		},
		"render: Lathe: 1 pairs, 8 segments":                   func() { Lathe(8, [2]float64{}) },
		"render: Tube: 2 points, 2 segments, 1 radii":          func() { Tube(2, false, make([]Vec, 2), 1) },
		"render: Prism: an outline of 2 points":                func() { Prism(make([][2]float64, 2), 1) },
		"render: Stretch: factors 1, 0, 1":                     func() { Box(1, 1, 1).Stretch(1, 0, 1) },
		"render: Fit: the 2 points of the mesh have no extent": func() { (&Mesh{Points: make([]Vec, 2)}).Fit() },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.HasPrefix(got, want) {
					t.Errorf("panic %q, want %q", got, want)
				}
			}()
			f()
		}()
	}
}

// A mug on a table.
func Example() {
	mug := Lathe(24, [2]float64{0.5, 0}, [2]float64{0.5, 1}, [2]float64{0.45, 1}, [2]float64{0.45, 0.1})
	mug.Add(Torus(0.3, 0.06, 16).Turn(Vec{X: 1}, math.Pi/2).Move(0.6, 0, 0.5))
	pixels := make([]float32, 24*24)
	New(24).Draw(pixels, &Scene{
		Mesh: mug.Fit().Smooth(0.7), Turn: Turn(Vec{Z: 1}, 0.5), Size: 0.55, Y: -0.2,
		Texture: Texture{Dark: 1, Light: 1}, Table: Texture{Dark: 0.1, Light: 0.1},
		Lights: []Light{{From: Vec{-1, -1, 2}, Power: 0.8}}, Ambient: 0.2, Eye: Vec{0, -3, 2.5},
	})
	for y := 2; y < 24; y += 2 {
		for x := range 24 {
			fmt.Print(string(" .:-=+*#%@"[int(pixels[y*24+x]*9.99)]))
		}
		fmt.Println()
	}
	// Output:
	// ::::::::::::::::::::::::
	// ::::::::::::::::::::::::
	// ::::::++=**###::::::::::
	// ::::::#-=**#%#*:+:::::::
	// ::::::###%%*+-:-::::::::
	// ::::::*###*++-:...::::::
	// ::::::+###*+=-::::::::::
	// :::::::=*#*+-:::::::::::
	// ::::::::::::::::::::::::
	// ::::::::::::::::::::::::
	// ::::::::::::::::::::::::
}
