// SPDX-License-Identifier: Apache-2.0

// Package winograd describes the linear maps of minimal filtering once, for the generators of all instruction sets.
// Package simd has their matrices, beside the Go bodies.
package winograd

// Arithmetic emits operations on vectors of floats and returns the results.
type Arithmetic[V any] interface {
	Zero() V
	Constant(f float64) V // only for the second argument of an operation: it may lie in memory
	Copy(x V) V
	Add(a, b V) V
	Sub(a, b V) V
	Mul(a, b V) V
	FMA(x, y, z V) V  // overwrites z by z + x*y, rounded once
	FNMA(x, y, z V) V // overwrites z by z - x*y
}

// A Map computes the vectors of outputs from those of inputs.
type Map[V any] struct {
	Kernel          string
	Inputs, Outputs int
	Prepare         func(k Arithmetic[V]) (compute func(x []V) []V) // loads the constants
}

// The points, and what the rows of G are divided by: the products of a point's differences from the others.
const (
	a, b       = 3. / 4, 3. / 2 // six inputs are seen from 0, and from these with both signs
	f0, fa, fb = a * a * b * b, 2 * a * a * (a*a - b*b), 2 * b * b * (b*b - a*a)

	c, e       = 1. / 2, 2. // eight inputs are seen from 0, and from these and 1 with both signs
	fc, fd, fe = 2 * c * c * (c*c - 1) * (c*c - e*e), 2 * (1 - c*c) * (1 - e*e), 2 * e * e * (e*e - c*c) * (e*e - 1)
)

// Maps returns the maps for the sizes that package simd has.
func Maps[V any]() []Map[V] {
	return []Map[V]{
		{"WinogradInput4", 4, 4, func(k Arithmetic[V]) func(x []V) []V {
			return func(x []V) []V {
				return []V{k.Sub(x[0], x[2]), k.Add(x[1], x[2]), k.Sub(x[2], x[1]), k.Sub(x[1], x[3])}
			}
		}},
		{"WinogradOutput23", 4, 2, func(k Arithmetic[V]) func(x []V) []V {
			return func(x []V) []V {
				return []V{k.Add(k.Add(x[0], x[1]), x[2]), k.Sub(k.Sub(x[1], x[2]), x[3])}
			}
		}},
		{"WinogradOutputT23", 2, 4, func(k Arithmetic[V]) func(x []V) []V {
			zero := k.Zero()
			return func(x []V) []V {
				return []V{x[0], k.Add(x[0], x[1]), k.Sub(x[0], x[1]), k.Sub(zero, x[1])}
			}
		}},
		{"WinogradFilter23", 3, 4, func(k Arithmetic[V]) func(x []V) []V {
			half := k.Constant(0.5)
			return func(x []V) []V {
				even, odd := k.Mul(k.Add(x[0], x[2]), half), k.Mul(x[1], half)
				return []V{x[0], k.Add(even, odd), k.Sub(even, odd), x[2]}
			}
		}},
		{"WinogradFilterT23", 4, 3, func(k Arithmetic[V]) func(x []V) []V {
			half := k.Constant(0.5)
			return func(x []V) []V {
				even, odd := k.Mul(k.Add(x[1], x[2]), half), k.Mul(k.Sub(x[1], x[2]), half)
				return []V{k.Add(x[0], even), odd, k.Add(even, x[3])}
			}
		}},

		{"WinogradInput6", 6, 6, func(k Arithmetic[V]) func(x []V) []V {
			a1, b1, a2, b2 := k.Constant(a), k.Constant(b), k.Constant(a*a), k.Constant(b*b)
			product, sum := k.Constant(a*a*b*b), k.Constant(a*a+b*b)
			return func(x []V) []V {
				evenA, oddA := k.FNMA(x[2], b2, k.Copy(x[4])), k.Mul(k.FNMA(x[1], b2, k.Copy(x[3])), a1)
				evenB, oddB := k.FNMA(x[2], a2, k.Copy(x[4])), k.Mul(k.FNMA(x[1], a2, k.Copy(x[3])), b1)
				return []V{
					k.FNMA(x[2], sum, k.FMA(x[0], product, k.Copy(x[4]))),
					k.Add(evenA, oddA), k.Sub(evenA, oddA), k.Add(evenB, oddB), k.Sub(evenB, oddB),
					k.FNMA(x[3], sum, k.FMA(x[1], product, k.Copy(x[5]))),
				}
			}
		}},
		{"WinogradOutput43", 6, 4, func(k Arithmetic[V]) func(x []V) []V {
			a1, b1, a2, b2 := k.Constant(a), k.Constant(b), k.Constant(a*a), k.Constant(b*b)
			a3, b3 := k.Constant(a*a*a), k.Constant(b*b*b)
			return func(x []V) []V {
				evenA, oddA, evenB, oddB := k.Add(x[1], x[2]), k.Sub(x[1], x[2]), k.Add(x[3], x[4]), k.Sub(x[3], x[4])
				return []V{
					k.Add(k.Add(x[0], evenA), evenB),
					k.FMA(oddB, b1, k.Mul(oddA, a1)),
					k.FMA(evenB, b2, k.Mul(evenA, a2)),
					k.FMA(oddB, b3, k.FMA(oddA, a3, k.Copy(x[5]))),
				}
			}
		}},
		{"WinogradOutputT43", 4, 6, func(k Arithmetic[V]) func(x []V) []V {
			a1, b1, a2, b2 := k.Constant(a), k.Constant(b), k.Constant(a*a), k.Constant(b*b)
			a3, b3 := k.Constant(a*a*a), k.Constant(b*b*b)
			return func(x []V) []V {
				evenA, oddA := k.FMA(x[2], a2, k.Copy(x[0])), k.FMA(x[3], a3, k.Mul(x[1], a1))
				evenB, oddB := k.FMA(x[2], b2, k.Copy(x[0])), k.FMA(x[3], b3, k.Mul(x[1], b1))
				return []V{x[0], k.Add(evenA, oddA), k.Sub(evenA, oddA), k.Add(evenB, oddB), k.Sub(evenB, oddB), x[3]}
			}
		}},
		{"WinogradFilter43", 3, 6, func(k Arithmetic[V]) func(x []V) []V {
			p0, pa, pb := k.Constant(1/f0), k.Constant(1/fa), k.Constant(1/fb)
			a1, b1, a2, b2 := k.Constant(a/fa), k.Constant(b/fb), k.Constant(a*a/fa), k.Constant(b*b/fb)
			return func(x []V) []V {
				evenA, oddA := k.FMA(x[0], pa, k.Mul(x[2], a2)), k.Mul(x[1], a1)
				evenB, oddB := k.FMA(x[0], pb, k.Mul(x[2], b2)), k.Mul(x[1], b1)
				return []V{
					k.Mul(x[0], p0), k.Add(evenA, oddA), k.Sub(evenA, oddA), k.Add(evenB, oddB), k.Sub(evenB, oddB), x[2],
				}
			}
		}},
		{"WinogradFilterT43", 6, 3, func(k Arithmetic[V]) func(x []V) []V {
			p0, pa, pb := k.Constant(1/f0), k.Constant(1/fa), k.Constant(1/fb)
			a1, b1, a2, b2 := k.Constant(a/fa), k.Constant(b/fb), k.Constant(a*a/fa), k.Constant(b*b/fb)
			return func(x []V) []V {
				evenA, oddA, evenB, oddB := k.Add(x[1], x[2]), k.Sub(x[1], x[2]), k.Add(x[3], x[4]), k.Sub(x[3], x[4])
				return []V{
					k.FMA(evenB, pb, k.FMA(evenA, pa, k.Mul(x[0], p0))),
					k.FMA(oddB, b1, k.Mul(oddA, a1)),
					k.FMA(evenB, b2, k.FMA(evenA, a2, k.Copy(x[5]))),
				}
			}
		}},
		{"WinogradOutput25", 6, 2, func(k Arithmetic[V]) func(x []V) []V {
			a1, b1 := k.Constant(a), k.Constant(b)
			return func(x []V) []V {
				evenA, oddA, evenB, oddB := k.Add(x[1], x[2]), k.Sub(x[1], x[2]), k.Add(x[3], x[4]), k.Sub(x[3], x[4])
				return []V{
					k.Add(k.Add(x[0], evenA), evenB),
					k.FMA(oddB, b1, k.FMA(oddA, a1, k.Copy(x[5]))),
				}
			}
		}},
		{"WinogradOutputT25", 2, 6, func(k Arithmetic[V]) func(x []V) []V {
			a1, b1 := k.Constant(a), k.Constant(b)
			return func(x []V) []V {
				oddA, oddB := k.Mul(x[1], a1), k.Mul(x[1], b1)
				return []V{x[0], k.Add(x[0], oddA), k.Sub(x[0], oddA), k.Add(x[0], oddB), k.Sub(x[0], oddB), x[1]}
			}
		}},
		{"WinogradFilter25", 5, 6, func(k Arithmetic[V]) func(x []V) []V {
			p0, pa, pb := k.Constant(1/f0), k.Constant(1/fa), k.Constant(1/fb)
			a1, b1, a2, b2 := k.Constant(a/fa), k.Constant(b/fb), k.Constant(a*a/fa), k.Constant(b*b/fb)
			a3, b3, a4, b4 := k.Constant(a*a*a/fa), k.Constant(b*b*b/fb), k.Constant(a*a*a*a/fa), k.Constant(b*b*b*b/fb)
			return func(x []V) []V {
				evenA := k.FMA(x[0], pa, k.FMA(x[2], a2, k.Mul(x[4], a4)))
				evenB := k.FMA(x[0], pb, k.FMA(x[2], b2, k.Mul(x[4], b4)))
				oddA, oddB := k.FMA(x[1], a1, k.Mul(x[3], a3)), k.FMA(x[1], b1, k.Mul(x[3], b3))
				return []V{
					k.Mul(x[0], p0), k.Add(evenA, oddA), k.Sub(evenA, oddA), k.Add(evenB, oddB), k.Sub(evenB, oddB), x[4],
				}
			}
		}},
		{"WinogradFilterT25", 6, 5, func(k Arithmetic[V]) func(x []V) []V {
			p0, pa, pb := k.Constant(1/f0), k.Constant(1/fa), k.Constant(1/fb)
			a1, b1, a2, b2 := k.Constant(a/fa), k.Constant(b/fb), k.Constant(a*a/fa), k.Constant(b*b/fb)
			a3, b3, a4, b4 := k.Constant(a*a*a/fa), k.Constant(b*b*b/fb), k.Constant(a*a*a*a/fa), k.Constant(b*b*b*b/fb)
			return func(x []V) []V {
				evenA, oddA, evenB, oddB := k.Add(x[1], x[2]), k.Sub(x[1], x[2]), k.Add(x[3], x[4]), k.Sub(x[3], x[4])
				return []V{
					k.FMA(evenB, pb, k.FMA(evenA, pa, k.Mul(x[0], p0))),
					k.FMA(oddB, b1, k.Mul(oddA, a1)),
					k.FMA(evenB, b2, k.Mul(evenA, a2)),
					k.FMA(oddB, b3, k.Mul(oddA, a3)),
					k.FMA(evenB, b4, k.FMA(evenA, a4, k.Copy(x[5]))),
				}
			}
		}},
		{"WinogradInput8", 8, 8, func(k Arithmetic[V]) func(x []V) []V {
			half, two, sum := k.Constant(c), k.Constant(e), k.Constant(1+c*c+e*e)
			low, high := k.Constant(c*c), k.Constant(e*e)
			cd, ce, de := k.Constant(c*c+1), k.Constant(c*c+e*e), k.Constant(1+e*e)
			return func(x []V) []V {
				first := k.FMA(k.Sub(x[4], x[2]), sum, k.Sub(x[0], x[6]))
				last := k.FMA(k.Sub(x[3], x[5]), sum, k.Sub(x[7], x[1]))
				evenC := k.FNMA(x[4], de, k.FMA(x[2], high, k.Copy(x[6])))
				oddC := k.FNMA(x[3], de, k.FMA(x[1], high, k.Copy(x[5])))
				plusC, minusC := k.FMA(oddC, half, k.Copy(evenC)), k.FNMA(oddC, half, evenC)
				evenD, oddD := k.FNMA(x[4], ce, k.Add(x[2], x[6])), k.FNMA(x[3], ce, k.Add(x[1], x[5]))
				plusD, minusD := k.Add(evenD, oddD), k.Sub(evenD, oddD)
				evenE := k.FNMA(x[4], cd, k.FMA(x[2], low, k.Copy(x[6])))
				oddE := k.FNMA(x[3], cd, k.FMA(x[1], low, k.Copy(x[5])))
				plusE, minusE := k.FMA(oddE, two, k.Copy(evenE)), k.FNMA(oddE, two, evenE)
				return []V{first, plusC, minusC, plusD, minusD, plusE, minusE, last}
			}
		}},
		{"WinogradOutput45", 8, 4, func(k Arithmetic[V]) func(x []V) []V {
			c1, e1, c2, e2 := k.Constant(c), k.Constant(e), k.Constant(c*c), k.Constant(e*e)
			c3, e3 := k.Constant(c*c*c), k.Constant(e*e*e)
			return func(x []V) []V {
				evenC, oddC := k.Add(x[1], x[2]), k.Sub(x[1], x[2])
				evenD, oddD := k.Add(x[3], x[4]), k.Sub(x[3], x[4])
				evenE, oddE := k.Add(x[5], x[6]), k.Sub(x[5], x[6])
				return []V{
					k.Add(k.Add(k.Add(x[0], evenC), evenD), evenE),
					k.FMA(oddE, e1, k.FMA(oddC, c1, k.Copy(oddD))),
					k.FMA(evenE, e2, k.FMA(evenC, c2, evenD)),
					k.FMA(oddE, e3, k.FMA(oddC, c3, k.Add(x[7], oddD))),
				}
			}
		}},
		{"WinogradOutputT45", 4, 8, func(k Arithmetic[V]) func(x []V) []V {
			c1, e1, c2, e2 := k.Constant(c), k.Constant(e), k.Constant(c*c), k.Constant(e*e)
			c3, e3 := k.Constant(c*c*c), k.Constant(e*e*e)
			return func(x []V) []V {
				evenC, oddC := k.FMA(x[2], c2, k.Copy(x[0])), k.FMA(x[3], c3, k.Mul(x[1], c1))
				evenD, oddD := k.Add(x[0], x[2]), k.Add(x[1], x[3])
				evenE, oddE := k.FMA(x[2], e2, k.Copy(x[0])), k.FMA(x[3], e3, k.Mul(x[1], e1))
				return []V{
					x[0], k.Add(evenC, oddC), k.Sub(evenC, oddC), k.Add(evenD, oddD), k.Sub(evenD, oddD),
					k.Add(evenE, oddE), k.Sub(evenE, oddE), x[3],
				}
			}
		}},
		{"WinogradFilter45", 5, 8, func(k Arithmetic[V]) func(x []V) []V {
			pc, pd, pe := k.Constant(1/fc), k.Constant(1/fd), k.Constant(1/fe)
			c3, e3, c4, e4 := k.Constant(c*c*c/fc), k.Constant(e*e*e/fe), k.Constant(c*c*c*c/fc), k.Constant(e*e*e*e/fe)
			c1, e1, c2, e2 := k.Constant(c/fc), k.Constant(e/fe), k.Constant(c*c/fc), k.Constant(e*e/fe)
			return func(x []V) []V {
				evenC := k.FMA(x[0], pc, k.FMA(x[2], c2, k.Mul(x[4], c4)))
				oddC := k.FMA(x[1], c1, k.Mul(x[3], c3))
				evenD, oddD := k.Mul(k.Add(k.Add(x[0], x[2]), x[4]), pd), k.Mul(k.Add(x[1], x[3]), pd)
				evenE := k.FMA(x[0], pe, k.FMA(x[2], e2, k.Mul(x[4], e4)))
				oddE := k.FMA(x[1], e1, k.Mul(x[3], e3))
				return []V{
					x[0], k.Add(evenC, oddC), k.Sub(evenC, oddC), k.Add(evenD, oddD), k.Sub(evenD, oddD),
					k.Add(evenE, oddE), k.Sub(evenE, oddE), x[4],
				}
			}
		}},
		{"WinogradFilterT45", 8, 5, func(k Arithmetic[V]) func(x []V) []V {
			pc, pd, pe := k.Constant(1/fc), k.Constant(1/fd), k.Constant(1/fe)
			c3, e3, c4, e4 := k.Constant(c*c*c/fc), k.Constant(e*e*e/fe), k.Constant(c*c*c*c/fc), k.Constant(e*e*e*e/fe)
			c1, e1, c2, e2 := k.Constant(c/fc), k.Constant(e/fe), k.Constant(c*c/fc), k.Constant(e*e/fe)
			return func(x []V) []V {
				evenC, oddC := k.Add(x[1], x[2]), k.Sub(x[1], x[2])
				evenD, oddD := k.Mul(k.Add(x[3], x[4]), pd), k.Mul(k.Sub(x[3], x[4]), pd)
				evenE, oddE := k.Add(x[5], x[6]), k.Sub(x[5], x[6])
				return []V{
					k.FMA(evenE, pe, k.FMA(evenC, pc, k.Add(x[0], evenD))),
					k.FMA(oddE, e1, k.FMA(oddC, c1, k.Copy(oddD))),
					k.FMA(evenE, e2, k.FMA(evenC, c2, k.Copy(evenD))),
					k.FMA(oddE, e3, k.FMA(oddC, c3, oddD)),
					k.FMA(evenE, e4, k.FMA(evenC, c4, k.Add(x[7], evenD))),
				}
			}
		}},
	}
}
