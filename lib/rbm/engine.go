// SPDX-License-Identifier: Apache-2.0

package rbm

import (
	"math"
	"math/rand/v2"
	"runtime"

	"github.com/lateral-ml/lateral/lib/internal/parallel"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// An engine carries out the products and draws of a machine on some goroutines, without allocating. The other fields
// are the arguments of the part that is shared out.
type engine struct {
	*Machine
	workers int

	part     func(e *engine, lo, hi int)
	out, x   []float32
	net      []float32
	n, width int
	seed     uint64
	sums     []float64
	product  simd.SparseProduct
}

// up sets out [n, H] to the net inputs of the hidden units, c + W x, for x [n, V].
func (e *engine) up(out, x []float32, n int) {
	v := e.visible()
	e.out, e.x, e.n = out, x, n
	e.product = simd.SparseProduct{TransB: true, Density: simd.Density(x[:n*v], n, v)}
	e.share(e.hidden(), worthSharing/max(1, n*v), func(e *engine, lo, hi int) {
		v, h := e.visible(), e.hidden()
		e.product.Gemm(e.n, hi-lo, v, e.x, v, e.Weights.Data()[lo*v:hi*v], v, e.out[lo:(e.n-1)*h+hi], h)
		for i := range e.n {
			row := e.out[i*h+lo : i*h+hi]
			simd.Add(row, row, e.HiddenBias.Data()[lo:hi])
		}
	})
}

// down sets out [n, V] to the net inputs of the visible units, b + x W, for x [n, H].
func (e *engine) down(out, x []float32, n int) {
	h := e.hidden()
	e.out, e.x, e.n = out, x, n
	e.product = simd.SparseProduct{Density: simd.Density(x[:n*h], n, h)}
	e.share(e.visible(), worthSharing/max(1, n*h), func(e *engine, lo, hi int) {
		v, h := e.visible(), e.hidden()
		e.product.Gemm(e.n, hi-lo, h, e.x, h, e.Weights.Data()[lo:], v, e.out[lo:(e.n-1)*v+hi], v)
		for i := range e.n {
			row := e.out[i*v+lo : i*v+hi]
			simd.Add(row, row, e.VisibleBias.Data()[lo:hi])
		}
	})
}

// sigmoid sets out to the probabilities of n rows of net inputs.
func (e *engine) sigmoid(out, net []float32, n, width int) {
	e.out, e.net, e.n, e.width = out, net, n, width
	e.share(n, elementsWorthSharing/width+1, func(e *engine, lo, hi int) {
		simd.Sigmoid(e.out[lo*e.width:hi*e.width], e.net[lo*e.width:hi*e.width])
	})
}

// draw sets net to the probabilities of n rows of net inputs, and out to units drawn from them. out may be net.
func (e *engine) draw(out, net []float32, n, width int, rng *tensor.RNG) {
	e.out, e.net, e.n, e.width, e.seed = out, net, n, width, rng.Uint64()
	e.share(n, elementsWorthSharing/width+1, func(e *engine, lo, hi int) {
		simd.Sigmoid(e.net[lo*e.width:hi*e.width], e.net[lo*e.width:hi*e.width])
		e.bernoulli(lo, hi)
	})
}

// drawFrom is draw for rows that are probabilities already.
func (e *engine) drawFrom(out, p []float32, n, width int, rng *tensor.RNG) {
	e.out, e.net, e.n, e.width, e.seed = out, p, n, width, rng.Uint64()
	e.share(n, elementsWorthSharing/width+1, (*engine).bernoulli)
}

// bernoulli draws the rows from lo to hi. Each row has random numbers of its own, so that rows can be shared out. A
// unit is the sign bit of u - p, which avoids a branch: the processor cannot predict it.
func (e *engine) bernoulli(lo, hi int) {
	var pcg rand.PCG
	for i := lo; i < hi; i++ {
		pcg.Seed(e.seed, uint64(i))
		out, p := e.out[i*e.width:(i+1)*e.width], e.net[i*e.width:(i+1)*e.width]
		bits := uint64(0)
		for j, p := range p {
			if j%2 == 0 {
				bits = pcg.Uint64()
			}
			u := float32(uint32(bits)>>8) * 0x1p-24 // uniform in [0, 1)
			out[j] = float32(math.Float32bits(u-p) >> 31)
			bits >>= 32
		}
	}
}

// freeEnergy sets f [n] to the free energies of v [n, V], whose net inputs are net [n, H].
func (e *engine) freeEnergy(f []float64, v, net []float32, n int) {
	e.sums, e.x, e.net, e.n = f, v, net, n
	e.share(n, 1, func(e *engine, lo, hi int) {
		v, h := e.visible(), e.hidden()
		for i := lo; i < hi; i++ {
			sum := 0.0
			for j, x := range e.x[i*v : (i+1)*v] {
				sum += float64(x) * float64(e.VisibleBias.Data()[j])
			}
			for _, x := range e.net[i*h : (i+1)*h] {
				sum += softplus(float64(x))
			}
			e.sums[i] = -sum
		}
	})
}

// softplus returns log(1 + exp(x)).
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

const (
	worthSharing         = 1 << 19 // multiply-adds from which a second goroutine pays
	elementsWorthSharing = 1 << 13 // elements to draw
)

// share calls do on ranges of [0, n) of at least grain, on the engine's workers.
func (e *engine) share(n, grain int, do func(e *engine, lo, hi int)) {
	if n == 0 || e.n == 0 {
		return
	}
	e.part = do
	parallel.For(e.goroutines(), n, max(grain, 1), e, func(arg any, lo, hi int) {
		e := arg.(*engine)
		e.part(e, lo, hi)
	})
}

func (e *engine) goroutines() int {
	if e.workers > 0 {
		return e.workers
	}
	return runtime.GOMAXPROCS(0)
}

// grow returns a slice of n elements, in the memory of s if it is large enough.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
