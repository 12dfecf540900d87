// SPDX-License-Identifier: Apache-2.0

package simd

import "fmt"

// Minimal filtering computes r neighbouring outputs of a filter g of three taps, y[i] = sum over u of g[u] x[i+u], by
// r + 2 multiplications instead of 3 r, from all r + 2 inputs x at once:
//
//	y = transpose(A) ((G g) * (transpose(B) x)), with * element by element
//
// It multiplies two polynomials by their values at r + 1 points and at infinity: G and A have these values' powers, B
// what takes them back. For two outputs the points are 0, 1 and -1:
//
//	transpose(B) = 1  0 -1  0    G =  1    0    0     transpose(A) = 1  1  1  0
//	               0  1  1  0        1/2  1/2  1/2                   0  1 -1 -1
//	               0 -1  1  0        1/2 -1/2  1/2
//	               0  1  0 -1         0    0    1
//
// and for four 0, a, -a, b and -b, with a = 3/4 and b = 3/2:
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
// The usual points are 1 and 2. These here have products nearer to 1, so that fewer digits cancel: in two dimensions
// the error is half as large. They and their products are exact in float32, too.
//
// In two dimensions each map is applied to the rows, then to the columns. Sources: [Winograd80], [LG16].

// A Winograd is the size r of a tile of outputs, along each side: 2 or 4.
type Winograd int

// Side returns the side of the tile of inputs that the outputs see: r + 2.
func (r Winograd) Side() int { return int(r) + 2 }

// Vectors says where the vectors of some items lie in memory: that with number i of item j begins at element
// j*Step + i*Plane.
type Vectors struct {
	Data        []float32
	Plane, Step int
}

// winogradKernel applies a map to the vectors of count items, n floats of each.
type winogradKernel func(dst []float32, dstPlane, dstStep int, src []float32, srcPlane, srcStep, count, n int)

// winogradMaps are the kernels for one size of tile.
type winogradMaps struct {
	input, output, outputT, filter, filterT winogradKernel
}

// maps returns the kernels for a size of tile.
func (r Winograd) maps() *winogradMaps {
	switch r {
	case 2:
		return &active.winograd[0]
	case 4:
		return &active.winograd[1]
	}
	panic(fmt.Sprintf("simd: Winograd: tiles of %d outputs, not 2 or 4", int(r)))
}

// Input applies transpose(B) to count items of r + 2 vectors of n floats, which makes as many.
func (r Winograd) Input(dst, src Vectors, count, n int) {
	apply("Input", r.maps().input, dst, r.Side(), src, r.Side(), count, n)
}

// Output applies transpose(A): r + 2 vectors to r.
func (r Winograd) Output(dst, src Vectors, count, n int) {
	apply("Output", r.maps().output, dst, int(r), src, r.Side(), count, n)
}

// OutputT applies A, which carries gradients back through Output: r vectors to r + 2.
func (r Winograd) OutputT(dst, src Vectors, count, n int) {
	apply("OutputT", r.maps().outputT, dst, r.Side(), src, int(r), count, n)
}

// Filter applies G: 3 vectors to r + 2.
func (r Winograd) Filter(dst, src Vectors, count, n int) {
	apply("Filter", r.maps().filter, dst, r.Side(), src, 3, count, n)
}

// FilterT applies transpose(G), which carries gradients back through Filter: r + 2 vectors to 3.
func (r Winograd) FilterT(dst, src Vectors, count, n int) {
	apply("FilterT", r.maps().filterT, dst, 3, src, r.Side(), count, n)
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
