// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// The polynomials were fitted for the smallest largest error (Lawson's iteration) and rounded to float32;
// the errors that remain, in units in the last place of the function, are at most 0.1 for each.
var (
	// expTail(r) = (exp(r) - 1 - r) / r^2 for |r| <= log(2)/2.
	expTail = []float64{0.4999999403953552, 0.1666652113199234, 0.04166838899254799, 0.008368716575205326, 0.001381459878757596}
	// logTail(f) = (log(1+f) - f) / f^2 for sqrt(1/2) <= 1+f <= sqrt(2).
	logTail = []float64{-0.5, 0.3333333134651184, -0.2500081956386566, 0.20001226663589478, -0.16623356938362122,
		0.14201757311820984, -0.13160182535648346, 0.1276157796382904, -0.07634497433900833}
)

// log(2) in two parts: the first has so few digits that an exponent times it is exact.
const (
	ln2High = 0.693359375
	ln2Low  = math.Ln2 - ln2High
)

func (v isa) constants(c []float64) []op {
	all := make([]op, len(c))
	for i, f := range c {
		all[i] = v.constant(f)
	}
	return all
}

// expParts holds the constants of the exponential.
type expParts struct {
	v                    isa
	log2e, magic         op
	ln2High, ln2Low, one op
	tail                 []op
}

// round is 1.5 * 2^23: adding it to a small number rounds that to an integer, which is then the low bits of the sum.
const round = 0x1.8p23

func (v isa) expParts() expParts {
	return expParts{
		v: v, log2e: v.constant(math.Log2E), magic: v.constant(round),
		ln2High: v.constant(ln2High), ln2Low: v.constant(ln2Low), one: v.constant(1),
		tail: v.constants(expTail),
	}
}

// reduce splits exp(x) = 2^n * (1 + q), |q| < 0.42, and returns n as a float, n + round, and q.
func (e expParts) reduce(x vec) (n, shifted, q vec) {
	v := e.v
	shifted = v.fma(x, e.log2e, v.copy(e.magic))
	n = v.sub(shifted, e.magic)
	r := v.fnma(n, e.ln2Low, v.fnma(n, e.ln2High, v.copy(x)))
	q = v.fma(v.mul(r, r), v.horner(r, e.tail), v.copy(r))
	return n, shifted, q
}

// power2 returns 2^n for the integer n in the low bits of shifted, -126 <= n <= 127.
func (v isa) power2(shifted vec, one op) vec {
	r := v.vec()
	VPSLLD(operand.U8(23), shifted, r)
	return v.addInt(r, one) // adds n to the exponent of 1
}

// times2 returns y * 2^n, rounded once, also where the result is subnormal or overflows; |n| <= 252.
func (e expParts) times2(y, n, shifted vec) vec {
	v := e.v
	r := v.vec()
	if v.wide() {
		VSCALEFPS(n, y, r)
		return r
	}
	// Two factors, as 2^n itself may be out of range; the first product is exact.
	integer := v.subInt(shifted, e.magic)
	half := v.vec()
	VPSRAD(operand.U8(1), integer, half)
	r = v.mul(y, v.power2(half, e.one))
	return v.mul(r, v.power2(v.subInt(integer, half), e.one))
}

// exponential returns the body of exp. Beyond the limits the result is 0 or +Inf anyway; NaN passes through min and max.
func (v isa) exponential() func(x vec) vec {
	e := v.expParts()
	low, high := v.constantReg(-105), v.constantReg(90)
	return func(x vec) vec {
		x = v.min(high, v.max(low, x))
		n, shifted, q := e.reduce(x)
		return e.times2(v.add(q, e.one), n, shifted)
	}
}

// functions emits the elementary functions.
func (v isa) functions() {
	unary := func(kernel string, prepare func() func(x vec) vec) {
		v.elementwise(kernel, "func(dst, x []float32)", 1, []string{"x"}, []string{"dst"}, func() body {
			f := prepare()
			return func(in []vec) []vec { return []vec{f(in[0])} }
		})
	}
	unary("Exp", v.exponential)
	unary("Log", v.logarithm)
	unary("Tanh", v.tanh)
	unary("Sigmoid", v.sigmoid)
}

// logarithm splits x = 2^n * (1+f) with sqrt(1/2) <= 1+f < sqrt(2): log(x) = n*log(2) + f + f^2*logTail(f).
func (v isa) logarithm() func(x vec) vec {
	const sqrtHalf = 0x3f3504f3 // the bits of sqrt(1/2)
	one := v.constant(1)
	smallest, infinity := v.constant(0x1p-126), v.bits(0x7f800000)
	scale, scaled := v.constant(0x1p23), v.constant(-23)
	offset, fraction := v.bits(sqrtHalf), v.bits(0x007fffff)
	high, low := v.constant(ln2High), v.constant(ln2Low)
	zero, minusInfinity, nan := v.zero(), v.bits(0xff800000), v.bits(0x7fc00000)
	tail := v.constants(logTail)
	return func(x vec) vec {
		// A subnormal number is made normal first.
		subnormal := v.compare(x, less, smallest)
		y := v.choose(subnormal, v.mul(x, scale), x)
		correction := v.keep(subnormal, v.copy(scaled))

		bits := v.subInt(y, offset)
		exponent := v.vec()
		VPSRAD(operand.U8(23), bits, exponent)
		VCVTDQ2PS(exponent, exponent)
		n := v.add(exponent, correction)
		f := v.sub(v.addInt(v.and(bits, fraction), offset), one)

		r := v.mul(v.mul(f, f), v.horner(f, tail))
		r = v.fma(n, low, r)
		r = v.add(f, r)
		r = v.fma(n, high, r)

		// Special values: 0 gives -Inf, a negative number NaN; +Inf and NaN return themselves.
		r = v.choose(v.compare(x, equal, zero), minusInfinity, r)
		r = v.choose(v.compare(x, less, zero), nan, r)
		return v.choose(v.compare(x, notLessOrNaN, infinity), x, r)
	}
}

// tanh is sign(x) * m/(m+2) with m = exp(2|x|) - 1, which loses no digits near zero. Beyond 10 it is 1.
func (v isa) tanh() func(x vec) vec {
	e := v.expParts()
	signless, sign := v.signless(), v.bits(0x80000000)
	limit, two := v.constantReg(10), v.constant(2)
	return func(x vec) vec {
		a := v.min(limit, v.and(x, signless))
		_, shifted, q := e.reduce(v.add(a, a))
		p := v.power2(shifted, e.one)
		m := v.fma(p, q, v.sub(p, e.one)) // 2^n*(1+q) - 1
		return v.or(v.div(m, v.add(m, two)), v.and(x, sign))
	}
}

// sigmoid is 1/(1+y) for x >= 0 and y/(1+y) for x < 0, with y = exp(-|x|).
func (v isa) sigmoid() func(x vec) vec {
	e := v.expParts()
	sign, low, zero := v.bits(0x80000000), v.constantReg(-105), v.zero()
	one := v.constantReg(1)
	return func(x vec) vec {
		n, shifted, q := e.reduce(v.max(low, v.or(x, sign)))
		y := e.times2(v.add(q, e.one), n, shifted)
		numerator := v.choose(v.compare(x, less, zero), y, one)
		return v.div(numerator, v.add(y, one))
	}
}
