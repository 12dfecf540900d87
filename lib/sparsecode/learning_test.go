// SPDX-License-Identifier: Apache-2.0

package sparsecode_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/internal/race"
	"github.com/lateral-ml/lateral/lib/optim"
	. "github.com/lateral-ml/lateral/lib/sparsecode"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// planted returns patches of exactly three atoms of a hidden dictionary.
func planted(hidden *Dictionary, n int) *dataset.Set {
	rng := tensor.Stream(4, "planted")
	codes := tensor.New(n, hidden.Len())
	for i := range n {
		for _, k := range rng.Perm(hidden.Len())[:3] {
			codes.Set(float32(math.Copysign(0.5+rng.Float64(), rng.Float64()-0.5)), i, k)
		}
	}
	return &dataset.Set{X: hidden.Reconstruct(codes)}
}

// found returns the share of the atoms of a dictionary that another one has.
func found(hidden, d *Dictionary) float64 {
	n := 0
	for i := range hidden.Len() {
		best := 0.0
		for j := range d.Len() {
			c := 0.0
			for q, v := range hidden.Atoms().Row(i) {
				c += float64(v) * float64(d.Atoms().Row(j)[q])
			}
			best = max(best, math.Abs(c))
		}
		if best > 0.97 {
			n++
		}
	}
	return float64(n) / float64(hidden.Len())
}

func learners(d *Dictionary, e Encoder) []train.Learner {
	return []train.Learner{
		&Online{Dictionary: d, Encoder: e},
		&OlshausenField{Dictionary: d, Encoder: e, Rate: optim.Constant(3)},
	}
}

// Both learners find the dictionary that patches were made with, and their objective falls.
func TestLearnersRecoverTheDictionary(t *testing.T) {
	hidden := RandomDictionary(30, 11, 5, 5)
	data := planted(hidden, 2000)
	for i := range 2 {
		d := RandomDictionary(30, 5, 5, 5)
		before := found(hidden, d)
		l := learners(d, &CoordinateDescent{Lambda: 0.1})[i]
		h, err := train.Run(context.Background(), train.Config{Learner: l, Train: data, Epochs: 15})
		if err != nil {
			t.Fatal(err)
		}
		loss := h.TrainSeries("loss")
		t.Logf("%T: %.2f of the atoms found, %.2f at the start; objective %.4f", l, found(hidden, d), before, loss)
		if share := found(hidden, d); share < 0.9 || before > 0.2 {
			t.Errorf("%T finds %.2f of the atoms, %.2f were there at the start", l, share, before)
		}
		for e := 1; e < len(loss); e++ {
			if loss[e] > 1.01*loss[e-1] {
				t.Errorf("%T: the objective rises in epoch %d: %.4f", l, e+1, loss)
			}
		}
		for k := range d.Len() {
			sum := 0.0
			for _, v := range d.Atoms().Row(k) {
				sum += float64(v) * float64(v)
			}
			if math.Abs(sum-1) > 1e-6 {
				t.Errorf("%T: atom %d has the squared length %v", l, k, sum)
			}
		}
	}
}

// A step of each learner is what its equations say, in float64.
func TestStepsAreTheEquations(t *testing.T) {
	const n, k, p, rate, variance = 7, 9, 6, 0.3, 0.2
	x := patches(RandomDictionary(k, 8, p), n, 0.1)
	b := &dataset.Batch{X: *x}
	e := &OMP{Atoms: 3}
	for _, online := range []bool{false, true} {
		d := RandomDictionary(k, 1, p)
		for i := range d.Gains() {
			d.Gains()[i] = 0.5 + float32(i)/4
		}
		gains := slices.Clone(d.Gains())
		codes := encode(t, e, d, x)
		a := func(i, j int) float64 { return float64(codes.At(i, j)) }
		want := make([][]float64, k)
		for i := range want {
			for _, v := range d.Atoms().Row(i) {
				want[i] = append(want[i], float64(v))
			}
		}
		var l train.Learner
		if online {
			l = &Online{Dictionary: d, Encoder: e}
			for i := range k {
				used := false
				atom := make([]float64, p)
				for s := range n {
					used = used || a(s, i) != 0
					for q := range p {
						rest := float64(x.At(s, q))
						for j := range k {
							if j != i {
								rest -= a(s, j) * want[j][q]
							}
						}
						atom[q] += a(s, i) * rest
					}
				}
				if used {
					want[i] = unit(atom)
				}
			}
		} else {
			l = &OlshausenField{
				Dictionary: d, Encoder: e, Rate: optim.Constant(rate), Variance: variance, GainRate: 0.5, Memory: 0.25,
			}
			change := make([][]float64, k)
			for i := range k {
				change[i] = slices.Clone(want[i])
				for s := range n {
					for q := range p {
						r := float64(x.At(s, q))
						for j := range k {
							r -= a(s, j) * want[j][q]
						}
						change[i][q] += rate / (float64(gains[i]) * float64(gains[i])) * a(s, i) * r / n
					}
				}
			}
			for i := range k {
				want[i] = unit(change[i])
			}
		}
		if err := l.Step(b, &train.Recorder{}); err != nil {
			t.Fatal(err)
		}
		for i := range k {
			for q := range p {
				if got := float64(d.Atoms().At(i, q)); math.Abs(got-want[i][q]) > 2e-5 {
					t.Errorf("%T: pixel %d of atom %d is %v, want %v", l, q, i, got, want[i][q])
				}
			}
			c := 0.0
			for q := range p {
				c += want[i][q] * want[0][q]
			}
			if math.Abs(c-float64(d.Gram().At(0, i))) > 2e-5 {
				t.Errorf("%T: the Gram matrix is not of the new atoms", l)
			}
			g, square := float64(gains[i]), 0.0
			for s := range n {
				square += a(s, i) * a(s, i) / n
			}
			if v := 0.75*variance + 0.25*square/(g*g); !online {
				g *= math.Sqrt(v / variance)
			}
			if math.Abs(float64(d.Gains()[i])-g) > 1e-5 {
				t.Errorf("%T: gain %d is %v, want %v", l, i, d.Gains()[i], g)
			}
		}
	}
}

func unit(x []float64) []float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	for i := range x {
		x[i] /= math.Sqrt(sum)
	}
	return x
}

// Gains end where the coefficients of all atoms vary alike.
func TestGainsEqualizeVariances(t *testing.T) {
	hidden := RandomDictionary(16, 11, 4, 4)
	data := planted(hidden, 1000)
	for i := range data.X.Rows() { // the first pixel varies most
		data.X.Row(i)[0] *= 4
	}
	d := RandomDictionary(16, 5, 4, 4)
	spread := func() float64 {
		codes := encode(t, &Sparsenet{Cost: LogCost, Lambda: 0.02, Sigma: 0.3}, d, data.X)
		lo, hi := math.Inf(1), 0.0
		for k := range 16 {
			sum := 0.0
			for n := range codes.Rows() {
				a := float64(codes.At(n, k)) / float64(d.Gains()[k])
				sum += a * a
			}
			lo, hi = min(lo, sum), max(hi, sum)
		}
		return hi / lo
	}
	before := spread()
	l := &OlshausenField{
		Dictionary: d, Encoder: &Sparsenet{Cost: LogCost, Lambda: 0.02, Sigma: 0.3}, Rate: optim.Constant(0.05),
		Variance: 0.1, Memory: 0.1,
	}
	if _, err := train.Run(context.Background(), train.Config{Learner: l, Train: data, Epochs: 40}); err != nil {
		t.Fatal(err)
	}
	if after := spread(); after > 2 || before < 3 {
		t.Errorf("the largest variance was %.2f times the smallest, and is %.2f times", before, after)
	}
}

// An atom that nothing uses gives way to the patch that is reconstructed worst.
func TestDeadAtomsAreReplaced(t *testing.T) {
	for i := range 2 {
		atoms := tensor.New(4, 6)
		for k := range 4 {
			atoms.Set(1, k, k)
		}
		d, err := NewDictionary(atoms)
		if err != nil {
			t.Fatal(err)
		}
		x := tensor.New(50, 6) // pixels 0, 1 and 5: two atoms, and something for which there is none
		rng := tensor.Stream(1, "x")
		for n := range 50 {
			rng.Normal(x.Row(n)[:2], 0, 1)
			x.Row(n)[5] = 2
		}
		l := learners(d, &OMP{Atoms: 2})[i]
		switch l := l.(type) {
		case *Online:
			l.Replace = 100
		case *OlshausenField:
			l.Replace = 100
			l.Rate = optim.Constant(0.01)
		}
		h, err := train.Run(context.Background(), train.Config{Learner: l, Train: &dataset.Set{X: x}, Epochs: 6,
			BatchSize: 50})
		if err != nil {
			t.Fatal(err)
		}
		replaced := 0.0
		for _, n := range h.TrainSeries("replaced") {
			replaced += n
		}
		largest := float32(0)
		for k := range 4 {
			largest = max(largest, d.Atoms().At(k, 5))
		}
		loss := h.TrainSeries("loss")
		if replaced < 1 || largest < 0.5 || loss[5] > loss[0]/2 {
			t.Errorf("%T: %v atoms replaced, pixel 5 has %v, objective %v", l, replaced, largest, loss)
		}
	}
}

// A run that was interrupted ends, bit by bit, where one that was not does, on any number of workers.
func TestLearnersResume(t *testing.T) {
	data := planted(RandomDictionary(20, 11, 4, 4), 300)
	config := func(i, workers int, dir string) (train.Config, *Dictionary) {
		d := RandomDictionary(20, 5, 4, 4)
		l := learners(d, &FISTA{Lambda: 0.1, Workers: workers})[i]
		switch l := l.(type) {
		case *Online:
			l.Workers, l.Replace = workers, 150
		case *OlshausenField:
			l.Workers, l.Replace, l.Variance = workers, 150, 0.3
		}
		return train.Config{Learner: l, Train: data, Epochs: 3, BatchSize: 40, Dir: dir}, d
	}
	for i := range 2 {
		c, whole := config(i, 1, "")
		if _, err := train.Run(context.Background(), c); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		c, _ = config(i, 3, dir)
		ctx, cancel := context.WithCancel(context.Background())
		c.OnStep = func(e *train.Event) {
			if e.Step == 11 {
				cancel()
			}
		}
		if _, err := train.Run(ctx, c); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		c, d := config(i, 2, dir)
		if _, err := train.Run(context.Background(), c); err != nil {
			t.Fatal(err)
		}
		for _, m := range [][2]*tensor.Tensor{{whole.Atoms(), d.Atoms()}, {whole.Gram(), d.Gram()}} {
			if !slices.Equal(m[0].Data(), m[1].Data()) {
				t.Errorf("%T: the resumed run ends with another dictionary", c.Learner)
			}
		}
		if !slices.Equal(whole.Gains(), d.Gains()) {
			t.Errorf("%T: the resumed run ends with other gains", c.Learner)
		}
		c, _ = config(i, 2, dir)
		switch l := c.Learner.(type) {
		case *Online:
			l.Encoder = &FISTA{Lambda: 0.2}
		case *OlshausenField:
			l.Encoder = &FISTA{Lambda: 0.2}
		}
		var mismatch *train.MismatchError
		if _, err := train.Run(context.Background(), c); !errors.As(err, &mismatch) {
			t.Errorf("%T: the checkpoint of another lambda: %v", c.Learner, err)
		}
	}
}

func TestLearnersAllocateNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	b := &dataset.Batch{X: *patches(RandomDictionary(20, 8, 6), 50, 0.1)}
	for _, l := range learners(RandomDictionary(20, 1, 6), &CoordinateDescent{Lambda: 0.1}) {
		r := &train.Recorder{}
		measure := func() {
			if err := l.Measure(b, r); err != nil {
				t.Fatal(err)
			}
			if err := l.Step(b, r); err != nil {
				t.Fatal(err)
			}
		}
		measure()
		if n := testing.AllocsPerRun(20, measure); n > 1 { // a collection may empty a pool
			t.Errorf("%T: %v allocations a step", l, n)
		}
	}
}

// A batch that cannot be encoded stops a run with its place, and the dictionary stays.
func TestLearnersRefuseBadPatches(t *testing.T) {
	data := planted(RandomDictionary(20, 11, 4, 4), 30)
	data.X.Row(7)[3] = float32(math.NaN())
	for _, l := range learners(RandomDictionary(20, 1, 4, 4), &OMP{Atoms: 3}) {
		_, err := train.Run(context.Background(), train.Config{Learner: l, Train: data, Epochs: 1})
		if err == nil || !strings.Contains(err.Error(), "the pixel in row 0, column 3 is NaN") ||
			!strings.Contains(err.Error(), "step 1") {
			t.Errorf("%T: %v", l, err)
		}
	}
	for _, f := range []func(){
		func() { (&Online{}).State() },
		func() { (&OlshausenField{Dictionary: RandomDictionary(2, 1, 4), Encoder: &OMP{Atoms: 1}}).State() },
		func() {
			(&OlshausenField{
				Dictionary: RandomDictionary(2, 1, 4), Encoder: &OMP{Atoms: 1}, Rate: optim.Constant(1), Memory: 2,
			}).State()
		},
	} {
		func() {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.HasPrefix(text, "sparsecode: ") {
					t.Errorf("panic: %s", text)
				}
			}()
			f()
		}()
	}
}
