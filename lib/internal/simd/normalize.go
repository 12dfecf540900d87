// SPDX-License-Identifier: Apache-2.0

package simd

// The kernels of batch normalisation take the mean off before they do anything else: it may be large beside what is
// left.

// CentredSquares returns the sum of (x - mean)².
func CentredSquares(x []float32, mean float32) float32 { return active.centredSquares(x, mean) }

// CentredDot returns the inner product of a and x - mean.
func CentredDot(a, x []float32, mean float32) float32 {
	fit2("CentredDot", a, x)
	return active.centredDot(a, x, mean)
}

// Normalize sets dst = scale·(x - mean) + shift.
func Normalize(dst, x []float32, mean, scale, shift float32) {
	fit2("Normalize", dst, x)
	active.normalize(dst, x, mean, scale, shift)
}

// NormalizeGrad sets dx = a·dy + b·(x - mean) + c. With acc the same is added to dx.
func NormalizeGrad(dx, dy, x []float32, mean, a, b, c float32, acc bool) {
	fit3("NormalizeGrad", dx, dy, x)
	if acc {
		active.normalizeGradAdd(dx, dy, x, mean, a, b, c)
	} else {
		active.normalizeGrad(dx, dy, x, mean, a, b, c)
	}
}

func goCentredSquares(x []float32, mean float32) float32 {
	var p [lanes]float32
	for i, v := range x {
		d := v - mean
		p[i%lanes] += float32(d * d)
	}
	return fold(&p)
}

func goCentredDot(a, x []float32, mean float32) float32 {
	x = x[:len(a)]
	var p [lanes]float32
	for i, v := range a {
		p[i%lanes] += float32(v * (x[i] - mean))
	}
	return fold(&p)
}

func goNormalize(dst, x []float32, mean, scale, shift float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = float32(scale*(x[i]-mean)) + shift
	}
}

func goNormalizeGrad(dx, dy, x []float32, mean, a, b, c float32) {
	dy, x = dy[:len(dx)], x[:len(dx)]
	for i := range dx {
		dx[i] = float32(a*dy[i]) + (float32(b*(x[i]-mean)) + c)
	}
}

func goNormalizeGradAdd(dx, dy, x []float32, mean, a, b, c float32) {
	dy, x = dy[:len(dx)], x[:len(dx)]
	for i := range dx {
		dx[i] += float32(a*dy[i]) + (float32(b*(x[i]-mean)) + c)
	}
}
