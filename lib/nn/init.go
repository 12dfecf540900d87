// SPDX-License-Identifier: Apache-2.0

package nn

import (
	"math"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// An Init sets the initial weights of a layer, and possibly its biases, which are 0 when it is called. Each unit has in
// inputs (fan-in) and each input out outputs (fan-out). For a dense layer these are its numbers of inputs and units;
// for a convolution they include the positions of the kernel.
type Init func(weight, bias *tensor.Tensor, in, out int, rng *tensor.RNG)

// Uniform draws weights and biases from U(-1/sqrt(in), 1/sqrt(in)), PyTorch's default for dense layers and
// convolutions.
func Uniform(weight, bias *tensor.Tensor, in, _ int, rng *tensor.RNG) {
	bound := 1 / sqrt(float32(in))
	rng.Uniform(weight.Data(), -bound, bound)
	rng.Uniform(bias.Data(), -bound, bound)
}

// Xavier draws weights from U(-a, a) with a = sqrt(6 / (in + out)); biases are 0. Source: [GB10].
func Xavier(weight, _ *tensor.Tensor, in, out int, rng *tensor.RNG) {
	bound := sqrt(6 / float32(in+out))
	rng.Uniform(weight.Data(), -bound, bound)
}

// He draws weights from N(0, 2/in), which suits ReLU; biases are 0. Source: [HZRS15].
func He(weight, _ *tensor.Tensor, in, _ int, rng *tensor.RNG) {
	rng.Normal(weight.Data(), 0, sqrt(2/float32(in)))
}

// Normal returns an Init that draws weights from a normal distribution with mean 0; biases are 0.
func Normal(std float32) Init {
	return func(weight, _ *tensor.Tensor, _, _ int, rng *tensor.RNG) { rng.Normal(weight.Data(), 0, std) }
}

// TruncatedNormal returns an Init that draws weights from a normal distribution with mean 0 and draws again beyond two
// standard deviations, where std is that before truncation; biases are 0.
func TruncatedNormal(std float32) Init {
	return func(weight, _ *tensor.Tensor, _, _ int, rng *tensor.RNG) {
		rng.Normal(weight.Data(), 0, 1)
		for i, w := range weight.Data() {
			for max(w, -w) > 2 {
				w = float32(rng.NormFloat64())
			}
			weight.Data()[i] = std * w
		}
	}
}

// UniformRange returns an Init that draws weights from U(-bound, bound); biases are 0.
func UniformRange(bound float32) Init {
	return func(weight, _ *tensor.Tensor, _, _ int, rng *tensor.RNG) { rng.Uniform(weight.Data(), -bound, bound) }
}

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }
