// SPDX-License-Identifier: Apache-2.0

// Package prune removes weights and units that a network can do without, and makes what is left small and fast.
//
// A [Layer] is a set of weights or units with a mask. [Prune] removes those with the lowest scores: the least used
// ("use it or lose it", [NINAI17, section 3(C)]), the smallest [HMD15], or any, as a control. A [Learner] does so on a
// [Schedule] while another learner trains the network, and keeps removed weights at zero through optimisers,
// checkpoints and resumes:
//
//	layers, observe := prune.Network(net)
//	l := &prune.Learner{
//		Learner: &train.GradientDescent{Model: net, Loss: objective}, Layers: layers, Observe: observe,
//		Score: prune.Use, Schedule: prune.Gradual(0, 10, 0.1),
//	}
//	history, err := train.Run(ctx, train.Config{Learner: l, Train: images, Epochs: 15, Dir: "checkpoints"})
//	fast := prune.Compress(net)              // with sparse layers
//	err = prune.Save("net.pruned", net, 32)  // a few bits per weight
//
// [Account] counts weights and operations as in the tables of [NINAI17].
package prune

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Layer is a set of weights, or of units, of which pruning removes some. Make it with [Weights] or [Units].
type Layer struct {
	Name   string             // for errors and checkpoints
	Weight *autograd.Var      // weights [out, in] or [filters, channels, kh, kw]; nil for units
	Shape  autograd.ConvShape // of the convolution
	Gate   *nn.Gate           // the units; nil for weights

	Keep *tensor.Tensor // 1 for elements that remain, 0 for removed ones; the gate's mask for units
	Use  *tensor.Tensor // pi: how often each element is used, 0 to 1; see [Layer.Observe]
	// Averages are moving averages of the weights. Pruning removes the same elements of them.
	Averages []*tensor.Tensor

	observed int // batches behind Use
	counter  counter
	gradient *tensor.Tensor // moving average of the gradient, for regrowth; nil if unknown
}

// Weights returns the weights of a fully connected or convolutional layer as a layer to prune. Weights that are zero
// count as removed, so that a pruned network that was loaded from a file stays pruned. It panics unless w has two or
// four dimensions.
func Weights(name string, w *autograd.Var, s autograd.ConvShape) *Layer {
	if rank := len(w.Shape()); rank != 2 && rank != 4 {
		panic(fmt.Sprintf("prune: Weights: %s has the shape %v; want [out, in] or [filters, channels, kh, kw]",
			name, w.Shape()))
	}
	l := &Layer{Name: name, Weight: w, Shape: s, Keep: tensor.New(w.Shape()...), Use: tensor.New(w.Shape()...)}
	for i, v := range w.Data() {
		if v != 0 {
			l.Keep.Data()[i] = 1
		}
	}
	return l
}

// Units returns the units behind a gate as a layer to prune.
func Units(name string, g *nn.Gate) *Layer {
	return &Layer{Name: name, Gate: g, Keep: g.Mask, Use: tensor.New(g.Mask.Shape()...)}
}

// SetKeep replaces the mask, whose elements must be 0 or 1, and removes what it removes. On error the layer does not
// change.
func (l *Layer) SetKeep(mask *tensor.Tensor) error {
	if !tensor.SameShape(mask, l.Keep) {
		return fmt.Errorf("prune: %s: a mask of shape %v for elements of shape %v", l.Name, mask.Shape(), l.Keep.Shape())
	}
	for i, v := range mask.Data() {
		if v != 0 && v != 1 {
			return fmt.Errorf("prune: %s: element %d of the mask is %g: want 0 or 1", l.Name, i, v)
		}
	}
	if remaining(mask) == 0 {
		return fmt.Errorf("prune: %s: the mask removes all %d elements: keep at least one", l.Name, mask.Len())
	}
	l.Keep.CopyFrom(mask)
	l.apply()
	return nil
}

// Inherit copies the mask and the use of a layer of the same shape, and removes what the mask removes. It panics if the
// shapes differ.
func (l *Layer) Inherit(from *Layer) {
	l.Keep.CopyFrom(from.Keep)
	l.Use.CopyFrom(from.Use)
	l.observed = from.observed
	l.apply()
}

// Remaining returns the number of elements that are not removed.
func (l *Layer) Remaining() int { return remaining(l.Keep) }

// Share returns the share of elements that are not removed, 0 to 1.
func (l *Layer) Share() float64 { return float64(l.Remaining()) / float64(l.Keep.Len()) }

// ShareOf returns the share of all elements of layers that are not removed, 0 to 1.
func ShareOf(layers []*Layer) float64 {
	kept, all := 0, 0
	for _, l := range layers {
		kept, all = kept+l.Remaining(), all+l.Keep.Len()
	}
	return float64(kept) / float64(all)
}

func remaining(mask *tensor.Tensor) (n int) {
	for _, v := range mask.Data() {
		if v != 0 {
			n++
		}
	}
	return n
}

// apply sets removed weights to zero, and removed elements of their averages.
func (l *Layer) apply() {
	if l.Weight == nil {
		return
	}
	l.zero(l.Weight.Data())
	for _, a := range l.Averages {
		l.zero(a.Data())
	}
}

func (l *Layer) zero(w []float32) {
	for i, keep := range l.Keep.Data() {
		if keep == 0 {
			w[i] = 0
		}
	}
}

// A Score orders the elements of a layer. Those with the lowest scores are removed first; of equal scores, the later
// elements.
type Score string

// The scores.
const (
	// Use is the share of samples and positions in which an element is used, [Layer.Use] [NINAI17, section 3(C)].
	Use Score = "use"
	// RelativeUse is Use divided by that of the most used weight of the same unit, so that units are compared by which
	// inputs they use, not by how often they are on. It is not in the document. Units have none.
	RelativeUse Score = "relative use"
	// Magnitude is |w| divided by the root mean square of the layer's remaining weights [HMD15]. Units have none.
	Magnitude Score = "magnitude"
	// Random is a random number: the control for the other two.
	Random Score = "random"
)

// Scores returns all scores.
func Scores() []Score { return []Score{Use, RelativeUse, Magnitude, Random} }

// scores returns the score of every element.
func (l *Layer) scores(score Score, rng *tensor.RNG) ([]float32, error) {
	values := make([]float32, l.Keep.Len())
	if l.Weight == nil && (score == Magnitude || score == RelativeUse) {
		return nil, fmt.Errorf("prune: %s: units have no %s: use the score %q or %q", l.Name, score, Use, Random)
	}
	switch score {
	case Use, RelativeUse:
		copy(values, l.Use.Data())
		if l.observed == 0 {
			return nil, fmt.Errorf("prune: %s: its use was never observed: set Observe, or call Observe first", l.Name)
		}
		if score == RelativeUse {
			for u := range l.Use.Rows() {
				relative(values[u*l.Use.Width():][:l.Use.Width()])
			}
		}
	case Magnitude:
		var squares float64
		for _, w := range l.Weight.Data() {
			squares += float64(w) * float64(w)
		}
		scale := 1 / math.Sqrt(squares/float64(max(1, l.Remaining())))
		for i, w := range l.Weight.Data() {
			values[i] = float32(math.Abs(float64(w)) * scale)
		}
	case Random:
		rng.Uniform(values, 0, 1)
	default:
		return nil, fmt.Errorf("prune: there is no score %q: use one of %q", score, Scores())
	}
	dead := true
	for i, v := range values {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, fmt.Errorf("prune: %s: the score %q of element %d is %v: nothing was removed; check the weights "+
				"and inputs of the layer for NaN", l.Name, score, i, v)
		}
		dead = dead && (v == 0 || l.Keep.Data()[i] == 0)
	}
	if dead {
		return nil, fmt.Errorf("prune: %s is dead: the score %q of all its elements is 0; keep more of it or of the "+
			"layers before it, or train with a smaller rate", l.Name, score)
	}
	return values, nil
}

// relative divides values by the largest, unless all are zero.
func relative(values []float32) {
	if most := slices.Max(values); most > 0 {
		for i := range values {
			values[i] /= most
		}
	}
}

// A Cut says how many elements of a layer remain after pruning. Exactly one of its fields is not 0.
type Cut struct {
	Keep   float64 `json:"keep,omitempty"`   // this share of all elements remains, above 0 and at most 1
	Remove float64 `json:"remove,omitempty"` // this share of the elements that remain is removed, above 0, below 1
	Above  float64 `json:"above,omitempty"`  // elements with a higher score remain: the hypothesis test of [NINAI17]
}

// Check returns an error unless the cut is valid.
func (c Cut) Check() error {
	set := 0
	for _, v := range []float64{c.Keep, c.Remove, c.Above} {
		if v != 0 {
			set++
		}
	}
	switch {
	case set != 1:
		return fmt.Errorf("prune: the cut %+v: want exactly one of Keep, Remove and Above", c)
	case c.Keep != 0 && !(c.Keep > 0 && c.Keep <= 1):
		return fmt.Errorf("prune: Keep is %v: want a share above 0 and at most 1", c.Keep)
	case c.Remove != 0 && !(c.Remove > 0 && c.Remove < 1):
		return fmt.Errorf("prune: Remove is %v: want a share above 0 and below 1", c.Remove)
	case c.Above != 0 && !(c.Above > 0 && !math.IsInf(c.Above, 0)):
		return fmt.Errorf("prune: Above is %v: want a score above 0", c.Above)
	}
	return nil
}

// Prune removes elements of layers by a cut for each, or one cut for all. rng is needed for [Random] only. Removed
// elements stay removed. If there is an error, because a cut is invalid, would remove a whole layer or would add
// elements, or because scores are unknown, all zero or not finite, nothing changes.
func Prune(layers []*Layer, score Score, rng *tensor.RNG, cuts ...Cut) error {
	return prune(layers, score, rng, 0, func(i int) (Cut, bool) {
		if len(cuts) == 1 {
			return cuts[0], true
		}
		if i >= len(cuts) || len(cuts) != len(layers) {
			return Cut{}, true // which Check refuses
		}
		return cuts[i], true
	})
}

// prune is [Prune] with regrowth: it replaces the given share of the elements that remain by removed ones.
func prune(layers []*Layer, score Score, rng *tensor.RNG, regrow float64, cut func(i int) (Cut, bool)) error {
	masks := make([]*tensor.Tensor, len(layers))
	for i, l := range layers {
		c, due := cut(i)
		if !due {
			continue
		}
		if err := c.Check(); err != nil {
			return fmt.Errorf("%w (layer %s of %d)", err, l.Name, len(layers))
		}
		scores, err := l.scores(score, rng)
		if err != nil {
			return err
		}
		if masks[i], err = l.cut(c, scores, regrow); err != nil {
			return err
		}
	}
	for i, l := range layers {
		if masks[i] != nil {
			l.Keep.CopyFrom(masks[i])
			l.apply()
		}
	}
	return nil
}

// cut returns the mask after a cut.
func (l *Layer) cut(c Cut, scores []float32, regrow float64) (*tensor.Tensor, error) {
	var kept []int // by score, the highest first
	for i, keep := range l.Keep.Data() {
		if keep != 0 {
			kept = append(kept, i)
		}
	}
	slices.SortStableFunc(kept, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	var n int
	switch {
	case c.Keep > 0:
		n = int(math.Round(c.Keep * float64(len(scores))))
	case c.Remove > 0:
		n = int(math.Round((1 - c.Remove) * float64(len(kept))))
	default:
		for n < len(kept) && float64(scores[kept[n]]) > c.Above {
			n++
		}
	}
	if n == 0 {
		return nil, fmt.Errorf("prune: %s: the cut %+v would remove all %d elements that remain: nothing was removed; "+
			"keep more", l.Name, c, len(kept))
	}
	if n > len(kept) {
		return nil, fmt.Errorf("prune: %s: the cut %+v would keep %d elements, but only %d remain: pruning does not add",
			l.Name, c, n, len(kept))
	}
	grown := l.regrown(min(int(regrow*float64(n)), l.Keep.Len()-len(kept)))
	mask := tensor.New(l.Keep.Shape()...)
	for _, i := range append(kept[:n-len(grown)], grown...) {
		mask.Data()[i] = 1
	}
	return mask, nil
}

// regrown returns the n removed weights whose moving average of the gradient is largest. They start from zero.
func (l *Layer) regrown(n int) []int {
	if n <= 0 || l.gradient == nil {
		return nil
	}
	var gone []int
	for i, keep := range l.Keep.Data() {
		if keep == 0 {
			gone = append(gone, i)
		}
	}
	size := func(i int) float64 { return math.Abs(float64(l.gradient.Data()[i])) }
	slices.SortStableFunc(gone, func(a, b int) int { return cmp.Compare(size(b), size(a)) })
	return gone[:n]
}
