// SPDX-License-Identifier: Apache-2.0

package main

import "math"

// The elementary functions are those of the assembly for amd64 (../math.go), operation by operation, so that they give
// the same bits.
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

// round is 1.5 * 2^23: adding it to a small number rounds that to an integer, which is then the low bits of the sum.
const round = 0x1.8p23

func (k *kernel) constants(c []float64) []V {
	all := make([]V, len(c))
	for i, f := range c {
		all[i] = k.constant(f)
	}
	return all
}

// horner evaluates the polynomial c[0] + c[1]*x + c[2]*x*x + ...
func (k *kernel) horner(x V, c []V) V {
	p, q := k.copy(c[len(c)-1]), k.v()
	for i := len(c) - 2; i >= 0; i-- {
		k.move(q, c[i])
		k.fmla(q, p, x)
		p, q = q, p
	}
	return p
}

// expParts holds the constants of the exponential.
type expParts struct {
	*kernel
	log2e, magic         V
	ln2High, ln2Low, one V
	tail                 []V
}

func (k *kernel) expParts() expParts {
	return expParts{
		kernel: k, log2e: k.constant(math.Log2E), magic: k.constant(round),
		ln2High: k.constant(ln2High), ln2Low: k.constant(ln2Low), one: k.constant(1),
		tail: k.constants(expTail),
	}
}

// reduce splits exp(x) = 2^n * (1 + q), |q| < 0.42, and returns n + round, and q.
func (e expParts) reduce(x V) (shifted, q V) {
	shifted = e.fma(x, e.log2e, e.copy(e.magic))
	q = e.copy(x)
	e.scope(func() {
		n := e.sub(shifted, e.magic)
		e.fnma(n, e.ln2High, q)
		e.fnma(n, e.ln2Low, q)
		p := e.horner(q, e.tail)
		square := n
		e.fmul(square, q, q)
		e.fma(square, p, q)
	})
	return shifted, q
}

// power2 makes of the integer n in the low bits of x, -126 <= n <= 127, the float 2^n.
func (e expParts) power2(x V) {
	e.shl(x, x, 23)
	e.addS(x, x, e.one) // adds n to the exponent of 1
}

// times2 returns y * 2^n, rounded once, also where the result is subnormal or overflows; |n| <= 252. It takes two
// factors, as 2^n itself may be out of range; the first product is exact.
func (e expParts) times2(y, shifted V) V {
	half := e.v()
	e.subS(shifted, shifted, e.magic)
	e.sshr(half, shifted, 1)
	e.subS(shifted, shifted, half)
	e.power2(half)
	e.power2(shifted)
	e.fmul(y, y, half)
	e.fmul(y, y, shifted)
	return y
}

// exponential returns the body of exp. Beyond the limits the result is 0 or +Inf anyway; NaN passes through min and max.
func (k *kernel) exponential() func(x V) V {
	e := k.expParts()
	low, high := k.constant(-105), k.constant(90)
	return func(x V) V {
		shifted, q := e.reduce(k.min(high, k.max(low, x)))
		k.fadd(q, q, e.one)
		return e.times2(q, shifted)
	}
}

// logarithm splits x = 2^n * (1+f) with sqrt(1/2) <= 1+f < sqrt(2): log(x) = n*log(2) + f + f^2*logTail(f).
func (k *kernel) logarithm() func(x V) V {
	const sqrtHalf = 0x3f3504f3 // the bits of sqrt(1/2)
	one := k.constant(1)
	smallest, infinity := k.constant(0x1p-126), k.bits(0x7f800000)
	scale, scaled := k.constant(0x1p23), k.constant(-23)
	offset, fraction := k.bits(sqrtHalf), k.bits(0x007fffff)
	high, low := k.constant(ln2High), k.constant(ln2Low)
	minusInfinity, nan := k.bits(0xff800000), k.bits(0x7fc00000)
	tail := k.constants(logTail)
	return func(x V) V {
		// A subnormal number is made normal first.
		n, f, m := k.v(), k.v(), k.v()
		k.fcmgt(m, smallest, x)
		k.fmul(f, x, scale)
		k.move(n, m)
		k.bsl(n, f, x)
		k.subS(n, n, offset)
		k.and(f, n, fraction)
		k.addS(f, f, offset)
		k.fsub(f, f, one)
		k.sshr(n, n, 23)
		k.scvtf(n, n)
		k.and(m, m, scaled)
		k.fadd(n, n, m)

		p := k.horner(f, tail)
		r := m
		k.fmul(r, f, f)
		k.fmul(r, r, p)
		k.fmla(r, n, low)
		k.fadd(r, f, r)
		k.fmla(r, n, high)

		// Special values: 0 gives -Inf, a negative number NaN; +Inf and NaN return themselves.
		k.isZero(p, x)
		k.bit(r, minusInfinity, p)
		k.negative(p, x)
		k.bit(r, nan, p)
		k.fcmgt(p, infinity, x) // fails of +Inf and NaN
		k.bsl(p, r, x)
		return p
	}
}

// tanh is sign(x) * m/(m+2) with m = exp(2|x|) - 1, which loses no digits near zero. Beyond 10 it is 1.
func (k *kernel) tanh() func(x V) V {
	e := k.expParts()
	limit, two, sign := k.constant(10), k.constant(2), k.bits(0x80000000)
	return func(x V) V {
		a := k.v()
		k.fabs(a, x)
		a = k.min(limit, a)
		k.fadd(a, a, a)
		p, q := e.reduce(a)
		e.power2(p)
		k.fsub(a, p, e.one)
		k.fmla(a, p, q) // 2^n*(1+q) - 1
		k.fadd(q, a, two)
		k.fdiv(q, a, q)
		k.and(p, x, sign)
		k.orr(q, q, p)
		return q
	}
}

// sigmoid is 1/(1+y) for x >= 0 and y/(1+y) for x < 0, with y = exp(-|x|).
func (k *kernel) sigmoid() func(x V) V {
	e := k.expParts()
	sign, low := k.bits(0x80000000), k.constant(-105)
	return func(x V) V {
		a := k.v()
		k.orr(a, x, sign)
		shifted, q := e.reduce(k.max(low, a))
		k.fadd(q, q, e.one)
		y := e.times2(q, shifted)
		k.negative(a, x)
		k.bsl(a, y, e.one)
		k.fadd(y, y, e.one)
		k.fdiv(a, a, y)
		return a
	}
}
