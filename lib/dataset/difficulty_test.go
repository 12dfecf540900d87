// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// The replacement for MNIST must be as hard as MNIST for the models of the notebooks, or results on it mean nothing.
// With -short, only the linear classifier and the nearest neighbours of the first 500 test images are checked.
func TestGlyphsAsHardAsMNIST(t *testing.T) {
	train, test := Glyphs(1)
	within(t, "linear classifier", netError(train, test, 0, 10), 0.08, 0.15)
	within(t, "3 nearest neighbours of 500 images", nearestError(train, test.Slice(0, 500), 3), 0.02, 0.06)
	if testing.Short() {
		t.Skip("-short: no hidden layer, no more neighbours")
	}
	within(t, "784-128-10 ReLU", netError(train, test, 128, 6), 0.02, 0.05)
	within(t, "3 nearest neighbours", nearestError(train, test, 3), 0.02, 0.06)
}

func within(t *testing.T, what string, got, lo, hi float64) {
	t.Helper()
	t.Logf("%s: test error %.2f %%", what, 100*got)
	if !(got >= lo && got <= hi) {
		t.Errorf("%s: test error %.2f %%, want %.0f to %.0f %%", what, 100*got, 100*lo, 100*hi)
	}
}

// BenchmarkDifficulty reports the same errors, in per cent, for other seeds and, if it is found, for as much of MNIST.
func BenchmarkDifficulty(b *testing.B) {
	report := func(b *testing.B, train, test *Set) {
		for b.Loop() {
			b.ReportMetric(100*netError(train, test, 0, 10), "linear_%")
			b.ReportMetric(100*netError(train, test, 128, 10), "relu_%")
			b.ReportMetric(100*nearestError(train, test, 3), "3nn_%")
		}
	}
	for seed := range uint64(4) {
		b.Run(fmt.Sprintf("Glyphs/seed=%d", seed), func(b *testing.B) {
			train, test := Glyphs(seed)
			report(b, train, test)
		})
	}
	b.Run("MNIST", func(b *testing.B) {
		train, test := localMNIST(b)
		report(b, train.Slice(0, 10_000), test.Slice(0, 2_000))
	})
}

func matrix(t *tensor.Tensor) blas32.General {
	return blas32.General{Rows: t.Rows(), Cols: t.Width(), Stride: t.Width(), Data: t.Data()}
}

// netError trains a softmax classifier, with one hidden layer of ReLU units if hidden > 0, by gradient descent with
// momentum 0.9 on batches of 100 and a rate falling linearly from 0.1 to 0, and returns its error on the test set.
func netError(train, test *Set, hidden, epochs int) float64 {
	const batch, rate, momentum = 100, 0.1, 0.9
	widths := []int{train.X.Width(), hidden, 10}
	if hidden == 0 {
		widths = slices.Delete(widths, 1, 2)
	}
	rng := tensor.Stream(1, "difficulty")
	var w, b, vw, vb, gw, gb []*tensor.Tensor
	for l := 1; l < len(widths); l++ {
		bound := float32(1 / math.Sqrt(float64(widths[l-1])))
		wl := tensor.New(widths[l], widths[l-1])
		rng.Uniform(wl.Data(), -bound, bound)
		w, b = append(w, wl), append(b, tensor.New(widths[l]))
		vw, vb = append(vw, tensor.New(wl.Shape()...)), append(vb, tensor.New(widths[l]))
		gw, gb = append(gw, tensor.New(wl.Shape()...)), append(gb, tensor.New(widths[l]))
	}
	forward := func(a []*tensor.Tensor) { // a[0] is the input, a[l+1] the output of layer l
		for l := range w {
			a[l+1].Resize(a[l].Rows(), widths[l+1])
			for i := range a[l+1].Rows() {
				copy(a[l+1].Row(i), b[l].Data())
			}
			blas32.Gemm(blas.NoTrans, blas.Trans, 1, matrix(a[l]), matrix(w[l]), 1, matrix(a[l+1]))
			if l+1 < len(w) {
				for i, v := range a[l+1].Data() {
					a[l+1].Data()[i] = max(v, 0)
				}
			}
		}
	}
	a := make([]*tensor.Tensor, len(widths))
	for l := range a {
		a[l] = new(tensor.Tensor)
	}
	var drawn Batch
	steps := train.Len() / batch
	for epoch := range epochs {
		order := Order(train.Len(), 1, epoch)
		for s := range steps {
			train.Gather(&drawn, order[s*batch:(s+1)*batch])
			a[0] = drawn.X.Reshape(batch, widths[0])
			forward(a)
			d := softmaxGradient(a[len(a)-1], drawn.Y)
			lr := rate * (1 - float32(epoch*steps+s)/float32(epochs*steps))
			for l := len(w) - 1; l >= 0; l-- {
				blas32.Gemm(blas.Trans, blas.NoTrans, 1, matrix(d), matrix(a[l]), 0, matrix(gw[l]))
				gb[l].Fill(0)
				for i := range batch {
					for j, v := range d.Row(i) {
						gb[l].Data()[j] += v
					}
				}
				below := d
				if l > 0 {
					below = tensor.New(batch, widths[l])
					blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, matrix(d), matrix(w[l]), 0, matrix(below))
					for i, v := range a[l].Data() {
						if v == 0 {
							below.Data()[i] = 0
						}
					}
				}
				step(w[l].Data(), vw[l].Data(), gw[l].Data(), lr, momentum)
				step(b[l].Data(), vb[l].Data(), gb[l].Data(), lr, momentum)
				d = below
			}
		}
	}
	a[0] = test.Flat()
	forward(a)
	wrong := 0
	for i, y := range test.Y {
		out := a[len(a)-1].Row(i)
		if slices.Index(out, slices.Max(out)) != y {
			wrong++
		}
	}
	return float64(wrong) / float64(test.Len())
}

// softmaxGradient returns (softmax(z) - onehot(y)) / N.
func softmaxGradient(z *tensor.Tensor, y []int) *tensor.Tensor {
	d := tensor.New(z.Shape()...)
	for i, label := range y {
		row, top := z.Row(i), slices.Max(z.Row(i))
		var sum float64
		for _, v := range row {
			sum += math.Exp(float64(v - top))
		}
		for j, v := range row {
			d.Row(i)[j] = float32(math.Exp(float64(v-top)) / sum / float64(len(y)))
		}
		d.Row(i)[label] -= 1 / float32(len(y))
	}
	return d
}

func step(w, v, g []float32, lr, momentum float32) {
	for i := range w {
		v[i] = momentum*v[i] + g[i]
		w[i] -= lr * v[i]
	}
}

// nearestError classifies by the majority of the k nearest training images, ties to the nearer, and returns the error.
func nearestError(train, test *Set, k int) float64 {
	x, z := train.Flat(), test.Flat()
	norms := make([]float32, train.Len())
	for i := range norms {
		for _, v := range x.Row(i) {
			norms[i] += v * v
		}
	}
	dist := tensor.New(test.Len(), train.Len()) // without the squared norm of the test image
	for i := range test.Len() {
		copy(dist.Row(i), norms)
	}
	blas32.Gemm(blas.NoTrans, blas.Trans, -2, matrix(z), matrix(x), 1, matrix(dist))
	wrong := 0
	for i, y := range test.Y {
		votes, best := make([]int, len(train.Classes)), 0
		for _, near := range smallest(dist.Row(i), k) {
			c := train.Y[near]
			if votes[c]++; votes[c] > votes[best] {
				best = c
			}
		}
		if best != y {
			wrong++
		}
	}
	return float64(wrong) / float64(test.Len())
}

// smallest returns the places of the k smallest values of x, ascending.
func smallest(x []float32, k int) []int {
	var near []int
	for i, v := range x {
		if len(near) == k && v >= x[near[k-1]] {
			continue
		}
		at := len(near)
		for at > 0 && v < x[near[at-1]] {
			at--
		}
		near = slices.Insert(near, at, i)
		near = near[:min(k, len(near))]
	}
	return near
}
