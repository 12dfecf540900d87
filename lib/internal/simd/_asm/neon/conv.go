// SPDX-License-Identifier: Apache-2.0

package main

import "fmt"

// A tile of outputs of a convolution has tileRuns runs of eight (simd.Run) for each of some filters. The filters'
// gradient is computed for tiles of gradRows filters and gradTaps taps.
const (
	tileRuns = 2
	gradRows = 3
	gradTaps = 2
)

// convolutions emits the kernels of convolution.
func (f *file) convolutions() {
	for rows := 1; rows <= tileRows; rows++ {
		f.correlate(rows)
		f.spread(rows)
	}
	for rows := 1; rows <= gradRows; rows++ {
		f.correlateGrad(rows)
	}
}

// multiplyTile adds the products of a column of packed A, in two registers, with a row of B.
func (k *kernel) multiplyTile(tile [][]V, x, y []V) {
	for i, sums := range tile {
		for j, sum := range sums {
			k.fmlaLane(sum, y[j], x[i/4], i%4)
		}
	}
}

// runAddresses returns where the runs of a tile start.
func (k *kernel) runAddresses(x, starts R) []R {
	at := make([]R, tileRuns)
	for j := range at {
		at[j] = k.r()
		k.do("MOVW %d(%v), %v", 4*j, starts, at[j])
		k.do("ADD %v<<2, %v, %v", at[j], x, at[j])
	}
	return at
}

// correlate emits one tile kernel. It is the matrix product's for packed A, with rows of B that lie anywhere: a row is
// a tap, its elements are where the outputs start.
func (f *file) correlate(rows int) {
	f.kernel(fmt.Sprintf("Correlate%d", rows),
		"func(w []float32, offsets []int32, x []float32, starts []int32, c []float32, ldc int)", func(k *kernel) {
			w, offsets, taps := k.base("w"), k.base("offsets"), k.length("offsets")
			at := k.runAddresses(k.base("x"), k.base("starts"))
			c, ldc := k.base("c"), k.stride("ldc")
			tile := k.grid(rows, 2*tileRuns)
			x, y := k.several(2), k.several(2*tileRuns)
			offset, from := k.r(), k.r()
			k.do("CBZ %v, store", taps)
			k.label("taps")
			k.do("MOVW.P 4(%v), %v", offsets, offset)
			k.ld1(x, w)
			for j, start := range at {
				k.do("ADD %v<<2, %v, %v", offset, start, from)
				k.loadPair(y[2*j], y[2*j+1], from, 0)
			}
			k.multiplyTile(tile, x, y)
			k.do("SUBS $1, %v", taps)
			k.do("BNE taps")
			k.label("store")
			for _, sums := range tile {
				k.st1By(sums, c, ldc)
			}
		})
}

// spread emits the kernel for one tap of the transposed product: sums for some channels, combined from the gradients of
// all filters, are added where the tap's inputs lie.
func (f *file) spread(rows int) {
	f.kernel(fmt.Sprintf("Spread%d", rows),
		"func(w []float32, filters int, dy []float32, ld int, dx []float32, starts []int32, plane int)", func(k *kernel) {
			w, filters := k.base("w"), k.param("filters")
			dy, ld := k.base("dy"), k.stride("ld")
			at := k.runAddresses(k.base("dx"), k.base("starts"))
			plane := k.stride("plane")
			tile := k.grid(rows, 2*tileRuns)
			x, y := k.several(2), k.several(2*tileRuns)
			k.label("filters")
			k.ld1(x, w)
			k.ld1By(y, dy, ld)
			k.multiplyTile(tile, x, y)
			k.do("SUBS $1, %v", filters)
			k.do("BNE filters")
			for _, sums := range tile {
				for j, to := range at {
					k.loadPair(y[0], y[1], to, 0)
					k.fadd(y[0], y[0], sums[2*j])
					k.fadd(y[1], y[1], sums[2*j+1])
					k.storePair(y[0], y[1], to, 0)
					k.do("ADD %v, %v", plane, to)
				}
			}
		})
}

// correlateGrad emits the kernel of the filters' gradient: the inner products of the output's gradient for some filters
// with the inputs of some taps. Sixteen partial sums each, one for each place in a pair of runs, are added pairwise at
// the end, l to l + 8, 4, 2, 1, and to dw.
func (f *file) correlateGrad(rows int) {
	f.kernel(fmt.Sprintf("CorrelateGrad%d", rows),
		"func(dy []float32, ld int, offsets []int32, x []float32, starts []int32, dw []float32, ldw int)", func(k *kernel) {
			dy, ld := []R{k.base("dy")}, k.stride("ld")
			for len(dy) < rows {
				next := k.r()
				k.do("ADD %v, %v, %v", ld, dy[len(dy)-1], next)
				dy = append(dy, next)
			}
			offsets, x := k.base("offsets"), k.base("x")
			at := make([]R, gradTaps)
			for t := range at {
				at[t] = k.r()
				k.do("MOVW %d(%v), %v", 4*t, offsets, at[t])
				k.do("ADD %v<<2, %v, %v", at[t], x, at[t])
			}
			starts, n := k.base("starts"), k.length("starts")
			dw, ldw := k.base("dw"), k.stride("ldw")
			tiles := [gradTaps][][]V{}
			for t := range tiles {
				tiles[t] = k.grid(rows, 4)
			}
			start, from := k.r(), k.r()
			k.label("pairs")
			k.scope(func() {
				in, d := k.several(2*gradTaps), k.several(2)
				for run := range 2 {
					k.do("MOVW.P 4(%v), %v", starts, start)
					for t := range at {
						k.do("ADD %v<<2, %v, %v", start, at[t], from)
						k.loadPair(in[2*t], in[2*t+1], from, 0)
					}
					for i, row := range dy {
						k.do("FLDPQ.P 32(%v), (F%d, F%d)", row, d[0], d[1])
						for t := range at {
							k.fmla(tiles[t][i][2*run], in[2*t], d[0])
							k.fmla(tiles[t][i][2*run+1], in[2*t+1], d[1])
						}
					}
				}
			})
			k.do("SUBS $2, %v", n)
			k.do("BGT pairs")
			old := k.v()
			for i := range rows {
				for t := range at {
					sums := tiles[t][i]
					k.fold(sums)
					k.loadS(old, dw, 4*t)
					k.fadd(old, old, sums[0])
					k.storeS(old, dw, 4*t)
				}
				k.do("ADD %v, %v", ldw, dw)
			}
		})
}
