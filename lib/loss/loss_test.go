// SPDX-License-Identifier: Apache-2.0

package loss_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	. "github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func normal(name string, shape ...int) *autograd.Var {
	t := tensor.New(shape...)
	tensor.Stream(1, name).Normal(t.Data(), 0, 1.5)
	return autograd.NewParam(t)
}

func TestGradients(t *testing.T) {
	x, target := normal("x", 5, 7), normal("target", 5, 7)
	labels := []int{0, 6, 3, 3, 1}
	for name, f := range map[string]func(x, target *autograd.Var) *autograd.Var{
		"CrossEntropy": func(x, _ *autograd.Var) *autograd.Var { return CrossEntropy(x, labels) },
		"CrossEntropy in a sum": func(x, _ *autograd.Var) *autograd.Var {
			return autograd.Add(autograd.Scale(CrossEntropy(x, labels), 3), CrossEntropy(autograd.Scale(x, 0.5), labels))
		},
		"MSE":         MSE,
		"SSE":         SSE,
		"L1":          func(x, _ *autograd.Var) *autograd.Var { return L1(x, 0.3) },
		"LogActivity": func(x, _ *autograd.Var) *autograd.Var { return LogActivity(x, 0.3) },
		"ExpActivity": func(x, _ *autograd.Var) *autograd.Var { return ExpActivity(x, 0.3) },
	} {
		vars := []*autograd.Var{x}
		if name == "MSE" || name == "SSE" {
			vars = append(vars, target)
		}
		err := gradcheck.Check(gradcheck.Config{}, func(t *autograd.Tape) *autograd.Var {
			return f(autograd.Add(x, t.Input(tensor.New(5, 7))), target)
		}, vars...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func near(t *testing.T, what string, got float32, want float64) {
	t.Helper()
	if !(math.Abs(float64(got)-want) <= 1e-6*(1+math.Abs(want))) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestCrossEntropyOfExtremeLogits(t *testing.T) {
	tape := autograd.NewTape(1)
	logits := tape.Leaf(tensor.From([]float32{1000, 0, -1000, 0}, 2, 2))
	y := CrossEntropy(logits, []int{1, 0})
	near(t, "loss", y.Scalar(), 1000)
	tape.Backward(y)
	for i, want := range []float64{0.5, -0.5, -0.5, 0.5} {
		near(t, "gradient", logits.Grad().Data()[i], want)
	}
}

func TestWrongLabelsPanic(t *testing.T) {
	x := autograd.NewTape(1).Input(tensor.New(2, 3))
	for want, labels := range map[string][]int{
		"1 labels for outputs of shape [2 3]":              {0},
		"label 3 of sample 1 is not one of the 3 classes":  {0, 3},
		"label -1 of sample 0 is not one of the 3 classes": {-1, 0},
	} {
		func() {
			defer func() {
				if msg := fmt.Sprint(recover()); !strings.Contains(msg, want) {
					t.Errorf("panic %q, want %q", msg, want)
				}
			}()
			CrossEntropy(x, labels)
		}()
	}
}

func ExampleCrossEntropy() {
	tape := autograd.NewTape(1)
	logits := tape.Input(tensor.From([]float32{0, 0, 0, 0}, 1, 4))
	fmt.Printf("%.4f\n", CrossEntropy(logits, []int{2}).Scalar()) // log 4
	// Output: 1.3863
}
