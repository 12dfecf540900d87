// SPDX-License-Identifier: Apache-2.0

package objects

import (
	"math"

	"github.com/lateral-ml/lateral/lib/render"
)

func mug(u draw) *render.Mesh {
	h, top := u.in(0.7, 1.6), u.in(0.42, 0.6)
	m := vessel(0.06, curve(xy{top * u.in(0.7, 1.1), 0}, xy{top * u.in(0.85, 1.25), h * 0.5},
		xy{top, h})...)
	handle(m, top*0.9, h*u.in(0.1, 0.3), h*u.in(0.7, 0.9), u.in(0.25, 0.5), u.in(0.05, 0.1))
	return m
}

func vase(u draw) *render.Mesh {
	h := u.in(1.4, 2.4)
	return vessel(0.05, curve(xy{u.in(0.2, 0.45), 0}, xy{u.in(0.4, 0.85), h * u.in(0.2, 0.5)},
		xy{u.in(0.15, 0.4), h * u.in(0.6, 0.85)}, xy{u.in(0.2, 0.6), h})...)
}

func bottle(u draw) *render.Mesh {
	r, neck, h := u.in(0.25, 0.5), u.in(0.08, 0.14), u.in(1.2, 2.2)
	shoulder := u.in(0.45, 0.75)
	profile := []xy{{r, 0}, {r, h * shoulder}, {neck, h * min(shoulder+u.in(0.05, 0.3), 0.9)}, {neck, h}}
	m := render.Lathe(18, profile...)
	if u.chance(0.6) {
		post(m, 0, 0, h, u.in(0.08, 0.2), neck*u.in(1.2, 1.8))
	}
	return m
}

func bowl(u draw) *render.Mesh {
	r, h := u.in(0.7, 1.1), u.in(0.35, 0.9)
	foot := u.in(0.2, 0.5)
	m := vessel(0.06, curve(xy{foot, 0.1}, xy{r * u.in(0.7, 0.98), h * 0.5}, xy{r, h})...)
	post(m, 0, 0, 0, 0.12, foot*u.in(0.8, 1.1))
	return m
}

func goblet(u draw) *render.Mesh {
	stem, cup := u.in(0.4, 1.1), u.in(0.5, 1)
	base, r, top := u.in(0.3, 0.5), u.in(0.3, 0.55), u.in(0.25, 0.55)
	m := vessel(0.04, curve(xy{0.07, stem}, xy{r, stem + cup*u.in(0.3, 0.6)}, xy{top, stem + cup})...)
	m.Add(render.Lathe(18, xy{base, 0}, xy{base * 0.9, 0.05}, xy{0.06, 0.12}, xy{0.06, stem}))
	if u.chance(0.5) {
		ball(m, 0, 0, stem*u.in(0.4, 0.7), 0.13, 0.13, 0.1)
	}
	return m
}

func teapot(u draw) *render.Mesh {
	r, h := u.in(0.5, 0.75), u.in(0.7, 1.2)
	m := render.Lathe(20, curve(xy{r * 0.6, 0}, xy{r, h * 0.45}, xy{r * u.in(0.4, 0.7), h})...)
	ball(m, 0, 0, h*1.05, r*0.5, r*0.5, 0.12)
	ball(m, 0, 0, h*1.05+0.15, 0.08, 0.08, 0.1)
	handle(m, r*0.8, h*0.25, h*0.8, u.in(0.3, 0.5), 0.07)
	tip := vec{X: -r*1.2 - u.in(0.2, 0.5), Z: h * u.in(0.8, 1.1)}
	spout := []vec{{X: -r * 0.8, Z: h * 0.3}, {X: -r * 1.3, Z: h * 0.5}, tip}
	return m.Add(render.Tube(10, false, spout, 0.16, 0.1, 0.06))
}

func lamp(u draw) *render.Mesh {
	h, low, high, shade := u.in(1, 2), u.in(0.4, 0.75), u.in(0.12, 0.4), u.in(0.4, 0.8)
	m := render.Lathe(18, xy{u.in(0.3, 0.5), 0}, xy{u.in(0.25, 0.4), 0.1}, xy{0.06, 0.15},
		xy{0.06, h})
	m.Add(vessel(0.03, xy{low, h - shade*0.3}, xy{high, h + shade*0.7}))
	if u.chance(0.5) {
		ball(m, 0, 0, h*u.in(0.25, 0.4), u.in(0.15, 0.3), 0.2, u.in(0.15, 0.3))
	}
	return m
}

func hammer(u draw) *render.Mesh {
	m, l := &render.Mesh{}, u.in(1.5, 2.6)
	rod(m, vec{}, vec{X: l}, u.in(0.06, 0.12), u.in(0.06, 0.1))
	w, r := u.in(0.35, 0.7), u.in(0.15, 0.3)
	if u.chance(0.5) {
		block(m, l, 0, 0, 2*r, 2*w, 2*r)
	} else {
		rod(m, vec{X: l, Y: -w}, vec{X: l, Y: w}, r, r*u.in(0.2, 1))
	}
	return m
}

func sword(u draw) *render.Mesh {
	m, l, w := &render.Mesh{}, u.in(1.6, 2.6), u.in(0.1, 0.28)
	blade := []xy{{0, -w}, {l, -w * u.in(0.6, 1)}, {l + u.in(0.1, 0.5), w * u.in(-0.5, 0.5)}, {l, w}, {0, w}}
	m.Add(render.Prism(blade, 0.08))
	guard := u.in(0.25, 0.6)
	block(m, 0, 0, 0, u.in(0.1, 0.2), 2*guard, 0.2)
	rod(m, vec{X: -u.in(0.5, 0.9)}, vec{}, 0.08, 0.08)
	if u.chance(0.6) {
		ball(m, -0.75, 0, 0, 0.16, 0.16, 0.16)
	}
	return m
}

func bolt(u draw) *render.Mesh {
	l, r := u.in(0.7, 2), u.in(0.15, 0.35)
	m := render.Lathe(round, xy{r, 0}, xy{r, l})
	thread := l * u.in(0.5, 0.9)
	for z := 0.06; z < thread; z += 0.16 {
		m.Add(render.Lathe(round, xy{r, z - 0.05}, xy{r * 1.2, z}, xy{r, z + 0.05}))
	}
	head := render.Prism(polygon(u.from(1, 4)*2+2, r*u.in(1.7, 2.4)), u.in(0.2, 0.4))
	return m.Add(head.Move(0, 0, l+0.1))
}

func gear(u draw) *render.Mesh {
	n, depth := u.from(6, 16), u.in(0.7, 0.88)
	m := render.Prism(polygon(n, 1, 1, depth, depth), u.in(0.2, 0.6))
	post(m, 0, 0, -0.4, 0.8, u.in(0.12, 0.35))
	if u.chance(0.4) {
		post(m, 0, 0, -u.in(0.5, 0.8), u.in(1, 1.8), 0.12)
	}
	return m
}

func wrench(u draw) *render.Mesh {
	m, l := &render.Mesh{}, u.in(1.5, 2.4)
	block(m, l/2, 0, 0, l, u.in(0.15, 0.3), 0.14)
	for i, r := range []float64{u.in(0.3, 0.45), u.in(0.2, 0.4)} {
		gap, turn := u.in(0.5, 1), float64(i)*math.Pi+u.in(-0.3, 0.3)
		var arc []vec
		for _, p := range render.Circle(r, gap+turn, 2*math.Pi-gap+turn, 11) {
			arc = append(arc, vec{X: p.X + float64(1-i)*l, Y: p.Y})
		}
		m.Add(render.Tube(8, false, arc, 0.13))
	}
	return m
}

func dumbbell(u draw) *render.Mesh {
	m, l, r := &render.Mesh{}, u.in(0.5, 1), u.in(0.25, 0.6)
	rod(m, vec{X: -l - 0.3}, vec{X: l + 0.3}, 0.08, 0.08)
	discs, shrink := u.from(1, 3), u.in(0.6, 1)
	balls := u.chance(0.3)
	for _, side := range []float64{-1, 1} {
		if balls {
			ball(m, side*l, 0, 0, r, r, r)
			continue
		}
		for i := range discs {
			x, q := l+0.16*float64(i), r*math.Pow(shrink, float64(i))
			rod(m, vec{X: side * x}, vec{X: side * (x + 0.12)}, q, q)
		}
	}
	return m
}

func wheel(u draw) *render.Mesh {
	m := render.Torus(1, u.in(0.08, 0.25), 24)
	rod(m, vec{Z: -0.2}, vec{Z: 0.2}, u.in(0.12, 0.3), u.in(0.12, 0.3))
	n, r := u.from(3, 8), u.in(0.04, 0.09)
	for _, p := range render.Circle(1, 0, 2*math.Pi, n) {
		rod(m, vec{}, p, r, r)
	}
	return m
}

func spring(u draw) *render.Mesh {
	turns, h, r := u.in(2.5, 6), u.in(1, 2.2), u.in(0.3, 0.7)
	end := r * u.in(0.4, 1.2)
	var path []vec
	steps := int(turns * 14)
	for i := range steps + 1 {
		t := float64(i) / float64(steps)
		s, c := math.Sincos(2 * math.Pi * turns * t)
		q := r + (end-r)*t
		path = append(path, vec{X: q * c, Y: q * s, Z: h * t})
	}
	return render.Tube(6, false, path, u.in(0.05, 0.11))
}

func pawn(u draw) *render.Mesh {
	r, waist, h := u.in(0.4, 0.55), u.in(0.12, 0.25), u.in(0.8, 1.5)
	m := render.Lathe(18, xy{r, 0}, xy{r, 0.15}, xy{r * 0.75, 0.25}, xy{waist, h * 0.6},
		xy{waist, h}, xy{waist * u.in(1.3, 2), h + 0.05}, xy{waist, h + 0.12})
	head := u.in(0.2, 0.34)
	switch u.IntN(4) {
	case 0:
		m.Add(render.Prism(polygon(4, head*1.3), head).Move(0, 0, h+0.3))
	case 1:
		rod(m, vec{Z: h}, vec{Z: h + 0.6}, head*0.6, head*1.3)
	case 2:
		rod(m, vec{Z: h + 0.1}, vec{Z: h + 0.7}, head*1.1, 0.02)
	default:
		ball(m, 0, 0, h+head, head, head, head)
	}
	return m
}

func star(u draw) *render.Mesh {
	m := render.Prism(polygon(u.from(4, 9), 1, u.in(0.3, 0.6)), u.in(0.15, 0.5))
	if u.chance(0.3) {
		post(m, 0, 0, 0, u.in(0.3, 0.6), u.in(0.1, 0.3))
	}
	return m
}

func guitar(u draw) *render.Mesh {
	m, w := &render.Mesh{}, u.in(0.5, 0.7)
	upper, neck := w*u.in(0.6, 0.95), u.in(1.2, 2)
	deep := u.in(0.1, 0.3)
	m.Add(render.Lathe(18, xy{w, 0}, xy{w, deep}))
	m.Add(render.Lathe(18, xy{upper, 0}, xy{upper, deep}).Move(w*u.in(0.9, 1.2), 0, 0))
	block(m, w+neck/2, 0, deep, neck+w*0.4, 0.16, 0.1)
	block(m, w*1.1+neck, 0, deep, u.in(0.25, 0.4), u.in(0.25, 0.4), 0.1)
	block(m, -w*0.3, 0, deep+0.03, 0.1, 0.4, 0.08)
	return m
}

func umbrella(u draw) *render.Mesh {
	r, h := u.in(0.7, 1.1), u.in(1.2, 2)
	rise := u.in(0.3, 0.7)
	m := render.Lathe(u.from(6, 12), xy{r, h - rise}, xy{r * 0.75, h - rise*0.4}, xy{0.02, h},
		xy{r * 0.7, h - rise*0.45}, xy{r * 0.95, h - rise})
	post(m, 0, 0, 0.1, h, 0.04)
	path := []vec{{Z: 0.15}, {X: 0.03, Z: 0.04}, {X: 0.12}, {X: 0.22, Z: 0.05}, {X: 0.25, Z: 0.15}}
	return m.Add(render.Tube(8, false, path, 0.05))
}

func chain(u draw) *render.Mesh {
	m, long, thick := &render.Mesh{}, u.in(1, 1.8), u.in(0.08, 0.16)
	for i := range u.from(2, 4) {
		ring := render.Torus(0.4, thick, 16).Stretch(long, 1, 1)
		if i%2 == 1 {
			ring = standing(ring)
		}
		m.Add(ring.Move(float64(i)*0.62*long, 0, 0))
	}
	return m
}

func spectacles(u draw) *render.Mesh {
	m, r, t := &render.Mesh{}, u.in(0.35, 0.5), u.in(0.04, 0.08)
	apart, tall, arms := r+u.in(0.1, 0.2), u.in(0.6, 1), u.in(0.8, 1.4)
	corners := []int{4, 6, 18}[u.IntN(3)]
	for _, side := range []float64{-1, 1} {
		first := math.Pi / float64(corners)
		rim := render.Tube(8, true, render.Circle(r, first, 2*math.Pi+first, corners), t)
		m.Add(standing(rim.Stretch(1, tall, 1)).Move(side*apart, 0, r*tall))
		from := vec{X: side * (apart + r), Z: r * tall * 1.2}
		rod(m, from, vec{X: from.X * 0.95, Y: arms, Z: from.Z}, t, t)
		rod(m, vec{X: from.X * 0.95, Y: arms, Z: from.Z}, vec{X: from.X * 0.93, Y: arms + 0.25, Z: from.Z - 0.25}, t, t)
	}
	rod(m, vec{X: -apart + r, Z: r * tall * 1.2}, vec{X: apart - r, Z: r * tall * 1.2}, t, t)
	return m
}

func key(u draw) *render.Mesh {
	m, l, r := &render.Mesh{}, u.in(1.1, 2), u.in(0.3, 0.5)
	corners := []int{4, 6, 18}[u.IntN(3)]
	m.Add(render.Tube(8, true, render.Circle(r, 0, 2*math.Pi, corners), u.in(0.08, 0.14)))
	rod(m, vec{X: r}, vec{X: r + l}, 0.08, 0.08)
	for i := range u.from(1, 4) {
		depth := u.in(0.2, 0.5)
		block(m, r+l-0.08-0.24*float64(i), -depth/2, 0, 0.14, depth, 0.1)
	}
	return m
}

func fork(u draw) *render.Mesh {
	m, l, n := &render.Mesh{}, u.in(1.2, 2), u.from(0, 5)
	rod(m, vec{}, vec{X: l}, u.in(0.06, 0.12), 0.06)
	wide := u.in(0.25, 0.45)
	if n < 2 { // a spoon
		ball(m, l+wide, 0, 0, wide*u.in(1, 1.7), wide, 0.1)
		return m
	}
	block(m, l, 0, 0, 0.2, 2*wide, 0.1)
	long := u.in(0.4, 0.9)
	for i := range n {
		y := wide * (2*float64(i)/float64(n-1) - 1) * 0.9
		block(m, l+long/2, y, 0, long, 0.09, 0.09)
	}
	return m
}
