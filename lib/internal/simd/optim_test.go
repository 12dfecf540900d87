// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A reference takes one step for one weight in float64 and returns the new weight and moments.
type reference func(w, g, m, v float64) (w1, m1, v1 float64)

func TestOptimisers(t *testing.T) {
	const lr, wd, mu, b1, b2, eps, c1, c2 = 0.01, 0.125, 0.875, 0.9, 0.999, 1e-8, 0.271, 0.003
	f := func(x float64) float64 { return float64(float32(x)) } // constants as the kernels see them
	steps := []struct {
		name string
		run  func(w, g, m, v []float32)
		want reference
	}{
		{"SGD", func(w, g, m, v []float32) { SGD(w, g, lr, wd) }, func(w, g, m, v float64) (float64, float64, float64) {
			return w - f(lr)*(g+wd*w), m, v
		}},
		{"Momentum", func(w, g, m, v []float32) { Momentum(w, g, v, lr, mu, wd, false) }, func(w, g, m, v float64) (float64,
			float64, float64) {
			v = mu*v + g + wd*w
			return w - f(lr)*v, m, v
		}},
		{"Nesterov", func(w, g, m, v []float32) { Momentum(w, g, v, lr, mu, wd, true) }, func(w, g, m, v float64) (float64,
			float64, float64) {
			d := g + wd*w
			v = mu*v + d
			return w - f(lr)*(d+mu*v), m, v
		}},
		{"Adam", func(w, g, m, v []float32) { Adam(w, g, m, v, lr, b1, b2, eps, c1, c2, wd) },
			func(w, g, m, v float64) (float64, float64, float64) {
				d := g + wd*w
				m = f(b1)*m + (1-f(b1))*d
				v = f(b2)*v + (1-f(b2))*d*d
				return w - f(lr)*(m/f(c1))/(math.Sqrt(v/f(c2))+f(eps)), m, v
			}},
		{"RMSProp", func(w, g, m, v []float32) { RMSProp(w, g, v, lr, b2, eps, wd) }, func(w, g, m, v float64) (float64,
			float64, float64) {
			d := g + wd*w
			v = f(b2)*v + (1-f(b2))*d*d
			return w - f(lr)*d/(math.Sqrt(v)+f(eps)), m, v
		}},
	}
	eachImplementation(t, func(t *testing.T) {
		checked := 0
		for _, s := range steps {
			for _, n := range lengths() {
				rng := rand.New(rand.NewPCG(uint64(n), 7))
				w, g, m, v := guarded(t, n), guarded(t, n), guarded(t, n), guarded(t, n)
				for _, x := range [][]float32{w.x, g.x, m.x, v.x} {
					fillNormal(rng, x)
				}
				Abs(v.x, v.x)
				w0, g0, m0, v0 := copied(w.x), copied(g.x), copied(m.x), copied(v.x)
				s.run(w.x, g.x, m.x, v.x)
				for _, x := range []guardedSlice{w, g, m, v} {
					x.check(t, s.name)
				}
				if !sameBits(g.x, g0) {
					t.Fatalf("%s changed the gradient", s.name)
				}
				for i := range n {
					w1, m1, v1 := s.want(float64(w0[i]), float64(g0[i]), float64(m0[i]), float64(v0[i]))
					// The moments are sums of up to three terms of size up to |x|; the step adds its own rounding.
					size := math.Abs(float64(w0[i])) + math.Abs(float64(g0[i])) + math.Abs(float64(m0[i])) + math.Abs(float64(v0[i]))
					step := math.Abs(w1 - float64(w0[i]))
					bound := 4 * 0x1p-23 * (size + size*size)
					if !(math.Abs(float64(m.x[i])-m1) <= bound && math.Abs(float64(v.x[i])-v1) <= bound) {
						t.Fatalf("%s: length %d: moments %d are %g, %g, want %g, %g", s.name, n, i, m.x[i], v.x[i], m1, v1)
					}
					if !(math.Abs(float64(w.x[i])-w1) <= 0x1p-23*math.Abs(w1)+0x1p-18*step+lr*bound) {
						t.Fatalf("%s: length %d: weight %d is %g, want %g", s.name, n, i, w.x[i], w1)
					}
					checked++
				}
			}
		}
		if checked == 0 {
			t.Fatal("nothing was checked")
		}
	})
}

// TestMomentsAreFlushed decays moments until they would be subnormal and keeps NaN visible.
func TestMomentsAreFlushed(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		const n = 37
		for _, start := range []float32{1.1 * minNormal, -1.1 * minNormal, 3 * minNormal} {
			fill := func() (w, g, m, v []float32) {
				w, g, m, v = make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
				for i := range m {
					m[i], v[i] = start, abs(start)
				}
				return w, g, m, v
			}
			want := func(x float32) bool { return x == 0 || abs(x) >= minNormal }
			w, g, m, v := fill()
			Adam(w, g, m, v, 0.1, 0.5, 0.5, 1e-8, 1, 1, 0)
			for i := range n {
				if !want(m[i]) || !want(v[i]) || start == 3*minNormal && (m[i] == 0 || v[i] == 0) {
					t.Fatalf("Adam from %g: moments %g and %g", start, m[i], v[i])
				}
			}
			w, g, m, v = fill()
			RMSProp(w, g, v, 0.1, 0.5, 1e-8, 0)
			Momentum(w, g, m, 0.1, 0.5, 0, false)
			for i := range n {
				if !want(m[i]) || !want(v[i]) || start == 3*minNormal && (m[i] == 0 || v[i] == 0) {
					t.Fatalf("from %g: Momentum %g, RMSProp %g", start, m[i], v[i])
				}
			}
			w, g, m, _ = fill()
			Momentum(w, g, m, 0.1, 0.5, 0, true)
			for i := range n {
				if !want(m[i]) {
					t.Fatalf("Nesterov from %g: %g", start, m[i])
				}
			}
		}
		w, g, m, v := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
		g[n-1] = float32(math.NaN())
		Adam(w, g, m, v, 0.1, 0.9, 0.999, 1e-8, 1, 1, 0)
		if m[n-1] == m[n-1] || v[n-1] == v[n-1] || w[n-1] == w[n-1] {
			t.Fatalf("a NaN gradient gave moments %g and %g and weight %g", m[n-1], v[n-1], w[n-1])
		}
	})
}
