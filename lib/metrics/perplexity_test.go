// SPDX-License-Identifier: Apache-2.0

package metrics_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/lateral-ml/lateral/lib/metrics"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Probabilities 3/4 and 1/8: -ln(3/4) - ln(1/8), a perplexity of sqrt(4/3 · 8). A large logit does not overflow.
func TestPerplexity(t *testing.T) {
	ln := func(x float64) float32 { return float32(math.Log(x)) }
	logits := tensor.From([]float32{ln(1), ln(6), ln(1), ln(5), ln(1), ln(2)}, 2, 3)
	sum := metrics.LogLoss(logits, []int{1, 1})
	if got, want := metrics.Perplexity(sum, 2), math.Sqrt(4./3*8); !(math.Abs(got-want) < 1e-6) {
		t.Errorf("perplexity %v, want %v", got, want)
	}
	if got := metrics.LogLoss(tensor.From([]float32{0, 1000}, 1, 2), []int{0}); got != 1000 {
		t.Errorf("loss %v, want 1000", got)
	}
	if !math.IsNaN(metrics.Perplexity(0, 0)) {
		t.Error("perplexity of nothing is a number")
	}
	defer func() {
		want := "metrics: LogLoss: label 2 of sample 0 is not one of the 2 classes"
		if got := fmt.Sprint(recover()); got != want {
			t.Errorf("panic %q, want %q", got, want)
		}
	}()
	metrics.LogLoss(tensor.New(1, 2), []int{2})
}

func ExamplePerplexity() {
	logits := tensor.New(4, 10000) // a model that knows nothing of 10,000 words
	fmt.Printf("%.0f\n", metrics.Perplexity(metrics.LogLoss(logits, []int{1, 2, 3, 4}), 4))
	// Output:
	// 10000
}
