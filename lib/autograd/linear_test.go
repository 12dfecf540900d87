// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/lateral-ml/lateral/lib/internal/race"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A sparseCase is a product with zeros in its input x [n,d] and in the gradient of its result [n,units].
type sparseCase struct {
	n, d, units     int
	input, gradient float64 // densities
}

// tensors returns x, w, b and a mask that is multiplied with the gradient.
func (c sparseCase) tensors() (x, w, b, mask *tensor.Tensor) {
	rng := rand.New(rand.NewPCG(uint64(c.n*1000+c.d), uint64(c.units)))
	fill := func(density float64, shape ...int) *tensor.Tensor {
		t := tensor.New(shape...)
		for i := range t.Data() {
			if rng.Float64() < density {
				t.Data()[i] = float32(rng.NormFloat64())
			} else if rng.IntN(2) == 0 {
				t.Data()[i] = float32(math.Copysign(0, -1))
			}
		}
		return t
	}
	return fill(c.input, c.n, c.d), fill(1, c.units, c.d), fill(1, c.units), fill(c.gradient, c.n, c.units)
}

// run computes the layer, and its gradients twice, so that they accumulate. It returns the kinds of the three products:
// which of them skipped zeros.
func (c sparseCase) run(x, w, b *Var, mask *tensor.Tensor, tape *Tape) (y *Var, kinds [3]string) {
	y = Linear(x, w, b)
	op := y.operation.(*linearOp)
	kinds[0] = fmt.Sprint("forward ", !op.unsure.Load())
	loss := Sum(Mul(y, tape.Input(mask)))
	for range 2 {
		tape.Backward(loss)
		kinds[2] = fmt.Sprint("input gradient ", op.product.Cost(c.n, c.d, c.units) < 1)
	}
	kinds[1] = "dense"
	density := simd.Density(y.grad.Data(), c.n, c.units)
	byUnit := simd.SparseProduct{TransA: true, Density: density}.Cost(c.units, c.d, c.n)
	byInput := simd.SparseProduct{TransA: true, TransC: true, Density: op.density}.Cost(c.d, c.units, c.n)
	if min(byUnit, byInput) < 1 {
		kinds[1] = fmt.Sprint("weight gradient by unit ", byUnit <= byInput)
	}
	return y, kinds
}

// TestLinearSkipsZeros compares layers with zeros in their inputs and gradients with dense products, bit for bit, for
// several numbers of goroutines. It checks that every kind of sparse product occurred.
func TestLinearSkipsZeros(t *testing.T) {
	seen := map[string]int{}
	for _, shape := range [][3]int{
		{1, 784, 128}, {2, 300, 90}, {100, 784, 128}, {100, 130, 10}, {40, 70, 200}, {300, 129, 65},
	} {
		for _, input := range []float64{0, 0.03, 0.2, 0.5, 1} {
			for _, gradient := range []float64{0.02, 0.3, 1} {
				c := sparseCase{shape[0], shape[1], shape[2], input, gradient}
				xt, wt, bt, mask := c.tensors()
				want := c.dense(xt, wt, bt, mask)
				for _, workers := range []int{1, 2, 3, 8} {
					tape := NewTape(workers)
					x, w, b := tape.Leaf(xt), NewParam(wt), NewParam(bt)
					y, kinds := c.run(x, w, b, mask, tape)
					for _, k := range kinds {
						seen[k]++
					}
					for i, got := range [][]float32{y.Data(), w.Grad().Data(), x.Grad().Data()} {
						if at := differ(got, want[i]); at >= 0 {
							t.Fatalf("%+v, %d goroutines: %s: element %d is %g, with dense products %g",
								c, workers, []string{"y", "dw", "dx"}[i], at, got[at], want[i][at])
						}
					}
				}
			}
		}
	}
	for _, kind := range []string{"forward true", "forward false", "input gradient true", "input gradient false",
		"weight gradient by unit true", "weight gradient by unit false", "dense"} {
		if seen[kind] == 0 && simd.SparseMode() == "" {
			t.Errorf("no %s among %v", kind, seen)
		}
	}
}

// TestMatMulSkipsZeros compares products of two variables, with zeros in the left one or in the gradient, with dense
// products.
func TestMatMulSkipsZeros(t *testing.T) {
	for _, input := range []float64{0.05, 1} {
		for _, gradient := range []float64{0.05, 1} {
			for _, workers := range []int{1, 2, 3} {
				c := sparseCase{60, 300, 140, input, gradient}
				at, wt, _, mask := c.tensors()
				m, k, n := c.n, c.d, c.units
				bt := wt.Reshape(k, n)
				want := [3][]float32{make([]float32, m*n), make([]float32, k*n), make([]float32, m*k)}
				simd.GemmNN(m, n, k, at.Data(), k, bt.Data(), n, want[0], n, false)
				simd.GemmTN(k, n, m, at.Data(), k, mask.Data(), n, want[1], n, false)
				simd.GemmNT(m, k, n, mask.Data(), n, bt.Data(), n, want[2], k, false)
				tape := NewTape(workers)
				a, b := tape.Leaf(at), NewParam(bt)
				y := MatMul(a, b)
				tape.Backward(Sum(Mul(y, tape.Input(mask))))
				for i, got := range [][]float32{y.Data(), b.Grad().Data(), a.Grad().Data()} {
					if at := differ(got, want[i]); at >= 0 {
						t.Fatalf("%+v, %d goroutines: %s: element %d is %g, with dense products %g",
							c, workers, []string{"y", "db", "da"}[i], at, got[at], want[i][at])
					}
				}
			}
		}
	}
}

// dense computes y, dw and dx by dense products; the gradients are accumulated twice.
func (c sparseCase) dense(x, w, b, dy *tensor.Tensor) [3][]float32 {
	n, d, units := c.n, c.d, c.units
	y, dw, dx := make([]float32, n*units), make([]float32, units*d), make([]float32, n*d)
	simd.GemmNT(n, units, d, x.Data(), d, w.Data(), d, y, units, false)
	for r := range n {
		simd.Add(y[r*units:][:units], y[r*units:][:units], b.Data())
	}
	for _, acc := range []bool{false, true} {
		simd.GemmTN(units, d, n, dy.Data(), units, x.Data(), d, dw, d, acc)
		simd.GemmNN(n, d, units, dy.Data(), units, w.Data(), d, dx, d, acc)
	}
	return [3][]float32{y, dw, dx}
}

// differ returns the first index at which the bits of x and y differ, or -1 if there is none. NaNs are equal.
func differ(x, y []float32) int {
	for i := range x {
		if math.Float32bits(x[i]) != math.Float32bits(y[i]) && !(x[i] != x[i] && y[i] != y[i]) {
			return i
		}
	}
	return -1
}

// TestLinearOfWhatIsNotFinite uses weights, inputs or gradients that are not finite: 0 times infinity is NaN and must
// not be skipped.
func TestLinearOfWhatIsNotFinite(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, workers := range []int{1, 2} {
		for which := range 3 {
			c := sparseCase{100, 400, 200, 0.05, 0.05}
			xt, wt, bt, mask := c.tensors()
			bad := []*tensor.Tensor{xt, wt, mask}[which].Data()
			bad[len(bad)/2], bad[len(bad)-1] = inf, float32(math.NaN())
			want := c.dense(xt, wt, bt, mask)
			tape := NewTape(workers)
			x, w, b := tape.Leaf(xt), NewParam(wt), NewParam(bt)
			y, _ := c.run(x, w, b, mask, tape)
			for i, got := range [][]float32{y.Data(), w.Grad().Data(), x.Grad().Data()} {
				if at := differ(got, want[i]); at >= 0 {
					t.Errorf("%s not finite: %s: element %d is %g, with dense products %g",
						[]string{"x", "w", "dy"}[which], []string{"y", "dw", "dx"}[i], at, got[at], want[i][at])
				}
			}
		}
	}
}

// TestSparseStepAllocatesNothing repeats a step whose products are sparse.
func TestSparseStepAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	c := sparseCase{100, 300, 150, 0.1, 0.1}
	xt, wt, bt, mask := c.tensors()
	w, b := NewParam(wt), NewParam(bt)
	for _, workers := range []int{1, 2} {
		tape := NewTape(workers)
		step := func() {
			tape.Reset()
			w.ZeroGrad()
			b.ZeroGrad()
			y := Linear(tape.Leaf(xt), w, b)
			tape.Backward(Sum(Mul(y, tape.Input(mask))))
		}
		for range 20 {
			step()
		}
		if got := testing.AllocsPerRun(50, step); got != 0 {
			t.Errorf("%d goroutines: %g allocations a step", workers, got)
		}
	}
}
