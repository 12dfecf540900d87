// SPDX-License-Identifier: Apache-2.0

package simd

import "fmt"

// Minimal filtering computes r neighbouring outputs of a filter g of t taps, y[i] = sum over u of g[u] x[i+u], by
// r + t - 1 multiplications instead of t r, from all r + t - 1 inputs x at once:
//
//	y = transpose(A) ((G g) * (transpose(B) x)), with * element by element
//
// It multiplies two polynomials by their values at r + t - 2 points and at infinity: G and A have these values' powers,
// B what takes them back. For two outputs and three taps the points are 0, 1 and -1:
//
//	transpose(B) = 1  0 -1  0    G =  1    0    0     transpose(A) = 1  1  1  0
//	               0  1  1  0        1/2  1/2  1/2                   0  1 -1 -1
//	               0 -1  1  0        1/2 -1/2  1/2
//	               0  1  0 -1         0    0    1
//
// and for four outputs 0, a, -a, b and -b, with a = 3/4 and b = 3/2:
//
//	transpose(B) = a²b²   0   -a²-b²    0    1  0    G = (1  0  0)/f0    transpose(A) = 1  1   1  1   1  0
//	                0   -ab²   -b²      a    1  0        (1  a a²)/fa                   0  a  -a  b  -b  0
//	                0    ab²   -b²     -a    1  0        (1 -a a²)/fa                   0  a²  a² b²  b² 0
//	                0   -a²b   -a²      b    1  0        (1  b b²)/fb                   0  a³ -a³ b³ -b³ 1
//	                0    a²b   -a²     -b    1  0        (1 -b b²)/fb
//	                0    a²b²   0    -a²-b²  0  1         0  0  1
//
//	f0 = a²b², fa = 2a²(a²-b²), fb = 2b²(b²-a²)
//
// Two outputs of a filter of five taps see six inputs, too. Points and B are the same; G has powers up to the fourth,
// and A up to the first:
//
//	G = (1  0  0   0  0 )/f0    transpose(A) = 1  1   1  1   1  0
//	    (1  a  a²  a³ a⁴)/fa                   0  a  -a  b  -b  1
//	    (1 -a  a² -a³ a⁴)/fa
//	    (1  b  b²  b³ b⁴)/fb
//	    (1 -b  b² -b³ b⁴)/fb
//	     0  0  0   0  1
//
// The usual points are 1 and 2. These here have products nearer to 1, so that fewer digits cancel: in two dimensions
// the error is half as large. They and their products are exact in float32, too.
//
// Four outputs of a filter of five taps see eight inputs, from 0, c, -c, 1, -1, e and -e, with c = 1/2 and e = 2. Other
// points near these were tried: all had larger errors. A row of transpose(B) has the coefficients of the product of
// x - p over all other points p. As c e = 1, the sum of the squares s = 1 + c² + e² is also that of their products in
// pairs:
//
//	transpose(B) = 1     0      -s       0        s       0     -1  0
//	               0   c e²     e²   -c(1+e²)  -(1+e²)    c      1  0
//	               0  -c e²     e²    c(1+e²)  -(1+e²)   -c      1  0
//	               0     1       1   -(c²+e²)  -(c²+e²)   1      1  0
//	               0    -1       1    c²+e²    -(c²+e²)  -1      1  0
//	               0   e c²     c²   -e(c²+1)  -(c²+1)    e      1  0
//	               0  -e c²     c²    e(c²+1)  -(c²+1)   -e      1  0
//	               0    -1       0       s        0      -s      0  1
//
//	G = (1  0  0   0  0 )                transpose(A) = 1  1   1  1  1  1   1  0
//	    (1 ±c  c² ±c³ c⁴)/fc                            0  c  -c  1 -1  e  -e  0
//	    (1 ±1  1  ±1  1 )/fd                            0  c²  c² 1  1  e²  e² 0
//	    (1 ±e  e² ±e³ e⁴)/fe                            0  c³ -c³ 1 -1  e³ -e³ 1
//	     0  0  0   0  1
//
//	fc = 2c²(c²-1)(c²-e²), fd = 2(1-c²)(1-e²), fe = 2e²(e²-c²)(e²-1)
//
// In two dimensions each map is applied to the rows, then to the columns. Sources: [Winograd80], [LG16].

// A Winograd is a size of minimal filtering, along each side: {2, 3}, {4, 3}, {2, 5} or {4, 5}.
type Winograd struct {
	Outputs int // of a tile
	Taps    int // of a filter
}

// Side returns the side of the tile of inputs that the outputs see.
func (w Winograd) Side() int { return w.Outputs + w.Taps - 1 }

// Vectors says where the vectors of some items lie in memory: that with number i of item j begins at element
// j*Step + i*Plane.
type Vectors struct {
	Data        []float32
	Plane, Step int
}

// winogradKernel applies a map to the vectors of count items, n floats of each.
type winogradKernel func(dst []float32, dstPlane, dstStep int, src []float32, srcPlane, srcStep, count, n int)

// winogradMaps are the kernels for one size.
type winogradMaps struct {
	input, output, outputT, filter, filterT winogradKernel
}

// maps returns the kernels for a size.
func (w Winograd) maps() *winogradMaps {
	switch w {
	case Winograd{2, 3}:
		return &active.winograd[0]
	case Winograd{4, 3}:
		return &active.winograd[1]
	case Winograd{2, 5}:
		return &active.winograd[2]
	case Winograd{4, 5}:
		return &active.winograd[3]
	}
	panic(fmt.Sprintf("simd: Winograd: tiles of %d outputs for %d taps, not 2 or 4 for 3 or 5", w.Outputs, w.Taps))
}

// Input applies transpose(B) to count items of as many vectors of n floats as the tile has inputs, which makes as many.
func (w Winograd) Input(dst, src Vectors, count, n int) {
	apply("Input", w.maps().input, dst, w.Side(), src, w.Side(), count, n)
}

// Output applies transpose(A): vectors of inputs to those of outputs.
func (w Winograd) Output(dst, src Vectors, count, n int) {
	apply("Output", w.maps().output, dst, w.Outputs, src, w.Side(), count, n)
}

// OutputT applies A, which carries gradients back through Output.
func (w Winograd) OutputT(dst, src Vectors, count, n int) {
	apply("OutputT", w.maps().outputT, dst, w.Side(), src, w.Outputs, count, n)
}

// Filter applies G: vectors of taps to as many as there are inputs.
func (w Winograd) Filter(dst, src Vectors, count, n int) {
	apply("Filter", w.maps().filter, dst, w.Side(), src, w.Taps, count, n)
}

// FilterT applies transpose(G), which carries gradients back through Filter.
func (w Winograd) FilterT(dst, src Vectors, count, n int) {
	apply("FilterT", w.maps().filterT, dst, w.Taps, src, w.Side(), count, n)
}

// apply runs a kernel. It panics if the vectors of an item or the items do not fit.
func apply(name string, kernel winogradKernel, dst Vectors, outputs int, src Vectors, inputs, count, n int) {
	if count < 1 || n < 1 {
		return
	}
	if !dst.fit(outputs, count, n) || !src.fit(inputs, count, n) {
		panic(fmt.Sprintf("simd: Winograd.%s: %d items of %d floats: %d vectors %d apart, items %d apart, in %d elements, "+
			"to %d vectors %d and %d apart in %d",
			name, count, n, inputs, src.Plane, src.Step, len(src.Data), outputs, dst.Plane, dst.Step, len(dst.Data)))
	}
	kernel(dst.Data, dst.Plane, dst.Step, src.Data, src.Plane, src.Step, count, n)
}

func (v Vectors) fit(vectors, count, n int) bool {
	return v.Plane >= 0 && v.Step >= 0 && len(v.Data) >= (vectors-1)*v.Plane+(count-1)*v.Step+n
}

// Transpose sets the columns of dst to the rows of src: dst[j*dstStride+i] = src[i*stride+j] for i < rows, j < n.
// The two must not overlap.
func Transpose(dst []float32, dstStride int, src []float32, stride, rows, n int) {
	if rows < 1 || n < 1 {
		return
	}
	if dstStride < rows || stride < n || len(dst) < (n-1)*dstStride+rows || len(src) < (rows-1)*stride+n {
		panic(fmt.Sprintf("simd: Transpose: %d rows of %d elements, with stride %d in %d, to stride %d in %d",
			rows, n, stride, len(src), dstStride, len(dst)))
	}
	g := &active.gemm
	whole := n &^ 3
	i := 0
	for ; i+g.width <= rows && whole > 0; i += g.width {
		g.transpose(dst[i:], dstStride, src[i*stride:], stride, whole, g.width)
		for j := whole; j < n; j++ {
			column := dst[j*dstStride+i:][:g.width]
			for k := range column {
				column[k] = src[(i+k)*stride+j]
			}
		}
	}
	for ; i < rows; i++ {
		for j, v := range src[i*stride:][:n] {
			dst[j*dstStride+i] = v
		}
	}
}
