// SPDX-License-Identifier: Apache-2.0

package autograd_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	. "github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	"github.com/lateral-ml/lateral/lib/internal/race"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A convCase is a convolution of n images of c channels and h x w pixels with k filters of kh x kw.
type convCase struct {
	n, c, h, w, k, kh, kw int
	shape                 ConvShape
}

// convCases are convolutions of every kind.
var convCases = append([]convCase{
	{1, 1, 5, 5, 1, 3, 3, ConvShape{}},
	{3, 1, 9, 7, 4, 3, 3, SamePadding(3, 3)},
	{2, 3, 6, 8, 5, 3, 5, FullPadding(3, 5)},
	{2, 5, 7, 9, 3, 2, 4, ConvShape{PadH: 1, PadW: 3}},
	{2, 3, 9, 11, 4, 3, 3, ConvShape{StrideH: 2, StrideW: 2}},
	{2, 1, 8, 10, 3, 3, 3, ConvShape{StrideH: 2, StrideW: 2, PadH: 1, PadW: 1}},
	{2, 2, 11, 9, 2, 5, 3, ConvShape{StrideH: 3, StrideW: 2, PadH: 4, PadW: 2}},
	{2, 2, 8, 9, 3, 1, 2, ConvShape{StrideH: 2, StrideW: 3}}, // pixels that no tap reaches
	{2, 2, 4, 4, 2, 3, 3, ConvShape{PadH: 4, PadW: 5}},       // positions without pixels
	{2, 4, 3, 3, 2, 1, 1, ConvShape{}},
	{19, 2, 6, 6, 3, 3, 3, ConvShape{}},                // more images than parts of the batch
	{2, 1, 28, 28, 6, 11, 11, ConvShape{}},             // runs start again with each row
	{40, 2, 12, 12, 3, 5, 5, ConvShape{}},              // several groups of images
	{2, 1, 3, 40, 20, 3, 7, ConvShape{PadH: 1}},        // several tiles of filters
	{3, 17, 10, 10, 15, 3, 3, FullPadding(3, 3)},       // several tiles of channels
	{1, 2, 5, 4, 1, 5, 4, ConvShape{}},                 // one position
	{2, 1, 4, 6, 2, 2, 2, ConvShape{StrideW: 2}},       // different strides
	{1, 1, 2, 2, 1, 3, 3, ConvShape{PadH: 1, PadW: 1}}, // the kernel is larger than the image

	// Winograd convolution, with small and large tiles, some of them cut off.
	{1, 16, 4, 5, 16, 3, 3, SamePadding(3, 3)},
	{3, 17, 6, 5, 16, 3, 3, ConvShape{PadH: 2}},
	{2, 16, 9, 11, 19, 3, 3, ConvShape{PadW: 1}},
	{18, 16, 10, 6, 18, 3, 3, FullPadding(3, 3)},
	{1, 16, 1, 2, 16, 3, 3, ConvShape{PadH: 2, PadW: 1}},
	{1, 16, 21, 35, 16, 3, 3, ConvShape{}}, // several blocks in an image
}, tinyConvCases()...)

// tinyConvCases are all convolutions of images up to 3 pixels long with kernels up to 3, strides up to 5 and padding up
// to 4. In some of them, some or all windows lie in the padding, or some pixels lie outside all windows. Rows and
// columns are paired at random.
func tinyConvCases() []convCase {
	type axis struct{ length, kernel, stride, pad int }
	var axes []axis
	for i := range 3 * 3 * 5 * 5 {
		a := axis{i%3 + 1, i/3%3 + 1, i/9%5 + 1, i / 45}
		if a.length+2*a.pad >= a.kernel {
			axes = append(axes, a)
		}
	}
	var cases []convCase
	for i, j := range tensor.Stream(1, "columns").Perm(len(axes)) {
		r, c := axes[i], axes[j]
		s := ConvShape{StrideH: r.stride, StrideW: c.stride, PadH: r.pad, PadW: c.pad}
		cases = append(cases, convCase{2, 2, r.length, c.length, 3, r.kernel, c.kernel, s})
	}
	return cases
}

func caseName(i int) string { return strings.ReplaceAll(fmt.Sprintf("%+v", convCases[i]), " ", ",") }

// plainConv is the definition of Conv2D as loops, in float64. It calls each for every product.
func plainConv(i int, each func(y, x, w int)) {
	c := convCases[i]
	s := c.shape
	sh, sw := max(s.StrideH, 1), max(s.StrideW, 1)
	oh, ow := s.OutputSize(c.h, c.w, c.kh, c.kw)
	for n := range c.n {
		for k := range c.k {
			for i := range oh {
				for j := range ow {
					for ch := range c.c {
						for u := range c.kh {
							for v := range c.kw {
								row, col := i*sh+u-s.PadH, j*sw+v-s.PadW
								if row >= 0 && row < c.h && col >= 0 && col < c.w {
									each(((n*c.k+k)*oh+i)*ow+j, ((n*c.c+ch)*c.h+row)*c.w+col, ((k*c.c+ch)*c.kh+u)*c.kw+v)
								}
							}
						}
					}
				}
			}
		}
	}
}

// near returns an error unless got equals want up to the rounding error of float32 sums with the given number of terms.
func near(got []float32, want []float64, terms int) error {
	scale := 0.0
	for _, v := range want {
		scale = max(scale, math.Abs(v))
	}
	for i, v := range got {
		if !(math.Abs(float64(v)-want[i]) <= 1e-7*float64(terms+10)*max(scale, 1)) {
			return fmt.Errorf("element %d is %g, want %g", i, v, want[i])
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("%d elements, want %d", len(got), len(want))
	}
	return nil
}

func TestConv2DAgainstLoops(t *testing.T) {
	for i, c := range convCases {
		t.Run(caseName(i), func(t *testing.T) {
			x, w, b := param(1, -1, 1, c.n, c.c, c.h, c.w), param(2, -1, 1, c.k, c.c, c.kh, c.kw), param(3, -1, 1, c.k)
			oh, ow := c.shape.OutputSize(c.h, c.w, c.kh, c.kw)
			dy := param(4, -1, 1, c.n, c.k, oh, ow)
			size := dy.Value().Len()
			y := make([]float64, size)
			dx, dw, db := make([]float64, x.Value().Len()), make([]float64, w.Value().Len()), make([]float64, c.k)
			for j := range y {
				k := j / (oh * ow) % c.k
				y[j] = float64(b.Data()[k])
				db[k] += float64(dy.Data()[j])
			}
			plainConv(i, func(iy, ix, iw int) {
				d := float64(dy.Data()[iy])
				y[iy] += float64(x.Data()[ix]) * float64(w.Data()[iw])
				dx[ix] += d * float64(w.Data()[iw])
				dw[iw] += d * float64(x.Data()[ix])
			})

			tape := NewTape(2)
			in := tape.Leaf(x.Value())
			got := Conv2D(in, w, b, c.shape)
			if want := []int{c.n, c.k, oh, ow}; !slices.Equal(got.Shape(), want) {
				t.Fatalf("shape %v, want %v", got.Shape(), want)
			}
			tape.Backward(Sum(Mul(got, tape.Input(dy.Value()))))
			for _, r := range []struct {
				name  string
				got   []float32
				want  []float64
				terms int
			}{
				{"y", got.Data(), y, c.c * c.kh * c.kw},
				{"dx", in.Grad().Data(), dx, c.k * c.kh * c.kw},
				{"dw", w.Grad().Data(), dw, c.n * oh * ow},
				{"db", b.Grad().Data(), db, c.n * oh * ow},
			} {
				if err := near(r.got, r.want, r.terms); err != nil {
					t.Errorf("%s: %v", r.name, err)
				}
			}
		})
	}
}

// ConvTranspose2D is the adjoint of Conv2D: <conv(x), y> = <x, convT(y)>. The same holds for its gradients.
func TestConvTranspose2DIsTheAdjoint(t *testing.T) {
	for i, c := range convCases {
		t.Run(caseName(i), func(t *testing.T) {
			oh, ow := c.shape.OutputSize(c.h, c.w, c.kh, c.kw)
			s := c.shape
			h, w := s.TransposedSize(oh, ow, c.kh, c.kw)
			s.OutputPadH, s.OutputPadW = c.h-h, c.w-w // remainders of the strides of the convolution
			y, filters, b := param(1, -1, 1, c.n, c.k, oh, ow), param(2, -1, 1, c.k, c.c, c.kh, c.kw), param(3, -1, 1, c.c)
			dx := param(4, -1, 1, c.n, c.c, c.h, c.w)

			want, wantDy := make([]float64, dx.Value().Len()), make([]float64, y.Value().Len())
			wantDw, wantDb := make([]float64, filters.Value().Len()), make([]float64, c.c)
			for j := range want {
				ch := j / (c.h * c.w) % c.c
				want[j] = float64(b.Data()[ch])
				wantDb[ch] += float64(dx.Data()[j])
			}
			plainConv(i, func(iy, ix, iw int) {
				d := float64(dx.Data()[ix])
				want[ix] += float64(y.Data()[iy]) * float64(filters.Data()[iw])
				wantDy[iy] += d * float64(filters.Data()[iw])
				wantDw[iw] += d * float64(y.Data()[iy])
			})
			tape := NewTape(2)
			in := tape.Leaf(y.Value())
			got := ConvTranspose2D(in, filters, b, s)
			if shape := []int{c.n, c.c, c.h, c.w}; !slices.Equal(got.Shape(), shape) {
				t.Fatalf("shape %v, want %v", got.Shape(), shape)
			}
			tape.Backward(Sum(Mul(got, tape.Input(dx.Value()))))
			for _, r := range []struct {
				name  string
				got   []float32
				want  []float64
				terms int
			}{
				{"x", got.Data(), want, c.k * c.kh * c.kw},
				{"dy", in.Grad().Data(), wantDy, c.c * c.kh * c.kw},
				{"dw", filters.Grad().Data(), wantDw, c.n * oh * ow},
				{"db", b.Grad().Data(), wantDb, c.n * c.h * c.w},
			} {
				if err := near(r.got, r.want, r.terms); err != nil {
					t.Errorf("%s: %v", r.name, err)
				}
			}
		})
	}
}

// An empty batch has an empty result, and gradients of zero.
func TestConvolutionOfNothing(t *testing.T) {
	for i, c := range convCases {
		tape := NewTape(2)
		w, b, x := param(1, -1, 1, c.k, c.c, c.kh, c.kw), param(2, -1, 1, c.k), tape.Leaf(tensor.New(0, c.c, c.h, c.w))
		y := Conv2D(x, w, b, c.shape)
		back := ConvTranspose2D(y, w, nil, ConvShape{
			StrideH: c.shape.StrideH, StrideW: c.shape.StrideW, PadH: c.shape.PadH, PadW: c.shape.PadW,
			OutputPadH: (c.h + 2*c.shape.PadH - c.kh) % max(c.shape.StrideH, 1),
			OutputPadW: (c.w + 2*c.shape.PadW - c.kw) % max(c.shape.StrideW, 1),
		})
		if !slices.Equal(back.Shape(), x.Shape()) {
			t.Errorf("%s: there and back %v has become %v", caseName(i), x.Shape(), back.Shape())
		}
		tape.Backward(Sum(back))
		for _, v := range []*Var{w, b, x, y} {
			if !allZero(v) {
				t.Errorf("%s: gradient of %v is %v", caseName(i), v.Shape(), v.Grad())
			}
		}
	}
}

// allZero reports whether v has a gradient of zeros.
func allZero(v *Var) bool {
	g := v.Grad()
	return g != nil && tensor.SameShape(g, v.Value()) &&
		!slices.ContainsFunc(g.Data(), func(d float32) bool { return d != 0 })
}

// A 2 x 2 kernel on a 3 x 3 image: y = (1·1+2·2+4·3+5·4, ...) + 100 = (37, 47, 67, 77) + 100.
func TestConv2DByHand(t *testing.T) {
	tape := NewTape(1)
	x := tape.Leaf(tensor.From([]float32{
		1, 2, 3,
		4, 5, 6,
		7, 8, 9}, 1, 1, 3, 3))
	w := NewParam(tensor.From([]float32{
		1, 2,
		3, 4}, 1, 1, 2, 2))
	b := NewParam(tensor.From([]float32{100}, 1))
	y := Conv2D(x, w, b, ConvShape{})
	tape.Backward(Sum(y))
	for _, c := range []struct {
		name      string
		got, want []float32
	}{
		{"y", y.Data(), []float32{137, 147, 167, 177}},
		{"dx", x.Grad().Data(), []float32{1, 3, 2, 4, 10, 6, 3, 7, 4}},
		{"dw", w.Grad().Data(), []float32{1 + 2 + 4 + 5, 2 + 3 + 5 + 6, 4 + 5 + 7 + 8, 5 + 6 + 8 + 9}},
		{"db", b.Grad().Data(), []float32{4}},
		{"the transposed", ConvTranspose2D(y, w, nil, ConvShape{}).Data(), []float32{
			137, 147 + 2*137, 2 * 147,
			3*137 + 167, 4*137 + 3*147 + 2*167 + 177, 4*147 + 2*177,
			3 * 167, 4*167 + 3*177, 4 * 177}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s = %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestConvGradients(t *testing.T) {
	for i, c := range convCases {
		if c.n*c.c*c.h*c.w*c.k*c.kh*c.kw > 200_000 {
			continue
		}
		t.Run(caseName(i), func(t *testing.T) {
			x, w, b := param(1, -1, 1, c.n, c.c, c.h, c.w), param(2, -1, 1, c.k, c.c, c.kh, c.kw), param(3, -1, 1, c.k)
			config := gradcheck.Config{Samples: 12}
			// The input and the filters are used twice, to test that gradients accumulate.
			err := gradcheck.Check(config, func(t *Tape) *Var {
				in := onTape(t, x)
				return Add(Conv2D(in, w, b, c.shape), Tanh(Conv2D(Scale(in, 0.1), w, nil, c.shape)))
			}, x, w, b)
			if err != nil {
				t.Error(err)
			}
			oh, ow := c.shape.OutputSize(c.h, c.w, c.kh, c.kw)
			y, b := param(4, -1, 1, c.n, c.k, oh, ow), param(5, -1, 1, c.c)
			h, w2 := c.shape.TransposedSize(oh, ow, c.kh, c.kw)
			if h < 1 || w2 < 1 {
				return
			}
			err = gradcheck.Check(config, func(t *Tape) *Var {
				in := onTape(t, y)
				return Add(ConvTranspose2D(in, w, b, c.shape), ConvTranspose2D(Scale(in, 0.1), w, nil, c.shape))
			}, y, w, b)
			if err != nil {
				t.Error("transposed:", err)
			}
		})
	}
}

// convNet runs a step of a network with convolutions in both directions.
func convNet(tape *Tape, x *tensor.Tensor, params []*Var) *Var {
	tape.Reset()
	h := ReLU(Conv2D(tape.Input(x), params[0], params[1], SamePadding(5, 5)))
	h = MaxPool2D(h, Pool{H: 2, W: 2})
	h = Conv2D(h, params[2], params[3], ConvShape{StrideH: 2, StrideW: 2, PadH: 1, PadW: 1})
	h = ConvTranspose2D(ReLU(h), params[4], nil, ConvShape{})
	loss := Mean(Square(MeanPool2D(h, Pool{H: 3, W: 3})))
	tape.Backward(loss)
	return loss
}

func convParams() []*Var {
	return []*Var{
		param(2, -1, 1, 5, 3, 5, 5), param(3, -1, 1, 5), param(4, -1, 1, 7, 5, 3, 3), param(5, -1, 1, 7),
		param(6, -1, 1, 7, 4, 3, 3),
	}
}

func TestConvolutionsDoNotDependOnWorkers(t *testing.T) {
	x := param(1, -1, 1, 37, 3, 31, 29).Value()
	var want []float32
	for _, workers := range []int{1, 2, 5} {
		params := convParams()
		got := slices.Clone(convNet(NewTape(workers), x, params).Data())
		for _, p := range params {
			got = append(got, p.Grad().Data()...)
		}
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Errorf("results with %d workers differ from those with 1", workers)
		}
	}
}

func TestConvolutionsAllocateNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	for _, workers := range []int{1, 2} {
		x, params, tape := param(1, -1, 1, 20, 3, 15, 15).Value(), convParams(), NewTape(workers)
		step := func() { convNet(tape, x, params) }
		for range 3 { // until every goroutine has allocated its space
			step()
		}
		if n := testing.AllocsPerRun(20, step); n > 0 {
			t.Errorf("%d workers: a repeated step allocates %v times", workers, n)
		}
	}
}

// Memory is reused: NaN from a diverged network must not reach the next one.
func TestConvolutionsForgetNaN(t *testing.T) {
	gradients := func(fill float32, n int) []float32 {
		x := tensor.New(n, 2, 9, 7)
		x.Fill(fill)
		w, b := param(2, -1, 1, 3, 2, 3, 3), param(3, -1, 1, 3)
		tape := NewTape(1)
		in := tape.Leaf(x)
		y := Conv2D(in, w, b, ConvShape{})
		z := ConvTranspose2D(y, w, nil, ConvShape{})
		tape.Backward(Sum(Mul(z, z)))
		return slices.Concat(y.Data(), z.Data(), in.Grad().Data(), w.Grad().Data(), b.Grad().Data())
	}
	want := gradients(0.5, 1)
	for _, v := range gradients(float32(math.NaN()), 96) {
		if v == v {
			t.Fatal("NaN did not spread: the test means nothing")
		}
	}
	if got := gradients(0.5, 1); !slices.Equal(got, want) {
		t.Error("results differ after a computation with NaN")
	}
}

func TestConvShapeSizes(t *testing.T) {
	for _, c := range []struct {
		s                    ConvShape
		h, w, kh, kw, oh, ow int
	}{
		{ConvShape{}, 28, 28, 3, 5, 26, 24},
		{SamePadding(3, 5), 28, 28, 3, 5, 28, 28},
		{FullPadding(5, 3), 28, 28, 5, 3, 32, 30},
		{ConvShape{StrideH: 2, StrideW: 3, PadH: 1}, 28, 28, 3, 3, 14, 9},
		{ConvShape{}, 2, 9, 3, 3, 0, 7},
	} {
		if oh, ow := c.s.OutputSize(c.h, c.w, c.kh, c.kw); oh != c.oh || ow != c.ow {
			t.Errorf("%+v: %d x %d, want %d x %d", c, oh, ow, c.oh, c.ow)
		}
	}
}

func TestConvMistakesPanic(t *testing.T) {
	tape := NewTape(1)
	x, w := tape.Input(tensor.New(2, 3, 4, 4)), param(1, 0, 1, 5, 3, 3, 3)
	refuse(t, []refused{
		{"Conv2D: want x [N, C, H, W], w [K, C, kh, kw], b [K], got [2 3 4 4] [5 2 3 3]",
			func() { Conv2D(x, param(1, 0, 1, 5, 2, 3, 3), nil, ConvShape{}) }},
		{"Conv2D: want x [N, C, H, W], w [K, C, kh, kw], b [K], got [2 3 4 4] [5 3 3 3] [3]",
			func() { Conv2D(x, w, param(1, 0, 1, 3), ConvShape{}) }},
		{"Conv2D: want x [N, C, H, W], w [K, C, kh, kw], b [K], got [2 3] [5 3 3 3]",
			func() { Conv2D(tape.Input(tensor.New(2, 3)), w, nil, ConvShape{}) }},
		{"Conv2D: a kernel [1 3 5 5] does not fit images [2 3 4 4]",
			func() { Conv2D(x, param(1, 0, 1, 1, 3, 5, 5), nil, ConvShape{}) }},
		{"Conv2D: a kernel [5 3 0 3] does not fit images [2 3 4 4]",
			func() { Conv2D(x, NewParam(tensor.New(5, 3, 0, 3)), nil, ConvShape{}) }},
		{"Conv2D: a kernel [5 3 3 0] does not fit images [2 3 4 4]",
			func() { Conv2D(x, NewParam(tensor.New(5, 3, 3, 0)), nil, ConvShape{}) }},
		{"Conv2D: a kernel [5 3 3 3] does not fit images [2 3 4 4]",
			func() { Conv2D(x, w, nil, ConvShape{PadH: -1}) }},
		{"ConvTranspose2D: want x [N, C, H, W], w [C, K, kh, kw], b [K], got [2 3 4 4] [5 3 3 3]",
			func() { ConvTranspose2D(x, w, nil, ConvShape{}) }},
		{"ConvTranspose2D: a kernel [3 1 1 1] does not fit images [2 3 4 4]",
			func() { ConvTranspose2D(x, param(1, 0, 1, 3, 1, 1, 1), nil, ConvShape{OutputPadH: 1}) }},
		{"MaxPool2D: a window 5 x 2 does not fit images [2 3 4 4]", func() { MaxPool2D(x, Pool{H: 5, W: 2}) }},
		{"MeanPool2D: want x [N, C, H, W], got [4 4]",
			func() { MeanPool2D(tape.Input(tensor.New(4, 4)), Pool{H: 2, W: 2}) }},
	})
}

// A 3 x 3 filter on an image of 28 x 28 pixels, without and with zero padding.
func ExampleConv2D() {
	tape := NewTape(1)
	x := tape.Input(tensor.New(100, 1, 28, 28))
	w, b := NewParam(tensor.New(6, 1, 3, 3)), NewParam(tensor.New(6))
	fmt.Println(Conv2D(x, w, b, ConvShape{}).Shape())
	fmt.Println(Conv2D(x, w, b, SamePadding(3, 3)).Shape())
	// Output:
	// [100 6 26 26]
	// [100 6 28 28]
}
