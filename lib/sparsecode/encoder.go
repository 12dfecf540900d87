// SPDX-License-Identifier: Apache-2.0

package sparsecode

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/lateral-ml/lateral/lib/internal/parallel"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// An Encoder finds codes. Its settings are the fields of a struct, and several goroutines may share one.
type Encoder interface {
	// EncodeTo writes the codes of the patches x [N, ...] to codes, which it resizes to [N, K]. It fails before
	// anything is written if the settings, or a patch, are of no use; see the package comment. It allocates nothing in
	// steady state.
	EncodeTo(codes *tensor.Tensor, d *Dictionary, x *tensor.Tensor) error
	// Penalty returns the part of the objective of a code [K] that does not depend on the patch, such as
	// lambda sum_i |a_i|; 0 for a pursuit.
	Penalty(d *Dictionary, code []float32) float64
}

// Encode returns the codes of the patches x [N, ...] -> [N, K].
func Encode(e Encoder, d *Dictionary, x *tensor.Tensor) (*tensor.Tensor, error) {
	codes := new(tensor.Tensor)
	if err := e.EncodeTo(codes, d, x); err != nil {
		return nil, err
	}
	return codes, nil
}

// Objective returns the mean over N patches of 1/2 |x - a Phi|² + the encoder's penalty, summed in float64. x [N, ...],
// codes [N, K]. It is NaN if there are no patches. It panics if the shapes do not fit.
func Objective(e Encoder, d *Dictionary, x, codes *tensor.Tensor) float64 {
	if x.Width() != d.Pixels() || x.Rows() != codes.Rows() || codes.Width() != d.Len() {
		panic(fmt.Sprintf("sparsecode: Objective: patches of shape %v and codes of shape %v for %d atoms of %s pixels",
			x.Shape(), codes.Shape(), d.Len(), extent(d.Shape())))
	}
	sum, p := 0.0, d.Pixels()
	residual := make([]float64, p)
	for n := range x.Rows() {
		for i, v := range x.Row(n) {
			residual[i] = float64(v)
		}
		for k, a := range codes.Row(n) {
			if a != 0 {
				for i, v := range d.atoms.Row(k) {
					residual[i] -= float64(a) * float64(v)
				}
			}
		}
		for _, r := range residual {
			sum += r * r / 2
		}
		sum += e.Penalty(d, codes.Row(n))
	}
	return sum / float64(x.Rows())
}

// A method is the part of an encoder that differs from one to another.
type method interface {
	name() string
	check(d *Dictionary) error // of the settings
	prepare(j *job) error      // computes what all patches need
	// solve finds the codes a of rows patches x, given b = x Phi^T. All are matrices of that many rows. a may hold
	// anything.
	solve(j *job, w *work, x, b, a []float32, rows int)
}

// block is how many patches are encoded together.
const block = 64

// The defaults of the iterative encoders.
const (
	defaultSteps = 1000
	defaultTol   = 1e-5
)

// A job is a batch that is being encoded.
type job struct {
	method method
	d      *Dictionary
	x, a   *tensor.Tensor

	thresholds []float32 // [K], of the coefficients or of a step: lambda, over the gain and the curvature
	curvature  float64   // upper bound of that of the objective
	power      [2][]float32
}

// work is the memory of a worker.
type work struct {
	products []float32 // b of a block
	float    [8][]float32
	double   [2][]float64
	index    [2][]int32
	pursuit  pursuit
}

var (
	jobs  = sync.Pool{New: func() any { return new(job) }}
	works = sync.Pool{New: func() any { return new(work) }}
)

// encode runs a method over all blocks of patches.
func encode(m method, workers int, codes *tensor.Tensor, d *Dictionary, x *tensor.Tensor) error {
	if err := check(m, d, x); err != nil {
		return fmt.Errorf("sparsecode: %s: %w", m.name(), err)
	}
	j := jobs.Get().(*job)
	defer func() {
		j.method, j.d, j.x, j.a = nil, nil, nil, nil
		jobs.Put(j)
	}()
	j.method, j.d, j.x, j.a = m, d, x, codes
	if err := m.prepare(j); err != nil {
		return fmt.Errorf("sparsecode: %s: %w", m.name(), err)
	}
	codes.Resize(x.Rows(), d.Len())
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	parallel.For(workers, x.Rows(), 16, j, func(arg any, lo, hi int) {
		j, w := arg.(*job), works.Get().(*work)
		for from := lo; from < hi; from += block {
			j.solve(w, from, min(from+block, hi))
		}
		works.Put(w)
	})
	return nil
}

// solve encodes the patches from lo to hi.
func (j *job) solve(w *work, lo, hi int) {
	rows, k, p := hi-lo, j.d.Len(), j.d.Pixels()
	w.products = grow(w.products, block*k)
	x, a, b := j.x.Data()[lo*p:hi*p], j.a.Data()[lo*k:hi*k], w.products[:rows*k]
	simd.GemmNT(rows, k, p, x, p, j.d.atoms.Data(), p, b, k, false)
	j.method.solve(j, w, x, b, a, rows)
}

// check finds the first reason not to begin.
func check(m method, d *Dictionary, x *tensor.Tensor) error {
	if err := m.check(d); err != nil {
		return err
	}
	if x.Rank() < 2 || x.Width() != d.Pixels() || x.Rank() == len(d.Shape())+1 && !slices.Equal(x.Shape()[1:], d.Shape()) {
		return fmt.Errorf("patches of shape %v for atoms of %s pixels: want [N, %s]", x.Shape(), extent(d.Shape()),
			extent(d.Shape()))
	}
	for n := range x.Rows() {
		if err := checkPatch(x.Row(n), d.Shape()); err != nil {
			return fmt.Errorf("patch %d: %w", n, err)
		}
	}
	return nil
}

// largestEnergy is that of a patch, up to which nothing overflows.
const largestEnergy = 1e30

func checkPatch(x []float32, shape []int) error {
	if energy := simd.SumSquares(x); !(energy <= largestEnergy) {
		if i, ok := firstNotFinite(x); ok {
			return fmt.Errorf("%s is %v", pixel(i, shape), x[i])
		}
		return fmt.Errorf("its length is above %g: scale pixels to about 1", math.Sqrt(largestEnergy))
	}
	v := x[0]
	if v != 0 && len(x) > 1 && x[len(x)-1] == v && !slices.ContainsFunc(x, func(u float32) bool { return u != v }) {
		return fmt.Errorf("every pixel is %v: remove the mean of each patch before encoding", v)
	}
	return nil
}

// pixel names an element of a patch.
func pixel(i int, shape []int) string {
	if len(shape) < 2 {
		return fmt.Sprintf("pixel %d", i)
	}
	w, h := shape[len(shape)-1], shape[len(shape)-2]
	at := fmt.Sprintf("the pixel in row %d, column %d", i/w%h, i%w)
	if len(shape) > 2 {
		at += fmt.Sprintf(" of channel %d", i/(w*h))
	}
	return at
}

// setting says what a field of an encoder should be.
func setting(name string, value any, want string) error {
	return fmt.Errorf("%s is %v: want %s", name, value, want)
}

func checkPositive(name string, v float64) error {
	if !(v > 0) || math.IsInf(v, 1) {
		return setting(name, v, "a positive number")
	}
	return nil
}

func checkNotNegative(name string, v float64) error {
	if !(v >= 0) || math.IsInf(v, 1) {
		return setting(name, v, "0 or a positive number")
	}
	return nil
}

// setThresholds sets those of the lasso, lambda / gain_i, times a factor.
func (j *job) setThresholds(lambda, factor float64) {
	j.thresholds = grow(j.thresholds, j.d.Len())
	for i, g := range j.d.Gains() {
		j.thresholds[i] = float32(factor * lambda / float64(g))
	}
}

// eigenvalue returns the upper estimate of the largest eigenvalue of the Gram matrix.
func (j *job) eigenvalue() float64 {
	for i := range j.power {
		j.power[i] = grow(j.power[i], j.d.Len())
	}
	return j.d.largestEigenvalue(j.power[0], j.power[1])
}

// l1 returns lambda sum_i |a_i| / gain_i.
func l1(lambda float64, d *Dictionary, code []float32) float64 {
	sum := 0.0
	for i, g := range d.Gains() {
		sum += math.Abs(float64(code[i])) / float64(g)
	}
	return lambda * sum
}

// grow returns a slice of n elements in the memory of s where that suffices.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// largestMagnitude returns max |x|, which it computes in buf.
func largestMagnitude(buf, x []float32) float32 {
	simd.Abs(buf, x)
	return simd.Max(buf)
}

// shrink sets dst to sign(x) max(|x| - threshold, 0), the soft threshold. buf and dst differ from x.
func shrink(dst, buf, x, threshold []float32) {
	inf := float32(math.Inf(1))
	simd.Sub(dst, x, threshold)
	simd.Clamp(dst, dst, 0, inf)
	simd.Add(buf, x, threshold)
	simd.Clamp(buf, buf, -inf, 0)
	simd.Add(dst, dst, buf)
}
