// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	adapter "github.com/lateral-ml/lateral/lib/blas"
	"github.com/lateral-ml/lateral/lib/internal/parallel"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A matrixProduct is the layout and the sizes of a product C [m, n] = A [m, k] * B [k, n].
type matrixProduct struct {
	layout  string // NN; NT: B is stored transposed; TN: A is stored transposed
	m, n, k int
}

// products are the matrix products in a training step of a dense layer, and a large one. The rows of C are shared among
// the cores.
func products() []item {
	return []item{
		matrixProduct{"NT", 100, 128, 784}.item("sgemm_100x784x128"), // x*transpose(W), the forward pass
		matrixProduct{"TN", 128, 784, 100}.item("sgemm_784x100x128"), // transpose(dy)*x, the gradient of W
		matrixProduct{"NN", 1024, 1024, 1024}.item("sgemm_1024"),
		matrixProduct{"NN", 1024, 1024, 1024}.adapterItem("blas_sgemm_1024"),
	}
}

func (p matrixProduct) item(name string) item {
	flops := 2 * float64(p.m) * float64(p.n) * float64(p.k)
	return item{
		name: name, work: flops, unit: "FLOP", flops: flops, peers: []string{"torch", "numpy"},
		setup: ready(func(workers int) func() { return p.bind().ours(workers) }),
		gonum: func() func() { return p.bind().sgemm(gonum.Implementation{}) },
	}
}

// adapterItem is the product through the BLAS implementation for programs that use gonum. It uses all cores of the
// program, so it is only for large products: changing the number of cores takes several microseconds.
func (p matrixProduct) adapterItem(name string) item {
	it := p.item(name)
	it.peers = nil
	it.setup = ready(func(workers int) func() {
		run := p.bind().sgemm(adapter.Implementation{})
		return func() {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(workers))
			run()
		}
	})
	return it
}

// An operands is a product with its matrices, stored contiguously.
type operands struct {
	matrixProduct
	a, b, c  []float32
	lda, ldb int
}

func (p matrixProduct) bind() operands {
	o := operands{p, noise("a", p.m*p.k), noise("b", p.k*p.n), make([]float32, p.m*p.n), p.k, p.n}
	switch p.layout {
	case "TN":
		o.lda = p.m
	case "NT":
		o.ldb = p.k
	}
	return o
}

func (o operands) ours(workers int) func() {
	rows := map[string]func(_ any, lo, hi int){
		"NN": func(_ any, lo, hi int) {
			simd.GemmNN(hi-lo, o.n, o.k, o.a[lo*o.lda:], o.lda, o.b, o.ldb, o.c[lo*o.n:], o.n, false)
		},
		"NT": func(_ any, lo, hi int) {
			simd.GemmNT(hi-lo, o.n, o.k, o.a[lo*o.lda:], o.lda, o.b, o.ldb, o.c[lo*o.n:], o.n, false)
		},
		"TN": func(_ any, lo, hi int) {
			simd.GemmTN(hi-lo, o.n, o.k, o.a[lo:], o.lda, o.b, o.ldb, o.c[lo*o.n:], o.n, false)
		},
	}[o.layout]
	return func() { parallel.For(workers, o.m, 1, nil, rows) }
}

// sgemm is the same product by a BLAS implementation, which decides itself how to use the cores.
func (o operands) sgemm(by blas.Float32Level3) func() {
	transA, transB := blas.NoTrans, blas.NoTrans
	switch o.layout {
	case "TN":
		transA = blas.Trans
	case "NT":
		transB = blas.Trans
	}
	return func() { by.Sgemm(transA, transB, o.m, o.n, o.k, 1, o.a, o.lda, o.b, o.ldb, 0, o.c, o.n) }
}

// kernels are vector kernels on one core, over as much data as fits in the second-level cache.
func kernels() []item {
	const n, parameters = 1 << 16, 784*128 + 128 + 128*10 + 10
	x, y := noise("x", n), make([]float32, n)
	var sum float32
	w, g := make([]float32, parameters), noise("g", parameters)
	m, v := make([]float32, parameters), make([]float32, parameters)
	kernel := func(name string, work float64, unit string, run func(), peers ...string) item {
		return item{name: name, work: work, unit: unit, cores: 1, setup: ready(func(int) func() { return run }), peers: peers}
	}
	return []item{
		kernel("exp_64k", n, "elements", func() { simd.Exp(y, x) }, "torch", "numpy"),
		kernel("relu_64k", n, "elements", func() { simd.Relu(y, x) }, "torch", "numpy"),
		kernel("sum_64k", n, "elements", func() { sum += simd.Sum(x) }, "torch", "numpy"),
		kernel("adam_100k", parameters, "parameters", func() { simd.Adam(w, g, m, v, 1e-3, 0.9, 0.999, 1e-8, 1, 1, 0) },
			"torch"),
	}
}

// noise returns n draws from the standard normal distribution.
func noise(name string, n int) []float32 {
	x := make([]float32, n)
	tensor.Stream(1, name).Normal(x, 0, 1)
	return x
}
