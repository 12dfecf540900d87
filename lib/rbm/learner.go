// SPDX-License-Identifier: Apache-2.0

package rbm

import (
	"cmp"
	"errors"
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/competitive"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/internal/parallel"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// A Learner changes a machine along an estimate of the gradient of the log-likelihood, for a batch of N samples v
//
//	dL/dW = <p(h|v) v> - <p(h|v') v'>,   dL/db = <v> - <v'>,   dL/dc = <p(h|v)> - <p(h|v')>
//
// where v' are samples of the machine. For contrastive divergence (CD-k) they come from Gibbs chains of k steps that
// start at the batch; with Persistent, from chains that go on from step to step. With momentum m and weight decay d,
//
//	change = m change + gradient - d (W, no biases),   W += rate change
//
// The inputs are in [0, 1]; those between are taken as probabilities. With a Share, each hidden unit keeps the
// [competitive.Winning](Share, N) largest of its activations p(h|v) over the batch, and the others are zero, in the
// first terms of the gradient and at the start of the chains: lifetime sparsity [WTA15]. Ties go to the first sample.
//
// It reports as "loss" the squared error of a reconstruction: the mean over the samples of |v - p(v|h)|², h drawn for v
// in a step and p(h|v) while measuring; and as "active" the mean of p(h|v) before the competition. While measuring it
// also reports the mean "free energy" and, as "negative pseudo-likelihood", an estimate of how unlikely the samples are
// (see [Machine.PseudoLikelihood]), which a run can monitor.
//
// A step allocates nothing once the largest batch has been seen. Results do not depend on the number of workers.
type Learner struct {
	Machine *Machine       // what is learnt, required
	Rate    optim.Schedule // required, such as optim.Constant(0.05)

	Steps       int     // k, the Gibbs steps of a chain in a learning step; 0 is 1
	Persistent  bool    // the chains go on
	Chains      int     // number of persistent chains; 0 is 100
	Momentum    float64 // at least 0, below 1
	WeightDecay float64 // at least 0
	Share       float64 // of the samples of a batch that a hidden unit is active for, up to 1; 0 is no competition

	Seed    uint64 // of the draws
	Workers int    // goroutines of a step; 0 is one for each core

	engine engine
	rng    *tensor.RNG
	chains *tensor.Tensor // hidden units of the persistent chains [Chains, H]
	speed  Machine        // change of the parameters

	// Of the step in progress: N samples and M fantasies, the samples of the machine.
	rate               float64
	samples, fantasies int
	winners            int       // of the samples, for each hidden unit
	v, positive, drawn []float32 // [N, V]; p(h|v), after the competition, and h drawn from it [N, H]
	image              []float32 // p(v|h) [N or M, V]
	fantasy, negative  []float32 // v' [M, V] and p(h|v') [M, H]
	columns            []float32 // positive, transposed [H, N]
	gradient, biases   []float32 // of the weights [H, V], and of either biases
	part               func(l *Learner, lo, hi int)
}

var _ train.Learner = (*Learner)(nil)

// defaultChains is the number of persistent chains.
const defaultChains = 100

// start prepares the learner, once.
func (l *Learner) start() {
	if l.rng != nil {
		return
	}
	if l.Machine == nil || l.Rate == nil {
		panic("rbm: Learner: Machine and Rate are required, such as optim.Constant(0.05)")
	}
	if l.Steps < 0 || l.Chains < 0 || !(l.Momentum >= 0 && l.Momentum < 1) || !(l.WeightDecay >= 0) ||
		math.IsInf(l.WeightDecay, 1) || !(l.Share >= 0 && l.Share <= 1) {
		panic(fmt.Sprintf("rbm: Learner: want Steps and Chains >= 0, 0 <= Momentum < 1, WeightDecay >= 0, 0 <= Share <= 1, "+
			"got %d, %d, %v, %v, %v", l.Steps, l.Chains, l.Momentum, l.WeightDecay, l.Share))
	}
	visible, hidden := l.Machine.visible(), l.Machine.hidden()
	l.engine = engine{Machine: l.Machine, workers: l.Workers}
	l.rng = tensor.Stream(l.Seed, "rbm/gibbs")
	l.speed = Machine{tensor.New(hidden, visible), tensor.New(visible), tensor.New(hidden)}
	l.gradient, l.biases = make([]float32, hidden*visible), make([]float32, max(hidden, visible))
	if l.Persistent {
		l.chains = tensor.New(cmp.Or(l.Chains, defaultChains), hidden)
		start := tensor.Stream(l.Seed, "rbm/chains")
		for i := range l.chains.Data() {
			l.chains.Data()[i] = float32(start.Uint64() >> 63)
		}
	}
}

// Step implements [train.Learner].
func (l *Learner) Step(b *dataset.Batch, r *train.Recorder) error {
	l.start()
	if err := l.take(&b.X); err != nil {
		return err
	}
	if l.winners = competitive.Winning(l.Share, l.samples); l.Share > 0 && l.winners < 1 {
		return fmt.Errorf("rbm: a Share of %g of a batch of %d samples leaves no winner: want at least %d samples in a batch",
			l.Share, l.samples, int(math.Ceil(1/l.Share)))
	}
	l.rate = l.Rate(r.Epoch)
	if math.IsNaN(l.rate) || math.IsInf(l.rate, 0) {
		return fmt.Errorf("rbm: the schedule gives the rate %v at epoch %g", l.rate, r.Epoch)
	}
	e, n, visible, hidden := &l.engine, l.samples, l.Machine.visible(), l.Machine.hidden()
	e.up(l.positive, l.v, n)
	e.sigmoid(l.positive, l.positive, n, hidden)
	r.Report("active", float64(simd.Sum(l.positive[:n*hidden]))/float64(n*hidden))
	if l.Share > 0 {
		l.compete()
	}
	e.drawFrom(l.drawn, l.positive, n, hidden, l.rng)
	e.down(l.image, l.drawn, n)
	if l.Persistent {
		e.sigmoid(l.image, l.image, n, visible)
	} else {
		e.draw(l.fantasy, l.image, n, visible, l.rng)
	}
	if err := l.report(r); err != nil {
		return err
	}
	l.imagine()
	l.learn()
	return nil
}

// take checks a batch and makes room for it.
func (l *Learner) take(x *tensor.Tensor) error {
	l.Machine.check("Learner", x, l.Machine.visible())
	for i, v := range x.Data() {
		if !(v >= 0 && v <= 1) {
			return fmt.Errorf("rbm: input %d of sample %d of the batch is %v: want 0 to 1; scale the data",
				i%x.Width(), i/x.Width(), v)
		}
	}
	l.v, l.samples, l.fantasies = x.Data(), x.Rows(), x.Rows()
	if l.Persistent {
		l.fantasies = l.chains.Rows()
	}
	if l.samples == 0 {
		return errors.New("rbm: a batch without samples")
	}
	visible, hidden, most := l.Machine.visible(), l.Machine.hidden(), max(l.samples, l.fantasies)
	l.positive, l.columns = grow(l.positive, l.samples*hidden), grow(l.columns, l.samples*hidden)
	l.negative, l.drawn = grow(l.negative, l.fantasies*hidden), grow(l.drawn, most*hidden)
	l.image, l.fantasy = grow(l.image, most*visible), grow(l.fantasy, most*visible)
	return nil
}

// report reports the reconstruction, in image.
func (l *Learner) report(r *train.Recorder) error {
	n, visible, loss := l.samples, l.Machine.visible(), 0.0
	for i := range n {
		row := l.image[i*visible : (i+1)*visible]
		simd.Sub(row, l.v[i*visible:(i+1)*visible], row)
		loss += float64(simd.SumSquares(row))
	}
	if loss /= float64(n); math.IsNaN(loss) || math.IsInf(loss, 0) {
		return &train.DivergedError{What: "reconstruction error", Value: loss}
	}
	r.Report("loss", loss)
	return nil
}

// compete keeps the largest activations of each hidden unit over the batch.
func (l *Learner) compete() {
	l.share(func(l *Learner, lo, hi int) {
		n, hidden := l.samples, l.Machine.hidden()
		columns := l.columns[lo*n : hi*n]
		simd.Transpose(columns, n, l.positive[lo:], hidden, n, hi-lo)
		for u := lo; u < hi; u++ {
			column := columns[(u-lo)*n:][:n]
			threshold := simd.KthLargest(column, l.winners)
			ties := l.winners // how many of those at the threshold win
			for _, p := range column {
				if p > threshold {
					ties--
				}
			}
			for i, p := range column {
				if p == threshold && ties > 0 {
					ties--
				} else if !(p > threshold) {
					l.positive[i*hidden+u] = 0
				}
			}
		}
	})
}

// imagine continues the chains: those of the batch have drawn the visible units once, persistent ones begin with their
// hidden units. It leaves the visible units in fantasy and the probabilities of the hidden ones in negative.
func (l *Learner) imagine() {
	e, m, visible, hidden := &l.engine, l.fantasies, l.Machine.visible(), l.Machine.hidden()
	steps := max(l.Steps, 1)
	for step := range steps {
		if l.Persistent || step > 0 {
			units := l.drawn
			if l.Persistent {
				units = l.chains.Data()
			}
			e.down(l.image, units, m)
			e.draw(l.fantasy, l.image, m, visible, l.rng)
		}
		e.up(l.negative, l.fantasy, m)
		e.sigmoid(l.negative, l.negative, m, hidden)
		if l.Persistent {
			e.drawFrom(l.chains.Data(), l.negative, m, hidden, l.rng)
		} else if step < steps-1 {
			e.drawFrom(l.drawn, l.negative, m, hidden, l.rng)
		}
	}
}

// learn changes the parameters. The gradient that it computes is that of -log-likelihood, as optimisers take it.
func (l *Learner) learn() {
	visible, hidden := l.Machine.visible(), l.Machine.hidden()
	n, m := l.samples, l.fantasies
	positive, negative := l.positive[:n*hidden], l.negative[:m*hidden]
	simd.Scale(positive, -1/float32(n), positive)
	simd.Scale(negative, 1/float32(m), negative)

	simd.SumRows(l.biases[:hidden], positive, n, hidden, false)
	simd.SumRows(l.biases[:hidden], negative, m, hidden, true)
	l.step(l.Machine.HiddenBias.Data(), l.biases[:hidden], l.speed.HiddenBias.Data(), 0)

	from, to := 1/float32(m), -1/float32(n)
	simd.SumRows(l.biases[:visible], l.v, n, visible, false)
	simd.Scale(l.biases[:visible], to/from, l.biases[:visible])
	simd.SumRows(l.biases[:visible], l.fantasy[:m*visible], m, visible, true)
	simd.Scale(l.biases[:visible], from, l.biases[:visible])
	l.step(l.Machine.VisibleBias.Data(), l.biases[:visible], l.speed.VisibleBias.Data(), 0)

	l.engine.product.Density = simd.Density(positive, n, hidden)
	l.share(func(l *Learner, lo, hi int) {
		n, m, visible, hidden := l.samples, l.fantasies, l.Machine.visible(), l.Machine.hidden()
		gradient, from, to := l.gradient[lo*visible:hi*visible], lo*visible, hi*visible
		op := simd.SparseProduct{TransA: true, Density: l.engine.product.Density}
		op.Gemm(hi-lo, visible, n, l.positive[lo:], hidden, l.v, visible, gradient, visible)
		simd.GemmTN(hi-lo, visible, m, l.negative[lo:], hidden, l.fantasy, visible, gradient, visible, true)
		l.step(l.Machine.Weights.Data()[from:to], gradient, l.speed.Weights.Data()[from:to], l.WeightDecay)
	})
}

func (l *Learner) step(w, gradient, speed []float32, decay float64) {
	simd.Momentum(w, gradient, speed, float32(l.rate), float32(l.Momentum), float32(decay), false)
}

// Measure implements [train.Learner].
func (l *Learner) Measure(b *dataset.Batch, r *train.Recorder) error {
	l.start()
	if err := l.take(&b.X); err != nil {
		return err
	}
	e, n, hidden := &l.engine, l.samples, l.Machine.hidden()
	e.up(l.positive, l.v, n)
	free := make([]float64, n)
	e.freeEnergy(free, l.v, l.positive, n)
	e.sigmoid(l.positive, l.positive, n, hidden)
	e.down(l.image, l.positive, n)
	e.sigmoid(l.image, l.image, n, l.Machine.visible())
	if err := l.report(r); err != nil {
		return err
	}
	r.Report("active", float64(simd.Sum(l.positive[:n*hidden]))/float64(n*hidden))
	mean := 0.0
	for _, f := range free {
		mean += f / float64(n)
	}
	r.Report("free energy", mean)
	r.Report("negative pseudo-likelihood", -l.Machine.pseudo(&b.X, free, tensor.Stream(l.Seed, "rbm/measure")))
	return nil
}

// State implements [train.Learner].
func (l *Learner) State() train.State {
	l.start()
	s := train.State{
		Model:    l.Machine.named(),
		Streams:  []nn.Stream{{Name: "gibbs", RNG: l.rng}},
		Schedule: l.Rate,
		Settings: []any{max(l.Steps, 1), l.Momentum, l.WeightDecay, l.Share, l.Persistent},
	}
	for _, speed := range l.speed.named() {
		s.Memory = append(s.Memory, tensor.Named{Name: "change of " + speed.Name, Tensor: speed.Tensor})
	}
	if l.Persistent {
		s.Memory = append(s.Memory, tensor.Named{Name: "chains", Tensor: l.chains})
	}
	return s
}

// share calls do on ranges of the hidden units, on the learner's workers.
func (l *Learner) share(do func(l *Learner, lo, hi int)) {
	const grain = 16
	l.part = do
	parallel.For(l.engine.goroutines(), l.Machine.hidden(), grain, l, func(arg any, lo, hi int) {
		l := arg.(*Learner)
		l.part(l, lo, hi)
	})
}
