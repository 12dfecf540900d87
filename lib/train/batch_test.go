// SPDX-License-Identifier: Apache-2.0

package train

import (
	"errors"
	"io/fs"
	"math"
	"slices"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/internal/race"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// learnt checks that a step allocates nothing, trains, and returns the final metrics.
func learnt(t *testing.T, c Config) map[string]float64 {
	t.Helper()
	if !race.Enabled {
		if n := allocations(t, c); n != 0 {
			t.Errorf("a step allocates %v times", n)
		}
	}
	if _, err := Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	m, err := Evaluate(c, c.Train)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Learns to double the size of small images.
func TestTargets(t *testing.T) {
	set := &dataset.Set{X: tensor.New(60, 1, 2, 2), Target: tensor.New(60, 1, 4, 4)}
	tensor.Stream(1, "images").Uniform(set.X.Data(), 0, 1)
	for n := range 60 {
		for i := range 16 {
			set.Target.Row(n)[i] = set.X.Row(n)[i/8*2+i%4/2]
		}
	}
	layer := nn.NewDense(4, 16, nil, tensor.Stream(1, "weights"))
	m := learnt(t, Config{Train: set, Epochs: 200, BatchSize: 20, Learner: &GradientDescent{
		Model: layer, Optimizer: &optim.Adam{LR: 0.02}, Workers: 1,
		Loss: func(b *Batch) *autograd.Var {
			return loss.SSE(layer.Forward(b.X), autograd.Reshape(b.Target, b.Len(), 16))
		},
	}})
	if !(m["loss"] < 0.01) {
		t.Errorf("the images that come out are off by %v", m["loss"])
	}
}

// Contradictory samples count by their weights, in the loss function and in the means of reported metrics.
func TestWeights(t *testing.T) {
	set := &dataset.Set{X: tensor.New(100, 1), Target: tensor.New(100, 1)}
	set.Y, set.Weight = make([]int, 100), make([]float32, 100)
	for n := range 100 {
		set.X.Row(n)[0], set.Y[n], set.Target.Row(n)[0], set.Weight[n] = 1, n%2, float32(n%2), []float32{1, 3}[n%2]
	}
	layer := nn.NewDense(1, 1, nil, tensor.Stream(1, "weights"))
	ones := tensor.New(100, 2)
	for n := range 100 {
		ones.Set(1, n, 1)
	}
	m := learnt(t, Config{Train: set, Epochs: 100, BatchSize: 50, Learner: &GradientDescent{
		Model: layer, Optimizer: &optim.Adam{LR: 0.02}, Workers: 1,
		Loss: func(b *Batch) *autograd.Var {
			n := b.Len()
			b.Error(autograd.Slice(b.Tape().Input(ones), 0, 0, n)) // classify all of them as ones
			weight := autograd.Reshape(b.Weight, n, 1)
			off := autograd.Square(autograd.Sub(layer.Forward(b.X), b.Target))
			return autograd.Div(autograd.Sum(autograd.Mul(off, weight)), autograd.Sum(weight))
		},
	}})
	// The best output is the weighted mean, 3/4, whose squared distance is on average 3/4 · 1/4.
	if math.Abs(m["loss"]-0.1875) > 1e-3 || math.Abs(m["error"]-0.25) > 1e-9 {
		t.Errorf("loss %v and error %v, want 0.1875 and 0.25", m["loss"], m["error"])
	}
}

// A twins source gives pairs of samples and says whether their classes are the same.
type twins struct{ set *dataset.Set }

func (d twins) Len() int { return d.set.Len() }

func (d twins) Gather(b *dataset.Batch, idx []int) {
	width := d.set.X.Width()
	b.X.Resize(len(idx), 2, width)
	b.Target.Resize(len(idx))
	for n, i := range idx {
		j := (i*7 + 3) % d.Len()
		copy(b.X.Row(n), d.set.X.Row(i))
		copy(b.X.Row(n)[width:], d.set.X.Row(j))
		b.Target.Data()[n] = 0
		if d.set.Y[i] != d.set.Y[j] {
			b.Target.Data()[n] = 1
		}
	}
}

// Pairs go through one network side by side, and their distance is learnt.
func TestPairs(t *testing.T) {
	layer := nn.NewDense(20, 3, nil, tensor.Stream(1, "weights"))
	m := learnt(t, Config{Train: twins{blobs(300, 1)}, Epochs: 20, BatchSize: 30, Learner: &GradientDescent{
		Model: layer, Optimizer: &optim.Adam{LR: 0.02}, Workers: 1,
		Loss: func(b *Batch) *autograd.Var {
			n := b.Len()
			codes := autograd.Softmax(layer.Forward(autograd.Reshape(b.X, 2*n, 20)))
			codes = autograd.Reshape(codes, n, 6)
			off := autograd.Sub(autograd.Slice(codes, 1, 0, 3), autograd.Slice(codes, 1, 3, 6))
			distance := autograd.MatMul(autograd.Square(off), b.Tape().Input(half)) // of one-hot codes 0 or 1
			return loss.MSE(autograd.Reshape(distance, n), b.Target)
		},
	}})
	if !(m["loss"] < 0.1) { // 0.22 for a constant distance
		t.Errorf("the distances are off by %v", m["loss"])
	}
}

var half = tensor.From([]float32{0.5, 0.5, 0.5}, 3, 1)

// A text gives sequences of eight tokens and the token that follows each of them.
type text []int

func (d text) Len() int { return len(d) - 8 }

func (d text) Gather(b *dataset.Batch, idx []int) {
	b.Tokens, b.Y = b.Tokens[:0], b.Y[:0]
	for _, i := range idx {
		b.Tokens = append(b.Tokens, d[i:i+8]...)
		b.Y = append(b.Y, d[i+1:i+9]...)
	}
}

// Sequences have a label at each position, and no inputs except their tokens.
func TestSequences(t *testing.T) {
	rng, tokens := tensor.Stream(1, "text"), text{0}
	for range 500 { // the next token is one of two
		tokens = append(tokens, (2*tokens[len(tokens)-1]+rng.IntN(2))%6)
	}
	table := autograd.NewParam(tensor.New(6, 6))
	m := learnt(t, Config{Train: tokens, Epochs: 6, BatchSize: 32, Learner: &GradientDescent{
		Model: &struct{ Table *autograd.Var }{table}, Optimizer: &optim.Adam{LR: 0.05}, Workers: 1,
		Loss: func(b *Batch) *autograd.Var {
			logits := autograd.Gather(b.Tape(), table, b.Tokens)
			b.Error(logits)
			return loss.CrossEntropy(logits, b.Y)
		},
	}})
	if !(m["loss"] < math.Ln2+0.05) || !(m["error"] < 0.55) {
		t.Errorf("loss %v nats and error %v: want about ln 2 and 1/2", m["loss"], m["error"])
	}
}

// ordered is data that must not be shuffled. It records the samples visited.
type ordered struct {
	*dataset.Set
	visited *[]int
}

func (o ordered) InOrder() bool { return true }

func (o ordered) Gather(b *dataset.Batch, idx []int) {
	*o.visited = append(*o.visited, idx...)
	o.Set.Gather(b, idx)
}

func TestDataInOrder(t *testing.T) {
	set := &dataset.Set{X: tensor.New(7, 1), Y: make([]int, 7), Classes: []string{"a", "b"}}
	var visited []int
	m := nn.NewDense(1, 2, nil, tensor.Stream(1, "weights"))
	g := &GradientDescent{Model: m, Loss: func(b *Batch) *autograd.Var { return loss.CrossEntropy(m.Forward(b.X), b.Y) }}
	if _, err := Run(t.Context(), Config{Learner: g, Train: ordered{set, &visited}, Epochs: 2, BatchSize: 3}); err != nil {
		t.Fatal(err)
	}
	if want := []int{0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6}; !slices.Equal(visited, want) {
		t.Errorf("samples %v, want %v", visited, want)
	}
}

// unreadable is data whose files cannot be read.
type unreadable struct{ *dataset.Set }

func (unreadable) Err() error                         { return fs.ErrPermission }
func (unreadable) Gather(b *dataset.Batch, idx []int) { *b = dataset.Batch{} }

// A file that cannot be read is not taken for other data than that of the checkpoint.
func TestUnreadableData(t *testing.T) {
	c := config(newNet())
	c.Dir = started(t, 3)
	c.Train = unreadable{c.Train.(*dataset.Set)}
	if _, err := Run(t.Context(), c); !errors.Is(err, fs.ErrPermission) || errors.As(err, new(*MismatchError)) {
		t.Errorf("the error is %v", err)
	}
}

// The settings of an optimiser inside another are part of a run's identity.
func TestNestedOptimiserIsDescribed(t *testing.T) {
	clipped := func(limit, momentum float64) any {
		m := nn.NewDense(1, 2, nil, tensor.Stream(1, "weights"))
		o := &optim.Clip{Optimizer: &optim.SGD{LR: 1, Momentum: momentum}, Limit: limit}
		return (&GradientDescent{Model: m, Loss: func(*Batch) *autograd.Var { return nil }, Optimizer: o}).State().Settings
	}
	if a, b, c := clipped(5, 0.9), clipped(6, 0.9), clipped(5, 0.8); a == b || a == c || a != clipped(5, 0.9) {
		t.Errorf("settings %v, %v and %v", a, b, c)
	}
}
