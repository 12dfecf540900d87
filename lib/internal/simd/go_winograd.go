// SPDX-License-Identifier: Apache-2.0

package simd

var goWinograd = [2]winogradMaps{
	{goLinear(goWinogradInput2), goLinear(goWinogradOutput2), goLinear(goWinogradOutputT2), goLinear(goWinogradFilter2),
		goLinear(goWinogradFilterT2)},
	{goLinear(goWinogradInput4), goLinear(goWinogradOutput4), goLinear(goWinogradOutputT4), goLinear(goWinogradFilter4),
		goLinear(goWinogradFilterT4)},
}

// goLinear makes a kernel of the map for one float of each vector.
func goLinear[In, Out interface {
	[2]float32 | [3]float32 | [4]float32 | [6]float32
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

func goWinogradInput2(x [4]float32) [4]float32 {
	return [4]float32{x[0] - x[2], x[1] + x[2], x[2] - x[1], x[1] - x[3]}
}

func goWinogradOutput2(x [4]float32) [2]float32 {
	return [2]float32{x[0] + x[1] + x[2], x[1] - x[2] - x[3]}
}

func goWinogradOutputT2(x [2]float32) [4]float32 {
	return [4]float32{x[0], x[0] + x[1], x[0] - x[1], 0 - x[1]}
}

func goWinogradFilter2(x [3]float32) [4]float32 {
	even, odd := (x[0]+x[2])/2, x[1]/2
	return [4]float32{x[0], even + odd, even - odd, x[2]}
}

func goWinogradFilterT2(x [4]float32) [3]float32 {
	even, odd := (x[1]+x[2])/2, (x[1]-x[2])/2
	return [3]float32{x[0] + even, odd, even + x[3]}
}

// The points of tiles of four outputs, a and b with both signs, and what the rows of G are divided by: the products of
// a point's differences from the others.
const (
	pointA = 3. / 4
	pointB = 3. / 2
	a2, b2 = pointA * pointA, pointB * pointB
	a3, b3 = a2 * pointA, b2 * pointB

	divisor0 = a2 * b2
	divisorA = 2 * a2 * (a2 - b2)
	divisorB = 2 * b2 * (b2 - a2)
)

func goWinogradInput4(x [6]float32) [6]float32 {
	evenA, oddA := x[4]-b2*x[2], pointA*(x[3]-b2*x[1])
	evenB, oddB := x[4]-a2*x[2], pointB*(x[3]-a2*x[1])
	return [6]float32{
		x[4] + a2*b2*x[0] - (a2+b2)*x[2],
		evenA + oddA, evenA - oddA, evenB + oddB, evenB - oddB,
		x[5] + a2*b2*x[1] - (a2+b2)*x[3],
	}
}

func goWinogradOutput4(x [6]float32) [4]float32 {
	evenA, oddA, evenB, oddB := x[1]+x[2], x[1]-x[2], x[3]+x[4], x[3]-x[4]
	return [4]float32{x[0] + evenA + evenB, pointA*oddA + pointB*oddB, a2*evenA + b2*evenB, x[5] + a3*oddA + b3*oddB}
}

func goWinogradOutputT4(x [4]float32) [6]float32 {
	evenA, oddA := x[0]+a2*x[2], pointA*x[1]+a3*x[3]
	evenB, oddB := x[0]+b2*x[2], pointB*x[1]+b3*x[3]
	return [6]float32{x[0], evenA + oddA, evenA - oddA, evenB + oddB, evenB - oddB, x[3]}
}

func goWinogradFilter4(x [3]float32) [6]float32 {
	evenA, oddA := a2/divisorA*x[2]+1/divisorA*x[0], pointA/divisorA*x[1]
	evenB, oddB := b2/divisorB*x[2]+1/divisorB*x[0], pointB/divisorB*x[1]
	return [6]float32{1 / divisor0 * x[0], evenA + oddA, evenA - oddA, evenB + oddB, evenB - oddB, x[2]}
}

func goWinogradFilterT4(x [6]float32) [3]float32 {
	evenA, oddA, evenB, oddB := x[1]+x[2], x[1]-x[2], x[3]+x[4], x[3]-x[4]
	return [3]float32{
		1/divisor0*x[0] + 1/divisorA*evenA + 1/divisorB*evenB,
		pointA/divisorA*oddA + pointB/divisorB*oddB,
		x[5] + a2/divisorA*evenA + b2/divisorB*evenB,
	}
}
