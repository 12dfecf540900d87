// SPDX-License-Identifier: Apache-2.0

// Package retrieval searches for nearest neighbours. It encodes which units of a layer were active, one bit per unit
// (the submasks of [LCN15, section 3]), and searches among such codes and among vectors.
//
//	codes := retrieval.ActiveCodes(activations)  // or PackCodes(competitive.Submask(y)), for LWTA and maxout
//	index := &retrieval.Index{Codes: codes}
//	near := index.Search(queries, 5)             // the exact 5 nearest by Hamming distance
//	predictions := retrieval.Classify(near, labels, classes, retrieval.InverseDistance)
//
// The index works with any binary codes: [CodesFromWords] takes them as packed words. [Vectors] searches vectors of
// numbers by Euclidean distance. [DiffHash] learns codes from labels, as a baseline. [PrecisionRecall] and
// [MeanAveragePrecision] measure the quality of retrieval.
//
// # Ties
//
// Among competing units with equal net inputs the lowest index wins. Of neighbours at equal distance the one with the
// lowest index comes first. Of classes with equal votes the one with the nearest voter wins, and of values of k with
// equal errors the smallest. Results do not depend on the number of workers.
package retrieval

import (
	"fmt"
	"math/bits"

	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Codes are binary codes of equal length, packed into words: bit j of code i is bit j%64 of word j/64 of its row.
// Unused bits of the last word are 0.
type Codes struct {
	bits, words int // of a code
	n           int
	data        []uint64
}

// NewCodes returns n codes whose bits are all 0. It panics unless n >= 0 and bits >= 1.
func NewCodes(n, bits int) *Codes {
	if n < 0 || bits < 1 {
		panic(fmt.Sprintf("retrieval: NewCodes: %d codes of %d bits", n, bits))
	}
	words := (bits + 63) / 64
	return &Codes{bits: bits, words: words, n: n, data: make([]uint64, n*words)}
}

// CodesFromWords returns codes that share data. Each code takes ceil(bits/64) words. It panics if data is not a whole
// number of codes or if an unused bit is 1.
func CodesFromWords(data []uint64, bits int) *Codes {
	if bits < 1 || len(data)%((bits+63)/64) != 0 {
		panic(fmt.Sprintf("retrieval: CodesFromWords: %d words do not make codes of %d bits", len(data), bits))
	}
	words := (bits + 63) / 64
	c := &Codes{bits: bits, words: words, n: len(data) / words, data: data}
	if i := c.stray(); i >= 0 {
		panic(fmt.Sprintf("retrieval: CodesFromWords: code %d has a 1 beyond its %d bits", i, bits))
	}
	return c
}

// stray returns the first code with a 1 in an unused bit, or -1 if there is none.
func (c *Codes) stray() int {
	if c.bits%64 == 0 {
		return -1
	}
	for i := range c.n {
		if c.Row(i)[c.words-1]>>(c.bits%64) != 0 {
			return i
		}
	}
	return -1
}

// ActiveCodes returns the submasks of a layer of rectified linear units: bit j is 1 where z_j > 0 [LCN15, section 3].
// Net inputs and activations give the same codes. The maps of a convolutional layer contribute one bit per unit, in
// memory order.
//
//	z [N, U] or [N, C, H, W] -> N codes of U or C·H·W bits
//
// NaN gives 0. ActiveCodes panics if a sample has no units.
func ActiveCodes(z *tensor.Tensor) *Codes { return pack(z, func(v float32) bool { return v > 0 }) }

// PackCodes returns one bit per element of mask, 1 where it is not 0. The mask may be the result of
// competitive.Submask.
//
//	mask [N, U] -> N codes of U bits
func PackCodes(mask *tensor.Tensor) *Codes { return pack(mask, func(v float32) bool { return v != 0 }) }

func pack(x *tensor.Tensor, on func(float32) bool) *Codes {
	c := NewCodes(x.Rows(), x.Width())
	for i := range c.n {
		code := c.Row(i)
		for j, v := range x.Row(i) {
			if on(v) {
				code[j/64] |= 1 << (j % 64)
			}
		}
	}
	return c
}

// Len returns the number of codes.
func (c *Codes) Len() int { return c.n }

// Bits returns the length of a code.
func (c *Codes) Bits() int { return c.bits }

// Bytes returns the memory that the codes take.
func (c *Codes) Bytes() int { return 8 * len(c.data) }

// Row returns the words of code i, without copying them.
func (c *Codes) Row(i int) []uint64 { return c.data[i*c.words : (i+1)*c.words : (i+1)*c.words] }

// Words returns the words of all codes, code by code, without copying them.
func (c *Codes) Words() []uint64 { return c.data }

// At returns bit j of code i. It panics if there is no such bit.
func (c *Codes) At(i, j int) bool {
	c.check("At", j)
	return c.Row(i)[j/64]>>(j%64)&1 != 0
}

// Set sets bit j of code i to 1. It panics if there is no such bit.
func (c *Codes) Set(i, j int) {
	c.check("Set", j)
	c.Row(i)[j/64] |= 1 << (j % 64)
}

func (c *Codes) check(op string, bit int) {
	if bit < 0 || bit >= c.bits {
		panic(fmt.Sprintf("retrieval: %s: bit %d of codes of %d bits", op, bit, c.bits))
	}
}

// Ones returns the number of bits of code i that are 1.
func (c *Codes) Ones(i int) int {
	n := 0
	for _, w := range c.Row(i) {
		n += bits.OnesCount64(w)
	}
	return n
}

// Slice returns the codes from (inclusive) to to (exclusive). They share memory with c.
func (c *Codes) Slice(from, to int) *Codes {
	if from < 0 || to < from || to > c.n {
		panic(fmt.Sprintf("retrieval: Slice: [%d:%d] of %d codes", from, to, c.n))
	}
	return &Codes{bits: c.bits, words: c.words, n: to - from, data: c.data[from*c.words : to*c.words : to*c.words]}
}

// Append appends the codes of d, which must have the same length, to c. The zero value of Codes takes the length of d.
func (c *Codes) Append(d *Codes) {
	if c.bits == 0 {
		c.bits, c.words = d.bits, d.words
	}
	if c.bits != d.bits {
		panic(fmt.Sprintf("retrieval: Append: codes of %d bits to codes of %d", d.bits, c.bits))
	}
	c.data = append(c.data, d.data...)
	c.n += d.n
}

// JoinCodes concatenates the codes of several layers, sample by sample: the codes of all layers give the submask of the
// whole network [LCN15, section 3]. It panics without layers, or if they differ in the number of codes.
func JoinCodes(layers ...*Codes) *Codes {
	if len(layers) == 0 {
		panic("retrieval: JoinCodes: no codes")
	}
	all := 0
	for _, c := range layers {
		if c.n != layers[0].n {
			panic(fmt.Sprintf("retrieval: JoinCodes: %d codes and %d", layers[0].n, c.n))
		}
		all += c.bits
	}
	joined := NewCodes(layers[0].n, all)
	for i := range joined.n {
		row, first := joined.Row(i), 0
		for _, c := range layers {
			for j, w := range c.Row(i) {
				at, shift := first/64+j, first%64
				row[at] |= w << shift
				if rest := w >> (64 - shift); rest != 0 { // a shift by 64 gives 0
					row[at+1] |= rest
				}
			}
			first += c.bits
		}
	}
	return joined
}

// Unpack returns the codes as numbers 0 and 1, [N, bits].
func (c *Codes) Unpack() *tensor.Tensor {
	x := tensor.New(c.n, c.bits)
	for i := range c.n {
		row, code := x.Row(i), c.Row(i)
		for j := range row {
			row[j] = float32(code[j/64] >> (j % 64) & 1)
		}
	}
	return x
}

// FlipRate returns, for each unit, the share of samples whose bit differs between two sets of codes of the same
// samples, from 0 to 1. With the codes after two successive epochs it shows how much the submasks still change [LCN15,
// Fig. 4]. It panics if the sets differ in number or length, and returns NaN for no samples.
func FlipRate(before, after *Codes) []float64 {
	if before.n != after.n || before.bits != after.bits {
		panic(fmt.Sprintf("retrieval: FlipRate: %d codes of %d bits and %d of %d", before.n, before.bits, after.n,
			after.bits))
	}
	count := make([]int, before.bits)
	for i := range before.n {
		a, b := before.Row(i), after.Row(i)
		for j := range a {
			for w := a[j] ^ b[j]; w != 0; w &= w - 1 {
				count[64*j+bits.TrailingZeros64(w)]++
			}
		}
	}
	share := make([]float64, len(count))
	for j, n := range count {
		share[j] = float64(n) / float64(before.n)
	}
	return share
}

// Distances sets dst to the Hamming distances of code i from all codes. It panics unless dst has one element per code.
func (c *Codes) Distances(dst []float32, i int) {
	if len(dst) != c.n {
		panic(fmt.Sprintf("retrieval: Distances: %d distances of %d codes", len(dst), c.n))
	}
	var some [256]int32
	for first := 0; first < c.n; first += len(some) {
		n := min(len(some), c.n-first)
		simd.Hamming(some[:n], c.Row(i), c.data[first*c.words:(first+n)*c.words])
		for j, d := range some[:n] {
			dst[first+j] = float32(d)
		}
	}
}
