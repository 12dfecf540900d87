// SPDX-License-Identifier: Apache-2.0

package rbm_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "github.com/lateral-ml/lateral/lib/rbm"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// random returns a machine with weights and biases of standard deviation 1.
func random(visible, hidden int, seed uint64) *Machine {
	m := New(visible, hidden, seed)
	rng := tensor.Stream(seed, "random")
	for _, t := range []*tensor.Tensor{m.Weights, m.VisibleBias, m.HiddenBias} {
		rng.Normal(t.Data(), 0, 1)
	}
	return m
}

// states returns all binary rows of a width.
func states(width int) *tensor.Tensor {
	x := tensor.New(1<<width, width)
	for s := range x.Rows() {
		for i := range width {
			x.Set(float32(s>>i&1), s, i)
		}
	}
	return x
}

// An enumeration is the distribution of a tiny machine, from its energy alone.
type enumeration struct {
	logZ    float64
	visible []float64   // p(v), in the order of states
	joint   [][]float64 // p(v, h)
}

func enumerate(m *Machine) (d enumeration) {
	vs, hs := states(m.Weights.Width()), states(m.Weights.Rows())
	z := 0.0
	for s := range vs.Rows() {
		var row []float64
		for t := range hs.Rows() {
			energy := 0.0
			for i, v := range vs.Row(s) {
				energy -= float64(v * m.VisibleBias.At(i))
				for j, h := range hs.Row(t) {
					energy -= float64(v) * float64(h) * float64(m.Weights.At(j, i))
				}
			}
			for j, h := range hs.Row(t) {
				energy -= float64(h * m.HiddenBias.At(j))
			}
			row = append(row, math.Exp(-energy))
			z += math.Exp(-energy)
		}
		d.joint = append(d.joint, row)
	}
	d.logZ = math.Log(z)
	for _, row := range d.joint {
		sum := 0.0
		for t := range row {
			row[t] /= z
			sum += row[t]
		}
		d.visible = append(d.visible, sum)
	}
	return d
}

// near fails unless two numbers are close.
func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %v, want %v within %v", what, got, want, tolerance)
	}
}

// Probabilities, free energy, log Z and likelihood are those of the energy.
func TestMachineIsItsEnergy(t *testing.T) {
	for _, size := range [][2]int{{4, 3}, {3, 4}} {
		m := random(size[0], size[1], 2)
		d, vs, hs := enumerate(m), states(size[0]), states(size[1])
		logZ, err := m.LogPartition()
		if err != nil {
			t.Fatal(err)
		}
		near(t, "log Z", logZ, d.logZ, 1e-6)
		h, v := m.Features(vs), m.Reconstruct(hs)
		for s, f := range m.FreeEnergy(vs) {
			near(t, "log p(v)", -f-logZ, math.Log(d.visible[s]), 1e-5)
			for j := range size[1] {
				p := 0.0
				for u, joint := range d.joint[s] {
					p += joint / d.visible[s] * float64(hs.At(u, j))
				}
				near(t, "p(h|v)", float64(h.At(s, j)), p, 1e-6)
			}
		}
		for u := range hs.Rows() {
			all, on := 0.0, make([]float64, size[0])
			for s := range vs.Rows() {
				all += d.joint[s][u]
				for i, v := range vs.Row(s) {
					on[i] += d.joint[s][u] * float64(v)
				}
			}
			for i := range on {
				near(t, "p(v|h)", float64(v.At(u, i)), on[i]/all, 1e-6)
			}
		}
		mean := 0.0
		for _, p := range d.visible {
			mean += math.Log(p) / float64(len(d.visible))
		}
		near(t, "log-likelihood", m.LogLikelihood(vs, logZ), mean, 1e-5)
	}
}

// A Gibbs step leaves the distribution as it is, and keeps detailed balance: from samples of the machine, as many go
// from one state to another as come back.
func TestSamplerKeepsDetailedBalance(t *testing.T) {
	const n = 200_000
	m := random(4, 3, 1)
	d, vs, rng := enumerate(m), states(4), tensor.Stream(1, "balance")
	start, from := tensor.New(n, 4), make([]int, n)
	for i := range n {
		u, s := rng.Float64(), 0
		for u -= d.visible[0]; u > 0 && s < 15; u -= d.visible[s] {
			s++
		}
		from[i] = s
		copy(start.Row(i), vs.Row(s))
	}
	samples, means := m.Sample(start, 1, rng)
	var count [16][16]float64
	drawn, expected := 0.0, 0.0
	for i := range n {
		to := 0
		for j, v := range samples.Row(i) {
			if v != 0 && v != 1 {
				t.Fatalf("a sample of %v", v)
			}
			to |= int(v) << j
			drawn += float64(v)
			expected += float64(means.At(i, j))
		}
		count[from[i]][to]++
	}
	near(t, "the mean of samples", drawn/n, expected/n, 5*math.Sqrt(1.0/n))
	hs, checked := states(3), 0
	for a := range 16 {
		into := 0.0
		for b := range 16 {
			into += count[b][a]
			there, back := count[a][b], count[b][a]
			if there+back > 0 && math.Abs(there-back) > 5*math.Sqrt(there+back) {
				t.Errorf("%v of state %d go to state %d, %v come back", there, a, b, back)
			}
			// The step's probability from the conditionals of the energy: sum over h of p(h|a) p(b|h).
			p := 0.0
			for u := range hs.Rows() {
				all := 0.0
				for s := range 16 {
					all += d.joint[s][u]
				}
				p += d.joint[a][u] * d.joint[b][u] / all
			}
			if math.Abs(there-n*p) > 5*math.Sqrt(n*p)+1 {
				t.Errorf("%v of state %d go to state %d, want %.1f", there, a, b, n*p)
			}
			checked++
		}
		if math.Abs(into-n*d.visible[a]) > 5*math.Sqrt(n*d.visible[a]) {
			t.Errorf("%v samples in state %d, want %.1f", into, a, n*d.visible[a])
		}
	}
	if checked != 256 {
		t.Errorf("%d pairs", checked)
	}
}

// The estimate from one unit of each row has the log-pseudo-likelihood as its mean.
func TestPseudoLikelihood(t *testing.T) {
	m := random(4, 3, 3)
	d, vs := enumerate(m), states(4)
	want := 0.0
	for s, p := range d.visible {
		for i := range 4 {
			want += math.Log(p/(p+d.visible[s^1<<i])) / 16
		}
	}
	const rounds = 2000
	got, rng := 0.0, tensor.Stream(1, "units")
	for range rounds {
		got += m.PseudoLikelihood(vs, rng) / rounds
	}
	near(t, "the pseudo-likelihood", got, want, 0.03)
}

// Annealing finds log Z, from either base and with the spread that it says, where the exact value is known.
func TestAnnealing(t *testing.T) {
	for _, m := range []*Machine{random(4, 3, 1), random(12, 30, 2)} {
		exact, err := m.LogPartition()
		if err != nil {
			t.Fatal(err)
		}
		for _, base := range []*tensor.Tensor{nil, tensor.New(m.Weights.Width())} {
			got, sd, err := m.EstimateLogPartition(t.Context(), Annealing{Temperatures: 500, Base: base})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("log Z %.4f ± %.4f, exactly %.4f", got, sd, exact)
			near(t, "log Z", got, exact, 4*sd)
			if !(sd > 0 && sd < 0.2) {
				t.Errorf("sd %v", sd)
			}
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	cancel(stop)
	if _, _, err := random(4, 3, 1).EstimateLogPartition(ctx, Annealing{}); !errors.Is(err, stop) {
		t.Errorf("interrupted with %v", err)
	}
	if _, err := New(21, 22, 1).LogPartition(); err == nil || !strings.Contains(err.Error(), "21 visible and 22 hidden") {
		t.Errorf("too many units give %v", err)
	}
}

func TestCentreOn(t *testing.T) {
	x := tensor.From([]float32{1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 0}, 4, 3) // means 0.25, 0.25, 0.75
	x.Set(0, 2, 2)                                                        // and 0.5
	m := New(3, 2, 1)
	m.CentreOn(x)
	v := m.Reconstruct(tensor.New(1, 2))
	for i := range 3 {
		mean := 0.0
		for s := range 4 {
			mean += float64(x.At(s, i)) / 4
		}
		near(t, "a mean", float64(v.At(0, i)), min(max(mean, 0.25), 0.75), 1e-6)
	}
}

func TestSaveAndLoad(t *testing.T) {
	m := random(5, 4, 1)
	path := filepath.Join(t.TempDir(), "machine.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	back, err := Load(path)
	if err != nil || !slices.Equal(back.Weights.Data(), m.Weights.Data()) ||
		!slices.Equal(back.VisibleBias.Data(), m.VisibleBias.Data()) ||
		!slices.Equal(back.HiddenBias.Data(), m.HiddenBias.Data()) {
		t.Errorf("%v, %v", back, err)
	}
	m.HiddenBias = tensor.New(3)
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "[5] and [3]") {
		t.Errorf("biases that do not fit give %v", err)
	}
	m.HiddenBias.Data()[0] = float32(math.NaN())
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "hidden bias is not a finite") {
		t.Errorf("NaN gives %v", err)
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is missing was loaded")
	}
}
