// SPDX-License-Identifier: Apache-2.0

// Package language models text with recurrent networks, one word after the other [NINAI17, table 11].
//
// A [Model] is an embedding, recurrent layers and a softmax over the vocabulary. Train it with package train on the
// segments of a text ([dataset.Text.Segments]), measure it with [Model.Perplexity], and let it write with
// [Model.Sample].
package language

import (
	"fmt"
	"math"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/metrics"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// A Cell is a kind of recurrent layer.
type Cell string

// The cells of the document.
const (
	LSTM Cell = "lstm"
	Tanh Cell = "tanh" // RNN with tanh
	ReLU Cell = "relu" // RNN with rectified linear units
)

// gates returns the number of net inputs of a unit.
func (c Cell) gates() int {
	if c == LSTM {
		return 4
	}
	return 1
}

// A Config describes a model. The document's has 10,000 words, 2 layers of 200 units and 20 streams.
type Config struct {
	Words   int // size of the vocabulary
	Units   int // of each layer, and width of the embedding
	Layers  int
	Cell    Cell
	Streams int // number of texts that are read side by side in training

	// Norms returns the normalisation of a layer, given its units and the number of its net inputs per unit. nil is none;
	// see Divisive and Original.
	Norms func(units, gates int) nn.Norms
	// StoreNormalized makes the LSTM keep the normalised cell state; see nn.LSTM.
	StoreNormalized bool
	Init            nn.Init // of all weights; nil means UniformRange(0.1), the document's
}

// Divisive returns divisive normalisation along the hidden vector with windows of the given size, applied as [Inside]
// does; with a penalty, the document calls it DN*.
func Divisive(window int, sigma float64, l1 float32) func(units, gates int) nn.Norms {
	f := nn.Field{Window: window}
	return Inside(nn.Scheme{Name: "DN", A: f, B: f, Sigma: sigma}, l1)
}

// Inside returns normalisation by a scheme of each gate and of the cell state separately, before their activation
// functions. l1 is the weight of the penalty on centred activations. Source: [NINAI17, appendix].
func Inside(s nn.Scheme, l1 float32) func(units, gates int) nn.Norms {
	return func(units, gates int) nn.Norms {
		each := s
		if !s.A.Batch {
			each.A.Groups, each.B.Groups = gates, gates
		}
		n := nn.Norms{OfSum: nn.NewNorm(gates*units, each), L1: l1}
		if gates > 1 {
			n.OfCell = nn.NewNorm(units, s)
		}
		return n
	}
}

// Original returns normalisation by a scheme as its authors apply it to recurrent networks: of the input and of the
// recurrent part of all net inputs separately, and of the cell state, which the document's authors then also store
// (Config.StoreNormalized). The scheme needs Sigma > 0, because the state is 0 before the first word; theirs is 0.01.
func Original(s nn.Scheme) func(units, gates int) nn.Norms {
	return func(units, gates int) nn.Norms {
		n := nn.Norms{OfInput: nn.NewNorm(gates*units, s), OfRecurrent: nn.NewNorm(gates*units, s)}
		if gates > 1 {
			n.OfCell = nn.NewNorm(units, s)
		}
		return n
	}
}

// Model predicts each word of a text from the words before it.
type Model struct {
	Embedding *nn.Embedding
	Layers    []nn.Recurrent
	Out       *nn.Dense

	// State is the state of the streams of the text in training, for each layer. It is saved with the model, so that
	// training can resume within a text.
	State [][]*tensor.Tensor

	tokens, labels []int // of a segment, ordered by time
}

// New returns a model with weights drawn from rng; biases are 0. It panics if a size is less than 1 or the cell is
// unknown.
func New(c Config, rng *tensor.RNG) *Model {
	if min(c.Words, c.Units, c.Layers, c.Streams) < 1 || !slices.Contains([]Cell{LSTM, Tanh, ReLU}, c.Cell) {
		panic(fmt.Sprintf("language: New: %d words, %d units, %d layers of %q, %d streams: want sizes >= 1, and lstm, tanh "+
			"or relu", c.Words, c.Units, c.Layers, c.Cell, c.Streams))
	}
	init := c.Init
	if init == nil {
		init = nn.UniformRange(0.1)
	}
	m := &Model{Embedding: nn.NewEmbedding(c.Words, c.Units, init, rng)}
	for range c.Layers {
		var norms nn.Norms
		if c.Norms != nil {
			norms = c.Norms(c.Units, c.Cell.gates())
		}
		var layer nn.Recurrent
		switch c.Cell {
		case LSTM:
			l := nn.NewLSTM(c.Units, c.Units, init, rng)
			l.Norms, l.StoreNormalized = norms, c.StoreNormalized
			layer = l
		case Tanh, ReLU:
			r := nn.NewRNN(c.Units, c.Units, autograd.Tanh, init, rng)
			if c.Cell == ReLU {
				r.Activate = autograd.ReLU
			}
			r.Norms = norms
			layer = r
		}
		m.Layers = append(m.Layers, layer)
		m.State = append(m.State, layer.NewState(c.Streams))
	}
	m.Out = nn.NewDense(c.Units, c.Words, init, rng)
	return m
}

// forward returns the logits [T·N, words] of the words that follow the tokens, which are ordered by time, and the sum
// of the layers' penalties, nil if there is none. The state moves on.
func (m *Model) forward(t *autograd.Tape, tokens []int, state [][]*tensor.Tensor) (logits, penalty *autograd.Var) {
	x := m.Embedding.Forward(t, tokens)
	for i, layer := range m.Layers {
		y, p := layer.Forward(x, state[i])
		switch {
		case p == nil:
		case penalty == nil:
			penalty = p
		default:
			penalty = autograd.Add(penalty, p)
		}
		x = y
	}
	return m.Out.Forward(x), penalty
}

// Loss is the objective of a batch of [dataset.Segments], for train.GradientDescent: the negative log-likelihood of the
// next words in nats, summed over the steps of a segment and averaged over the streams, plus the penalties. It reports
// the mean per word as "nll"; the perplexity is exp(nll). The gradient does not flow into earlier segments.
//
// Loss panics unless the batch has one segment for each stream: set train.Config.BatchSize to Config.Streams.
func (m *Model) Loss(b *train.Batch) *autograd.Var {
	n, streams := 0, m.State[0][0].Rows()
	if b.X != nil {
		n = b.X.Rows()
	}
	if n != streams {
		panic(fmt.Sprintf("language: Loss: a batch of %d samples for %d streams: want segments of a text, and the number of "+
			"streams as the size of a batch", n, streams))
	}
	for _, layer := range m.State {
		for _, s := range layer {
			for i, carry := range b.X.Data() {
				if carry == 0 {
					clear(s.Row(i))
				}
			}
		}
	}
	steps := len(b.Tokens) / n
	m.tokens, m.labels = byTime(m.tokens, b.Tokens, n, steps), byTime(m.labels, b.Y, n, steps)
	logits, penalty := m.forward(b.Tape(), m.tokens, m.State)
	cost := loss.CrossEntropy(logits, m.labels)
	b.Report("nll", float64(cost.Scalar()))
	cost = autograd.Scale(cost, float32(steps))
	if penalty != nil {
		cost = autograd.Add(cost, penalty)
	}
	return cost
}

// byTime sets dst to tokens [n, steps] in the order of time, [steps, n].
func byTime(dst, tokens []int, n, steps int) []int {
	dst = slices.Grow(dst[:0], len(tokens))[:0]
	for t := range steps {
		for i := range n {
			dst = append(dst, tokens[i*steps+t])
		}
	}
	return dst
}

// newState returns the state of one text before its first word.
func (m *Model) newState() [][]*tensor.Tensor {
	var state [][]*tensor.Tensor
	for _, layer := range m.Layers {
		state = append(state, layer.NewState(1))
	}
	return state
}

// Perplexity returns the perplexity of a text, which the model reads from its first to its last word without a break:
// exp of the mean negative log-likelihood of all words but the first. It returns an error if the text has fewer than
// two words, and panics if a token is not in the vocabulary. The state of training does not change. workers is the
// number of goroutines, 0 for one per core.
func (m *Model) Perplexity(text *dataset.Text, workers int) (float64, error) {
	if len(text.Tokens) < 2 {
		return 0, fmt.Errorf("language: Perplexity: a text of %d words: want at least 2", len(text.Tokens))
	}
	const part = 50 // steps at a time; without gradients, their number does not matter
	tape, state, sum := autograd.NewTape(workers), m.newState(), 0.0
	last := len(text.Tokens) - 1
	for at := 0; at < last; at += part {
		tape.Reset()
		end := min(at+part, last)
		logits, _ := m.forward(tape, text.Tokens[at:end], state)
		sum += metrics.LogLoss(logits.Value(), text.Tokens[at+1:end+1])
	}
	return metrics.Perplexity(sum, last), nil
}

// Sample writes n words that follow the given ones, of which there must be at least one. Each is drawn from the
// model's distribution raised to the power of 1/temperature: 1 is the distribution itself, lower values prefer likely
// words, and 0 takes the most likely word. It panics if n or temperature is negative, or a token is not in the
// vocabulary.
func (m *Model) Sample(begin []int, n int, temperature float64, rng *tensor.RNG) []int {
	if len(begin) == 0 || n < 0 || !(temperature >= 0) {
		panic(fmt.Sprintf("language: Sample: %d words after %d with temperature %v: want n >= 0, at least one word to begin "+
			"with, and a temperature >= 0", n, len(begin), temperature))
	}
	tape, state := autograd.NewTape(1), m.newState()
	tokens, words := slices.Clone(begin), make([]int, 0, n)
	for len(words) < n {
		tape.Reset()
		logits, _ := m.forward(tape, tokens, state)
		next := draw(logits.Value().Row(len(tokens)-1), temperature, rng)
		words = append(words, next)
		tokens = append(tokens[:0], next)
	}
	return words
}

// draw returns a class of the softmax of logits/temperature.
func draw(logits []float32, temperature float64, rng *tensor.RNG) int {
	best := simd.ArgMax(logits)
	if temperature == 0 {
		return best
	}
	p, sum := make([]float64, len(logits)), 0.0
	for i, a := range logits {
		p[i] = math.Exp(float64(a-logits[best]) / temperature)
		sum += p[i]
	}
	at := rng.Float64() * sum
	for i, v := range p {
		if at -= v; at < 0 {
			return i
		}
	}
	return best
}
