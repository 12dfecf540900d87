// SPDX-License-Identifier: Apache-2.0

package train

import (
	"math"
	"os"
	"slices"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// TestPrecisionsLearnAlike trains the same network on digits, MNIST's if LATERAL_DATA has them, in every precision of
// matrix products: the test errors must agree within their uncertainty. Pixels are between -1/2 and 1/2, so that no
// product leaves out zeros. With LATERAL_TEST_LONG, it trains on all images.
func TestPrecisionsLearnAlike(t *testing.T) {
	images, tests, epochs := 4000, 2000, 3
	if os.Getenv("LATERAL_TEST_LONG") != "" {
		images, tests, epochs = 60000, 10000, 5
	}
	train, test, err := dataset.Digits(1)
	if err != nil {
		t.Fatal(err)
	}
	train, test = train.Slice(0, min(images, train.Len())), test.Slice(0, min(tests, test.Len()))
	for _, set := range []*dataset.Set{train, test} {
		set.X = set.X.Clone()
		for i := range set.X.Data() {
			set.X.Data()[i] -= 0.5
		}
	}
	defer simd.SetMatmul(simd.Matmul())
	var first []float32
	var reference float64
	for _, precision := range []simd.Precision{simd.Float32, simd.BF16x3, simd.BF16} {
		simd.SetMatmul(precision)
		rng := tensor.Stream(1, "weights")
		net := struct{ Hidden, Out *nn.Dense }{nn.NewDense(784, 100, nn.He, rng), nn.NewDense(100, 10, nn.He, rng)}
		h, err := Run(t.Context(), Config{
			Learner: &GradientDescent{Model: &net, Loss: func(b *Batch) *autograd.Var {
				logits := net.Out.Forward(autograd.ReLU(net.Hidden.Forward(b.X)))
				b.Error(logits)
				return loss.CrossEntropy(logits, b.Y)
			}},
			Train: train, Valid: test, Epochs: epochs, BatchSize: 100, Seed: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		wrong, weights := h.Epochs[epochs-1].Valid["error"], slices.Clone(net.Hidden.Weight.Data())
		t.Logf("%q: %.2f %% of %d test images, %.4f on training images", precision, 100*wrong, test.Len(),
			h.Epochs[epochs-1].Train["loss"])
		if first == nil {
			first, reference = weights, wrong
			continue
		}
		if slices.Equal(weights, first) {
			t.Errorf("%s has the weights of float32", precision)
		}
		if limit := 2 * math.Sqrt(2*reference*(1-reference)/float64(test.Len())); !(math.Abs(wrong-reference) <= limit) {
			t.Errorf("%s: a test error of %.2f %%, with float32 %.2f %%: the difference is more than %.2f %%", precision,
				100*wrong, 100*reference, 100*limit)
		}
	}
}
