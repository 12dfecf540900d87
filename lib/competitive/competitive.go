// SPDX-License-Identifier: Apache-2.0

// Package competitive holds operations in which the units of a layer compete and the losers fall silent.
//
//	LWTA     within each block of units only the largest passes      [LCN15, section 2]
//	Maxout   as LWTA, but a block has one output: its largest        [LCN15, section 2]
//	KWTA     of all units of a sample only the k largest pass
//
// ReLU, a unit's competition with zero, is in package autograd. Each operation takes net inputs z [N, U], one row
// for each sample, and passes gradients to the winners alone. LWTA and maxout also take the maps of a convolutional
// layer, z [N, C, H, W]: at each place neighbouring maps compete, and pooling, if any, comes after. The result keeps who
// won: [Winners] returns a block's winner, [Submask] the pattern of winning units. Ties go to the lowest index; a NaN
// never wins.
package competitive

import (
	"fmt"
	"math"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// LWTA is local winner-take-all: y_j = z_j if z_j is the largest of its block of B neighbouring units, else 0.
// A negative winner passes too.
//
//	z [N, U], U a multiple of B -> y [N, U] with U/B nonzero elements a row
//	z [N, C, H, W], C a multiple of B -> y [N, C, H, W]: blocks of B maps, at each place of their own
//
// LWTA panics if B does not divide U or C. Source: [LCN15, section 2].
func LWTA(z *autograd.Var, block int) *autograd.Var {
	y := compete("LWTA", z, block, lwtaBackward)
	y.Resize(z.Shape()...)
	out := y.Data()
	clear(out)
	in, places := z.Data(), placesOf(z)
	for b, w := range y.Winners() {
		i := member(b, int(w), block, places)
		out[i] = in[i]
	}
	return y
}

func lwtaBackward(y *autograd.Var) {
	z := y.In(0)
	if !z.NeedsGrad() {
		return
	}
	dz, dy, block, places := z.GradSum(), y.Grad().Data(), int(y.Kept(0)), placesOf(z)
	for b, w := range y.Winners() {
		i := member(b, int(w), block, places)
		dz[i] += dy[i]
	}
}

// Maxout returns the largest net input of each block of B neighbouring units.
//
//	z [N, U], U a multiple of B -> y [N, U/B]
//	z [N, C, H, W], C a multiple of B -> y [N, C/B, H, W]: the largest of B maps at each place
//
// Maxout panics if B does not divide U or C. Source: [LCN15, section 2].
func Maxout(z *autograd.Var, block int) *autograd.Var {
	y := compete("Maxout", z, block, maxoutBackward)
	var dims [8]int
	shape := append(dims[:0], z.Shape()...)
	shape[1] /= block
	y.Resize(shape...)
	out, in, places := y.Data(), z.Data(), placesOf(z)
	for b, w := range y.Winners() {
		out[b] = in[member(b, int(w), block, places)]
	}
	return y
}

func maxoutBackward(y *autograd.Var) {
	z := y.In(0)
	if !z.NeedsGrad() {
		return
	}
	dz, dy, block, places := z.GradSum(), y.Grad().Data(), int(y.Kept(0)), placesOf(z)
	for b, w := range y.Winners() {
		dz[member(b, int(w), block, places)] += dy[b]
	}
}

// placesOf returns how many places the maps of z have, 1 for a dense layer.
func placesOf(z *autograd.Var) int {
	places := 1
	for _, d := range z.Shape()[2:] {
		places *= d
	}
	return places
}

// member returns the position of unit w of contest number b. Contests are numbered by sample, block and place.
func member(b, w, block, places int) int {
	if places == 1 {
		return b*block + w
	}
	return (b/places*block+w)*places + b%places
}

// compete records an operation on blocks and finds the place of each block's winner.
func compete(op string, z *autograd.Var, block int, backward func(*autograd.Var)) *autograd.Var {
	if len(z.Shape()) < 2 || block < 1 || z.Shape()[1]%block != 0 {
		panic(fmt.Sprintf("competitive: %s: blocks of %d do not divide the units of shape %v", op, block, z.Shape()))
	}
	y := z.Tape().Op(op, backward, z)
	y.Keep(0, float32(block))
	in, places := z.Data(), placesOf(z)
	winners := y.Index(len(in) / block)
	if places == 1 {
		for b := range winners {
			winners[b] = int32(argmax(in[b*block : (b+1)*block]))
		}
		return y
	}
	best := y.Saved(places)
	for at := 0; at < len(winners); at += places { // the maps of a block one after the other, as they lie in memory
		win, maps := winners[at:at+places], in[at*block:(at+places)*block]
		clear(win)
		for p := range best {
			best[p] = float32(math.Inf(-1))
		}
		for w := range block {
			for p, v := range maps[w*places : (w+1)*places] {
				if v > best[p] {
					best[p], win[p] = v, int32(w)
				}
			}
		}
	}
	return y
}

// argmax returns the lowest index of the largest value; NaN counts as smaller than everything.
func argmax(x []float32) int {
	best, at := float32(math.Inf(-1)), 0
	for i, v := range x {
		if v > best {
			best, at = v, i
		}
	}
	return at
}

// KWTA is k-winners-take-all: in each row the k largest net inputs pass and the others become 0.
//
//	z [N, U] -> y [N, U] with k winners a row
//
// KWTA panics unless 1 <= k <= U.
func KWTA(z *autograd.Var, k int) *autograd.Var {
	units := z.Width()
	if k < 1 || k > units {
		panic(fmt.Sprintf("competitive: KWTA: k must lie between 1 and the %d units of shape %v, got %d", units, z.Shape(), k))
	}
	y := z.Tape().Op("KWTA", kwtaBackward, z)
	y.Resize(z.Shape()...)
	y.Keep(0, float32(k))
	n := z.Rows()
	winners := y.Index(n * k)
	out := y.Data()
	clear(out)
	order := y.Saved(k)
	for r := range n {
		row, win := z.Data()[r*units:(r+1)*units], winners[r*k:(r+1)*k]
		largest(win, order, row)
		for _, i := range win {
			out[r*units+int(i)] = row[i]
		}
	}
	return y
}

func kwtaBackward(y *autograd.Var) {
	z := y.In(0)
	if !z.NeedsGrad() {
		return
	}
	dz, dy, k, units := z.GradSum(), y.Grad().Data(), int(y.Kept(0)), y.Width()
	for j, i := range y.Winners() {
		at := j/k*units + int(i)
		dz[at] += dy[at]
	}
}

// largest stores the indices of the len(win) largest elements of x in ascending order of index. It uses a heap in
// value, win whose root is the weakest winner: the smallest value, of equal values the one with the highest index.
func largest(win []int32, value, x []float32) {
	k := len(win)
	weaker := func(i, j int) bool {
		return value[i] < value[j] || value[i] == value[j] && win[i] > win[j]
	}
	sift := func(i int) {
		for {
			least := i
			for c := 2*i + 1; c <= 2*i+2 && c < k; c++ {
				if weaker(c, least) {
					least = c
				}
			}
			if least == i {
				return
			}
			value[i], value[least] = value[least], value[i]
			win[i], win[least] = win[least], win[i]
			i = least
		}
	}
	clean := func(v float32) float32 {
		if v != v {
			return float32(math.Inf(-1))
		}
		return v
	}
	for i := range k {
		win[i], value[i] = int32(i), clean(x[i])
	}
	for i := k/2 - 1; i >= 0; i-- {
		sift(i)
	}
	for i := k; i < len(x); i++ {
		if v := clean(x[i]); v > value[0] {
			win[0], value[0] = int32(i), v
			sift(0)
		}
	}
	slices.Sort(win)
}

// Winners returns, for a result of LWTA or Maxout, the place of the winner within each block, and for a result of
// KWTA the winning units in ascending order.
//
//	LWTA, Maxout: [N · U/B] or [N · C/B · H · W], values 0 to B-1    KWTA: [N · k], values 0 to U-1
//
// The slice belongs to the tape and lives until its next Reset.
func Winners(y *autograd.Var) []int32 { return y.Winners() }

// Submask returns which units took part in y, a result of ReLU, LWTA, Maxout or KWTA: 1 for a winner, 0 for the rest.
//
//	z [N, U] -> [N, U]; for ReLU 1 where z > 0, for LWTA and Maxout exactly one 1 in each block, for KWTA k in a row
//	z [N, C, H, W] -> [N, C·H·W]
//
// A winner counts even where its value is 0. Submask panics for the result of another operation.
// Source: [LCN15, section 3].
func Submask(y *autograd.Var) *tensor.Tensor {
	z := y.In(0)
	s := tensor.New(z.Rows(), z.Width())
	mask, winners := s.Data(), y.Winners()
	switch y.Op() {
	case "ReLU":
		for i, v := range z.Data() {
			if v > 0 {
				mask[i] = 1
			}
		}
	case "LWTA", "Maxout":
		block, places := int(y.Kept(0)), placesOf(z)
		for b, w := range winners {
			mask[member(b, int(w), block, places)] = 1
		}
	case "KWTA":
		k := int(y.Kept(0))
		for j, i := range winners {
			mask[j/k*z.Width()+int(i)] = 1
		}
	default:
		panic(fmt.Sprintf("competitive: Submask: want the result of ReLU, LWTA, Maxout or KWTA, got that of %s", y.Op()))
	}
	return s
}
