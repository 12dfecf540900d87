// SPDX-License-Identifier: Apache-2.0

package linear

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Classifier scores the classes of a sample, z_k = w_k·x + b_k, and predicts the class of the largest score.
type Classifier struct {
	Weights *tensor.Tensor // w [K, D]
	Bias    *tensor.Tensor // b [K]
	Loss    Loss
	C       float64

	// Objective is the value of f for each class, at these weights; for Multinomial one value for all.
	Objective []float64
	// Gap bounds, for each of these, (f - min f)/f: the true excess is at most that. It is ½ |gradient|²/f, which for
	// the squared hinge is the relative duality gap.
	Gap []float64
}

// classifier returns what a solver found for the first fold.
func (c Config) classifier(s *solver, classes int) *Classifier {
	d := s.features.d
	m := &Classifier{Weights: tensor.New(classes, d), Bias: tensor.New(classes), Loss: c.Loss, C: c.C}
	put := func(class int, sign float64, w []float64) {
		row := m.Weights.Row(class)
		for e := range row {
			row[e] = float32(sign * w[e])
		}
		m.Bias.Data()[class] = float32(sign * w[d] * c.Intercept)
	}
	for j := range s.columns {
		if len(s.columns) < classes { // two classes, mirror images of each other
			put(0, -1, s.w[j])
			m.Objective, m.Gap = append(m.Objective, s.objective[j]), append(m.Gap, s.gap[j])
		}
		put(int(s.columns[j].class), 1, s.w[j])
		if j%s.group == 0 {
			m.Objective, m.Gap = append(m.Objective, s.objective[j]), append(m.Gap, s.gap[j])
		}
	}
	return m
}

// Classes returns the number of classes K.
func (m *Classifier) Classes() int { return m.Weights.Rows() }

// Scores returns z [N, K] for the samples x [N, D]. It panics if x has another width.
func (m *Classifier) Scores(x *Features) *tensor.Tensor {
	d, k := m.Weights.Width(), m.Classes()
	if x.d != d {
		panic(fmt.Sprintf("linear: Scores: %v for weights of shape %v", x, m.Weights.Shape()))
	}
	z := tensor.New(x.n, k)
	v := make([]float32, k*(d+1))
	for j := range k {
		copy(v[j*(d+1):], m.Weights.Row(j))
	}
	chunks := x.chunks()
	share(0, len(chunks), func(i int) {
		c := &chunks[i]
		rows := z.Data()[c.lo*k : c.hi*k]
		c.scores(d, 0, c.hi-c.lo, k, v, rows)
		simd.AddRowVector(rows, rows, m.Bias.Data(), c.hi-c.lo, k)
	})
	return z
}

// Predict returns the class of the largest score of each sample, the lowest one of equals.
func (m *Classifier) Predict(x *Features) []int {
	z := m.Scores(x)
	y := make([]int, x.n)
	for i := range y {
		y[i] = simd.ArgMax(z.Row(i))
	}
	return y
}

// Error returns the share of the samples whose predicted class is not their label. It panics unless there is one label
// for each sample, and a sample.
func (m *Classifier) Error(x *Features, y []int) float64 {
	if len(y) != x.n || x.n == 0 {
		panic(fmt.Sprintf("linear: Error: %d labels for %v", len(y), x))
	}
	wrong := 0
	for i, class := range m.Predict(x) {
		if class != y[i] {
			wrong++
		}
	}
	return float64(wrong) / float64(x.n)
}

// Save writes the weights, the loss and C to a file of safetensors, with the tensors "weights" [K, D] and "bias" [K].
// The file is replaced atomically.
func (m *Classifier) Save(path string) error {
	named := []tensor.Named{{Name: "weights", Tensor: m.Weights}, {Name: "bias", Tensor: m.Bias}}
	err := tensor.SaveSafetensors(path, named, map[string]string{
		"loss": m.Loss.String(), "C": strconv.FormatFloat(m.C, 'g', -1, 64),
	})
	if err != nil {
		return fmt.Errorf("linear: save: %w", err)
	}
	return nil
}

// Load reads a classifier that [Classifier.Save] wrote. It has no Objective and Gap.
func Load(path string) (*Classifier, error) {
	named, metadata, err := tensor.LoadSafetensors(path)
	if err != nil {
		return nil, fmt.Errorf("linear: load: %w", err)
	}
	fail := func(format string, args ...any) (*Classifier, error) {
		return nil, fmt.Errorf("linear: load %s: %s: want a file of Classifier.Save", path, fmt.Sprintf(format, args...))
	}
	m := &Classifier{}
	for _, n := range named {
		switch n.Name {
		case "weights":
			m.Weights = n.Tensor
		case "bias":
			m.Bias = n.Tensor
		}
	}
	switch {
	case m.Weights == nil || m.Bias == nil:
		return fail("it lacks the tensor weights or bias")
	case m.Weights.Rank() != 2 || m.Bias.Rank() != 1 || m.Bias.Len() != m.Weights.Rows() || m.Bias.Len() < 2:
		return fail("weights of shape %v and bias of shape %v", m.Weights.Shape(), m.Bias.Shape())
	case !simd.Finite(m.Weights.Data()) || !simd.Finite(m.Bias.Data()):
		return fail("a weight is not a finite number")
	}
	loss := slices.Index(lossNames, metadata["loss"])
	if loss < 0 {
		return fail("the loss is %q", metadata["loss"])
	}
	if m.Loss = Loss(loss); metadata["C"] != "" {
		if m.C, err = strconv.ParseFloat(metadata["C"], 64); err != nil {
			return fail("C is %q", metadata["C"])
		}
	}
	return m, nil
}
