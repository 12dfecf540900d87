// SPDX-License-Identifier: Apache-2.0

package metrics_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/lateral-ml/lateral/lib/metrics"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func ExampleConfusion() {
	logits := tensor.From([]float32{
		3, 1, // a zero
		0, 2, // a zero, predicted as a one
		1, 4, // a one
		0, 1, // a one
	}, 4, 2)
	m := metrics.Confusion([]int{0, 0, 1, 1}, metrics.Predictions(logits), 2)
	fmt.Println("zeros", m.Row(0))
	fmt.Println("ones ", m.Row(1))
	fmt.Printf("accuracy %.2f, precision %.2f, recall %.2f\n",
		metrics.Accuracy(m), metrics.Precision(m), metrics.Recall(m))
	// Output:
	// zeros [1 1]
	// ones  [0 2]
	// accuracy 0.75, precision [1.00 0.67], recall [0.50 1.00]
}

// Computed by hand. Two samples of class 0 are predicted as 0 and 2, three of class 1 as 1, 1 and 2, and two of class 2
// as 0 and 2; class 3 has no samples and is never predicted:
//
//	    0 1 2 3
//	0   1 0 1 0     recall 1/2, precision 1/2
//	1   0 2 1 0     2/3 and 2/2
//	2   1 0 1 0     1/2 and 1/3
//	3   0 0 0 0     0/0 and 0/0
//
// accuracy 4/7; each class against the rest, (TP+TN)/7 is 5/7, 6/7, 4/7 and 7/7, on average 22/28 = 1 - 2 (3/7)/4.
func TestConfusionByHand(t *testing.T) {
	y, predicted := []int{0, 0, 1, 1, 1, 2, 2}, []int{0, 2, 1, 1, 2, 0, 2}
	m := metrics.Confusion(y, predicted, 4)
	if want := []float32{1, 0, 1, 0, 0, 2, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0}; !slices.Equal(m.Data(), want) {
		t.Errorf("matrix %v, want %v", m.Data(), want)
	}
	same := func(a, b float64) bool { return math.Abs(a-b) <= 1e-15 || math.IsNaN(a) && math.IsNaN(b) }
	if got := metrics.Accuracy(m); !same(got, 4./7) || !same(1-2*(1-got)/4, 22./28) {
		t.Errorf("accuracy %v", got)
	}
	if got, want := metrics.Precision(m), []float64{1. / 2, 1, 1. / 3, math.NaN()}; !slices.EqualFunc(got, want, same) {
		t.Errorf("precision %v, want %v", got, want)
	}
	got, want := metrics.Recall(m), []float64{1. / 2, 2. / 3, 1. / 2, math.NaN()}
	if !slices.EqualFunc(got, want, same) {
		t.Errorf("recall %v, want %v", got, want)
	}
	if none := metrics.Confusion(nil, nil, 2); !math.IsNaN(metrics.Accuracy(none)) {
		t.Errorf("accuracy of nothing: %v", metrics.Accuracy(none))
	}
}

// A network whose hidden units are dead predicts the same class for all samples.
func TestConfusionOfADeadNetwork(t *testing.T) {
	logits := tensor.New(5, 3)
	for i := range 5 {
		copy(logits.Row(i), []float32{0.1, 0.4, 0.4}) // a tie: the lower class
	}
	m := metrics.Confusion([]int{0, 1, 1, 1, 2}, metrics.Predictions(logits), 3)
	p, r := metrics.Precision(m), metrics.Recall(m)
	right := p[1] == 0.6 && math.IsNaN(p[0]) && math.IsNaN(p[2]) && slices.Equal(r, []float64{0, 1, 0})
	if metrics.Accuracy(m) != 0.6 || !right {
		t.Errorf("accuracy %v, precision %v, recall %v", metrics.Accuracy(m), p, r)
	}
}

func TestConfusionPanics(t *testing.T) {
	for want, f := range map[string]func(){
		"metrics: Confusion: 1 labels for 2 predictions": func() {
			metrics.Confusion([]int{0}, []int{0, 1}, 2)
		},
		"metrics: Confusion: sample 1 of class 0 is predicted as 2: want two of 2 classes": func() {
			metrics.Confusion([]int{0, 0}, []int{0, 2}, 2)
		},
		"metrics: Confusion: sample 0 of class -1 is predicted as 1: want two of 2 classes": func() {
			metrics.Confusion([]int{-1}, []int{1}, 2)
		},
		"metrics: Accuracy: a confusion matrix of shape [2 3]: want as many rows as columns": func() {
			metrics.Accuracy(tensor.New(2, 3))
		},
		"metrics: Precision: a confusion matrix of shape [2 3]: want as many rows as columns": func() {
			metrics.Precision(tensor.New(2, 3))
		},
		"metrics: Recall: a confusion matrix of shape [4]: want as many rows as columns": func() {
			metrics.Recall(tensor.New(4))
		},
		"metrics: Errors: logits of shape [2 3] for 1 labels": func() {
			metrics.Errors(tensor.New(2, 3), []int{0})
		},
		"metrics: ErrorRate: 1 weights for 2 labels": func() {
			metrics.ErrorRate(tensor.New(2, 3), []int{0, 0}, []float32{1})
		},
		"metrics: Predictions: logits of shape [2 0] have no classes": func() {
			metrics.Predictions(tensor.New(2, 0))
		},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); got != want {
					t.Errorf("panic %q, want %q", got, want)
				}
			}()
			f()
		}()
	}
}

// The second of three samples is wrong, and has half the weight of each of the others.
func TestErrors(t *testing.T) {
	logits, y := tensor.From([]float32{1, 0, 1, 0, 2, 2}, 3, 2), []int{0, 1, 0}
	if n := metrics.Errors(logits, y); n != 1 {
		t.Errorf("%d errors, want 1", n)
	}
	if rate := metrics.ErrorRate(logits, y, nil); rate != 1./3 {
		t.Errorf("error rate %v, want 1/3", rate)
	}
	if rate := metrics.ErrorRate(logits, y, []float32{1, 0.5, 1}); rate != 0.2 {
		t.Errorf("weighted error rate %v, want 0.2", rate)
	}
	if rate := metrics.ErrorRate(logits, y, []float32{0, 0, 0}); !math.IsNaN(rate) {
		t.Errorf("error rate of samples that do not count: %v", rate)
	}
}
