// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/lib/internal/race"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// randomConnections connects each unit to about the fraction density of the inputs, in the given order.
func randomConnections(t testing.TB, rng *rand.Rand, units int, order []int32, density float64) *Connections {
	t.Helper()
	var counts, sources []int32
	for range units {
		before := len(sources)
		for _, i := range order {
			if rng.Float64() < density {
				sources = append(sources, i)
			}
		}
		counts = append(counts, int32(len(sources)-before))
	}
	c, err := NewConnections(len(order), counts, sources)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// ascending returns 0, 1, 2, ...
func ascending(n int) []int32 {
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	return order
}

// sparseAndDense are a layer with missing weights and the same layer with zeros instead. The tests compare their
// results and gradients for several numbers of goroutines.
type sparseAndDense struct {
	name          string
	x             *tensor.Tensor
	connections   *Connections
	weights       []int // the shape of the dense weights
	sparse, dense func(x, w, b *Var) *Var
}

func (l sparseAndDense) compare(t *testing.T, rng *rand.Rand) {
	t.Helper()
	units := l.connections.Units()
	few, bias, all := tensor.New(l.connections.Len()), tensor.New(units), tensor.New(l.weights...)
	for _, x := range []*tensor.Tensor{few, bias} {
		for i := range x.Data() {
			x.Data()[i] = float32(rng.NormFloat64())
		}
	}
	l.connections.spread(all.Data(), few.Data(), 0, units)
	run := func(workers int, w *Var, layer func(x, w, b *Var) *Var) (results [4][]float32) {
		tape := NewTape(workers)
		x, b := tape.Leaf(l.x), NewParam(bias)
		y := layer(x, w, b)
		dy := tensor.New(y.Shape()...)
		rng := rand.New(rand.NewPCG(1, uint64(dy.Len())))
		for i := range dy.Data() {
			if rng.IntN(3) > 0 {
				dy.Data()[i] = float32(rng.NormFloat64())
			}
		}
		loss := Sum(Mul(y, tape.Input(dy)))
		for range 2 { // the second time, gradients accumulate
			tape.Backward(loss)
		}
		return [4][]float32{y.Data(), w.Grad().Data(), b.Grad().Data(), x.Grad().Data()}
	}
	want := run(1, NewParam(all), l.dense)
	picked := make([]float32, few.Len())
	l.connections.pick(picked, want[1], 0, units)
	want[1] = picked
	for _, workers := range []int{1, 2, 5} {
		for i, got := range run(workers, NewParam(few), l.sparse) {
			if at := differ(got, want[i]); at >= 0 && (got[at] != 0 || want[i][at] != 0) {
				t.Fatalf("%s, %d of %d weights, %d goroutines: %s: element %d is %g, with all weights %g",
					l.name, l.connections.Len(), all.Len(), workers, []string{"y", "dw", "db", "dx"}[i],
					at, got[at], want[i][at])
			}
		}
	}
}

func randomTensor(rng *rand.Rand, shape ...int) *tensor.Tensor {
	x := tensor.New(shape...)
	for i := range x.Data() {
		x.Data()[i] = float32(rng.NormFloat64())
	}
	return x
}

func TestSparseLinear(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, shape := range [][2]int{{1, 1}, {10, 7}, {70, 33}, {784, 128}} {
		for _, n := range []int{1, 2, 3, 4, 20, 100} {
			for _, density := range []float64{0, 0.05, 0.5, 1} {
				c := randomConnections(t, rng, shape[1], ascending(shape[0]), density)
				sparseAndDense{
					fmt.Sprintf("%d samples", n), randomTensor(rng, n, shape[0]), c, []int{shape[1], shape[0]},
					func(x, w, b *Var) *Var { return SparseLinear(x, w, b, c) }, Linear,
				}.compare(t, rng)
			}
		}
	}
}

func TestSparseConv2D(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, s := range []ConvShape{{}, SamePadding(5, 5), FullPadding(3, 3), {StrideH: 2, StrideW: 3, PadW: 1}} {
		for _, k := range [][5]int{{1, 6, 5, 5, 28}, {6, 16, 5, 5, 12}, {3, 5, 3, 4, 9}, {20, 3, 1, 1, 5}} {
			channels, filters, kh, kw, size := k[0], k[1], k[2], k[3], k[4]
			var order []int32 // by rows of the kernel, then by channels
			for u := range kh {
				for c := range channels {
					for v := range kw {
						order = append(order, int32((c*kh+u)*kw+v))
					}
				}
			}
			for _, n := range []int{1, 3, 40} {
				for _, density := range []float64{0, 0.1, 1} {
					c := randomConnections(t, rng, filters, order, density)
					sparseAndDense{
						fmt.Sprintf("%d images, %+v", n, s), randomTensor(rng, n, channels, size, size), c,
						[]int{filters, channels, kh, kw},
						func(x, w, b *Var) *Var { return SparseConv2D(x, w, b, c, [3]int{channels, kh, kw}, s) },
						func(x, w, b *Var) *Var { return Conv2D(x, w, b, s) },
					}.compare(t, rng)
				}
			}
		}
	}
}

// TestConnectionsOfNothing uses no samples, units or connections.
func TestConnectionsOfNothing(t *testing.T) {
	c, err := NewConnections(3, []int32{0, 0}, nil)
	if err != nil {
		t.Fatal(err)
	}
	tape := NewTape(2)
	x, w := tape.Leaf(tensor.New(0, 3)), NewParam(tensor.New(0))
	tape.Backward(Sum(SparseLinear(x, w, nil, c)))
	if x.Grad() == nil || w.Grad() == nil {
		t.Error("an empty batch left no gradient")
	}
}

func TestConnectionsAreChecked(t *testing.T) {
	for want, c := range map[string]struct{ counts, sources []int32 }{
		"unit 1 has 3 connections of the 1":   {[]int32{1, 3}, []int32{0, 1}},
		"unit 0 has -1 connections":           {[]int32{-1, 3}, []int32{0, 1}},
		"unit 1 is connected to input 4, of ": {[]int32{1, 1}, []int32{0, 4}},
		"input -1, of 4":                      {[]int32{1, 1}, []int32{0, -1}},
		"input 2, of 4, or twice":             {[]int32{0, 3}, []int32{2, 1, 2}},
		"1 connections belong to no unit":     {[]int32{1, 1}, []int32{2, 1, 2}},
	} {
		if _, err := NewConnections(4, c.counts, c.sources); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
	c, err := NewConnections(4, []int32{1, 1}, []int32{0, 1})
	if err != nil {
		t.Fatal(err)
	}
	for want, run := range map[string]func(x, w *Var){
		"autograd: SparseLinear: want x [N, D], w [connections], b [U], got [2 3] [2]": func(x, w *Var) {
			SparseLinear(x, w, nil, c)
		},
		"autograd: SparseConv2D: want x [N, C, H, W], w [connections], b [K], got [2 3] [2]": func(x, w *Var) {
			SparseConv2D(x, w, nil, c, [3]int{1, 2, 2}, ConvShape{})
		},
	} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("panic %v, want %s", got, want)
				}
			}()
			run(NewTape(1).Input(tensor.New(2, 3)), NewParam(tensor.New(2)))
		}()
	}
}

// TestSparseWeightsAllocateNothing repeats steps of layers with missing weights.
func TestSparseWeightsAllocateNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	rng := rand.New(rand.NewPCG(1, 2))
	dense := randomConnections(t, rng, 90, ascending(4*24*24), 0.05)
	conv := randomConnections(t, rng, 4, ascending(25), 0.5)
	x := randomTensor(rng, 20, 1, 28, 28)
	w1, w2 := NewParam(randomTensor(rng, conv.Len())), NewParam(randomTensor(rng, dense.Len()))
	for _, workers := range []int{1, 2} {
		tape := NewTape(workers)
		step := func() {
			tape.Reset()
			w1.ZeroGrad()
			w2.ZeroGrad()
			h := SparseConv2D(tape.Leaf(x), w1, nil, conv, [3]int{1, 5, 5}, ConvShape{})
			tape.Backward(Sum(SparseLinear(h, w2, nil, dense)))
		}
		for range 20 {
			step()
		}
		if got := testing.AllocsPerRun(50, step); got != 0 {
			t.Errorf("%d goroutines: %g allocations a step", workers, got)
		}
	}
}

// The gradients of a layer without units, inputs or samples are zero.
func TestSparseLinearOfNothing(t *testing.T) {
	for _, c := range []struct{ samples, inputs, units int }{{3, 4, 0}, {3, 0, 2}, {0, 4, 2}, {0, 0, 0}} {
		connections, err := NewConnections(c.inputs, make([]int32, c.units), nil)
		if err != nil {
			t.Fatal(err)
		}
		tape := NewTape(2)
		x, w := tape.Leaf(tensor.New(c.samples, c.inputs)), NewParam(tensor.New(0))
		tape.Backward(Sum(SparseLinear(x, w, nil, connections)))
		if w.Grad() == nil || x.Grad() == nil || !slices.Equal(x.Grad().Data(), make([]float32, c.samples*c.inputs)) {
			t.Errorf("%+v: gradients %v and %v", c, w.Grad(), x.Grad())
		}
	}
}

// BenchmarkWeightGrad measures what the constant picked stands for: the time for a multiply-add of a weight by itself,
// relative to that of a dense product with the extraction of the weights.
func BenchmarkWeightGrad(b *testing.B) {
	const units, d, density = 1000, 1000, 0.1
	rng := rand.New(rand.NewPCG(1, 1))
	order := make([]int32, d)
	for i := range order {
		order[i] = int32(i)
	}
	c := randomConnections(b, rng, units, order, density)
	for _, n := range []int{100, 500} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			x, w := tensor.New(n, d), tensor.New(c.Len())
			tensor.Stream(1, "x").Normal(x.Data(), 0, 1)
			tensor.Stream(1, "w").Normal(w.Data(), 0, 1)
			tape, param := NewTape(1), NewParam(w)
			y := SparseLinear(tape.Input(x), param, nil, c)
			tape.Backward(Sum(y))
			op := y.operation.(*sparseLinearOp)
			op.product = simd.SparseProduct{TransA: true, Density: 1}
			op.whole = atLeast(op.whole, units*d)
			op.inputs, op.gradients = atLeast(op.inputs, n*d), atLeast(op.gradients, n*units)
			var least [2]time.Duration
			for b.Loop() {
				for i, way := range []func(){
					func() {
						op.transposeInputs(y, 0, d)
						simd.Transpose(op.gradients, n, y.grad.Data(), units, n, units)
						op.sampleGrad(y, 0, units)
					},
					func() { op.pickGrad(y, 0, units) },
				} {
					start := time.Now()
					way()
					if took := time.Since(start); least[i] == 0 || took < least[i] {
						least[i] = took
					}
				}
			}
			b.ReportMetric(float64(least[0])/float64(least[1])*units*d/float64(c.Len()), "ratio")
		})
	}
}
