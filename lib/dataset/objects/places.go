// SPDX-License-Identifier: Apache-2.0

package objects

import (
	"math"

	"github.com/lateral-ml/lateral/lib/render"
)

func table(u draw) *render.Mesh {
	m, x, y, h := &render.Mesh{}, u.in(0.6, 1.2), u.in(0.4, 0.8), u.in(0.5, 1.1)
	if u.chance(0.3) {
		post(m, 0, 0, h, u.in(0.06, 0.15), x)
		y = x
	} else {
		block(m, 0, 0, h, 2*x, 2*y, u.in(0.08, 0.2))
	}
	switch u.IntN(3) {
	case 0:
		post(m, 0, 0, 0, h, u.in(0.08, 0.2))
		post(m, 0, 0, 0, 0.08, y*u.in(0.5, 0.8))
	case 1:
		block(m, -x*0.75, 0, h/2, 0.12, 1.6*y, h)
		block(m, x*0.75, 0, h/2, 0.12, 1.6*y, h)
	default:
		legs(m, 4, x*0.85, y*0.85, h, u.in(0.05, 0.13), u.in(0.8, 1.15))
	}
	return m
}

func chair(u draw) *render.Mesh {
	m, w, h := &render.Mesh{}, u.in(0.4, 0.6), u.in(0.6, 0.95)
	back := u.in(0.6, 1.3)
	block(m, 0, 0, h, 2*w, 2*w, u.in(0.08, 0.2))
	legs(m, 4, w*0.85, w*0.85, h, u.in(0.05, 0.1), u.in(0.9, 1.2))
	if u.chance(0.5) {
		block(m, -w*0.92, 0, h+back/2, 0.1, 2*w, back)
	} else {
		n := u.from(2, 5)
		for i := range n {
			post(m, -w*0.9, w*(2*float64(i)/float64(n-1)-1)*0.9, h, back, 0.05)
		}
		block(m, -w*0.9, 0, h+back, 0.12, 2*w, 0.2)
	}
	if u.chance(0.4) {
		arm := u.in(0.25, 0.45)
		for _, side := range []float64{-1, 1} {
			block(m, 0, side*w, h+arm, 1.8*w, 0.1, 0.1)
			post(m, w*0.8, side*w, h, arm, 0.05)
		}
	}
	return m
}

func stool(u draw) *render.Mesh {
	m, r, h := &render.Mesh{}, u.in(0.4, 0.65), u.in(0.6, 1.6)
	post(m, 0, 0, h, u.in(0.1, 0.3), r)
	legs(m, u.from(3, 6), r*0.8, r*0.8, h, u.in(0.05, 0.1), u.in(1, 1.5))
	if u.chance(0.6) {
		m.Add(render.Torus(r*u.in(0.8, 1.1), 0.04, 18).Move(0, 0, h*u.in(0.25, 0.5)))
	}
	return m
}

func sofa(u draw) *render.Mesh {
	m, l, d := &render.Mesh{}, u.in(0.6, 1.3), u.in(0.4, 0.6)
	seat, back, arm := u.in(0.3, 0.5), u.in(0.35, 0.8), u.in(0.12, 0.3)
	block(m, 0, 0, seat/2, 2*l, 2*d, seat)
	block(m, 0, d, (seat+back)/2, 2*l, 0.25, seat+back)
	high := seat + u.in(0.1, 0.4)
	for _, side := range []float64{-1, 1} {
		block(m, side*l, 0, high/2, arm, 2*d, high)
	}
	n := u.from(1, 3)
	for i := range n {
		x := l * ((2*float64(i)+1)/float64(n) - 1)
		block(m, x, -0.05, seat+0.06, 1.8*l/float64(n), 1.7*d, 0.14)
	}
	return m
}

func bed(u draw) *render.Mesh {
	m, l, w, h := &render.Mesh{}, u.in(1, 1.3), u.in(0.4, 0.9), u.in(0.2, 0.5)
	block(m, 0, 0, h, 2*l, 2*w, u.in(0.15, 0.35))
	legs(m, 4, l*0.95, w*0.9, h, 0.08, 1)
	block(m, -l, 0, h, 0.12, 2.1*w, 2*h+u.in(0, 0.7))
	if u.chance(0.5) {
		block(m, l, 0, h, 0.12, 2.1*w, u.in(0.4, 0.9))
	}
	n := u.from(1, 2)
	for i := range n {
		ball(m, -l*0.7, w*((2*float64(i)+1)/float64(n)-1), h+0.22, 0.2, 0.8*w/float64(n), 0.12)
	}
	return m
}

func shelf(u draw) *render.Mesh {
	m, w, h, d := &render.Mesh{}, u.in(0.4, 0.9), u.in(1.2, 2.2), u.in(0.2, 0.35)
	n, back := u.from(2, 5), u.chance(0.5)
	for i := range n + 1 {
		block(m, 0, 0, h*float64(i)/float64(n), 2*w, 2*d, 0.08)
	}
	for _, side := range []float64{-1, 1} {
		block(m, side*w, 0, h/2, 0.08, 2*d, h)
	}
	if back {
		block(m, 0, d, h/2, 2*w, 0.06, h)
	}
	if u.chance(0.4) {
		block(m, 0, 0, h/2, 0.08, 2*d, h)
	}
	return m
}

func ladder(u draw) *render.Mesh {
	m, w, h, n := &render.Mesh{}, u.in(0.25, 0.5), u.in(1.6, 2.6), u.from(4, 8)
	double, lean := u.chance(0.5), u.in(0.3, 0.6)
	r, top := u.in(0.04, 0.08), u.in(0.6, 1)
	sides := []float64{0}
	if double {
		sides = []float64{-lean, lean}
	}
	for _, foot := range sides {
		at := func(x, t float64) vec { return vec{X: x * (1 + (top-1)*t), Y: foot * (1 - t), Z: h * t} }
		rod(m, at(-w, 0), at(-w, 1), r, r)
		rod(m, at(w, 0), at(w, 1), r, r)
		for i := range n {
			t := (float64(i) + 0.7) / float64(n)
			rod(m, at(-w, t), at(w, t), r*0.8, r*0.8)
		}
	}
	return m
}

func car(u draw) *render.Mesh {
	m, l, h := &render.Mesh{}, u.in(1, 1.4), u.in(0.25, 0.45)
	w, r := u.in(0.4, 0.55), u.in(0.18, 0.32)
	block(m, 0, 0, r+h/2, 2*l, 2*w, h)
	cab, at := u.in(0.4, 0.9)*l, u.in(-0.35, 0.35)*l
	slope := u.in(0.5, 1)
	top := u.in(0.25, 0.55)
	m.Add(render.Prism([]xy{{-cab, 0}, {cab, 0}, {cab * slope, top}, {-cab * u.in(0.7, 1), top}}, 1.8*w).
		Turn(vec{X: 1}, math.Pi/2).Move(at, 0, r+h))
	wheels(m, u.from(2, 3), 1.3*l, w, r)
	return m
}

func plane(u draw) *render.Mesh {
	l, r := u.in(1, 1.4), u.in(0.12, 0.25)
	m := render.Tube(round, false, []vec{{X: -l}, {X: -l * 0.4}, {X: l * 0.6}, {X: l}}, 0.05, r, r, 0.03)
	span, chord, sweep := u.in(0.8, 1.5), u.in(0.25, 0.5), u.in(-0.1, 0.7)
	wing := func(x, z, span, chord, sweep float64) {
		outline := []xy{{x, -0.01}, {x - sweep, -span}, {x - sweep - chord*0.5, -span}, {x - chord, 0},
			{x - sweep - chord*0.5, span}, {x - sweep, span}, {x, 0.01}}
		m.Add(render.Prism(outline, 0.06).Move(0, 0, z))
	}
	wing(u.in(0.2, 0.5), u.in(-0.1, 0.15), span, chord, sweep)
	wing(-l*0.75, u.in(0, 0.3), span*u.in(0.3, 0.45), chord*0.6, sweep*0.4)
	block(m, -l*0.85, 0, r+0.1, 0.25, 0.06, u.in(0.35, 0.6))
	if n := u.IntN(3); n > 0 {
		for _, side := range []float64{-1, 1} {
			for i := range n {
				y := side * span * (0.35 + 0.25*float64(i))
				rod(m, vec{X: -0.2, Y: y, Z: -0.1}, vec{X: 0.3, Y: y, Z: -0.1}, 0.08, 0.1)
			}
		}
	}
	return m
}

func rocket(u draw) *render.Mesh {
	h, r := u.in(1.4, 2.2), u.in(0.2, 0.4)
	m := render.Lathe(16, curve(xy{r * u.in(0.6, 1), 0}, xy{r, h * 0.35}, xy{r, h * u.in(0.5, 0.7)},
		xy{0.02, h})...)
	n, wide, tall := u.from(3, 5), u.in(0.2, 0.6), u.in(0.3, 0.8)
	for i := range n {
		fin := render.Prism([]xy{{0, 0}, {r + wide, -u.in(0, 0.3)}, {r + wide, tall * 0.4}, {0, tall}}, 0.06)
		m.Add(standing(fin).Turn(vec{Z: 1}, 2*math.Pi*float64(i)/float64(n)))
	}
	return m
}

func boat(u draw) *render.Mesh {
	l, w, h := u.in(1, 1.4), u.in(0.3, 0.5), u.in(0.3, 0.5)
	stern := u.in(0.5, 1)
	m := render.Prism([]xy{{-l, -w * stern}, {l * 0.3, -w}, {l, 0}, {l * 0.3, w}, {-l, w * stern}}, h)
	m.Bend(func(p vec) vec {
		s := 1 - 0.35*(0.5-p.Z/h)
		return vec{X: p.X * s, Y: p.Y * s, Z: p.Z + 0.1*p.X*p.X}
	})
	if u.chance(0.5) { // a sail
		mast := u.in(1, 1.8)
		post(m, 0.1, 0, 0, mast, 0.04)
		sail := render.Prism([]xy{{0.05, 0.2}, {0.08, mast}, {-u.in(0.6, 1), 0.25}}, 0.04)
		return m.Add(standing(sail).Move(0.05, 0, 0.1))
	}
	block(m, -l*0.2, 0, h*0.8, u.in(0.5, 0.9), w*1.2, u.in(0.3, 0.5))
	if u.chance(0.6) {
		post(m, -l*0.3, 0, h, u.in(0.4, 0.7), 0.1)
	}
	return m
}

func train(u draw) *render.Mesh {
	m, l, r := &render.Mesh{}, u.in(0.9, 1.2), u.in(0.25, 0.35)
	block(m, 0, 0, 0.35, 2*l, 0.7, 0.15)
	rod(m, vec{X: -l * 0.3, Z: 0.4 + r}, vec{X: l, Z: 0.4 + r}, r, r)
	block(m, -l*0.65, 0, 0.8, l*u.in(0.5, 0.75), 0.75, u.in(0.8, 1.1))
	rod(m, vec{X: l * 0.7, Z: 0.5 + r}, vec{X: l * 0.7, Z: 0.9 + r + u.in(0, 0.4)}, 0.1, u.in(0.1, 0.2))
	for i := range u.IntN(3) {
		ball(m, l*(0.3-0.35*float64(i)), 0, 0.45+2*r, 0.14, 0.14, 0.14)
	}
	wheels(m, u.from(2, 4), 1.6*l, 0.3, u.in(0.18, 0.28))
	return m
}

func tree(u draw) *render.Mesh {
	m, h, r := &render.Mesh{}, u.in(0.4, 1), u.in(0.4, 0.8)
	post(m, 0, 0, 0, h+0.3, u.in(0.08, 0.18))
	if u.chance(0.5) {
		n, tall := u.from(1, 4), u.in(0.6, 1)
		for i := range n {
			z, q := h+float64(i)*tall*0.55, r*(1-0.2*float64(i))
			rod(m, vec{Z: z}, vec{Z: z + tall}, q, 0.02)
		}
		return m
	}
	for range u.from(1, 5) {
		q := r * u.in(0.6, 1)
		ball(m, u.in(-0.4, 0.4), u.in(-0.4, 0.4), h+u.in(0.4, 1), q, q, q*u.in(0.7, 1.1))
	}
	return m
}

func mushroom(u draw) *render.Mesh {
	h, stem, r := u.in(0.5, 1.2), u.in(0.12, 0.35), u.in(0.5, 0.9)
	m := render.Lathe(round, xy{stem * u.in(1, 1.5), 0}, xy{stem, h * 0.5}, xy{stem, h})
	cap := u.in(0.25, 0.8)
	return m.Add(render.Lathe(18, curve(xy{r * 0.9, h - 0.05}, xy{r, h + cap*0.2}, xy{r * 0.6, h + cap*0.8},
		xy{0.01, h + cap})...))
}

func cactus(u draw) *render.Mesh {
	m, h, r := &render.Mesh{}, u.in(1, 1.8), u.in(0.16, 0.32)
	post(m, 0, 0, 0, h, r)
	ball(m, 0, 0, h, r, r, r)
	for i := range u.from(1, 4) {
		turn, z, up := 2.2*float64(i)+u.in(-0.4, 0.4), h*u.in(0.25, 0.7), u.in(0.3, 0.7)
		s, c := math.Sincos(turn)
		at := func(d, z float64) vec { return vec{X: d * c, Y: d * s, Z: z} }
		reach := r + u.in(0.2, 0.4)
		path := []vec{at(0, z), at(reach*0.8, z), at(reach, z+0.15), at(reach, z+up)}
		m.Add(render.Tube(10, false, path, r*0.6, r*0.6, r*0.5))
	}
	return m
}

func fish(u draw) *render.Mesh {
	m, l, h, w := &render.Mesh{}, u.in(0.8, 1.2), u.in(0.3, 0.6), u.in(0.12, 0.3)
	ball(m, 0, 0, 0, l, w, h)
	tail := u.in(0.3, 0.6)
	m.Add(standing(render.Prism([]xy{{-l * 0.85, 0}, {-l - 0.3, -tail}, {-l - 0.1, 0}, {-l - 0.3, tail}}, 0.07)))
	fin := u.in(0.2, 0.5)
	m.Add(standing(render.Prism([]xy{{-0.4, h * 0.6}, {0.3, h * 0.8}, {-0.2, h + fin}}, 0.07)))
	if u.chance(0.5) {
		m.Add(standing(render.Prism([]xy{{-0.3, -h - fin*0.7}, {0.2, -h * 0.8}, {-0.4, -h * 0.6}}, 0.07)))
	}
	return m
}

func bird(u draw) *render.Mesh {
	m, l := &render.Mesh{}, u.in(0.5, 0.8)
	ball(m, 0, 0, 0.6, l, u.in(0.25, 0.4), u.in(0.25, 0.42))
	neck, head := u.in(0.1, 0.7), u.in(0.16, 0.28)
	rod(m, vec{X: l * 0.6, Z: 0.7}, vec{X: l, Z: 0.8 + neck}, 0.14, 0.1)
	ball(m, l, 0, 0.85+neck, head, head, head)
	rod(m, vec{X: l + head*0.8, Z: 0.85 + neck}, vec{X: l + head + u.in(0.15, 0.5), Z: 0.8 + neck}, 0.07, 0.01)
	for _, side := range []float64{-1, 1} {
		rod(m, vec{Y: side * 0.15}, vec{Y: side * 0.15, Z: 0.5}, 0.04, 0.04)
	}
	if spread := u.in(-0.6, 1); spread > 0.2 {
		m.Add(render.Prism([]xy{{0.25, 0}, {0, spread}, {-0.3, spread}, {-0.25, 0}, {-0.3, -spread}, {0, -spread}}, 0.06).
			Move(0, 0, 0.75))
	}
	block(m, -l*1.1, 0, 0.65, 0.5, u.in(0.15, 0.4), 0.07)
	return m
}

func dog(u draw) *render.Mesh {
	m, l, h, r := &render.Mesh{}, u.in(0.5, 0.95), u.in(0.3, 0.9), u.in(0.18, 0.32)
	ball(m, 0, 0, h+r, l, r*u.in(0.9, 1.2), r)
	legs(m, 4, l*0.7, r*0.6, h+r, u.in(0.06, 0.11), 1)
	head, up := u.in(0.2, 0.32), u.in(0.2, 0.8)
	neck := vec{X: l + 0.1, Z: h + r + up}
	rod(m, vec{X: l * 0.75, Z: h + r}, neck, r*0.6, r*0.5)
	ball(m, neck.X, 0, neck.Z, head*1.3, head, head)
	rod(m, neck, vec{X: neck.X + head + u.in(0.1, 0.4), Z: neck.Z - 0.08}, head*0.6, head*0.4)
	ear := u.in(0.15, 0.45)
	for _, side := range []float64{-1, 1} {
		rod(m, vec{X: neck.X - 0.05, Y: side * head * 0.6, Z: neck.Z + head*0.5},
			vec{X: neck.X - 0.1, Y: side * head, Z: neck.Z + head*0.5 + ear}, 0.09, 0.02)
	}
	rod(m, vec{X: -l * 0.9, Z: h + r}, vec{X: -l - u.in(0.1, 0.5), Z: h + r + u.in(-0.2, 0.5)}, 0.07, 0.03)
	return m
}

func snowman(u draw) *render.Mesh {
	m, z, r := &render.Mesh{}, 0.0, u.in(0.5, 0.75)
	for range u.from(2, 3) {
		ball(m, 0, 0, z+r*0.9, r, r, r)
		z, r = z+r*1.6, r*u.in(0.6, 0.85)
	}
	if u.chance(0.6) {
		post(m, 0, 0, z-0.05, 0.06, r*1.1)
		post(m, 0, 0, z-0.05, u.in(0.3, 0.5), r*0.7)
	}
	rod(m, vec{Y: -0.3, Z: z * 0.6}, vec{Y: -1, Z: z * u.in(0.5, 0.9)}, 0.05, 0.03)
	rod(m, vec{Y: 0.3, Z: z * 0.6}, vec{Y: 1, Z: z * u.in(0.5, 0.9)}, 0.05, 0.03)
	return m
}

func house(u draw) *render.Mesh {
	m, x, y, h := &render.Mesh{}, u.in(0.5, 1), u.in(0.4, 0.8), u.in(0.4, 1)
	block(m, 0, 0, h/2, 2*x, 2*y, h)
	rise := u.in(0.3, 0.8)
	if u.chance(0.7) {
		roof := render.Prism([]xy{{-y * 1.15, 0}, {y * 1.15, 0}, {0, rise}}, 2.2*x)
		m.Add(standing(roof).Turn(vec{Z: 1}, math.Pi/2).Move(0, 0, h))
	} else {
		m.Add(render.Lathe(4, xy{1.45, 0}, xy{0.02, rise}).Turn(vec{Z: 1}, math.Pi/4).
			Stretch(x*1.1, y*1.1, 1).Move(0, 0, h))
	}
	if u.chance(0.6) {
		block(m, x*0.5, y*0.4, h+rise*0.6, 0.2, 0.2, u.in(0.5, 1))
	}
	if u.chance(0.5) {
		block(m, x*1.3, 0, h*0.3, x, y, h*0.6)
	}
	return m
}

func castle(u draw) *render.Mesh {
	m, w, h := &render.Mesh{}, u.in(0.6, 0.9), u.in(0.4, 0.8)
	block(m, 0, 0, h/2, 2*w, 2*w, h)
	tall, r, cone := h+u.in(0.2, 0.8), u.in(0.18, 0.3), u.in(-0.4, 0.7)
	for i := range u.from(2, 4) {
		s, c := math.Sincos(math.Pi * (float64(i)/2 + 0.25))
		x, y := w*math.Copysign(1, c), w*math.Copysign(1, s)
		post(m, x, y, 0, tall, r)
		if cone > 0 {
			rod(m, vec{X: x, Y: y, Z: tall}, vec{X: x, Y: y, Z: tall + cone}, r*1.3, 0.01)
		} else {
			post(m, x, y, tall, 0.12, r*1.25)
		}
	}
	if u.chance(0.5) {
		block(m, 0, 0, h, 0.7, 0.7, u.in(0.8, 1.6))
	}
	return m
}

func stairs(u draw) *render.Mesh {
	m, n, w := &render.Mesh{}, u.from(3, 7), u.in(0.3, 0.7)
	rise, solid, two := u.in(0.15, 0.35), u.chance(0.6), u.chance(0.4)
	for i := range n {
		x, z := 0.3*float64(i), rise*float64(i+1)
		low := z - 0.1
		if solid {
			low = 0
		}
		block(m, x, 0, (z+low)/2, 0.32, 2*w, z-low)
		if two && i < n-1 {
			block(m, 0.6*float64(n-1)-x, 0, (z+low)/2, 0.32, 2*w, z-low)
		}
	}
	return m
}

func arch(u draw) *render.Mesh {
	m, r, t := &render.Mesh{}, u.in(0.5, 0.9), u.in(0.12, 0.25)
	foot, spans := u.in(0, 0.9), u.from(1, 3)
	for i := range spans {
		x := 2 * r * float64(i)
		path := []vec{{X: x + r}}
		for _, p := range render.Circle(r, 0, math.Pi, 12) {
			path = append(path, vec{X: x + p.X, Z: foot + 0.01 + p.Y})
		}
		m.Add(render.Tube(4, false, append(path, vec{X: x - r}), t))
	}
	if u.chance(0.5) {
		block(m, r*float64(spans-1), 0, foot+r+t, 2*r*float64(spans)+0.4, u.in(0.4, 0.8), 0.14)
	}
	return m
}

func plant(u draw) *render.Mesh {
	r, h := u.in(0.3, 0.5), u.in(0.4, 0.8)
	m := render.Lathe(18, xy{r * u.in(0.6, 0.9), 0}, xy{r, h}, xy{r * 1.1, h}, xy{r * 1.1, h + 0.08})
	n, reach, up := u.from(5, 10), u.in(0.4, 1), u.in(0.4, 1.3)
	wide := u.in(0.06, 0.16)
	for i := range n {
		s, c := math.Sincos(2 * math.Pi * float64(i) / float64(n))
		at := func(d, z float64) vec { return vec{X: d * c, Y: d * s, Z: h + z} }
		m.Add(render.Tube(6, false, []vec{at(0.05, 0), at(reach*0.4, up*0.8), at(reach, up)}, 0.04, wide, 0.02))
	}
	return m
}

func windmill(u draw) *render.Mesh {
	h, r := u.in(1.2, 2), u.in(0.25, 0.5)
	m := render.Lathe(u.from(6, 14), xy{r, 0}, xy{r * u.in(0.4, 0.8), h})
	ball(m, 0, 0, h, r*0.7, r*0.7, u.in(0.15, 0.35))
	n, long, wide := u.from(3, 6), u.in(0.7, 1.1), u.in(0.12, 0.3)
	for i := range n {
		blade := render.Prism([]xy{{0.05, -0.04}, {long, -wide / 2}, {long, wide / 2}, {0.05, 0.04}}, 0.05)
		blade.Turn(vec{Z: 1}, 2*math.Pi*float64(i)/float64(n)+0.4)
		m.Add(standing(blade).Move(0, -r-0.1, h*0.95))
	}
	rod(m, vec{Y: -r - 0.15, Z: h * 0.95}, vec{Z: h * 0.95}, 0.08, 0.08)
	return m
}
