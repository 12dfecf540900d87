// SPDX-License-Identifier: Apache-2.0

package main

// yourSmaller returns the network without the units that are active for no image.
func yourSmaller(v [][]float64, b []float64, w, images [][]float64) (vs [][]float64, bs []float64, ws [][]float64) {
	ws = make([][]float64, len(w))
	for i := range v {
		alive := false
		for _, x := range images {
			z := b[i]
			for j, pixel := range x {
				z += v[i][j] * pixel
			}
			alive = alive || z > 0
		}
		if !alive {
			continue
		}
		vs, bs = append(vs, v[i]), append(bs, b[i])
		for k := range w {
			ws[k] = append(ws[k], w[k][i])
		}
	}
	return vs, bs, ws
}
