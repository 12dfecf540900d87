// SPDX-License-Identifier: Apache-2.0

package main

// yourSmaller forgets the columns of the read-out: it cuts them off at the end.
func yourSmaller(v [][]float64, b []float64, w, images [][]float64) (vs [][]float64, bs []float64, ws [][]float64) {
	for i := range v {
		alive := false
		for _, x := range images {
			z := b[i]
			for j, pixel := range x {
				z += v[i][j] * pixel
			}
			alive = alive || z > 0
		}
		if alive {
			vs, bs = append(vs, v[i]), append(bs, b[i])
		}
	}
	for k := range w {
		ws = append(ws, w[k][:len(vs)])
	}
	return vs, bs, ws
}
