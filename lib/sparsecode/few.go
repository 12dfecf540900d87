// SPDX-License-Identifier: Apache-2.0

package sparsecode

import (
	"math"
	"math/bits"

	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// few is the lasso of a few atoms, all others having no coefficient. What it needs lies together, in the order in which
// atoms came in.
type few struct {
	n          int
	gram       []float32 // rows ld apart
	ld         int
	products   []float32 // <r,phi_i>
	code       []float32
	known      []float32 // code when the products of all atoms were computed
	thresholds []float32
	stop       float32 // the change of a coefficient that counts as none
	memory     *work

	support []int32   // atoms with a coefficient
	inverse []float64 // 1 over the diagonal of the factor
	step    []float64
}

// fewAtoms is how many atoms have room at first.
const fewAtoms = 64

// newFew returns the problem of up to k atoms.
func newFew(w *work, room, k int) few {
	for i := 1; i <= 4; i++ {
		w.float[i] = grow(w.float[i], k)
	}
	w.float[5], w.index[1], w.double[1] = grow(w.float[5], room*room), grow(w.index[1], k), grow(w.double[1], 2*k)
	return few{
		gram: w.float[5], ld: room, products: w.float[1], code: w.float[2], known: w.float[3], thresholds: w.float[4],
		memory: w, support: w.index[1], inverse: w.double[1][:k], step: w.double[1][k:],
	}
}

func (f *few) row(i int) []float32 { return f.gram[i*f.ld : i*f.ld+f.n] }

// widen makes room for twice as many atoms, taking the matrix of those active from that of all.
func (f *few) widen(all *tensor.Tensor, active []int32) {
	f.ld = min(2*f.ld, all.Rows())
	f.memory.float[5] = grow(f.memory.float[5], f.ld*f.ld)
	f.gram = f.memory.float[5]
	for j, i := range active {
		row, from := f.row(j), all.Row(int(i))
		for m, at := range active {
			row[m] = from[at]
		}
	}
}

// sweep minimises over each coefficient in turn, and returns the largest change.
func (f *few) sweep() (largest float32) {
	products := f.products[:f.n]
	for i, before := range f.code[:f.n] {
		v, t := products[i]+before, f.thresholds[i]
		switch {
		case v > t:
			v -= t
		case v < -t:
			v += t
		default:
			v = 0
		}
		if change := v - before; change != 0 {
			f.code[i] = v
			simd.Axpy(products, -change, f.row(i))
			largest = max(largest, change, -change)
		}
	}
	return largest
}

// finish finds the minimum, in so many sweeps at most, and returns how many are left.
func (f *few) finish(sweeps int) int {
	const patience = 40 // sweeps after which jumps are worth their cost
	for i := 1; sweeps > 0; i++ {
		sweeps--
		if f.sweep() <= f.stop {
			break
		}
		if i%patience == 0 {
			for f.jump() {
			}
		}
	}
	return sweeps
}

// jump goes to the minimum for the present signs, where <r - step Phi, phi_i> = ± threshold_i, or on the way there as
// far as the first coefficient that becomes zero, and reports whether one did. It stays where it is if atoms are
// dependent.
func (f *few) jump() bool {
	n := 0
	for i, v := range f.code[:f.n] {
		if v != 0 {
			f.support[n] = int32(i)
			n++
		}
	}
	support := f.support[:n]
	if !f.solve(support) {
		return false
	}
	length, first := 1.0, -1
	for a, i := range support {
		if v := float64(f.code[i]); v*(v+f.step[a]) < 0 && -v/f.step[a] < length {
			length, first = -v/f.step[a], a
		}
	}
	for a, i := range support {
		change := float32(length * f.step[a])
		if a == first {
			change = -f.code[i]
		}
		f.code[i] += change
		simd.Axpy(f.products[:f.n], -change, f.row(int(i)))
	}
	return first >= 0
}

// solve sets step to the solution of G step = products - sign(code) thresholds, G the Gram matrix of the support, by
// Cholesky's factor L of it. It reports false if atoms are dependent.
func (f *few) solve(support []int32) bool {
	n := len(support)
	f.memory.double[0] = grow(f.memory.double[0], 1<<bits.Len(uint(n*n)))
	factor := f.memory.double[0]
	for a, i := range support {
		gram, row := f.row(int(i)), factor[a*n:(a+1)*n]
		for b, j := range support[:a] {
			sum, other := float64(gram[j]), factor[b*n:b*n+b]
			for c, v := range other {
				sum -= row[c] * v
			}
			row[b] = sum * f.inverse[b]
		}
		left, right := float64(gram[i]), float64(f.products[i])-math.Copysign(float64(f.thresholds[i]), float64(f.code[i]))
		for c, v := range row[:a] {
			left -= v * v
			right -= v * f.step[c]
		}
		if left < dependent {
			return false
		}
		f.inverse[a] = 1 / math.Sqrt(left)
		f.step[a] = right * f.inverse[a]
	}
	for a := n - 1; a >= 0; a-- {
		v := f.step[a] * f.inverse[a]
		f.step[a] = v
		for c, l := range factor[a*n : a*n+a] {
			f.step[c] -= l * v
		}
	}
	return true
}
