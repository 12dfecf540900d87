// SPDX-License-Identifier: Apache-2.0

package simd

// goSparse has strips of up to 16 columns, four of them at a time.
var goSparse = sparseKernels{
	cost:     1.9,
	strips:   []stripKernel{goStrip, goStrip, goStrip, goStrip},
	strided:  goStrided,
	compress: goCompress,
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
