// SPDX-License-Identifier: Apache-2.0

package normalization_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/language"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	. "github.com/lateral-ml/lateral/lib/papers/ninai17/normalization"
	"github.com/lateral-ml/lateral/lib/superres"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func count(model any) (n int) {
	for _, p := range nn.Params(model) {
		n += p.Value().Len()
	}
	return n
}

// The network has 145,578 parameters for 10 classes, and a scale and shift for 128 channels where there are any.
func TestConvNetParameters(t *testing.T) {
	for _, v := range Variants {
		want := 145578
		if slices.Contains([]Variant{BN, BNs, BNStar, LN}, v) {
			want += 2 * 128
		}
		n, err := NewConvNet(v, 3, 10, Images(v, 10), tensor.Stream(1, "weights"))
		if err != nil || count(n) != want {
			t.Errorf("%s: %d parameters, want %d; %v", v, count(n), want, err)
		}
		if (n.L1 > 0) != strings.HasSuffix(string(v), "*") {
			t.Errorf("%s: penalty %v", v, n.L1)
		}
	}
	_, err := NewConvNet("XN", 3, 10, Strength{}, nil)
	if err == nil || !strings.Contains(err.Error(), `no variant "XN"`) {
		t.Errorf("an unknown variant: %v", err)
	}
}

// Networks fit four images, with a higher rate than the document's, because there is little time.
func TestConvNetsLearn(t *testing.T) {
	x, y := tensor.New(4, 3, 32, 32), []int{0, 1, 2, 3}
	tensor.Stream(1, "images").Normal(x.Data(), 0, 60)
	for _, v := range []Variant{BNStar, DNStar} {
		n, err := NewConvNet(v, 3, 10, Images(v, 10), tensor.Stream(1, "weights"))
		if err != nil {
			t.Fatal(err)
		}
		params, tape, opt := nn.Params(n), autograd.NewTape(0), &optim.Adam{LR: 0.01}
		tape.SetTraining(true)
		var first, last float32
		for range 120 {
			tape.Reset()
			logits, penalty := n.Forward(tape.Input(x))
			cost := loss.CrossEntropy(logits, y)
			last = cost.Scalar()
			if first == 0 {
				first = last
			}
			if penalty != nil {
				cost = autograd.Add(cost, penalty)
			}
			tape.Backward(cost)
			opt.Step(params)
		}
		if !(last < 0.3*first) { // knowing only which classes there are leaves ln 4, 0.6 of it
			t.Errorf("%s: loss from %v to %v", v, first, last)
		}
	}
}

func TestStrengths(t *testing.T) {
	for _, c := range []struct {
		got, want Strength
	}{
		{Images(BNStar, 10), Strength{1, 0.005}}, {Images(BNStar, 100), Strength{0.25, 0.01}},
		{Images(BNs, 100), Strength{0.25, 0}}, {Images(DNStar, 10), Strength{0.5, 0.005}},
		{Images(DNStar, 100), Strength{0.5, 0.001}}, {Images(LN, 10), Strength{0.01, 0}},
		{Words(DNStar, language.LSTM), Strength{1, 1e-4}}, {Words(DNStar, language.ReLU), Strength{1, 1e-2}},
		{Words(DN, language.Tanh), Strength{0.01, 0}}, {Words(BNStar, language.Tanh), Strength{1, 1e-4}},
	} {
		if c.got != c.want {
			t.Errorf("strength %v, want %v", c.got, c.want)
		}
	}
	if s := Classified(DN); s.Epochs != 160 || !slices.Equal(s.Drops, []float64{60, 100}) || s.Rate != 1e-3 {
		t.Errorf("%+v", s) // 80,000 iterations with 500 in an epoch; drops at 30,000 and 50,000
	}
	if s := Classified(Baseline); s.Epochs != 100 || !slices.Equal(s.Drops, []float64{10, 60}) {
		t.Errorf("%+v", s) // 50,000 iterations; drops at 5,000 and 30,000
	}
	if r := TextSchedule(Baseline, language.Tanh); r(3.9) != 0.1 || r(4) != 0.05 || r(6.5) != 0.0125 {
		t.Errorf("rates %v, %v, %v", r(3.9), r(4), r(6.5))
	}
}

func TestLanguageModels(t *testing.T) {
	for _, v := range Variants {
		for _, cell := range []language.Cell{language.LSTM, language.Tanh, language.ReLU} {
			c, err := Language(v, cell, Words(v, cell), 30)
			if err != nil {
				t.Fatal(err)
			}
			m := language.New(c, tensor.Stream(1, "weights"))
			if words := m.Sample([]int{1}, 3, 1, tensor.Stream(1, "sample")); len(words) != 3 {
				t.Errorf("%s, %s writes %v", v, cell, words)
			}
		}
	}
}

// The network leaves out 8 pixels at each edge, as the protocol of package superres does, and its estimate has the size
// of the image. Training on one crop improves it.
func TestSRCNN(t *testing.T) {
	pairs, err := superres.Pairs(superres.Leaves(1, 48, 1, "train"), 3)
	if err != nil {
		t.Fatal(err)
	}
	crops, err := superres.Crops(pairs, 4, 33, tensor.Stream(1, "crops"))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []Variant{Baseline, BN, DNStar} {
		n, err := NewSRCNN(v, Strength{Sigma: 1}, tensor.Stream(1, "weights"))
		if err != nil {
			t.Fatal(err)
		}
		if want := 64*81 + 64 + 32*64*25 + 32 + 32*25 + 1; v != BN && count(n) != want {
			t.Errorf("%s: %d parameters, want %d", v, count(n), want)
		}
		params, tape, opt := nn.Params(n), autograd.NewTape(0), &optim.Adam{LR: 0.001}
		tape.SetTraining(true)
		var first, last float32
		for range 30 {
			tape.Reset()
			cost := n.Loss(tape.Input(crops.X), tape.Input(crops.Target))
			if last = cost.Scalar(); first == 0 {
				first = last
			}
			tape.Backward(cost)
			opt.Step(params)
		}
		if !(last < 0.7*first) {
			t.Errorf("%s: loss from %v to %v", v, first, last)
		}
		low := pairs[0].Low
		estimate := n.Enlarge(low, 1)
		if !tensor.SameShape(estimate, low) || estimate.At(7, 20) != low.At(7, 20) || estimate.At(8, 20) == low.At(8, 20) {
			t.Errorf("%s: the estimate has shape %v, and not the margin of the image", v, estimate.Shape())
		}
		if psnr, _ := pairs[0].Score(estimate); math.IsNaN(psnr) {
			t.Errorf("%s: PSNR %v", v, psnr)
		}
	}
}

// The authors' program divides the suppression sum by 5·5 instead of 7·7: the same as 5/7 of the result with sigma·5/7.
func TestSuppressionOfTheProgram(t *testing.T) {
	x := tensor.New(1, 1, 9, 9)
	tensor.Stream(1, "x").Normal(x.Data(), 0, 1)
	y := nn.NewDivisiveNorm(5, 7, 5./7).Forward(autograd.NewTape(1).Input(x))
	sum := func(x []float64, r, c, reach int) (s float64) {
		for i := max(r-reach, 0); i <= min(r+reach, 8); i++ {
			for j := max(c-reach, 0); j <= min(c+reach, 8); j++ {
				s += x[9*i+j]
			}
		}
		return s
	}
	z, v, squares := make([]float64, 81), make([]float64, 81), make([]float64, 81)
	for i, e := range x.Data() {
		z[i] = float64(e)
	}
	for i := range z {
		v[i] = z[i] - sum(z, i/9, i%9, 2)/25
		squares[i] = v[i] * v[i]
	}
	for i, e := range y.Data() {
		program := v[i] / math.Sqrt(1+sum(squares, i/9, i%9, 3)/25)
		if !(math.Abs(5./7*float64(e)-program) < 1e-5) {
			t.Fatalf("element %d is %v, want %v", i, 5./7*float64(e), program)
		}
	}
}

func Example() {
	v := DNStar
	net, err := NewConvNet(v, 3, 10, Images(v, 10), tensor.Stream(1, "weights"))
	if err != nil {
		fmt.Println(err)
		return
	}
	tape := autograd.NewTape(1)
	logits, penalty := net.Forward(tape.Input(tensor.New(2, 3, 32, 32)))
	fmt.Println(logits.Shape(), penalty.Scalar(), Images(v, 10))
	// Output:
	// [2 10] 0 {0.5 0.005}
}

// Spot checks of the document's numbers against its text: DN* against the baseline, and the ends of each table.
func TestTablesOfTheDocument(t *testing.T) {
	if a, ok := Table10(DNStar); a != 81.22 || !ok {
		t.Error(a)
	}
	if p, ok := Table11(DNStar, language.ReLU); p != 117.868 || !ok {
		t.Error(p)
	}
	if p, _ := Table11(Baseline, language.Tanh); p != 149.357 {
		t.Error(p)
	}
	if q, ok := Tables12And13("bsds500-test", "DN*", 4); q != (Quality{26.96, .7428}) || !ok {
		t.Error(q)
	}
	if q, ok := Tables12And13("set14", "bicubic", 3); q != (Quality{27.54, .7733}) || !ok {
		t.Error(q)
	}
	if _, ok := Tables12And13("leaves-test", "bicubic", 3); ok {
		t.Error("the document has no leaves")
	}
	if _, ok := Table10(BNStar); ok {
		t.Error("table 10 has no BN*")
	}
	if r := Figure11(LN); r != (Relation{.7199, 1.7784}) {
		t.Error(r)
	}
}
