// SPDX-License-Identifier: Apache-2.0

package sparsecode

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/lateral-ml/lateral/lib/internal/parallel"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Gabor is a wave in a Gaussian envelope, the usual description of the receptive fields of simple cells [JP87]:
//
//	g(x, y) = Amplitude exp(-u²/(2 Width²) - v²/(2 Length²)) cos(2 pi Frequency u + Phase)
//	u = (x - X) cos t + (y - Y) sin t,   v = -(x - X) sin t + (y - Y) cos t,   t = Orientation
//
// x is the column and y the row of a pixel, counted from 0.
type Gabor struct {
	X, Y        float64 // centre, in pixels
	Orientation float64 // of the wave, from 0 to pi: 0 along rows (its stripes are upright), pi/2 along columns
	Frequency   float64 // cycles per pixel
	Phase       float64 // from -pi to pi
	Width       float64 // standard deviation of the envelope along the wave, in pixels
	Length      float64 // across it
	Amplitude   float64

	R2 float64 // 1 - sum of squared errors / sum of squared deviations of the pixels from their mean; 1 is a perfect fit
}

// At returns g(x, y).
func (g Gabor) At(x, y float64) float64 {
	sin, cos := math.Sincos(g.Orientation)
	u, v := (x-g.X)*cos+(y-g.Y)*sin, (y-g.Y)*cos-(x-g.X)*sin
	envelope := math.Exp(-u*u/(2*g.Width*g.Width) - v*v/(2*g.Length*g.Length))
	return g.Amplitude * envelope * math.Cos(2*math.Pi*g.Frequency*u+g.Phase)
}

// Bandwidth returns, in octaves, how far apart the frequencies are at which the response to a grating along the wave is
// half the largest. At the best phase of the grating, the response at frequency v is the magnitude of the spectrum,
//
//	|E(v - Frequency) + E(v + Frequency) exp(-2i Phase)|,   E(v) = exp(-2 (pi Width v)²)
//
// It is infinite if the response at frequency 0, an even brightness, is at least half the largest. An atom of odd
// phase, such as an edge, does not respond to that, however few cycles it has.
func (g Gabor) Bandwidth() float64 {
	deviation := 1 / (2 * math.Pi * g.Width)
	response := func(v float64) float64 {
		below, above := (v-g.Frequency)/deviation, (v+g.Frequency)/deviation
		a, b := math.Exp(-below*below/2), math.Exp(-above*above/2)
		return math.Sqrt(max(0, a*a+b*b+2*a*b*math.Cos(2*g.Phase)))
	}
	step := deviation / 100
	peak, largest := 0.0, 0.0
	for v := 0.0; v < g.Frequency+4*deviation; v += step {
		if r := response(v); r > largest {
			peak, largest = v, r
		}
	}
	if response(0) >= largest/2 {
		return math.Inf(1)
	}
	// edge walks from the peak until the response is half, and then halves the last step again and again.
	edge := func(step float64) float64 {
		v := peak
		for range 20 {
			for response(v+step) > largest/2 {
				v += step
			}
			step /= 2
		}
		return v
	}
	return math.Log2(edge(step) / edge(-step))
}

// FitGabors fits a Gabor to each atom, on all cores. The error says that atoms are not of the shape [H, W] or [1, H, W]
// with at least 4x4 pixels.
func FitGabors(d *Dictionary) ([]Gabor, error) {
	shape := d.Shape()
	if len(shape) == 3 && shape[0] == 1 {
		shape = shape[1:]
	}
	if len(shape) != 2 || shape[0] < 4 || shape[1] < 4 {
		return nil, fmt.Errorf("sparsecode: FitGabors: atoms of %s pixels: want [H, W] or [1, H, W] of at least 4x4",
			extent(d.Shape()))
	}
	fits := make([]Gabor, d.Len())
	// Fits take different times: many parts keep all cores busy.
	parallel.For(len(fits), len(fits), 1, nil, func(_ any, lo, hi int) {
		for i := lo; i < hi; i++ {
			fits[i] = FitGabor(tensor.From(d.atoms.Row(i), shape...))
		}
	})
	return fits, nil
}

// FitGabor returns the Gabor that is nearest to a patch [H, W] by the sum of squared differences, within these bounds:
// its centre lies in the patch, Frequency is at most 0.5, and Width and Length are between 0.4 pixels and the patch's
// larger side. The best of a grid of Gabors are improved by the method of Levenberg and Marquardt, and the best result
// is returned. R2 is 0 for a constant patch. It panics if the patch has another rank or is empty.
func FitGabor(patch *tensor.Tensor) Gabor {
	if patch.Rank() != 2 || patch.Len() == 0 {
		panic(fmt.Sprintf("sparsecode: FitGabor: a patch of shape %v: want [H, W]", patch.Shape()))
	}
	f := newFit(patch)
	best := fitted{cost: math.Inf(1)}
	for _, start := range f.starts() {
		if end := f.improve(start); end.cost < best.cost {
			best = end
		}
	}
	return f.gabor(best)
}

// The parameters of a fit. The wave is c cos + s sin, which makes the two amplitudes linear.
const (
	pc = iota
	ps
	px
	py
	pTheta
	pFreq
	pWidth  // logarithm
	pLength // logarithm
	parameters
)

type (
	point  [parameters]float64
	fitted struct {
		at   point
		cost float64 // sum of squares
	}
)

// A fit is a patch to which Gabors are fitted.
type fit struct {
	h, w   int
	pixels []float64
	total  float64 // sum of squared deviations from the mean
}

func newFit(patch *tensor.Tensor) *fit {
	f := &fit{h: patch.Dim(0), w: patch.Dim(1)}
	mean := 0.0
	for _, v := range patch.Data() {
		f.pixels = append(f.pixels, float64(v))
		mean += float64(v)
	}
	mean /= float64(len(f.pixels))
	for _, v := range f.pixels {
		f.total += (v - mean) * (v - mean)
	}
	return f
}

// A frame is what all pixels of a Gabor share.
type frame struct{ sin, cos, wide, long float64 }

func (p *point) frame() frame {
	sin, cos := math.Sincos(p[pTheta])
	return frame{sin, cos, math.Exp(-2 * p[pWidth]), math.Exp(-2 * p[pLength])} // 1 / variance
}

// value returns a Gabor at column x and row y, and its derivatives if slope is not nil.
func (p *point) value(f frame, x, y float64, slope *point) float64 {
	sin, cos, wide, long := f.sin, f.cos, f.wide, f.long
	dx, dy := x-p[px], y-p[py]
	u, v := dx*cos+dy*sin, dy*cos-dx*sin
	e := math.Exp(-u*u*wide/2 - v*v*long/2)
	sinWave, cosWave := math.Sincos(2 * math.Pi * p[pFreq] * u)
	wave := p[pc]*cosWave + p[ps]*sinWave
	if slope != nil {
		turn := e * (p[ps]*cosWave - p[pc]*sinWave) * 2 * math.Pi // derivative by Frequency u
		du, dv := turn*p[pFreq]-e*wave*u*wide, -e*wave*v*long
		*slope = point{
			pc: e * cosWave, ps: e * sinWave,
			px: dv*sin - du*cos, py: -du*sin - dv*cos, pTheta: du*v - dv*u,
			pFreq: turn * u, pWidth: e * wave * u * u * wide, pLength: e * wave * v * v * long,
		}
	}
	return e * wave
}

// within reports whether parameters respect the bounds.
func (f *fit) within(p *point) bool {
	least, most := math.Log(0.4), math.Log(float64(max(f.h, f.w)))
	return p[px] >= -0.5 && p[px] <= float64(f.w)-0.5 && p[py] >= -0.5 && p[py] <= float64(f.h)-0.5 &&
		math.Abs(p[pFreq]) <= 0.5 && p[pWidth] >= least && p[pWidth] <= most && p[pLength] >= least && p[pLength] <= most
}

// cost returns the sum of squared errors.
func (f *fit) cost(p *point) float64 {
	sum, frame := 0.0, p.frame()
	for i, v := range f.pixels {
		r := v - p.value(frame, float64(i%f.w), float64(i/f.w), nil)
		sum += r * r
	}
	return sum
}

// starts returns the best Gabors of a grid, each from another neighbourhood.
func (f *fit) starts() []fitted {
	const (
		directions = 12
		kept       = 4
	)
	side := float64(max(f.h, f.w))
	var all []fitted
	for _, centre := range f.centres() {
		for _, frequency := range []float64{0.5 / side, 1.2 / side, 0.12, 0.18, 0.26, 0.36} {
			for direction := range directions {
				best := fitted{cost: math.Inf(1)}
				for _, size := range []float64{side / 12, side / 6, side / 3} {
					p := point{px: centre[0], py: centre[1], pTheta: math.Pi * float64(direction) / directions, pFreq: frequency}
					p[pWidth] = math.Log(max(size, 0.5))
					p[pLength] = p[pWidth]
					if c := f.amplitudes(&p); c < best.cost {
						best = fitted{p, c}
					}
				}
				all = append(all, best)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b fitted) int { return cmp.Compare(a.cost, b.cost) })
	return all[:min(kept, len(all))]
}

// centres returns places where the centre may be: the centroid of the squared pixels, and the middle of the 3x3 pixels
// with the largest sum of squares.
func (f *fit) centres() [][2]float64 {
	var sum, x, y, largest float64
	peak := [2]float64{float64(f.w-1) / 2, float64(f.h-1) / 2}
	for i, v := range f.pixels {
		sum, x, y = sum+v*v, x+v*v*float64(i%f.w), y+v*v*float64(i/f.w)
		if r, c := i/f.w, i%f.w; r > 0 && c > 0 && r < f.h-1 && c < f.w-1 {
			local := 0.0
			for dy := -1; dy <= 1; dy++ {
				for _, u := range f.pixels[(r+dy)*f.w+c-1 : (r+dy)*f.w+c+2] {
					local += u * u
				}
			}
			if local > largest {
				largest, peak = local, [2]float64{float64(c), float64(r)}
			}
		}
	}
	if sum == 0 {
		return [][2]float64{peak}
	}
	return [][2]float64{{x / sum, y / sum}, peak}
}

// amplitudes sets the two amplitudes to the best for the other parameters, and returns the cost.
func (f *fit) amplitudes(p *point) float64 {
	frame := p.frame()
	var cc, cs, ss, cv, sv, vv float64
	var slope point
	for i, v := range f.pixels {
		p.value(frame, float64(i%f.w), float64(i/f.w), &slope)
		c, s := slope[pc], slope[ps]
		cc, cs, ss, cv, sv, vv = cc+c*c, cs+c*s, ss+s*s, cv+c*v, sv+s*v, vv+v*v
	}
	ridge := 1e-6 * (cc + ss) // at a low frequency the sine is nearly zero
	det := (cc+ridge)*(ss+ridge) - cs*cs
	p[pc], p[ps] = (cv*(ss+ridge)-sv*cs)/det, (sv*(cc+ridge)-cv*cs)/det
	return vv - 2*(p[pc]*cv+p[ps]*sv) + p[pc]*p[pc]*cc + 2*p[pc]*p[ps]*cs + p[ps]*p[ps]*ss
}

// improve goes downhill by the method of Levenberg and Marquardt: steps of Gauss and Newton, damped the more the worse
// they work.
func (f *fit) improve(from fitted) fitted {
	damping := 1e-2
	from.cost = f.cost(&from.at)
	normal, right := mat.NewSymDense(parameters, nil), mat.NewVecDense(parameters, nil)
	for range 100 {
		f.linearize(&from.at, normal, right)
		accepted := false
		for ; damping < 1e8; damping *= 8 {
			next, ok := from.at.step(normal, right, damping)
			if !ok || !f.within(&next) {
				continue
			}
			c := f.cost(&next)
			if !(c < from.cost) {
				continue
			}
			accepted = from.cost-c > 1e-7*f.total
			from, damping = fitted{next, c}, max(damping/8, 1e-9)
			break
		}
		if !accepted {
			return from
		}
	}
	return from
}

// linearize sets the matrix J^T J and the vector J^T r of the errors r around p.
func (f *fit) linearize(p *point, normal *mat.SymDense, right *mat.VecDense) {
	var jj [parameters][parameters]float64
	var jr, slope point
	frame := p.frame()
	for i, v := range f.pixels {
		r := v - p.value(frame, float64(i%f.w), float64(i/f.w), &slope)
		for a, s := range slope {
			jr[a] += s * r
			for b := a; b < parameters; b++ {
				jj[a][b] += s * slope[b]
			}
		}
	}
	for a := range parameters {
		right.SetVec(a, jr[a])
		for b := a; b < parameters; b++ {
			normal.SetSym(a, b, jj[a][b])
		}
	}
}

// step returns where a damped step leads.
func (p *point) step(normal *mat.SymDense, right *mat.VecDense, damping float64) (point, bool) {
	damped := mat.NewSymDense(parameters, nil)
	damped.CopySym(normal)
	for a := range parameters {
		damped.SetSym(a, a, normal.At(a, a)*(1+damping)+1e-12)
	}
	var factor mat.Cholesky
	var change mat.VecDense
	if !factor.Factorize(damped) || factor.SolveVecTo(&change, right) != nil {
		return *p, false
	}
	next := *p
	for a := range next {
		next[a] += change.AtVec(a)
	}
	return next, true
}

// gabor turns parameters into their usual form.
func (f *fit) gabor(b fitted) Gabor {
	p := b.at
	g := Gabor{
		X: p[px], Y: p[py], Orientation: p[pTheta], Frequency: p[pFreq], Width: math.Exp(p[pWidth]),
		Length: math.Exp(p[pLength]), Amplitude: math.Hypot(p[pc], p[ps]), Phase: math.Atan2(-p[ps], p[pc]),
	}
	if g.Frequency < 0 {
		g.Frequency, g.Phase = -g.Frequency, -g.Phase
	}
	turns := math.Floor(g.Orientation / math.Pi)
	if g.Orientation -= turns * math.Pi; math.Mod(turns, 2) != 0 { // half a turn reverses the wave
		g.Phase = -g.Phase
	}
	if f.total > 0 {
		g.R2 = 1 - b.cost/f.total
	}
	return g
}
