// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"math"
	"slices"
	"testing"

	"github.com/lateral-ml/lateral/lib/internal/race"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Checks which convolutions use Winograd convolution, and with which tiles.
func TestWinogradIsChosen(t *testing.T) {
	for _, c := range []struct {
		key        convKey
		y, dx      int // outputs of a tile, along each side; 0 if direct convolution is faster
		difference string
	}{
		{convKey{64, 14, 14, 64, 3, 3, FullPadding(3, 3), simd.Float32}, 4, 4, ""},
		{convKey{64, 8, 8, 128, 3, 3, ConvShape{}, simd.Float32}, 2, 4, "outputs of 6 x 6"},
		{convKey{6, 26, 26, 16, 3, 3, ConvShape{}, simd.Float32}, 0, 0, "few channels"},
		{convKey{64, 14, 14, 10, 3, 3, ConvShape{}, simd.Float32}, 0, 0, "few filters"},
		{convKey{64, 14, 14, 64, 5, 5, FullPadding(5, 5), simd.Float32}, 4, 4, "five taps"},
		{convKey{64, 6, 6, 64, 5, 5, ConvShape{}, simd.Float32}, 2, 4, "five taps and outputs of 2 x 2"},
		{convKey{64, 14, 14, 64, 5, 5, FullPadding(5, 5), simd.BF16x3}, 2, 2, "five taps in a lower precision"},
		{convKey{64, 14, 14, 64, 3, 3, FullPadding(3, 3), simd.BF16}, 4, 4, "a lower precision"},
		{convKey{64, 14, 14, 64, 7, 7, ConvShape{}, simd.Float32}, 0, 0, "another kernel"},
		{convKey{64, 14, 14, 64, 3, 5, ConvShape{}, simd.Float32}, 0, 0, "sides that differ"},
		{convKey{64, 14, 14, 64, 3, 3, ConvShape{StrideH: 2}, simd.Float32}, 0, 0, "a stride"},
		{convKey{64, 14, 14, 64, 3, 3, ConvShape{PadW: 3}, simd.Float32}, 0, 0, "places without pixels"},
	} {
		c.key.shape = c.key.shape.strides()
		p := newConvPlan(c.key)
		var y, dx int
		if p.winograd != nil {
			y, dx = p.winograd.Outputs, p.winogradTransposed.Outputs
		}
		if y != c.y || dx != c.dx {
			t.Errorf("%+v %s: tiles of %d and %d outputs, want %d and %d", c.key, c.difference, y, dx, c.y, c.dx)
		}
	}
}

// The root mean square errors of Winograd convolution, relative to float64, are not much larger than those of plain
// float32 sums.
func TestWinogradErrors(t *testing.T) {
	t.Run("3 taps", func(t *testing.T) { checkWinogradErrors(t, 3, map[int][3]float64{2: {1, 1, 6}, 4: {3, 3, 12}}) })
	t.Run("5 taps", func(t *testing.T) { checkWinogradErrors(t, 5, map[int][3]float64{2: {2, 2, 20}, 4: {7, 7, 40}}) })
}

// checkWinogradErrors checks the errors of tiles with so many outputs a side, relative to those of plain sums, of y, dx
// and dw.
func checkWinogradErrors(t *testing.T, taps int, limits map[int][3]float64) {
	key := convKey{48, 10, 10, 32, taps, taps, FullPadding(taps, taps).strides(), simd.Float32}
	const n = 5
	p := newConvPlan(key)
	rng := tensor.Stream(1, "test")
	random := func(n int) []float32 {
		x := make([]float32, n)
		rng.Uniform(x, -1, 1)
		return x
	}
	w, x, dy := random(p.filters*p.taps), random(n*p.channels*p.h*p.w), random(n*p.filters*p.oh*p.ow)
	wantY, wantDX, wantDW := sumsOf(p, n, w, x, dy)

	errors := func(outputs int) (e [3]float64) {
		p := newConvPlan(key)
		y, dx, dw := make([]float32, len(dy)), make([]float32, len(x)), make([]float32, len(w))
		p.winograd, p.winogradTransposed = nil, nil
		p.packedLen = simd.PackedFilters(p.filters, p.taps)
		p.packedTransposedLen = simd.PackedFilters(p.channels, taps*taps*p.filters)
		p.gradLen = p.filters * simd.GradLen(p.taps)
		if outputs > 0 {
			size := simd.Winograd{Outputs: outputs, Taps: taps}
			p.winograd = newWinograd(size, p.channels, p.filters, p.h, p.w, taps-1, taps-1)
			p.winogradTransposed = newWinograd(size, p.filters, p.channels, p.oh, p.ow, 0, 0)
			p.packedLen, p.packedTransposedLen = p.winograd.filtersLen(), p.winogradTransposed.filtersLen()
			p.gradLen = len(w)
		}
		packed, part := make([]float32, max(p.packedLen, p.packedTransposedLen)), make([]float32, p.gradLen)
		p.packForward(packed, w)
		p.correlate(y, x, packed, nil, false)
		p.packTransposed(packed, w)
		p.correlateTransposed(dx, dy, packed, nil, false)
		p.filterGrad(part, x, dy)
		if outputs > 0 {
			simd.Transpose(dw, p.taps, part, p.filters, p.taps, p.filters)
		} else {
			sumRows(dw, p.taps, part, simd.GradLen(p.taps), p.filters, false)
		}
		return [3]float64{rootMeanSquare(y, wantY), rootMeanSquare(dx, wantDX), rootMeanSquare(dw, wantDW)}
	}
	sums := errors(0)
	t.Logf("%s: sums: y %.2g, dx %.2g, dw %.2g", simd.Name(), sums[0], sums[1], sums[2])
	for outputs, limit := range limits {
		got := errors(outputs)
		t.Logf("tiles of %d: y %.2g, dx %.2g, dw %.2g", outputs, got[0], got[1], got[2])
		for i, name := range []string{"y", "dx", "dw"} {
			if !(got[i] <= limit[i]*sums[i]) {
				t.Errorf("tiles of %d: the error of %s is %.2g, more than %g times that of the sums, %.2g",
					outputs, name, got[i], limit[i], sums[i])
			}
		}
	}
}

// rootMeanSquare returns the root mean square of the difference.
func rootMeanSquare(got []float32, want []float64) float64 {
	sum := 0.0
	for i, v := range got {
		d := float64(v) - want[i]
		sum += d * d
	}
	return math.Sqrt(sum / float64(len(got)))
}

// sumsOf computes a convolution of stride 1 and its gradients in float64.
func sumsOf(p *convPlan, n int, w, x, dy []float32) (y, dx, dw []float64) {
	y, dx, dw = make([]float64, len(dy)), make([]float64, len(x)), make([]float64, len(w))
	for plane := range n * p.filters * p.channels {
		i, k, c := plane/p.channels/p.filters, plane/p.channels%p.filters, plane%p.channels
		for place := range p.oh * p.ow {
			iy := (i*p.filters+k)*p.oh*p.ow + place
			for tap := range p.kh * p.kw {
				row, col := place/p.ow+tap/p.kw-p.shape.PadH, place%p.ow+tap%p.kw-p.shape.PadW
				if row < 0 || row >= p.h || col < 0 || col >= p.w {
					continue
				}
				ix, iw := ((i*p.channels+c)*p.h+row)*p.w+col, k*p.taps+c*p.kh*p.kw+tap
				y[iy] += float64(x[ix]) * float64(w[iw])
				dx[ix] += float64(dy[iy]) * float64(w[iw])
				dw[iw] += float64(dy[iy]) * float64(x[ix])
			}
		}
	}
	return y, dx, dw
}

// winogradNet runs a step of a network whose convolutions use Winograd convolution in both directions.
func winogradNet(tape *Tape, x *tensor.Tensor, params []*Var) *Var {
	tape.Reset()
	h := ReLU(Conv2D(tape.Input(x), params[0], params[1], FullPadding(3, 3)))
	h = Conv2D(h, params[2], params[3], ConvShape{})
	h = ConvTranspose2D(ReLU(h), params[2], params[1], ConvShape{})
	loss := Mean(Square(h))
	tape.Backward(loss)
	return loss
}

func winogradParams() []*Var {
	rng := tensor.Stream(2, "test")
	param := func(shape ...int) *Var {
		x := tensor.New(shape...)
		rng.Uniform(x.Data(), -1, 1)
		return NewParam(x)
	}
	return []*Var{param(18, 16, 3, 3), param(18), param(20, 18, 3, 3), param(20)}
}

func winogradImages(n int, fill func(i int) float32) *tensor.Tensor {
	x := tensor.New(n, 16, 7, 8)
	for i := range x.Data() {
		x.Data()[i] = fill(i)
	}
	return x
}

func winogradResults(workers int, x *tensor.Tensor) []float32 {
	params := winogradParams()
	results := slices.Clone(winogradNet(NewTape(workers), x, params).Data())
	for _, p := range params {
		results = append(results, p.Grad().Data()...)
	}
	return results
}

func TestWinogradDoesNotDependOnWorkers(t *testing.T) {
	x := winogradImages(37, func(i int) float32 { return float32(i%29)/29 - 0.5 })
	want := winogradResults(1, x)
	for _, workers := range []int{2, 5} {
		if !slices.Equal(winogradResults(workers, x), want) {
			t.Errorf("results with %d workers differ from those with 1", workers)
		}
	}
}

func TestWinogradAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	for _, workers := range []int{1, 2} {
		x := winogradImages(6, func(i int) float32 { return float32(i % 7) })
		params, tape := winogradParams(), NewTape(workers)
		step := func() { winogradNet(tape, x, params) }
		step()
		var spaces []*convSpace
		for range workers { // one space for every goroutine, each used for a whole step
			winogradNet(NewTape(1), x, winogradParams())
			spaces = append(spaces, takeSpace())
		}
		for _, s := range spaces {
			s.giveBack()
		}
		if n := testing.AllocsPerRun(10, step); n > 0 {
			t.Errorf("%d workers: a repeated step allocates %v times", workers, n)
		}
	}
}

// Memory is reused: NaN from a diverged network must not reach the next one.
func TestWinogradForgetsNaN(t *testing.T) {
	ones := winogradImages(1, func(int) float32 { return 1 })
	want := winogradResults(1, ones)
	diverged := winogradResults(1, winogradImages(40, func(int) float32 { return float32(math.NaN()) }))
	if !math.IsNaN(float64(diverged[0])) {
		t.Fatal("NaN did not spread: the test means nothing")
	}
	if got := winogradResults(1, ones); !slices.Equal(got, want) {
		t.Errorf("results differ after a computation with NaN: %v, want %v", got[0], want[0])
	}
}

// The image gradient has one form: filters that are packed for spreading are not read by minimal filtering. Only some
// kernels prefer to spread: with AVX2 and NEON, the second layer of LeNet-5 did.
func TestWinogradDoesNotSpread(t *testing.T) {
	for _, taps := range []int{3, 5} {
		for side := taps; side <= 20; side++ {
			key := convKey{20, side, side, 50, taps, taps, ConvShape{}.strides(), simd.Float32}
			p := newConvPlan(key)
			if p.winograd == nil {
				t.Fatalf("%+v: no minimal filtering", key)
			}
			if p.spread {
				t.Errorf("%+v spreads", key)
			}
		}
	}
	lenet := newConvPlan(convKey{20, 12, 12, 50, 5, 5, ConvShape{}.strides(), simd.Float32})
	const n = 2
	w, dy := make([]float32, lenet.filters*lenet.taps), make([]float32, n*lenet.filters*lenet.oh*lenet.ow)
	for _, x := range [][]float32{w, dy} {
		tensor.Stream(uint64(len(x)), "test").Uniform(x, -1, 1)
	}
	x := make([]float32, n*lenet.channels*lenet.h*lenet.w)
	_, want, _ := sumsOf(lenet, n, w, x, dy)
	packed, dx := make([]float32, lenet.packedTransposedLen), make([]float32, len(x))
	lenet.packTransposed(packed, w)
	lenet.correlateTransposed(dx, dy, packed, nil, false)
	if e := rootMeanSquare(dx, want); !(e < 1e-4) {
		t.Errorf("image gradients are off by %g", e)
	}
}
