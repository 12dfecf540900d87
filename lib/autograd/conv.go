// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// A ConvShape describes the stride and padding of a convolution. The zero value is a valid convolution: stride 1, no
// padding.
type ConvShape struct {
	StrideH, StrideW int // vertical and horizontal stride; 0 means 1
	PadH, PadW       int // rows of zeros above and below the image, columns on the left and right

	// OutputPadH and OutputPadW are the rows below and columns on the right that ConvTranspose2D adds to its output; they
	// must be less than the strides. With strides, convolutions of images of several sizes have outputs of the same size;
	// these fields select one of the sizes.
	OutputPadH, OutputPadW int
}

// SamePadding returns the shape whose output has the size of the image, for a kernel of odd height and width.
func SamePadding(kh, kw int) ConvShape { return ConvShape{PadH: kh / 2, PadW: kw / 2} }

// FullPadding returns the shape whose output has one element for every position at which the kernel overlaps the image.
func FullPadding(kh, kw int) ConvShape { return ConvShape{PadH: kh - 1, PadW: kw - 1} }

// strides returns the shape with default strides filled in.
func (s ConvShape) strides() ConvShape {
	s.StrideH, s.StrideW = max(s.StrideH, 1), max(s.StrideW, 1)
	return s
}

// OutputSize returns the height and width of the convolution of an h x w image with a kh x kw kernel:
//
//	(h + 2·PadH - kh)/StrideH + 1, (w + 2·PadW - kw)/StrideW + 1, rounded down
//
// A size is less than 1 if the kernel is larger than the padded image.
func (s ConvShape) OutputSize(h, w, kh, kw int) (oh, ow int) {
	s = s.strides()
	return places(h+2*s.PadH, kh, s.StrideH), places(w+2*s.PadW, kw, s.StrideW)
}

// places returns the number of positions of a window within a length.
func places(length, window, stride int) int {
	if length < window {
		return 0
	}
	return (length-window)/stride + 1
}

// TransposedSize returns the height and width of the output of ConvTranspose2D for an h x w image:
//
//	(h - 1)·StrideH - 2·PadH + kh + OutputPadH, (w - 1)·StrideW - 2·PadW + kw + OutputPadW
func (s ConvShape) TransposedSize(h, w, kh, kw int) (oh, ow int) {
	s = s.strides()
	return (h-1)*s.StrideH - 2*s.PadH + kh + s.OutputPadH, (w-1)*s.StrideW - 2*s.PadW + kw + s.OutputPadW
}

// valid reports whether the fields are in their ranges.
func (s ConvShape) valid() bool {
	return min(s.StrideH, s.StrideW, s.PadH, s.PadW, s.OutputPadH, s.OutputPadW) >= 0 &&
		s.OutputPadH < max(s.StrideH, 1) && s.OutputPadW < max(s.StrideW, 1)
}

// Conv2D returns the convolution of images with filters, as PyTorch defines it (the kernel is not flipped):
//
//	y[n,k,i,j] = b[k] + sum over c, u, v of w[k,c,u,v] · x[n, c, i·StrideH+u-PadH, j·StrideW+v-PadW]
//
//	x [N, C, H, W], w [K, C, kh, kw], b [K] or nil -> y [N, K, OH, OW] with the size of [ConvShape.OutputSize]
//
// Outside the image, x is zero. Conv2D panics if the shapes do not match.
func Conv2D(x, w, b *Var, s ConvShape) *Var {
	return convolve("Conv2D", x, w, b, s, false)
}

// ConvTranspose2D returns the transposed convolution, the linear map of the input gradient of Conv2D with the same
// filters and shape:
//
//	y[n,k,i,j] = b[k] + sum over c and all u, v, i', j' with i = i'·StrideH+u-PadH, j = j'·StrideW+v-PadW
//	             of w[c,k,u,v] · x[n,c,i',j']
//
//	x [N, C, H, W], w [C, K, kh, kw], b [K] or nil -> y [N, K, OH, OW] with the size of [ConvShape.TransposedSize]
//
// ConvTranspose2D panics if the shapes do not match.
func ConvTranspose2D(x, w, b *Var, s ConvShape) *Var {
	return convolve("ConvTranspose2D", x, w, b, s, true)
}

// convOp is the state of [Conv2D] and [ConvTranspose2D].
type convOp struct {
	*convPlan
	transposed bool // ConvTranspose2D: the forward pass is the input gradient of a Conv2D

	packed, packedTransposed []float32 // filters arranged for the two directions
	few                      *fewTaps  // the filters of SparseConv2D; otherwise nil

	parts      []float32 // partial gradients of filters and biases; see convChunks
	accumulate bool      // in Backward, add to the gradient of the images
	live       livePositions
}

func convolve(name string, x, w, b *Var, s ConvShape, transposed bool) *Var {
	p := convPlanFor(name, x, w, b, s, transposed)
	y, op := Record[convOp](name, x, w, b)
	op.convPlan, op.transposed, op.few = p, transposed, nil
	if transposed {
		y.Resize(x.Rows(), p.channels, p.h, p.w)
	} else {
		y.Resize(x.Rows(), p.filters, p.oh, p.ow)
	}
	op.pack(transposed, w.Data())
	For(y, y.Rows(), grain(p.work), (*convOp).forward)
	return y
}

// pack arranges the filters for one of the two directions.
func (op *convOp) pack(transposed bool, w []float32) {
	if transposed {
		op.packedTransposed = atLeast(op.packedTransposed, op.packedTransposedLen)
		op.packTransposed(op.packedTransposed, w)
	} else {
		op.packed = atLeast(op.packed, op.packedLen)
		op.packForward(op.packed, w)
	}
}

// run computes y from x in one of the two directions, or adds to y.
func (op *convOp) run(transposed bool, y, x, bias []float32, acc bool) {
	switch {
	case transposed:
		op.correlateTransposed(y, x, op.packedTransposed, bias, acc)
	case op.few != nil:
		op.few.correlate(y, x, bias)
	default:
		op.correlate(y, x, op.packed, bias, acc)
	}
}

// forward computes the results for images lo to hi.
func (op *convOp) forward(y *Var, lo, hi int) {
	var bias []float32
	if len(y.in) > 2 {
		bias = y.in[2].Data()
	}
	in, out := y.in[0].Width(), y.Width()
	op.run(op.transposed, y.Data()[lo*out:hi*out], y.in[0].Data()[lo*in:hi*in], bias, false)
}

// convPlanFor returns the plan of an operation. A transposed convolution uses the plan of the convolution that it
// transposes; its input has the size of that convolution's output.
func convPlanFor(op string, x, w, b *Var, s ConvShape, transposed bool) *convPlan {
	want := "x [N, C, H, W], w [K, C, kh, kw], b [K]"
	if transposed {
		want = "x [N, C, H, W], w [C, K, kh, kw], b [K]"
	}
	xs, ws := x.Shape(), w.Shape()
	if len(xs) != 4 || len(ws) != 4 {
		panic(shapeMismatch(op, want, x, w, b))
	}
	in, out := 1, 0
	if transposed {
		in, out = 0, 1
	}
	if xs[1] != ws[in] || b != nil && b.value.Len() != ws[out] {
		panic(shapeMismatch(op, want, x, w, b))
	}
	return planFor(convKeyFor(op, [4]int(xs), [4]int(ws), s, transposed))
}

// convKeyFor returns the key of the plan for images of shape xs and filters of shape ws.
func convKeyFor(op string, xs, ws [4]int, s ConvShape, transposed bool) convKey {
	key := convKey{
		channels: ws[1], h: xs[2], w: xs[3], filters: ws[0], kh: ws[2], kw: ws[3],
		shape: s.strides(), precision: simd.Matmul(),
	}
	if transposed {
		key.h, key.w = s.TransposedSize(xs[2], xs[3], ws[2], ws[3])
	}
	oh, ow := s.OutputSize(key.h, key.w, key.kh, key.kw)
	if !s.valid() || min(key.h, key.w, oh, ow, ws[0], ws[1], ws[2], ws[3]) < 1 ||
		transposed && (oh != xs[2] || ow != xs[3]) {
		panic(fmt.Sprintf("autograd: %s: a kernel %v does not fit images %v with %+v", op, ws, xs, s))
	}
	return key
}
