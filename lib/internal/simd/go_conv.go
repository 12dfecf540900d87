// SPDX-License-Identifier: Apache-2.0

package simd

var goConv = convKernels{
	runs:          1,
	correlate:     [2][]correlateKernel{goCorrelateKernels(), goCorrelateKernels()},
	spread:        [2][]spreadKernel{goSpreadKernels(), goSpreadKernels()},
	gradRows:      2,
	gradTaps:      2,
	correlateGrad: [2][]correlateGradKernel{{goCorrelateGrad1, goCorrelateGrad2}, {goCorrelateGrad1, goCorrelateGrad2}},
}

// goCorrelateKernels makes the kernels for 1 to 4 filters from one that is told their number.
func goCorrelateKernels() []correlateKernel {
	table := make([]correlateKernel, 4)
	for i := range table {
		table[i] = func(w []float32, offsets []int32, x []float32, starts []int32, c []float32, ldc int) {
			for half := 0; half < Run; half += 4 {
				goCorrelate(i+1, w, offsets, x[int(starts[0])+half:], c[half:], ldc)
			}
		}
	}
	return table
}

// goCorrelate computes four outputs of each filter. Filters past the last are whatever was packed, and dropped.
func goCorrelate(rows int, w []float32, offsets []int32, x []float32, c []float32, ldc int) {
	for i := 0; i < rows; i += 2 {
		var t tilePair
		t.addTaps(w[i:], offsets, x)
		t.store(c[i*ldc:], ldc, rows-i, 4)
	}
}

// addTaps is tilePair.addTransposed for rows of B that lie at the offsets of taps.
func (t *tilePair) addTaps(w []float32, offsets []int32, x []float32) {
	var s0, s1, s2, s3, u0, u1, u2, u3 float32
	for p, offset := range offsets {
		q := int(offset)
		v, y := w[4*p], w[4*p+1]
		z := x[q]
		s0 += v * z
		u0 += y * z
		z = x[q+1]
		s1 += v * z
		u1 += y * z
		z = x[q+2]
		s2 += v * z
		u2 += y * z
		z = x[q+3]
		s3 += v * z
		u3 += y * z
	}
	t[0] = [4]float32{s0, s1, s2, s3}
	t[1] = [4]float32{u0, u1, u2, u3}
}

// goSpreadKernels makes the kernels for 1 to 4 channels from one that is told their number.
func goSpreadKernels() []spreadKernel {
	table := make([]spreadKernel, 4)
	for i := range table {
		table[i] = func(w []float32, filters int, dy []float32, ld int, dx []float32, starts []int32, plane int) {
			for half := 0; half < Run; half += 4 {
				goSpread(i+1, w, filters, dy[half:], ld, dx[int(starts[0])+half:], plane)
			}
		}
	}
	return table
}

func goSpread(channels int, w []float32, filters int, dy []float32, ld int, dx []float32, plane int) {
	for c := 0; c < channels; c += 2 {
		var t tilePair
		t.addTransposed(w[c:], 1, 4, filters, dy, ld)
		for i := range min(2, channels-c) {
			d := (*[4]float32)(dx[(c+i)*plane:])
			for j, v := range t[i] {
				d[j] += v
			}
		}
	}
}

func goCorrelateGrad1(dy []float32, ld int, offsets []int32, x []float32, starts []int32, dw []float32, ldw int) {
	var s0, s1 float32
	for r, start := range starts {
		d := (*[Run]float32)(dy[r*Run:])
		x0, x1 := (*[Run]float32)(x[start+offsets[0]:]), (*[Run]float32)(x[start+offsets[1]:])
		for j := range d {
			s0 += d[j] * x0[j]
			s1 += d[j] * x1[j]
		}
	}
	dw[0] += s0
	dw[1] += s1
}

func goCorrelateGrad2(dy []float32, ld int, offsets []int32, x []float32, starts []int32, dw []float32, ldw int) {
	var s00, s01, s10, s11 float32
	for r, start := range starts {
		d0, d1 := (*[Run]float32)(dy[r*Run:]), (*[Run]float32)(dy[ld+r*Run:])
		x0, x1 := (*[Run]float32)(x[start+offsets[0]:]), (*[Run]float32)(x[start+offsets[1]:])
		for j := range d0 {
			s00 += d0[j] * x0[j]
			s01 += d0[j] * x1[j]
			s10 += d1[j] * x0[j]
			s11 += d1[j] * x1[j]
		}
	}
	dw[0] += s00
	dw[1] += s01
	dw[ldw] += s10
	dw[ldw+1] += s11
}

func goCopyRowsAdd(dst []float32, dstStride int, src []float32, stride, rows, n int, s float32) {
	for r := range rows {
		goAddScalar(dst[r*dstStride:][:n], s, src[r*stride:][:n])
	}
}

func goAddToRows(dst []float32, dstStride int, src []float32, stride, rows, n int) {
	for r := range rows {
		d := dst[r*dstStride:][:n]
		goAdd(d, d, src[r*stride:][:n])
	}
}
