// SPDX-License-Identifier: Apache-2.0

// Package scalemixture is the Gaussian scale mixture, the generative model of which divisive normalisation is an
// estimate [NINAI17, appendix on divisive normalisation as a MAP estimate; WS00].
//
// A pattern u is Gaussian, and its contrast sqrt(z) is random too. Only their product x is seen, as the same object
// under different light. [Mixture.MAP] estimates the pattern from x: it divides by the contrast.
package scalemixture

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// Mixture is the model
//
//	x = u·sqrt(z),   u ~ N(0, Sigma²·I) in D dimensions,
//	p(z) = (Alpha/2)^Beta / Gamma(Beta) · z^(-Beta-1) · exp(-Alpha/(2z)),   z > 0,
//
// in which z is inverse-gamma distributed. This is the form of the document's appendix; its text has another one.
type Mixture struct {
	D                  int // number of dimensions, at least 1
	Sigma, Alpha, Beta float64
}

// Check returns an error unless D >= 1 and the other parameters are finite and > 0.
func (m Mixture) Check() error {
	for _, p := range []float64{m.Sigma, m.Alpha, m.Beta} {
		if !(p > 0) || math.IsInf(p, 0) || m.D < 1 {
			return fmt.Errorf("scalemixture: %+v: want at least 1 dimension, and finite sigma, alpha and beta > 0", m)
		}
	}
	return nil
}

// check panics if the parameters are invalid or, for tensors of x, have another number of dimensions.
func (m Mixture) check(operation string, x *tensor.Tensor) {
	if err := m.Check(); err != nil {
		panic(fmt.Sprintf("%v (%s)", err, operation))
	}
	if x != nil && x.Width() != m.D {
		panic(fmt.Sprintf("scalemixture: %s: x of shape %v for %d dimensions", operation, x.Shape(), m.D))
	}
}

// Sample draws n samples: x [n, D], and the u [n, D] and z [n] that made them. It panics if the parameters are invalid.
func (m Mixture) Sample(n int, rng *tensor.RNG) (x, u *tensor.Tensor, z []float64) {
	m.check("Sample", nil)
	x, u, z = tensor.New(n, m.D), tensor.New(n, m.D), make([]float64, n)
	scale := distuv.InverseGamma{Alpha: m.Beta, Beta: m.Alpha / 2, Src: rng}
	rng.Normal(u.Data(), 0, float32(m.Sigma))
	for i := range n {
		z[i] = scale.Rand()
		for k, v := range u.Row(i) {
			x.Row(i)[k] = float32(float64(v) * math.Sqrt(z[i]))
		}
	}
	return x, u, z
}

// LogDensity returns the logarithms of the densities of x [n, D], which is multivariate t-distributed,
//
//	p(x) = Gamma(Beta + D/2)/Gamma(Beta) · (pi·Alpha·Sigma²)^(-D/2) · (1 + ||x||²/(Alpha·Sigma²))^(-Beta - D/2).
//
// It panics if the parameters or the shape of x do not fit.
func (m Mixture) LogDensity(x *tensor.Tensor) []float64 {
	m.check("LogDensity", x)
	half, spread := float64(m.D)/2, m.Alpha*m.Sigma*m.Sigma
	top, _ := math.Lgamma(m.Beta + half)
	bottom, _ := math.Lgamma(m.Beta)
	density := make([]float64, x.Rows())
	for i := range density {
		density[i] = top - bottom - half*math.Log(math.Pi*spread) - (m.Beta+half)*math.Log1p(squares(x.Row(i))/spread)
	}
	return density
}

// LogPosterior returns the logarithm of the density of the length r = ||u|| > 0 of the pattern given the length of x >
// 0, up to a constant. The direction of u is that of x, because z only scales. The factor r^(D-1) of the volume, z =
// ||x||²/r² and dz = 2||x||/r² d||x|| give
//
//	log p(r | x) = (D - 1 + 2·Beta) log r - r²/(2·Sigma²) - Alpha·r²/(2||x||²) + constant.
//
// It panics if the parameters are invalid.
func (m Mixture) LogPosterior(r, x float64) float64 {
	m.check("LogPosterior", nil)
	return (float64(m.D)-1+2*m.Beta)*math.Log(r) - r*r/(2*m.Sigma*m.Sigma) - m.Alpha*r*r/(2*x*x)
}

// MAP returns the most probable patterns u [n, D] given x [n, D]: the pattern in the direction of x whose length
// maximises LogPosterior,
//
//	u = sqrt(D + 2·Beta - 1)·Sigma·x / sqrt(Alpha·Sigma² + ||x||²).
//
// The document reduces the problem to one dimension, which gives 2·Beta in the place of D + 2·Beta - 1: another gain of
// the same function. Its second solution, -u, would need a negative root of z. It panics if the
// parameters or the shape of x do not fit.
func (m Mixture) MAP(x *tensor.Tensor) *tensor.Tensor {
	m.check("MAP", x)
	u := tensor.New(x.Shape()...)
	gain := math.Sqrt(float64(m.D)+2*m.Beta-1) * m.Sigma
	for i := range x.Rows() {
		factor := gain / math.Sqrt(m.Alpha*m.Sigma*m.Sigma+squares(x.Row(i)))
		for k, v := range x.Row(i) {
			u.Row(i)[k] = float32(factor * float64(v))
		}
	}
	return u
}

// Normalization returns the constants with which divisive normalisation over all D dimensions computes [Mixture.MAP] of
// activations v whose mean is 0, as centring makes them:
//
//	MAP(v) = gain·v / sqrt(sigma² + mean(v²)).
//
// It panics if the parameters are invalid.
func (m Mixture) Normalization() (gain, sigma float64) {
	m.check("Normalization", nil)
	d := float64(m.D)
	return math.Sqrt((d+2*m.Beta-1)/d) * m.Sigma, math.Sqrt(m.Alpha/d) * m.Sigma
}

// squares returns ||x||².
func squares(x []float32) (sum float64) {
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return sum
}
