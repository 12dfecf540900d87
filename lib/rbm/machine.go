// SPDX-License-Identifier: Apache-2.0

// Package rbm learns restricted Boltzmann machines with binary units: models of the probability of inputs whose hidden
// units are features.
//
// A machine with visible units v [V], hidden units h [H], weights W [H, V] and biases b [V], c [H] has the energy and
// the probabilities
//
//	E(v, h) = -b·v - c·h - h·W v,   p(v, h) = exp(-E(v, h))/Z
//	p(h_j = 1 | v) = sigmoid(c_j + W_j·v),   p(v_i = 1 | h) = sigmoid(b_i + sum_j h_j W_ji)
//
// [Learner] follows the gradient of the log-likelihood, whose second term it estimates by Gibbs sampling: contrastive
// divergence [Hinton02], or with chains that persist from step to step [Tieleman08]. With a share it learns the
// winner-take-all machine, whose hidden units keep only their largest activations of a batch [WTA15].
//
//	learner := &rbm.Learner{Machine: rbm.New(784, 500, 1), Rate: optim.Constant(0.05), Momentum: 0.5}
//	history, err := train.Run(ctx, train.Config{Learner: learner, Train: images, Epochs: 20})
//	features := learner.Machine.Features(test.X)
package rbm

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Machine is a restricted Boltzmann machine. Several goroutines may use it at the same time while it does not change.
type Machine struct {
	Weights     *tensor.Tensor // W [H, V], a row for each hidden unit
	VisibleBias *tensor.Tensor // b [V]
	HiddenBias  *tensor.Tensor // c [H]
}

// New returns a machine with weights from the normal distribution of standard deviation 0.01, and biases of zero
// [Hinton12, section 8]. It panics unless both numbers are positive.
func New(visible, hidden int, seed uint64) *Machine {
	if visible < 1 || hidden < 1 {
		panic(fmt.Sprintf("rbm: New: %d visible and %d hidden units", visible, hidden))
	}
	m := &Machine{tensor.New(hidden, visible), tensor.New(visible), tensor.New(hidden)}
	tensor.Stream(seed, "rbm/weights").Normal(m.Weights.Data(), 0, 0.01)
	return m
}

// CentreOn sets the visible biases to log(p/(1-p)), where p are the means of the samples x [N, V], limited to [1/N,
// 1-1/N]: without hidden units that is the most likely machine [Hinton12, section 8]. It panics if x has another width
// or no rows.
func (m *Machine) CentreOn(x *tensor.Tensor) {
	m.check("CentreOn", x, m.visible())
	n := float64(x.Rows())
	if n < 1 {
		panic("rbm: CentreOn: no samples")
	}
	for i := range m.visible() {
		sum := 0.0
		for s := range x.Rows() {
			sum += float64(x.Row(s)[i])
		}
		p := min(max(sum/n, 1/n), 1-1/n)
		if n == 1 {
			p = 0.5
		}
		m.VisibleBias.Data()[i] = float32(math.Log(p / (1 - p)))
	}
}

func (m *Machine) visible() int { return m.Weights.Width() }
func (m *Machine) hidden() int  { return m.Weights.Rows() }

// check panics unless x has rows of a width, and the parts of the machine fit.
func (m *Machine) check(op string, x *tensor.Tensor, width int) {
	if m.Weights.Rank() != 2 || m.VisibleBias.Len() != m.visible() || m.HiddenBias.Len() != m.hidden() {
		panic(fmt.Sprintf("rbm: %s: weights of shape %v with biases of shapes %v and %v", op, m.Weights.Shape(),
			m.VisibleBias.Shape(), m.HiddenBias.Shape()))
	}
	if x.Width() != width {
		panic(fmt.Sprintf("rbm: %s: rows of shape %v for weights of shape %v", op, x.Shape(), m.Weights.Shape()))
	}
}

// Features returns the probabilities of the hidden units p(h = 1 | v) for v [N, ...], taken as [N, V] -> [N, H].
func (m *Machine) Features(v *tensor.Tensor) *tensor.Tensor {
	m.check("Features", v, m.visible())
	h := tensor.New(v.Rows(), m.hidden())
	e := engine{Machine: m}
	e.up(h.Data(), v.Data(), v.Rows())
	e.sigmoid(h.Data(), h.Data(), v.Rows(), m.hidden())
	return h
}

// Reconstruct returns the probabilities of the visible units p(v = 1 | h) for h [N, H] -> [N, V].
func (m *Machine) Reconstruct(h *tensor.Tensor) *tensor.Tensor {
	m.check("Reconstruct", h, m.hidden())
	v := tensor.New(h.Rows(), m.visible())
	e := engine{Machine: m}
	e.down(v.Data(), h.Data(), h.Rows())
	e.sigmoid(v.Data(), v.Data(), h.Rows(), m.visible())
	return v
}

// FreeEnergy returns F(v) = -b·v - sum_j log(1 + exp(c_j + W_j·v)) of each row of v [N, ...], taken as [N, V]. The
// probability of v is exp(-F(v))/Z.
func (m *Machine) FreeEnergy(v *tensor.Tensor) []float64 {
	m.check("FreeEnergy", v, m.visible())
	e := engine{Machine: m}
	net := make([]float32, v.Rows()*m.hidden())
	e.up(net, v.Data(), v.Rows())
	f := make([]float64, v.Rows())
	e.freeEnergy(f, v.Data(), net, v.Rows())
	return f
}

// PseudoLikelihood returns the mean over the rows of v [N, V], which are binary, of V log p(v_i | the other units),
// where unit i of each row is drawn from rng: an estimate of the log-pseudo-likelihood sum_i log p(v_i | the others),
// which unlike the likelihood needs no Z. p(v_i | the others) = sigmoid(F(v with v_i flipped) - F(v)).
func (m *Machine) PseudoLikelihood(v *tensor.Tensor, rng *tensor.RNG) float64 {
	m.check("PseudoLikelihood", v, m.visible())
	return m.pseudo(v, m.FreeEnergy(v), rng)
}

// pseudo is PseudoLikelihood for rows whose free energies are known.
func (m *Machine) pseudo(v *tensor.Tensor, free []float64, rng *tensor.RNG) float64 {
	flipped := tensor.From(append([]float32(nil), v.Data()...), v.Rows(), m.visible())
	for n := range v.Rows() {
		i := rng.IntN(m.visible())
		flipped.Row(n)[i] = 1 - flipped.Row(n)[i]
	}
	sum := 0.0
	for n, f := range m.FreeEnergy(flipped) {
		sum -= softplus(free[n] - f) // log sigmoid(f - free)
	}
	return sum / float64(v.Rows()) * float64(m.visible())
}

// Sample runs a Gibbs chain from each row of v [N, V], of so many steps: in a step, the hidden units are drawn for the
// visible ones, and then the visible for the hidden ones. It returns the last visible units [N, V], 0 or 1, and their
// probabilities before they were drawn, which are smoother to look at. It panics unless steps is positive.
func (m *Machine) Sample(v *tensor.Tensor, steps int, rng *tensor.RNG) (samples, means *tensor.Tensor) {
	m.check("Sample", v, m.visible())
	if steps < 1 {
		panic(fmt.Sprintf("rbm: Sample: %d steps", steps))
	}
	n := v.Rows()
	samples, means = tensor.New(n, m.visible()), tensor.New(n, m.visible())
	copy(samples.Data(), v.Data())
	h := make([]float32, n*m.hidden())
	e := engine{Machine: m}
	for range steps {
		e.up(h, samples.Data(), n)
		e.draw(h, h, n, m.hidden(), rng)
		e.down(means.Data(), h, n)
		e.draw(samples.Data(), means.Data(), n, m.visible(), rng)
	}
	return samples, means
}

// Save writes the machine to a file of safetensors, with the tensors "weights" [H, V], "visible bias" [V] and "hidden
// bias" [H]. The file is replaced atomically.
func (m *Machine) Save(path string) error {
	if err := tensor.SaveSafetensors(path, m.named(), nil); err != nil {
		return fmt.Errorf("rbm: save: %w", err)
	}
	return nil
}

func (m *Machine) named() []tensor.Named {
	return []tensor.Named{
		{Name: "weights", Tensor: m.Weights},
		{Name: "visible bias", Tensor: m.VisibleBias},
		{Name: "hidden bias", Tensor: m.HiddenBias},
	}
}

// Load reads a machine that [Machine.Save] wrote.
func Load(path string) (*Machine, error) {
	named, _, err := tensor.LoadSafetensors(path)
	if err != nil {
		return nil, fmt.Errorf("rbm: load: %w", err)
	}
	found := map[string]*tensor.Tensor{}
	for _, n := range named {
		if !simd.Finite(n.Tensor.Data()) {
			return nil, fmt.Errorf("rbm: load %s: an element of %s is not a finite number", path, n.Name)
		}
		found[n.Name] = n.Tensor
	}
	w, b, c := found["weights"], found["visible bias"], found["hidden bias"]
	if w == nil || b == nil || c == nil {
		return nil, fmt.Errorf("rbm: load %s: it lacks weights, visible bias or hidden bias: want a file of Machine.Save",
			path)
	}
	if w.Rank() != 2 || b.Rank() != 1 || c.Rank() != 1 || b.Len() != w.Width() || c.Len() != w.Rows() || w.Len() == 0 {
		return nil, fmt.Errorf("rbm: load %s: weights of shape %v with biases of shapes %v and %v: want [H, V], [V], [H]",
			path, w.Shape(), b.Shape(), c.Shape())
	}
	return &Machine{w, b, c}, nil
}
