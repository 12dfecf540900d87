// SPDX-License-Identifier: Apache-2.0

package simd

var goWinograd = [4]winogradMaps{
	{goLinear(goWinogradInput4), goLinear(goWinogradOutput23), goLinear(goWinogradOutputT23),
		goLinear(goWinogradFilter23), goLinear(goWinogradFilterT23)},
	{goLinear(goWinogradInput6), goLinear(goWinogradOutput43), goLinear(goWinogradOutputT43),
		goLinear(goWinogradFilter43), goLinear(goWinogradFilterT43)},
	{goLinear(goWinogradInput6), goLinear(goWinogradOutput25), goLinear(goWinogradOutputT25),
		goLinear(goWinogradFilter25), goLinear(goWinogradFilterT25)},
	{goLinear(goWinogradInput8), goLinear(goWinogradOutput45), goLinear(goWinogradOutputT45),
		goLinear(goWinogradFilter45), goLinear(goWinogradFilterT45)},
}

// goLinear makes a kernel of the map for one float of each vector.
func goLinear[In, Out interface {
	[2]float32 | [3]float32 | [4]float32 | [5]float32 | [6]float32 | [8]float32
}](f func(x In) Out) winogradKernel {
	return func(dst []float32, dstPlane, dstStep int, src []float32, srcPlane, srcStep, count, n int) {
		for item := range count {
			to, from := dst[item*dstStep:], src[item*srcStep:]
			for e := range n {
				var x In
				for i := range len(x) {
					x[i] = from[i*srcPlane+e]
				}
				y := f(x)
				for i := range len(y) {
					to[i*dstPlane+e] = y[i]
				}
			}
		}
	}
}

func goWinogradInput4(x [4]float32) [4]float32 {
	return [4]float32{x[0] - x[2], x[1] + x[2], x[2] - x[1], x[1] - x[3]}
}

func goWinogradOutput23(x [4]float32) [2]float32 {
	return [2]float32{x[0] + x[1] + x[2], x[1] - x[2] - x[3]}
}

func goWinogradOutputT23(x [2]float32) [4]float32 {
	return [4]float32{x[0], x[0] + x[1], x[0] - x[1], 0 - x[1]}
}

func goWinogradFilter23(x [3]float32) [4]float32 {
	even, odd := (x[0]+x[2])/2, x[1]/2
	return [4]float32{x[0], even + odd, even - odd, x[2]}
}

func goWinogradFilterT23(x [4]float32) [3]float32 {
	even, odd := (x[1]+x[2])/2, (x[1]-x[2])/2
	return [3]float32{x[0] + even, odd, even + x[3]}
}

// The points where six inputs are seen, a and b with both signs, and what the rows of G are divided by: the products of
// a point's differences from the others.
const (
	pointA = 3. / 4
	pointB = 3. / 2
	a2, b2 = pointA * pointA, pointB * pointB
	a3, b3 = a2 * pointA, b2 * pointB
	a4, b4 = a2 * a2, b2 * b2

	divisor0 = a2 * b2
	divisorA = 2 * a2 * (a2 - b2)
	divisorB = 2 * b2 * (b2 - a2)
)

func goWinogradInput6(x [6]float32) [6]float32 {
	evenA, oddA := x[4]-b2*x[2], pointA*(x[3]-b2*x[1])
	evenB, oddB := x[4]-a2*x[2], pointB*(x[3]-a2*x[1])
	return [6]float32{
		x[4] + a2*b2*x[0] - (a2+b2)*x[2],
		evenA + oddA, evenA - oddA, evenB + oddB, evenB - oddB,
		x[5] + a2*b2*x[1] - (a2+b2)*x[3],
	}
}

func goWinogradOutput43(x [6]float32) [4]float32 {
	evenA, oddA, evenB, oddB := x[1]+x[2], x[1]-x[2], x[3]+x[4], x[3]-x[4]
	return [4]float32{x[0] + evenA + evenB, pointA*oddA + pointB*oddB, a2*evenA + b2*evenB, x[5] + a3*oddA + b3*oddB}
}

func goWinogradOutputT43(x [4]float32) [6]float32 {
	evenA, oddA := x[0]+a2*x[2], pointA*x[1]+a3*x[3]
	evenB, oddB := x[0]+b2*x[2], pointB*x[1]+b3*x[3]
	return [6]float32{x[0], evenA + oddA, evenA - oddA, evenB + oddB, evenB - oddB, x[3]}
}

func goWinogradFilter43(x [3]float32) [6]float32 {
	evenA, oddA := a2/divisorA*x[2]+1/divisorA*x[0], pointA/divisorA*x[1]
	evenB, oddB := b2/divisorB*x[2]+1/divisorB*x[0], pointB/divisorB*x[1]
	return [6]float32{1 / divisor0 * x[0], evenA + oddA, evenA - oddA, evenB + oddB, evenB - oddB, x[2]}
}

func goWinogradFilterT43(x [6]float32) [3]float32 {
	evenA, oddA, evenB, oddB := x[1]+x[2], x[1]-x[2], x[3]+x[4], x[3]-x[4]
	return [3]float32{
		1/divisor0*x[0] + 1/divisorA*evenA + 1/divisorB*evenB,
		pointA/divisorA*oddA + pointB/divisorB*oddB,
		x[5] + a2/divisorA*evenA + b2/divisorB*evenB,
	}
}

func goWinogradOutput25(x [6]float32) [2]float32 {
	evenA, oddA, evenB, oddB := x[1]+x[2], x[1]-x[2], x[3]+x[4], x[3]-x[4]
	return [2]float32{x[0] + evenA + evenB, x[5] + pointA*oddA + pointB*oddB}
}

func goWinogradOutputT25(x [2]float32) [6]float32 {
	oddA, oddB := pointA*x[1], pointB*x[1]
	return [6]float32{x[0], x[0] + oddA, x[0] - oddA, x[0] + oddB, x[0] - oddB, x[1]}
}

func goWinogradFilter25(x [5]float32) [6]float32 {
	evenA, oddA := a4/divisorA*x[4]+a2/divisorA*x[2]+1/divisorA*x[0], a3/divisorA*x[3]+pointA/divisorA*x[1]
	evenB, oddB := b4/divisorB*x[4]+b2/divisorB*x[2]+1/divisorB*x[0], b3/divisorB*x[3]+pointB/divisorB*x[1]
	return [6]float32{1 / divisor0 * x[0], evenA + oddA, evenA - oddA, evenB + oddB, evenB - oddB, x[4]}
}

func goWinogradFilterT25(x [6]float32) [5]float32 {
	evenA, oddA, evenB, oddB := x[1]+x[2], x[1]-x[2], x[3]+x[4], x[3]-x[4]
	return [5]float32{
		1/divisor0*x[0] + 1/divisorA*evenA + 1/divisorB*evenB,
		pointA/divisorA*oddA + pointB/divisorB*oddB,
		a2/divisorA*evenA + b2/divisorB*evenB,
		a3/divisorA*oddA + b3/divisorB*oddB,
		x[5] + a4/divisorA*evenA + b4/divisorB*evenB,
	}
}

// The points where eight inputs are seen, c, d = 1 and e with both signs, and what the rows of G are divided by.
const (
	pointC = 1. / 2
	pointE = 2.
	c2, e2 = pointC * pointC, pointE * pointE
	c3, e3 = c2 * pointC, e2 * pointE
	c4, e4 = c2 * c2, e2 * e2

	divisorC = 2 * c2 * (c2 - 1) * (c2 - e2)
	divisorD = 2 * (1 - c2) * (1 - e2)
	divisorE = 2 * e2 * (e2 - c2) * (e2 - 1)
)

func goWinogradInput8(x [8]float32) [8]float32 {
	const sum = 1 + c2 + e2 // that of the products of two squares as well
	evenC, oddC := x[6]+e2*x[2]-(1+e2)*x[4], pointC*(x[5]+e2*x[1]-(1+e2)*x[3])
	evenD, oddD := x[6]+x[2]-(c2+e2)*x[4], x[5]+x[1]-(c2+e2)*x[3]
	evenE, oddE := x[6]+c2*x[2]-(c2+1)*x[4], pointE*(x[5]+c2*x[1]-(c2+1)*x[3])
	return [8]float32{
		x[0] - x[6] + sum*(x[4]-x[2]),
		evenC + oddC, evenC - oddC, evenD + oddD, evenD - oddD, evenE + oddE, evenE - oddE,
		x[7] - x[1] + sum*(x[3]-x[5]),
	}
}

func goWinogradOutput45(x [8]float32) [4]float32 {
	evenC, oddC, evenD, oddD, evenE, oddE := x[1]+x[2], x[1]-x[2], x[3]+x[4], x[3]-x[4], x[5]+x[6], x[5]-x[6]
	return [4]float32{
		x[0] + evenC + evenD + evenE,
		pointC*oddC + oddD + pointE*oddE,
		c2*evenC + evenD + e2*evenE,
		x[7] + c3*oddC + oddD + e3*oddE,
	}
}

func goWinogradOutputT45(x [4]float32) [8]float32 {
	evenC, oddC := x[0]+c2*x[2], pointC*x[1]+c3*x[3]
	evenD, oddD := x[0]+x[2], x[1]+x[3]
	evenE, oddE := x[0]+e2*x[2], pointE*x[1]+e3*x[3]
	return [8]float32{
		x[0], evenC + oddC, evenC - oddC, evenD + oddD, evenD - oddD, evenE + oddE, evenE - oddE, x[3],
	}
}

func goWinogradFilter45(x [5]float32) [8]float32 {
	evenC, oddC := c4/divisorC*x[4]+c2/divisorC*x[2]+1/divisorC*x[0], c3/divisorC*x[3]+pointC/divisorC*x[1]
	evenD, oddD := 1/divisorD*(x[0]+x[2]+x[4]), 1/divisorD*(x[1]+x[3])
	evenE, oddE := e4/divisorE*x[4]+e2/divisorE*x[2]+1/divisorE*x[0], e3/divisorE*x[3]+pointE/divisorE*x[1]
	return [8]float32{
		x[0], evenC + oddC, evenC - oddC, evenD + oddD, evenD - oddD, evenE + oddE, evenE - oddE, x[4],
	}
}

func goWinogradFilterT45(x [8]float32) [5]float32 {
	evenC, oddC, evenE, oddE := x[1]+x[2], x[1]-x[2], x[5]+x[6], x[5]-x[6]
	evenD, oddD := 1/divisorD*(x[3]+x[4]), 1/divisorD*(x[3]-x[4])
	return [5]float32{
		x[0] + 1/divisorC*evenC + evenD + 1/divisorE*evenE,
		pointC/divisorC*oddC + oddD + pointE/divisorE*oddE,
		c2/divisorC*evenC + evenD + e2/divisorE*evenE,
		c3/divisorC*oddC + oddD + e3/divisorE*oddE,
		x[7] + c4/divisorC*evenC + evenD + e4/divisorE*evenE,
	}
}
