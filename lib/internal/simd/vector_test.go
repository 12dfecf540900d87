// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/lateral-ml/lateral/lib/internal/race"
)

// lengths are all up to 257, which meet every combination of blocks, vectors and rest, and a few large ones.
func lengths() []int {
	var n []int
	step := 1
	if race.Enabled { // which sees no assembly, but slows the Go bodies down
		step = 3
	}
	for i := 0; i <= 257; i += step {
		n = append(n, i)
	}
	return append(n, 1000, 4099)
}

// specials are the values at which kernels go wrong.
var specials = []float32{
	0, float32(math.Copysign(0, -1)), 1, -1, 0.5, -0.5, 2, -2,
	float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)),
	math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, 0x1p-127, -0x1p-127, minNormal, -minNormal,
	math.MaxFloat32, -math.MaxFloat32, 1e-20, -1e-20, 1e20, -1e20, 88.7, -87.3, -103.9,
}

// fillMixed fills x with normal draws and, if wanted, about one special value in four.
func fillMixed(rng *rand.Rand, x []float32, special bool) {
	fillNormal(rng, x)
	for i := range x {
		if special && rng.IntN(4) == 0 {
			x[i] = specials[rng.IntN(len(specials))]
		}
	}
}

// ulps returns how far got is from want in units of the spacing of float32 at want. Infinities and NaN must match,
// and an overflow or a subnormal result counts like any other.
func ulps(got float32, want float64) float64 {
	if math.IsNaN(want) || math.IsNaN(float64(got)) {
		if math.IsNaN(want) && math.IsNaN(float64(got)) {
			return 0
		}
		return math.Inf(1)
	}
	rounded := float32(want)
	if got == rounded || math.IsInf(float64(got), 0) && math.IsInf(want, int(sign(float64(got)))) {
		return 0
	}
	if math.IsInf(want, 0) {
		return math.Inf(1)
	}
	_, e := math.Frexp(want)
	spacing := math.Ldexp(1, max(e-24, -149))
	g := float64(got)
	if math.IsInf(g, 0) {
		g = math.Copysign(0x1p128, g) // the number that an overflow stands for
	}
	return math.Abs(g-want) / spacing
}

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x
}

// elementwise are the kernels that work element by element on up to two inputs and the old destination.
var elementwise = []struct {
	name   string
	run    func(dst, a, b []float32)
	want   func(d, a, b float64) float64
	within float64 // units in the last place
}{
	{"Add", Add, func(d, a, b float64) float64 { return a + b }, 0.5},
	{"Sub", Sub, func(d, a, b float64) float64 { return a - b }, 0.5},
	{"Mul", Mul, func(d, a, b float64) float64 { return a * b }, 0.5},
	{"Div", Div, func(d, a, b float64) float64 { return a / b }, 0.5},
	{"Scale", func(dst, a, b []float32) { Scale(dst, 1.7, a) },
		func(d, a, b float64) float64 { return float64(float32(1.7)) * a }, 0.5},
	{"AddScalar", func(dst, a, b []float32) { AddScalar(dst, -0.3, a) },
		func(d, a, b float64) float64 { return float64(float32(-0.3)) + a }, 0.5},
	{"AddSign", func(dst, a, b []float32) { AddSign(dst, 0.3, a) }, func(d, a, b float64) float64 {
		return d + float64(float32(0.3))*sign(a)
	}, 0.5},
	{"Relu", func(dst, a, b []float32) { Relu(dst, a) }, func(d, a, b float64) float64 { return math.Max(a, 0) }, 0},
	{"ReluGrad", func(dst, a, b []float32) { ReluGrad(dst, a, b, false) }, func(d, a, b float64) float64 {
		if b > 0 {
			return a
		}
		return 0
	}, 0},
	{"ReluGradAdd", func(dst, a, b []float32) { ReluGrad(dst, a, b, true) }, func(d, a, b float64) float64 {
		if b > 0 {
			return d + a
		}
		return d
	}, 0.5},
	{"Sqrt", func(dst, a, b []float32) { Sqrt(dst, a) }, func(d, a, b float64) float64 { return math.Sqrt(a) }, 0.5},
	{"Abs", func(dst, a, b []float32) { Abs(dst, a) }, func(d, a, b float64) float64 { return math.Abs(a) }, 0},
	{"Recip", func(dst, a, b []float32) { Recip(dst, a) }, func(d, a, b float64) float64 { return 1 / a }, 0.5},
	{"Sign", func(dst, a, b []float32) { Sign(dst, a) }, func(d, a, b float64) float64 { return sign(a) }, 0},
	{"Clamp", func(dst, a, b []float32) { Clamp(dst, a, -0.5, 1.25) }, func(d, a, b float64) float64 {
		return math.Min(math.Max(a, -0.5), 1.25)
	}, 0},
	{"Exp", func(dst, a, b []float32) { Exp(dst, a) }, func(d, a, b float64) float64 { return math.Exp(a) }, 1},
	{"Log", func(dst, a, b []float32) { Log(dst, a) }, func(d, a, b float64) float64 { return math.Log(a) }, 1},
	{"Tanh", func(dst, a, b []float32) { Tanh(dst, a) }, func(d, a, b float64) float64 { return math.Tanh(a) }, 3},
	{"Sigmoid", func(dst, a, b []float32) { Sigmoid(dst, a) },
		func(d, a, b float64) float64 { return 1 / (1 + math.Exp(-a)) }, 3},
}

func TestElementwise(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		for _, e := range elementwise {
			t.Run(e.name, func(t *testing.T) {
				checked := 0
				for _, n := range lengths() {
					rng := rand.New(rand.NewPCG(uint64(n), 1))
					for _, alias := range []string{"", "a", "b"} {
						a, b, dst := guarded(t, n), guarded(t, n), guarded(t, n)
						fillMixed(rng, a.x, true)
						fillMixed(rng, b.x, true)
						fillMixed(rng, dst.x, true)
						switch alias {
						case "a":
							dst = a
						case "b":
							dst = b
						}
						d0, a0, b0 := copied(dst.x), copied(a.x), copied(b.x)
						e.run(dst.x, a.x, b.x)
						a.check(t, e.name)
						b.check(t, e.name)
						dst.check(t, e.name)
						if alias != "a" && !sameBits(a.x, a0) || alias != "b" && !sameBits(b.x, b0) {
							t.Fatalf("length %d: wrote to an input", n)
						}
						for i, got := range dst.x {
							want := e.want(float64(d0[i]), float64(a0[i]), float64(b0[i]))
							if !(ulps(got, want) <= e.within) {
								t.Fatalf("length %d, alias %q: element %d of dst=%g a=%g b=%g is %g, want %g (%.2f ulp)",
									n, alias, i, d0[i], a0[i], b0[i], got, want, ulps(got, want))
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
	})
}

// TestMultiplyAdd checks the kernels that may round once or several times: against the sum of the sizes of what they
// add.
func TestMultiplyAdd(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		checked := 0
		for _, n := range lengths() {
			rng := rand.New(rand.NewPCG(uint64(n), 2))
			a, b, dst := guarded(t, n), guarded(t, n), guarded(t, n)
			fillNormal(rng, a.x)
			fillNormal(rng, b.x)
			fillNormal(rng, dst.x)
			d0 := copied(dst.x)
			expect := func(name string, want, size func(i int) float64) {
				t.Helper()
				dst.check(t, name)
				for i, got := range dst.x {
					if !(math.Abs(float64(got)-want(i)) <= 0x1p-23*size(i)) {
						t.Fatalf("%s: length %d: element %d is %g, want %g", name, n, i, got, want(i))
					}
					checked++
				}
			}
			MulAdd(dst.x, a.x, b.x)
			expect("MulAdd", func(i int) float64 { return float64(d0[i]) + float64(a.x[i])*float64(b.x[i]) },
				func(i int) float64 { return math.Abs(float64(d0[i])) + math.Abs(float64(a.x[i])*float64(b.x[i])) })
			copy(dst.x, d0)
			Axpy(dst.x, -0.7, a.x)
			expect("Axpy", func(i int) float64 { return float64(d0[i]) + float64(float32(-0.7))*float64(a.x[i]) },
				func(i int) float64 { return math.Abs(float64(d0[i])) + math.Abs(float64(a.x[i])) })
			Normalize(dst.x, a.x, 0.5, 1.3, -0.2)
			expect("Normalize", func(i int) float64 { return 1.3*(float64(a.x[i])-0.5) - 0.2 },
				func(i int) float64 { return 2*math.Abs(float64(a.x[i])) + 1 })
			for _, acc := range []bool{false, true} {
				copy(dst.x, d0)
				NormalizeGrad(dst.x, a.x, b.x, 0.5, 1.3, -0.7, 0.1, acc)
				before := map[bool]float64{true: 1}[acc]
				expect("NormalizeGrad", func(i int) float64 {
					return before*float64(d0[i]) + 1.3*float64(a.x[i]) - 0.7*(float64(b.x[i])-0.5) + 0.1
				}, func(i int) float64 {
					return math.Abs(float64(d0[i])) + 2*math.Abs(float64(a.x[i])) + 2*math.Abs(float64(b.x[i])) + 1
				})
			}
		}
		if checked == 0 {
			t.Fatal("nothing was checked")
		}
	})
}

func TestScaleU8(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		for _, n := range append(lengths(), 256) {
			src := make([]byte, n)
			for i := range src {
				src[i] = byte(i * 37)
			}
			dst := guarded(t, n)
			ScaleU8(dst.x, src, 1.0/255)
			dst.check(t, "ScaleU8")
			for i, got := range dst.x {
				if want := float32(1.0/255) * float32(src[i]); got != want {
					t.Fatalf("length %d: element %d of %d is %g, want %g", n, i, src[i], got, want)
				}
			}
		}
	})
}

// TestFunctionAccuracy sweeps the whole range of float32 and, densely, the range where each function is neither
// saturated nor linear. The bounds are the ones in the documentation.
func TestFunctionAccuracy(t *testing.T) {
	functions := []struct {
		name   string
		run    func(dst, x []float32)
		want   func(x float64) float64
		lo, hi float32
		within float64
	}{
		{"Exp", Exp, math.Exp, -105, 89, 1},
		{"Log", Log, math.Log, 0.4, 2.5, 1},
		{"Tanh", Tanh, math.Tanh, -10, 10, 3},
		{"Sigmoid", Sigmoid, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, -105, 20, 3},
	}
	eachImplementation(t, func(t *testing.T) {
		for _, f := range functions {
			var x []float32
			for b := uint64(0); b < 1<<32; b += 16301 {
				x = append(x, math.Float32frombits(uint32(b)))
			}
			const dense = 300_000
			for i := range dense {
				x = append(x, f.lo+(f.hi-f.lo)*float32(i)/dense)
			}
			y := make([]float32, len(x))
			f.run(y, x)
			worst, at := 0.0, float32(0)
			for i, got := range y {
				if u := ulps(got, f.want(float64(x[i]))); !(u <= worst) {
					worst, at = u, x[i]
				}
			}
			t.Logf("%s: at most %.2f ulp, at %g", f.name, worst, at)
			if !(worst <= f.within) {
				t.Errorf("%s is %.2f ulp off at %g, %.0f allowed", f.name, worst, at, f.within)
			}
		}
	})
}

// TestPow compares with float64 over magnitudes and powers. Each error is measured in the documented bound.
func TestPow(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	eachImplementation(t, func(t *testing.T) {
		for _, p := range []float32{-3, -0.7, 0, 0.3, 0.5, 1, 1.5, 2, 3, 4.25, 10} {
			x := []float32{0, 1, inf, nan}
			for b := uint32(1); b < math.Float32bits(inf); b += 65_003 {
				x = append(x, math.Float32frombits(b))
			}
			y := make([]float32, len(x))
			Pow(y, x, p)
			worst := 0.0
			for i, got := range y {
				v := float64(x[i])
				want := math.Pow(v, float64(p))
				if float32(want) == got || want != want && got != got {
					continue
				}
				if math.Abs(want) < minNormal || math.Abs(want) > math.MaxFloat32 {
					// Where the result is subnormal or overflows, next to the limit may be over it.
					want = math.Copysign(math.Min(math.Max(math.Abs(want), minNormal), math.MaxFloat32), want)
					got = float32(math.Min(math.Max(float64(got), minNormal), math.MaxFloat32))
				}
				allowed := (2 + math.Abs(float64(p)*math.Log(v))) * 0x1p-23 * want
				if e := math.Abs(float64(got)-want) / allowed; !(e <= worst) {
					worst = e
				}
			}
			t.Logf("power %g: at most %.2f of the bound", p, worst)
			if !(worst <= 1) {
				t.Errorf("power %g: %.2f times the bound", p, worst)
			}
		}
		y := []float32{-1}
		Pow(y, y, 1.5)
		if y[0] == y[0] {
			t.Errorf("(-1)^1.5 is %g", y[0])
		}
	})
}

func copied(x []float32) []float32 { return append([]float32(nil), x...) }

func sameBits(a, b []float32) bool {
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return false
		}
	}
	return len(a) == len(b)
}
