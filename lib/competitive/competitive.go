// SPDX-License-Identifier: Apache-2.0

// Package competitive provides operations in which the units of a layer compete; losing units are set to zero.
//
//	LWTA     within each block of units, only the largest passes     [LCN15, section 2]
//	Maxout   as LWTA, but a block has one output: its largest        [LCN15, section 2]
//	KWTA     among all units of a sample, only the k largest pass
//	Lifetime among all samples of a unit, only the largest share passes     [WTA15]
//	Spatial  among all positions of a map, only the largest passes          [WTA15]
//
// ReLU, in which each unit competes with zero, is in package autograd. Each operation takes net inputs z [N, U], one
// row per sample, and passes gradients only to winners. LWTA and Maxout also take the maps of a convolutional layer, z
// [N, C, H, W]: neighbouring maps compete at each position, before any pooling. Spatial takes nothing else. [Winners]
// returns the winners, [Submask] the pattern of winning units. Ties go to the lowest index. NaN wins only where there
// are not enough numbers.
package competitive

import (
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// LWTA is local winner-take-all: y_j = z_j if z_j is the largest in its block of B neighbouring units, otherwise 0. A
// negative winner passes too.
//
//	z [N, U], U a multiple of B -> y [N, U] with at most U/B nonzero elements per row
//	z [N, C, H, W], C a multiple of B -> y [N, C, H, W]: blocks of B maps compete at each position
//
// LWTA panics if B does not divide U or C. Source: [LCN15, section 2].
func LWTA(z *autograd.Var, block int) *autograd.Var {
	checkBlocks("LWTA", z, block)
	y, op := autograd.Record[lwtaOp]("LWTA", z)
	y.Resize(z.Shape()...)
	op.reset(z, block)
	autograd.For(y, z.Rows(), samplesWorthSharing(z), (*lwtaOp).forward)
	return y
}

type lwtaOp struct{ blocks }

// forward finds the winners of samples lo to hi.
func (op *lwtaOp) forward(y *autograd.Var, lo, hi int) {
	in, out, width := y.In(0).Data(), y.Data(), y.Width()
	clear(out[lo*width : hi*width])
	first, last := op.compete(y, lo, hi)
	for b, w := range op.winners[first:last] {
		i := op.member(first+b, w)
		out[i] = in[i]
	}
}

func (op *lwtaOp) Backward(y *autograd.Var) {
	if z := y.In(0); z.NeedsGrad() {
		z.GradSum()
		autograd.For(y, z.Rows(), samplesWorthSharing(z), (*lwtaOp).backward)
	}
}

// backward passes the gradients of samples lo to hi to the winners.
func (op *lwtaOp) backward(y *autograd.Var, lo, hi int) {
	dz, dy := y.In(0).Grad().Data(), y.Grad().Data()
	first, last := op.contests(y, lo, hi)
	for b, w := range op.winners[first:last] {
		i := op.member(first+b, w)
		dz[i] += dy[i]
	}
}

// Maxout returns the largest net input of each block of B neighbouring units.
//
//	z [N, U], U a multiple of B -> y [N, U/B]
//	z [N, C, H, W], C a multiple of B -> y [N, C/B, H, W]: the largest of B maps at each position
//
// Maxout panics if B does not divide U or C. Source: [LCN15, section 2].
func Maxout(z *autograd.Var, block int) *autograd.Var {
	checkBlocks("Maxout", z, block)
	y, op := autograd.Record[maxoutOp]("Maxout", z)
	op.shape = append(op.shape[:0], z.Shape()...)
	op.shape[1] /= block
	y.Resize(op.shape...)
	op.reset(z, block)
	autograd.For(y, z.Rows(), samplesWorthSharing(z), (*maxoutOp).forward)
	return y
}

type maxoutOp struct {
	blocks
	shape []int
}

// forward finds the winners of samples lo to hi.
func (op *maxoutOp) forward(y *autograd.Var, lo, hi int) {
	in, out := y.In(0).Data(), y.Data()
	first, last := op.compete(y, lo, hi)
	for b, w := range op.winners[first:last] {
		out[first+b] = in[op.member(first+b, w)]
	}
}

func (op *maxoutOp) Backward(y *autograd.Var) {
	if z := y.In(0); z.NeedsGrad() {
		z.GradSum()
		autograd.For(y, z.Rows(), samplesWorthSharing(z), (*maxoutOp).backward)
	}
}

// backward passes the gradients of samples lo to hi to the winners.
func (op *maxoutOp) backward(y *autograd.Var, lo, hi int) {
	dz, dy := y.In(0).Grad().Data(), y.Grad().Data()
	first, last := op.contests(y, lo, hi)
	for b, w := range op.winners[first:last] {
		dz[op.member(first+b, w)] += dy[first+b]
	}
}

func checkBlocks(op string, z *autograd.Var, block int) {
	if len(z.Shape()) < 2 || block < 1 || z.Shape()[1]%block != 0 {
		panic(fmt.Sprintf("competitive: %s: blocks of %d do not divide the units of shape %v", op, block, z.Shape()))
	}
}

// contest is embedded in the state of operations that have winners.
type contest struct{ winners []int32 }

// Winners returns the winners.
func (c *contest) Winners() []int32 { return c.winners }

// Choices yields the winners.
func (c *contest) Choices(*autograd.Var) iter.Seq[int32] { return slices.Values(c.winners) }

// blocks is the state of a competition within blocks of neighbouring units. Contests are numbered by sample, block and
// position.
type blocks struct {
	contest           // winners are indices within their block
	block, places int // units in a block; positions of a map, 1 for a dense layer
}

// member returns the index of unit w of contest b.
func (op *blocks) member(b int, w int32) int {
	if op.places == 1 {
		return b*op.block + int(w)
	}
	return (b/op.places*op.block+int(w))*op.places + b%op.places
}

// Submask marks the winners.
func (op *blocks) Submask(_ *autograd.Var, mask []float32) {
	for b, w := range op.winners {
		mask[op.member(b, w)] = 1
	}
}

// reset prepares the contests of z.
func (op *blocks) reset(z *autograd.Var, block int) {
	op.block, op.places = block, 1
	for _, d := range z.Shape()[2:] {
		op.places *= d
	}
	n := z.Value().Len() / block
	op.winners = slices.Grow(op.winners[:0], n)[:n]
}

// contests returns the first contest of samples lo to hi and the one behind the last.
func (op *blocks) contests(y *autograd.Var, lo, hi int) (first, last int) {
	perSample := y.In(0).Width() / op.block
	return lo * perSample, hi * perSample
}

// compete finds the winners of samples lo to hi, and returns the first of their contests and the one behind the last.
func (op *blocks) compete(y *autograd.Var, lo, hi int) (first, last int) {
	first, last = op.contests(y, lo, hi)
	in, win := y.In(0).Data()[first*op.block:last*op.block], op.winners[first:last]
	switch {
	case op.places > 1:
		for at := 0; at < len(win); at += op.places {
			competeMaps(win[at:at+op.places], in[at*op.block:(at+op.places)*op.block])
		}
	case op.block == 2:
		competePairs(win, in)
	default:
		for b := range win {
			win[b] = int32(argmax(in[b*op.block : (b+1)*op.block]))
		}
	}
	return first, last
}

// competePairs finds the winners of blocks of two units. It has no branches that depend on who wins.
func competePairs(win []int32, in []float32) {
	in = in[:2*len(win)]
	for b := range win {
		first, second := in[2*b], in[2*b+1]
		w := int32(0)
		if second > first {
			w = 1
		}
		if first != first && second >= -math.MaxFloat32 {
			w = 1
		}
		win[b] = w
	}
}

// competeMaps finds the winners of blocks of maps at each position.
func competeMaps(win []int32, maps []float32) {
	places := len(win)
	for p := range win {
		at, best := 0, float32(math.Inf(-1))
		for w, i := 0, p; i < len(maps); w, i = w+1, i+places {
			if v := maps[i]; v > best {
				best, at = v, w
			}
		}
		win[p] = int32(at)
	}
}

// argmax returns the lowest index of the largest value. NaN counts as smaller than everything.
func argmax(x []float32) int {
	best, at := float32(math.Inf(-1)), 0
	for i, v := range x {
		if v > best {
			best, at = v, i
		}
	}
	return at
}

// KWTA is k-winners-take-all: in each row, the k largest net inputs pass and the others become 0.
//
//	z [N, U] -> y [N, U] with k winners per row
//
// KWTA panics unless 1 <= k <= U.
func KWTA(z *autograd.Var, k int) *autograd.Var {
	units := z.Width()
	if k < 1 || k > units {
		panic(fmt.Sprintf("competitive: KWTA: k must lie between 1 and the %d units of shape %v, got %d",
			units, z.Shape(), k))
	}
	y, op := autograd.Record[kwtaOp]("KWTA", z)
	y.Resize(z.Shape()...)
	op.k = k
	op.winners = slices.Grow(op.winners[:0], z.Rows()*k)[:z.Rows()*k]
	clear(y.Data())
	autograd.For(y, z.Rows(), samplesWorthSharing(z), (*kwtaOp).forward)
	return y
}

type kwtaOp struct {
	contest // the winners of each sample, in ascending order
	k       int
}

// forward finds the winners of samples lo to hi.
func (op *kwtaOp) forward(y *autograd.Var, lo, hi int) {
	for r := lo; r < hi; r++ {
		in, out, win := y.In(0).Value().Row(r), y.Value().Row(r), op.winners[r*op.k:(r+1)*op.k]
		largest(win, in)
		for _, i := range win {
			out[i] = in[i]
		}
	}
}

// samplesWorthSharing returns the number of samples from which a second goroutine pays.
func samplesWorthSharing(z *autograd.Var) int {
	const elements = 1 << 14
	return elements/max(z.Width(), 1) + 1
}

func (op *kwtaOp) Backward(y *autograd.Var) {
	if z := y.In(0); z.NeedsGrad() {
		dz, dy := z.GradSum(), y.Grad().Data()
		for j, i := range op.winners {
			at := j/op.k*y.Width() + int(i)
			dz[at] += dy[at]
		}
	}
}

// Submask marks the winners.
func (op *kwtaOp) Submask(y *autograd.Var, mask []float32) {
	for j, i := range op.winners {
		mask[j/op.k*y.Width()+int(i)] = 1
	}
}

// largest stores in win the indices of the len(win) largest elements of x, in ascending order. Every element above a
// threshold wins, and of those equal to it the first ones.
func largest(win []int32, x []float32) {
	threshold, n := simd.Threshold(x, len(win))
	if n == len(win) {
		at := 0
		for i, v := range x {
			if v >= threshold {
				win[at] = int32(i)
				at++
			}
		}
		return
	}
	equal := len(win)
	for _, v := range x {
		if v > threshold {
			equal--
		}
	}
	none := threshold < -math.MaxFloat32 // then NaN counts as equal to it
	at := 0
	for i, v := range x {
		switch {
		case v > threshold:
		case equal > 0 && (v == threshold || none && v != v):
			equal--
		default:
			continue
		}
		win[at] = int32(i)
		at++
	}
}

// Winners returns the winners of a result of this package, and the switches of a result of [autograd.MaxPool2D].
//
//	LWTA, Maxout  the winner of each block, 0 to B-1     [N · U/B] or [N · C/B · H · W]
//	KWTA          the units of each sample, ascending    [N · k]
//	Lifetime      the samples of each unit, ascending    [U · k]
//	Spatial       the position in each map, row by row   [N · C]
//
// It works for every operation whose state has a method Winners() []int32, and panics for others. The slice belongs to
// the tape and is valid until its next Reset.
func Winners(y *autograd.Var) []int32 {
	op, ok := y.Operation().(interface{ Winners() []int32 })
	if !ok {
		panic(fmt.Sprintf("competitive: Winners: want the result of a competition or of MaxPool2D, got that of %s", y.Op()))
	}
	return op.Winners()
}

// A Competition is an operation in which elements of its first input compete.
type Competition interface {
	autograd.Operation
	// Submask sets the elements of mask that belong to winners to 1. The mask has one element per element of the first
	// input of the result y, and is all zeros at first.
	Submask(y *autograd.Var, mask []float32)
}

// Submask returns which units are active in y, the result of a [Competition] such as ReLU or the operations of this
// package: 1 for a winner, 0 for the rest.
//
//	z [N, U] -> [N, U]; for ReLU 1 where z > 0, for LWTA and Maxout exactly one 1 per block, for KWTA k per row, for
//	Lifetime k per column
//	z [N, C, H, W] -> [N, C·H·W]; for Spatial one 1 per map
//
// A winner counts even if its value is 0. Submask panics for the result of another operation. Source: [LCN15, section
// 3].
func Submask(y *autograd.Var) *tensor.Tensor {
	op, ok := y.Operation().(Competition)
	if !ok {
		panic(fmt.Sprintf("competitive: Submask: want the result of ReLU or of a competition, got that of %s", y.Op()))
	}
	z := y.In(0)
	s := tensor.New(z.Rows(), z.Width())
	op.Submask(y, s.Data())
	return s
}
