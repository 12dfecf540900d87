// SPDX-License-Identifier: Apache-2.0

package loss_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	"github.com/lateral-ml/lateral/lib/internal/race"
	. "github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func TestGradientsOfTheDRMMLosses(t *testing.T) {
	x := normal("x", 6, 4)
	prior := []float32{0.1, 0.2, 0.3, 0.4}
	beliefs := tensor.From([]float32{1, 0, 0, 0, 0.5, 0.5, 0, 0, 0.1, 0.2, 0.3, 0.4}, 3, 4)
	for name, f := range map[string]func(x *autograd.Var) *autograd.Var{
		"KL":                    func(x *autograd.Var) *autograd.Var { return KL(x, nil) },
		"KL from a prior":       func(x *autograd.Var) *autograd.Var { return KL(x, prior) },
		"MarginalKL":            func(x *autograd.Var) *autograd.Var { return MarginalKL(x, nil) },
		"MarginalKL from prior": func(x *autograd.Var) *autograd.Var { return MarginalKL(x, prior) },
		"Consistency": func(x *autograd.Var) *autograd.Var {
			return autograd.Scale(Consistency(autograd.Slice(x, 0, 2, 5), beliefs), 3)
		},
		"NonNegativity": NonNegativity,
		"NonNegativity in a sum": func(x *autograd.Var) *autograd.Var {
			return autograd.Add(KL(x, nil), autograd.Scale(NonNegativity(x), 3))
		},
	} {
		err := gradcheck.Check(gradcheck.Config{}, func(t *autograd.Tape) *autograd.Var {
			return f(autograd.Add(x, t.Input(tensor.New(6, 4))))
		}, x)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNonNegativityIsZeroOnlyWithoutNegatives(t *testing.T) {
	tape := autograd.NewTape(1)
	z := tensor.From([]float32{0, 1, 2, 3}, 2, 2)
	if got := NonNegativity(tape.Input(z)).Scalar(); got != 0 {
		t.Errorf("%v without a negative element, want 0", got)
	}
	for i := range z.Len() {
		was := z.Data()[i]
		z.Data()[i] = -1e-6
		if got := NonNegativity(tape.Input(z)).Scalar(); !(got > 0) {
			t.Errorf("%v with a negative element %d, want more than 0", got, i)
		}
		z.Data()[i] = was
	}
}

// The identity in the comment of KL: with C classes and a uniform prior, the mutual information is log C - mean entropy
// - marginal divergence.
func TestKLIsInformationPlusMarginal(t *testing.T) {
	x := normal("x", 50, 7)
	tape := autograd.NewTape(1)
	logits := tape.Input(x.Value())
	q := autograd.Softmax(logits)
	var entropy, entropyOfMean float64
	mean := make([]float64, 7)
	for i, v := range q.Data() {
		entropy -= float64(v) * math.Log(float64(v)) / 50
		mean[i%7] += float64(v) / 50
	}
	for _, m := range mean {
		entropyOfMean -= m * math.Log(m)
	}
	want := entropyOfMean - entropy + float64(MarginalKL(logits, nil).Scalar())
	near(t, "information + marginal", KL(logits, nil).Scalar(), want)
}

func TestPosteriorLossesOfExtremeLogits(t *testing.T) {
	tape := autograd.NewTape(1)
	logits := tape.Leaf(tensor.From([]float32{1000, 0, -1000, 1000, 0, -1000}, 2, 3))
	kl, marginal := KL(logits, nil), MarginalKL(logits, nil)
	near(t, "KL", kl.Scalar(), math.Log(3))
	near(t, "marginal KL", marginal.Scalar(), math.Log(3))
	beliefs := tensor.From([]float32{0, 0, 1, 0, 0.5, 0.5}, 2, 3)
	near(t, "consistency", Consistency(logits, beliefs).Scalar(), (2000+1500-math.Log(2))/2)
	tape.Backward(autograd.Add(kl, marginal))
	for i, d := range logits.Grad().Data() {
		if d != 0 {
			t.Errorf("gradient %d is %v, want 0: the posterior has saturated", i, d)
		}
	}
}

// A class with a logit of -Inf contributes nothing.
func TestLossesOfImpossibleClasses(t *testing.T) {
	never := float32(math.Inf(-1))
	tape := autograd.NewTape(1)
	logits := tape.Leaf(tensor.From([]float32{0, never, 0, never, 0, 0}, 2, 3))
	beliefs := tensor.From([]float32{1, 0, 0, 0, 0.5, 0.5}, 2, 3)
	kl, consistency := KL(logits, nil), Consistency(logits, beliefs)
	near(t, "KL", kl.Scalar(), math.Log(1.5))
	near(t, "consistency", consistency.Scalar(), math.Log(2)/2)
	near(t, "marginal KL", MarginalKL(logits, nil).Scalar(), 0.5*math.Log(0.75)+0.5*math.Log(1.5))
	near(t, "cross-entropy", CrossEntropy(logits, []int{0, 2}).Scalar(), math.Log(2))
	tape.Backward(autograd.Add(kl, consistency))
	for i, want := range []float64{-0.25, 0, 0.25, 0, 0, 0} {
		near(t, "gradient", logits.Grad().Data()[i], want)
	}
}

func TestDRMMLossesForAnyWorkers(t *testing.T) {
	z := normal("z", 64, 900)
	var want []float32
	for _, workers := range []int{1, 2, 5} {
		z.ZeroGrad()
		tape := autograd.NewTape(workers)
		y := NonNegativity(autograd.Add(z, tape.Input(tensor.New(64, 900))))
		tape.Backward(y)
		got := append(slices.Clone(z.Grad().Data()), y.Scalar())
		if want == nil {
			want = got
		} else if !slices.Equal(got, want) {
			t.Errorf("%d workers give other bits than 1", workers)
		}
	}
}

func TestDRMMLossesAllocateNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	tape, x, beliefs := autograd.NewTape(2), normal("x", 100, 500), tensor.New(100, 500)
	step := func() {
		tape.Reset()
		v := tape.Leaf(x.Value())
		posterior := autograd.Add(autograd.Add(KL(v, nil), MarginalKL(v, nil)), Consistency(v, beliefs))
		tape.Backward(autograd.Add(posterior, NonNegativity(v)))
	}
	step()
	if n := testing.AllocsPerRun(10, step); n != 0 {
		t.Errorf("%v allocations a step", n)
	}
}

func TestKLRefusesABadPrior(t *testing.T) {
	for want, prior := range map[string][]float32{
		"loss: KL: prior of 2 classes for logits of shape [1 3]": {0.5, 0.5},
		"loss: KL: the prior of class 1 is 0, want > 0":          {0.5, 0, 0.5},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); got != want {
					t.Errorf("panic %q, want %q", got, want)
				}
			}()
			KL(autograd.NewTape(1).Input(tensor.New(1, 3)), prior)
		}()
	}
}
