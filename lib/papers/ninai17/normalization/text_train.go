// SPDX-License-Identifier: Apache-2.0

package normalization

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/language"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// A TextSetting describes a language model of table 11 and its training completely: the result depends on nothing else.
type TextSetting struct {
	experiment.Source
	Cell    language.Cell `json:"cell"`
	Variant Variant       `json:"variant"`
	Strength
	Epochs int     `json:"epochs"` // the schedule of 13 epochs is stretched or shortened to these
	Rate   float64 `json:"rate"`   // of the first epochs, see TextSchedule
	// Tokens is the number of words of the training text that are used, from its start; 0 for all.
	Tokens int    `json:"tokens,omitempty"`
	Seed   uint64 `json:"seed"` // of the initial weights
}

// Modelled returns the setting of an entry of table 11 at the document's size.
func Modelled(v Variant, cell language.Cell) TextSetting {
	return TextSetting{Cell: cell, Variant: v, Strength: Words(v, cell), Epochs: TextEpochs,
		Rate: TextSchedule(v, cell)(0)}
}

// On returns the setting for the given text.
func (s TextSetting) On(d *experiment.Data) TextSetting { return s.At(d.Source(), s.Seed) }

// At implements [experiment.Setting].
func (s TextSetting) At(src experiment.Source, seed uint64) TextSetting {
	s.Source, s.Seed = src, seed
	return s
}

// String describes the setting briefly.
func (s TextSetting) String() string {
	words := "all words"
	if s.Tokens > 0 {
		words = fmt.Sprintf("%d words", s.Tokens)
	}
	return fmt.Sprintf("%s, %s, %s, %d epochs at rate %g, seed %d", s.Cell, s.Variant, words, s.Epochs, s.Rate, s.Seed)
}

// Check returns an error that names the invalid fields.
func (s TextSetting) Check() error {
	c := experiment.Check{Package: "normalization"}
	c.Add(s.Variant.Check())
	c.OneOf("Cell", string(s.Cell), string(language.LSTM), string(language.Tanh), string(language.ReLU))
	s.Strength.check(&c, s.Variant)
	c.AtLeast("Epochs", s.Epochs, 1)
	c.Positive("Rate", s.Rate)
	c.AtLeast("Tokens", s.Tokens, 0)
	return c.Err()
}

// Samples implements [experiment.Setting]: the words that are read.
func (s TextSetting) Samples() int {
	if s.Tokens > 0 {
		return s.Epochs * min(s.Tokens, s.Images)
	}
	return s.Epochs * s.Images
}

// TextMetrics are the perplexities of a [TextSetting]. No epoch is chosen by them.
type TextMetrics struct {
	Test  float64   `json:"test"`  // of the test text, read word by word, after the last epoch
	Valid []float64 `json:"valid"` // of the validation text after each epoch, cut into streams as in training
	Train []float64 `json:"train"` // of the training text, during each epoch
	// Samples are what the model writes after "the" at the [Temperatures]; none if the text has no such word.
	Samples []string `json:"samples,omitempty"`
}

// Temperatures are those of [TextMetrics]'s Samples; see [language.Model.Sample].
var Temperatures = []float64{0, 0.5, 1}

// sampleWords is the number of words of a sample.
const sampleWords = 25

// A TextResult is a trained language model.
type TextResult struct {
	Model   *language.Model
	History *train.History
	Metrics TextMetrics
}

// LoadText returns a text by name, as [experiment.LoadText] does.
func LoadText(name string) (*experiment.Data, error) {
	c, err := experiment.LoadText(name)
	if err != nil {
		return nil, err
	}
	return &experiment.Data{Text: c}, nil
}

// TrainText trains the model of a setting. With o.Dir it keeps checkpoints, from which a killed run resumes.
func TrainText(ctx context.Context, s TextSetting, d *experiment.Data, o experiment.Options) (*TextResult, error) {
	if d.Text == nil {
		return nil, errors.New("normalization: the data are no text: load them with LoadText")
	}
	if err := errors.Join(s.Check(), d.Check(s.Source)); err != nil {
		return nil, err
	}
	text := d.Text.Train
	if s.Tokens > 0 {
		text = &dataset.Text{Tokens: text.Tokens[:min(s.Tokens, len(text.Tokens))]}
	}
	read, err := text.Segments(TextStreams, TextSteps)
	if err != nil {
		return nil, err
	}
	valid, err := d.Text.Valid.Segments(TextStreams, TextSteps)
	if err != nil {
		return nil, err
	}
	config, err := Language(s.Variant, s.Cell, s.Strength, d.Text.Vocabulary.Len())
	if err != nil {
		return nil, err
	}
	r := &TextResult{Model: language.New(config, tensor.Stream(s.Seed, "weights"))}
	document := TextSchedule(s.Variant, s.Cell)
	r.History, err = train.Run(ctx, train.Config{
		Learner: &train.GradientDescent{
			Model: r.Model, Loss: r.Model.Loss, Workers: o.Workers,
			Optimizer: &optim.Clip{Optimizer: &optim.SGD{}, Limit: TextClip},
			Schedule: func(epoch float64) float64 {
				return s.Rate / document(0) * document(epoch*TextEpochs/float64(s.Epochs))
			},
		},
		Train: read, Valid: valid, Epochs: s.Epochs, BatchSize: TextStreams, Seed: s.Seed, Key: s,
		Dir: o.Dir, Every: o.Every, OnStep: o.OnStep, OnEpoch: o.OnEpoch,
	})
	if err != nil {
		return r, err
	}
	for _, e := range r.History.Epochs {
		r.Metrics.Train = append(r.Metrics.Train, math.Exp(e.Train["nll"]))
		r.Metrics.Valid = append(r.Metrics.Valid, math.Exp(e.Valid["nll"]))
	}
	if the, ok := d.Text.Vocabulary.Token("the"); ok {
		for _, t := range Temperatures {
			words := r.Model.Sample([]int{the}, sampleWords, t, tensor.Stream(s.Seed, "sample"))
			r.Metrics.Samples = append(r.Metrics.Samples, d.Text.Vocabulary.Decode(words))
		}
	}
	r.Metrics.Test, err = r.Model.Perplexity(d.Text.Test, o.Workers)
	return r, err
}
