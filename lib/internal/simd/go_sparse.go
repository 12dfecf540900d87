// SPDX-License-Identifier: Apache-2.0

package simd

// goSparse has strips of up to 16 columns, four of them at a time.
var goSparse = sparseKernels{
	cost:      1.9,
	strips:    []stripKernel{goStrip, goStrip, goStrip, goStrip},
	strided:   goStrided,
	eightRows: goEightRows,
	sampled:   goSampled,
	taps:      []tapsKernel{goTaps},
	compress:  goCompress,
}

func goStrip(bounds, index []int32, value, b []float32, ldb int, c []float32, ldc, cols int, acc bool) {
	for i, end := range bounds[1:] {
		places := index[bounds[i]:end]
		values := value[bounds[i]:end]
		for j := 0; j < cols; j += 4 {
			sums := c[i*ldc+j:][:min(4, cols-j)]
			var t [4]float32
			if acc {
				copy(t[:], sums)
			}
			s0, s1, s2, s3 := t[0], t[1], t[2], t[3]
			for e, x := range values {
				row := b[int(places[e])*ldb+j:][:4]
				s0 += x * row[0]
				s1 += x * row[1]
				s2 += x * row[2]
				s3 += x * row[3]
			}
			t = [4]float32{s0 + 0, s1 + 0, s2 + 0, s3 + 0} // -0 becomes +0
			copy(sums, t[:])
		}
	}
}

func goStrided(index []int32, value, b []float32, ldb int, sums []float32, acc bool) {
	for j := range sums[:stridedRows] {
		sum := sums[j]
		if !acc {
			sum = 0
		}
		row := b[j*ldb:]
		for e, x := range value {
			sum += x * row[index[e]]
		}
		sums[j] = sum + 0 // -0 becomes +0
	}
}

func goEightRows(bounds, index []int32, value, x, sums []float32) {
	for r := range sums[:stridedRows] {
		var sum float32
		for e := bounds[r]; e < bounds[r+1]; e++ {
			sum += value[e] * x[index[e]]
		}
		sums[r] = sum + 0 // -0 becomes +0
	}
}

func goSampled(rows []int32, a, b []float32, ldb int, sums []float32, acc bool) {
	for j := range sums[:stridedRows] {
		sum := sums[j]
		if !acc {
			sum = 0
		}
		row := b[int(rows[j])*ldb:][:len(a)]
		for i, x := range a {
			sum += x * row[i]
		}
		sums[j] = sum + 0 // -0 becomes +0
	}
}

// goTaps computes the outputs of one run.
func goTaps(bounds, index []int32, value, bias, x []float32, starts []int32, c []float32, ldc int) {
	x = x[starts[0]:]
	for i := range bias {
		for half := 0; half < Run; half += 4 {
			var s0, s1, s2, s3 float32
			for e := bounds[i]; e < bounds[i+1]; e++ {
				w, row := value[e], x[int(index[e])+half:][:4]
				s0 += w * row[0]
				s1 += w * row[1]
				s2 += w * row[2]
				s3 += w * row[3]
			}
			copy(c[i*ldc+half:], []float32{s0 + bias[i], s1 + bias[i], s2 + bias[i], s3 + bias[i]})
		}
	}
}

func goCompress(index []int32, value []float32, bounds []int32, x []float32, ldx, cols int) {
	n := bounds[0]
	for r := range bounds[1:] {
		for i, v := range x[r*ldx:][:cols] {
			if v != 0 {
				index[n], value[n] = int32(i), v
				n++
			}
		}
		bounds[r+1] = n
	}
}
