// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"github.com/lateral-ml/lateral/lib/internal/parallel"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// TSNE holds the settings of t-SNE, which draws a map on which similar samples lie close together. The zero value has
// the documented defaults. Source: [MH08].
type TSNE struct {
	Iterations   int            // steps of gradient descent; default 1000
	Exaggeration float64        // factor on the affinities during the early steps; default 12
	Early        int            // number of early steps; 0 means the default 250, a negative number none
	Rate         float64        // learning rate, divided by Exaggeration in the early steps; default N/4 [BCAHDS19]
	Exact        bool           // sum over all pairs, in time N² per step, instead of approximating distant groups
	Theta        float64        // largest ratio of a group's side to its distance; default 0.5 [Maaten14]
	Init         *tensor.Tensor // initial positions [N, 2]; nil draws them from N(0, 1e-4²)
	Seed         uint64         // of these draws
	Workers      int            // goroutines; 0 means one per core. The map does not depend on it

	Progress func(iteration int, kl float64) // called every 50 steps and after the last, with the divergence; may be nil
}

// A Map is the result of t-SNE.
type Map struct {
	Y          *tensor.Tensor // [N, 2]
	KL         float64        // the Kullback-Leibler divergence in nats, see TSNE.Fit
	Iterations int            // steps taken
}

// Fit arranges the samples so as to minimise the Kullback-Leibler divergence
//
//	KL = sum over i and j of p_ij ln(p_ij / q_ij),   q_ij = w_ij / Z,   w_ij = 1/(1 + |y_i - y_j|²),   Z = sum of w_ij
//
// by gradient descent with momentum (0.5 in the early steps, 0.8 later) and a gain for each coordinate [MH08, section
// 3.4]. The gradient is
//
//	dKL/dy_i = 4 sum over j of (p_ij - q_ij) w_ij (y_i - y_j)
//
// After the early steps the points restart from rest with gains of 1. Gains that grew while the map was a small ball
// would throw it apart at the first step, and it would converge to a larger divergence.
//
// The sum over p has few terms. The other sum is over all points and replaces distant groups by single points
// [Maaten14], in float32 with sums over groups in float64. The same settings give the same map, bit for bit, for any
// number of workers.
//
// If ctx is cancelled, Fit returns the current map with an error that wraps context.Cause(ctx). It returns an error if
// coordinates become NaN or infinite, because the rate is too large, or if Init is not finite or has all samples at one
// point, where the forces cannot separate them. Fit panics if Init has another shape or a setting is negative.
func (c TSNE) Fit(ctx context.Context, a *Affinities) (*Map, error) {
	n := a.Len()
	if c.Init != nil && (c.Init.Rank() != 2 || c.Init.Rows() != n || c.Init.Width() != 2) {
		panic(fmt.Sprintf("embed: TSNE: Init of shape %v for %d samples", c.Init.Shape(), n))
	}
	if c.Iterations < 0 || c.Exaggeration < 0 || c.Rate < 0 || c.Theta < 0 {
		panic(fmt.Sprintf("embed: TSNE: a negative setting: %+v", c))
	}
	if n > maxPoints {
		panic(fmt.Sprintf("embed: TSNE: %d samples, %d are possible", n, maxPoints))
	}
	if err := checkInit(c.Init); err != nil {
		return nil, err
	}
	c.defaults(n)
	s := newLayout(a, c)
	m := &Map{Y: tensor.New(n, 2)}
	var err error
	for m.Iterations < c.Iterations {
		if ctx.Err() != nil {
			err = fmt.Errorf("embed: TSNE: stopped after %d of %d steps: %w", m.Iterations, c.Iterations, context.Cause(ctx))
			break
		}
		switch m.Iterations {
		case max(0, c.Early):
			s.rest(1, 0.8, c.Rate)
		case 0:
			s.rest(c.Exaggeration, 0.5, c.Rate/c.Exaggeration)
		}
		s.gradient()
		if math.IsNaN(s.z-s.z) || s.z == 0 && n > 1 {
			return nil, fmt.Errorf("embed: TSNE: the map is not finite after %d steps: choose a rate below %g", m.Iterations,
				c.Rate)
		}
		s.step()
		m.Iterations++
		if c.Progress != nil && (m.Iterations%50 == 0 || m.Iterations == c.Iterations) {
			c.Progress(m.Iterations, s.divergence())
		}
	}
	for i := range n {
		m.Y.Set(s.x[i], i, 0)
		m.Y.Set(s.y[i], i, 1)
	}
	m.KL = s.divergence()
	return m, err
}

// checkInit returns an error if t-SNE cannot start from these positions.
func checkInit(init *tensor.Tensor) error {
	if init == nil || init.Rows() == 0 {
		return nil
	}
	apart := init.Rows() == 1
	for i := range init.Rows() {
		x, y := init.At(i, 0), init.At(i, 1)
		if x-x != 0 || y-y != 0 {
			return fmt.Errorf("embed: TSNE: Init puts sample %d at (%g, %g): want finite numbers", i, x, y)
		}
		// Differences whose squares underflow in float32 are as good as none.
		dx, dy := x-init.At(0, 0), y-init.At(0, 1)
		apart = apart || dx*dx+dy*dy > 0
	}
	if !apart {
		return fmt.Errorf("embed: TSNE: Init puts all %d samples on one point, or too near for float32 to tell them apart: "+
			"scale it to a standard deviation of 1e-4, or leave it out", init.Rows())
	}
	return nil
}

func (c *TSNE) defaults(n int) {
	if c.Iterations == 0 {
		c.Iterations = 1000
	}
	if c.Exaggeration == 0 {
		c.Exaggeration = 12
	}
	if c.Early == 0 {
		c.Early = 250
	}
	if c.Rate == 0 {
		c.Rate = float64(n) / 4
	}
	if c.Theta == 0 {
		c.Theta = 0.5
	}
	if c.Exact {
		c.Theta = 0
	}
	if c.Workers <= 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
}

// KL returns the Kullback-Leibler divergence of a map y [N, 2] from the affinities, summed over all pairs: see
// [TSNE.Fit].
func (a *Affinities) KL(y *tensor.Tensor) float64 {
	c := TSNE{Exact: true, Init: y}
	c.defaults(a.Len())
	s := newLayout(a, c)
	return s.divergence()
}

// A layout is the state of a map during optimisation.
type layout struct {
	a                      *Affinities
	x, y                   []float32
	moveX, moveY           []float32 // the last step
	gainX, gainY           []float32
	pullX, pullY           []float32 // sums over p
	pushX, pushY           []float32 // sums over w²
	tree                   quadtree
	groups                 []float64 // the sum of w over the points of each group, without the diagonal
	z                      float64
	theta                  float32
	rate                   float32
	exaggeration, momentum float32
	workers                int
}

func newLayout(a *Affinities, c TSNE) *layout {
	n := a.Len()
	s := &layout{a: a, theta: float32(c.Theta), workers: c.Workers,
		groups: make([]float64, (n+simd.RepelPoints-1)/simd.RepelPoints)}
	for _, v := range []*[]float32{&s.x, &s.y, &s.moveX, &s.moveY, &s.gainX, &s.gainY, &s.pullX, &s.pullY, &s.pushX,
		&s.pushY} {
		*v = make([]float32, n)
	}
	rng := tensor.Stream(c.Seed, "embed: t-SNE")
	for i := range n {
		if c.Init != nil {
			s.x[i], s.y[i] = c.Init.At(i, 0), c.Init.At(i, 1)
		} else {
			s.x[i], s.y[i] = float32(1e-4*rng.NormFloat64()), float32(1e-4*rng.NormFloat64())
		}
	}
	return s
}

// rest starts a new phase: no point moves, and all gains are 1.
func (s *layout) rest(exaggeration, momentum, rate float64) {
	s.exaggeration, s.momentum, s.rate = float32(exaggeration), float32(momentum), float32(rate)
	for i := range s.x {
		s.moveX[i], s.moveY[i], s.gainX[i], s.gainY[i] = 0, 0, 1, 1
	}
}

// gradient computes the forces at the current positions.
func (s *layout) gradient() {
	s.repel()
	parallel.For(s.workers, len(s.x), 64, s, func(arg any, lo, hi int) {
		s := arg.(*layout)
		s.a.attract(s.pullX, s.pullY, s.x, s.y, lo, hi)
	})
}

// repel computes the repulsive forces and Z.
func (s *layout) repel() {
	if len(s.x) == 0 {
		return
	}
	s.tree.build(s.x, s.y)
	parallel.For(s.workers, len(s.groups), 1, s, func(arg any, lo, hi int) {
		s := arg.(*layout)
		r := repulsion{theta: s.theta}
		for g := lo; g < hi; g++ {
			const size = simd.RepelPoints
			keys := s.tree.keys[g*size : min((g+1)*size, len(s.x))]
			r.of(&s.tree, keys)
			s.groups[g] = 0
			for j, key := range keys {
				s.groups[g] += r.sums[j] - 1 // a point does not repel itself
				i := index(key)
				s.pushX[i], s.pushY[i] = float32(r.sums[size+j]), float32(r.sums[2*size+j])
			}
		}
	})
	s.z = sum(s.groups)
}

// at returns the gradient of sample i along x and y.
func (s *layout) at(i int) (gx, gy float32) {
	inv := float32(0)
	if s.z > 0 { // there is more than one point
		inv = float32(1 / s.z)
	}
	return 4 * (s.exaggeration*s.pullX[i] - s.pushX[i]*inv), 4 * (s.exaggeration*s.pullY[i] - s.pushY[i]*inv)
}

// step moves the points and centres them at the origin.
func (s *layout) step() {
	var meanX, meanY float64
	for i := range s.x {
		gx, gy := s.at(i)
		s.moveX[i], s.gainX[i] = s.move(gx, s.moveX[i], s.gainX[i])
		s.moveY[i], s.gainY[i] = s.move(gy, s.moveY[i], s.gainY[i])
		s.x[i] += s.moveX[i]
		s.y[i] += s.moveY[i]
		meanX += float64(s.x[i])
		meanY += float64(s.y[i])
	}
	mx, my := float32(meanX/float64(len(s.x))), float32(meanY/float64(len(s.x)))
	for i := range s.x {
		s.x[i] -= mx
		s.y[i] -= my
	}
}

// move returns the next step along a coordinate and its gain, which grows while the sign of the step stays the same.
func (s *layout) move(gradient, last, gain float32) (step, newGain float32) {
	if gradient*last < 0 {
		gain += 0.2
	} else {
		gain = max(0.01, 0.8*gain)
	}
	return s.momentum*last - s.rate*gain*gradient, gain
}

// divergence returns the KL divergence at the current positions.
func (s *layout) divergence() float64 {
	s.repel()
	return s.a.divergence(s.x, s.y, s.workers) + math.Log(s.z)
}
