// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"fmt"
	"testing"
)

// eachImplementationBench runs a benchmark once for every implementation.
func eachImplementationBench(b *testing.B, bench func(b *testing.B)) {
	chosen := active
	defer func() { active = chosen }()
	for _, k := range available() {
		active = k
		b.Run(k.name, bench)
	}
}

// BenchmarkGemm measures the products of a 784-128-10 training step on 100 images, and a large one.
func BenchmarkGemm(b *testing.B) {
	for _, p := range []struct {
		layout  int
		m, n, k int
	}{
		{1, 100, 128, 784},    // forward: x * transpose(W)
		{0, 100, 784, 128},    // gradient of x: dy * W
		{2, 128, 784, 100},    // gradient of W: transpose(dy) * x
		{1, 100, 10, 128},     // the output layer's
		{0, 100, 128, 10},     //
		{2, 10, 128, 100},     //
		{1, 100, 2000, 784},   // a wide layer
		{0, 1024, 1024, 1024}, // a large square
		{1, 1024, 1024, 1024},
		{2, 1024, 1024, 1024},
	} {
		l := layouts[p.layout]
		b.Run(fmt.Sprintf("%s/m=%d,n=%d,k=%d", l.name, p.m, p.n, p.k), func(b *testing.B) {
			eachImplementationBench(b, func(b *testing.B) {
				x, y, c := make([]float32, p.m*p.k), make([]float32, p.k*p.n), make([]float32, p.m*p.n)
				for i := range x {
					x[i] = float32(i%7) - 3
				}
				for i := range y {
					y[i] = float32(i%5) - 2
				}
				lda, ldb := p.k, p.n
				if l.transA {
					lda = p.m
				}
				if l.transB {
					ldb = p.k
				}
				for b.Loop() {
					l.gemm(p.m, p.n, p.k, x, lda, y, ldb, c, p.n, false)
				}
				flops := 2 * float64(p.m) * float64(p.n) * float64(p.k) * float64(b.N)
				b.ReportMetric(flops/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		})
	}
}

// BenchmarkVector measures the vector kernels on 8192 elements, which the first-level cache holds.
func BenchmarkVector(b *testing.B) {
	const n = 8192
	w, g, m, v := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range w {
		w[i], g[i], m[i], v[i] = float32(i%9)-4, float32(i%7)-3, float32(i%5)-2, float32(i%3)
	}
	var sink float32
	dst := make([]float32, n)
	for _, k := range []struct {
		name string
		run  func()
	}{
		{"Add", func() { Add(dst, w, g) }},
		{"Axpy", func() { Axpy(dst, 1e-9, g) }},
		{"Relu", func() { Relu(dst, w) }},
		{"Exp", func() { Exp(dst, w) }},
		{"Log", func() { Log(dst, v) }},
		{"Tanh", func() { Tanh(dst, w) }},
		{"Sigmoid", func() { Sigmoid(dst, w) }},
		{"Sum", func() { sink += Sum(w) }},
		{"Dot", func() { sink += Dot(w, g) }},
		{"Max", func() { sink += Max(w) }},
		{"CountNonZero", func() { sink += float32(CountNonZero(w)) }},
		{"SumRows128", func() { SumRows(dst[:128], w, n/128, 128, false) }},
		{"SoftmaxRows10", func() { SoftmaxRows(dst[:8190], w[:8190], 819, 10) }},
		{"AddRowVectorRelu128", func() { AddRowVectorRelu(dst, w, g[:128], n/128, 128) }},
		{"SGD", func() { SGD(w, g, 1e-9, 0) }},
		{"Adam", func() { Adam(w, g, m, v, 1e-9, 0.9, 0.999, 1e-8, 1, 1, 0) }},
	} {
		b.Run(k.name, func(b *testing.B) {
			eachImplementationBench(b, func(b *testing.B) {
				for b.Loop() {
					k.run()
				}
				b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/n, "ns/element")
			})
		})
	}
	_ = sink
}
