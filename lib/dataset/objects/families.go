// SPDX-License-Identifier: Apache-2.0

package objects

import (
	"math"

	"github.com/lateral-ml/lateral/lib/render"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A family is a kind of solid. Its function draws the sizes of one solid at random and builds it; Z points up.
type family struct {
	name  string
	build func(u draw) *render.Mesh
}

// draw draws sizes.
type draw struct{ *tensor.RNG }

// in returns a number between lo and hi.
func (u draw) in(lo, hi float64) float64 { return lo + (hi-lo)*u.Float64() }

// from returns a whole number from lo to hi.
func (u draw) from(lo, hi int) int { return lo + u.IntN(hi-lo+1) }

// chance returns true with probability p.
func (u draw) chance(p float64) bool { return u.Float64() < p }

// families are the superclasses of [Solids].
var families = []family{
	{"mug", mug}, {"vase", vase}, {"bottle", bottle}, {"bowl", bowl}, {"goblet", goblet}, {"teapot", teapot},
	{"lamp", lamp}, {"table", table}, {"chair", chair}, {"stool", stool}, {"sofa", sofa}, {"bed", bed},
	{"shelf", shelf}, {"ladder", ladder}, {"car", car}, {"plane", plane}, {"rocket", rocket}, {"boat", boat},
	{"train", train}, {"hammer", hammer}, {"sword", sword}, {"bolt", bolt}, {"gear", gear}, {"wrench", wrench},
	{"dumbbell", dumbbell}, {"wheel", wheel}, {"spring", spring}, {"tree", tree}, {"mushroom", mushroom},
	{"cactus", cactus}, {"fish", fish}, {"bird", bird}, {"dog", dog}, {"snowman", snowman}, {"house", house},
	{"castle", castle}, {"stairs", stairs}, {"arch", arch}, {"pawn", pawn}, {"star", star}, {"guitar", guitar},
	{"umbrella", umbrella}, {"chain", chain}, {"spectacles", spectacles}, {"plant", plant}, {"windmill", windmill},
	{"key", key}, {"fork", fork},
}

// The building blocks: bodies with round or square cross-sections at given places.

const round = 14 // segments of a round cross-section

// A vec is a point or a direction; an xy is a pair, such as a radius and a height.
type (
	vec = render.Vec
	xy  = [2]float64
)

// block adds a box whose centre is at (x, y, z).
func block(m *render.Mesh, x, y, z, lx, ly, lz float64) { m.Add(render.Box(lx, ly, lz).Move(x, y, z)) }

// rod adds a cylinder or a truncated cone.
func rod(m *render.Mesh, from, to vec, r0, r1 float64) { m.Add(render.Rod(from, to, r0, r1, round)) }

// post adds an upright cylinder on height z.
func post(m *render.Mesh, x, y, z, height, radius float64) {
	rod(m, vec{X: x, Y: y, Z: z}, vec{X: x, Y: y, Z: z + height}, radius, radius)
}

// ball adds an ellipsoid.
func ball(m *render.Mesh, x, y, z, rx, ry, rz float64) {
	m.Add(render.Sphere(1, round).Stretch(rx, ry, rz).Move(x, y, z))
}

// legs adds n posts at the corners of a rectangle, or around a circle for n other than 4.
func legs(m *render.Mesh, n int, x, y, height, radius, spread float64) {
	for i := range n {
		s, c := math.Sincos(2 * math.Pi * (float64(i) + 0.5) / float64(n))
		if n == 4 {
			s, c = math.Copysign(1, s), math.Copysign(1, c)
		}
		top := vec{X: x * c, Y: y * s, Z: height}
		rod(m, vec{X: top.X * spread, Y: top.Y * spread}, top, radius, radius)
	}
}

// wheels adds n wheels along each side of a vehicle.
func wheels(m *render.Mesh, n int, length, width, radius float64) {
	for i := range n {
		x := length * (float64(i)/float64(max(n-1, 1)) - 0.5)
		for _, side := range []float64{-1, 1} {
			rod(m, vec{X: x, Y: side * width, Z: radius}, vec{X: x, Y: side * (width + 0.1), Z: radius}, radius, radius)
		}
	}
}

// handle adds an arc in the plane of X and Z, from one height to another, at distance x from the axis.
func handle(m *render.Mesh, x, low, high, reach, thick float64) {
	var path []vec
	for _, p := range render.Circle(1, -math.Pi/2, math.Pi/2, 9) {
		path = append(path, vec{X: x + reach*p.X, Z: (low+high)/2 + (high-low)/2*p.Y})
	}
	m.Add(render.Tube(8, false, path, thick))
}

// vessel returns a turned body with a wall: the profile is that of the outside, from the bottom up.
func vessel(wall float64, profile ...xy) *render.Mesh {
	n := len(profile)
	for i := n - 1; i > 0; i-- {
		p := profile[i]
		profile = append(profile, xy{max(p[0]-wall, 0.01), max(p[1], profile[0][1]+wall)})
	}
	return render.Lathe(22, profile...)
}

// curve returns a smooth profile through pairs of a radius and a height, with three more points between any two.
func curve(p ...xy) (profile []xy) {
	at := func(i int) xy { return p[min(max(i, 0), len(p)-1)] }
	for i := range len(p) - 1 {
		for j := range 4 {
			t := float64(j) / 4
			var q xy
			for k := range 2 {
				a, b, c, d := at(i - 1)[k], at(i)[k], at(i + 1)[k], at(i + 2)[k]
				q[k] = b + 0.5*t*(c-a+t*(2*a-5*b+4*c-d+t*(3*(b-c)+d-a)))
			}
			profile = append(profile, xy{max(q[0], 0), q[1]})
		}
	}
	return append(profile, p[len(p)-1])
}

// polygon returns the corners of a figure whose radius alternates between the given ones, n times around.
func polygon(n int, radii ...float64) (outline []xy) {
	for i := range n * len(radii) {
		s, c := math.Sincos(2 * math.Pi * float64(i) / float64(n*len(radii)))
		r := radii[i%len(radii)]
		outline = append(outline, xy{r * c, r * s})
	}
	return outline
}

// standing turns a solid that was built flat, in the plane of X and Y, upright.
func standing(m *render.Mesh) *render.Mesh { return m.Turn(vec{X: 1}, math.Pi/2) }
