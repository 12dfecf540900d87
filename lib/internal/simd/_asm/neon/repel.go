// SPDX-License-Identifier: Apache-2.0

package main

// repel emits the kernel that adds up the forces of cells on 32 points, sixteen at a time.
func (f *file) repel() {
	const points, vectors = 32, 4
	f.kernel("Repel", "func(sums, points, cells []float32)", func(k *kernel) {
		sums, coordinates, first, size := k.base("sums"), k.base("points"), k.base("cells"), k.length("cells")
		cell, end := k.r(), k.r()
		k.do("ADD %v<<2, %v, %v", size, first, end)
		one, guess := k.constant(1), k.bits(0x7ef311c7)
		for at := 0; at < points; at += 4 * vectors {
			k.scope(func() {
				place := func(row, i int) int { return 4 * (row*points + at + 4*i) }
				x, y := k.several(vectors), k.several(vectors)
				z, fx, fy := k.zeros(vectors), k.zeros(vectors), k.zeros(vectors)
				for i := range vectors {
					k.loadQ(x[i], coordinates, place(0, i))
					k.loadQ(y[i], coordinates, place(1, i))
				}
				cx, cy, weight := k.v(), k.v(), k.v()
				k.do("MOVD %v, %v", first, cell)
				k.label(label("cells", at))
				k.do("CMP %v, %v", end, cell)
				k.do("BHS %s", label("store", at))
				for _, c := range []V{cx, cy, weight} {
					k.ld1r(c, cell)
				}
				for i := range vectors {
					k.scope(func() {
						dx, dy, d, q, r := k.v(), k.v(), k.v(), k.v(), k.v()
						k.fsub(dx, x[i], cx)
						k.fsub(dy, y[i], cy)
						k.move(d, one)
						k.fma(dx, dx, d)
						k.fma(dy, dy, d)
						// 1/d: from the guess, which is off by 12 % at most, each step of Newton's squares the error.
						k.subS(q, guess, d)
						for range 3 {
							k.move(r, one)
							k.fnma(d, q, r)
							k.fma(r, q, q)
						}
						k.fmul(r, q, weight)
						k.fadd(z[i], z[i], r)
						k.fmul(r, r, q)
						k.fma(r, dx, fx[i])
						k.fma(r, dy, fy[i])
					})
				}
				k.do("B %s", label("cells", at))
				k.label(label("store", at))
				for i := range vectors {
					for row, sum := range []V{z[i], fx[i], fy[i]} {
						k.loadQ(cx, sums, place(row, i))
						k.fadd(sum, sum, cx)
						k.storeQ(sum, sums, place(row, i))
					}
				}
			})
		}
	})
}
