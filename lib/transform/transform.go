// SPDX-License-Identifier: Apache-2.0

// Package transform prepares samples for a network in the same way in training and in prediction. A [Pipeline] is a
// list of steps, such as [Columns], [Standardize], [Contrast] and [Whiten]. Its steps learn what they need from the
// training samples, and it is saved with the model.
//
//	p := transform.Pipeline{&transform.Contrast{Scale: 1}, &transform.Whiten{Bias: 0.1}}
//	x, err := p.Fit(train.X)   // learns the steps and returns the prepared training samples
//	y := p.Apply(test.X)       // prepares others in the same way
//
// Random augmentation belongs to training alone: see [dataset.Augmented].
package transform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Step maps samples to samples. It is a pointer to a struct whose exported fields are all that it has learnt:
// tensors, and settings with a JSON form. Several goroutines may call Apply at once.
type Step interface {
	// Fit learns from training samples [N, ...].
	Fit(x *tensor.Tensor) error
	// Apply returns the mapped samples; it may write to x and return it. It panics if the samples do not have the shape
	// of those that Fit saw.
	Apply(x *tensor.Tensor) *tensor.Tensor
}

// A Pipeline applies steps one after the other. A nil Pipeline leaves samples as they are.
type Pipeline []Step

// Clone returns a pipeline of copies of the steps, which can be fitted without a change of p.
func (p Pipeline) Clone() Pipeline {
	c := make(Pipeline, len(p))
	for i, s := range p {
		step := reflect.New(reflect.TypeOf(s).Elem())
		step.Elem().Set(reflect.ValueOf(s).Elem())
		c[i] = step.Interface().(Step)
		for _, field := range fields(c[i]) {
			if t := field.Interface().(*tensor.Tensor); t != nil {
				field.Set(reflect.ValueOf(t.Clone()))
			}
		}
	}
	return c
}

// Fit fits each step to the result of the steps before it, and returns the result of the last. It does not write to x.
func (p Pipeline) Fit(x *tensor.Tensor) (*tensor.Tensor, error) {
	x = x.Clone()
	for i, s := range p {
		if err := s.Fit(x); err != nil {
			return nil, fmt.Errorf("transform: step %d, %T: %w", i+1, s, err)
		}
		x = s.Apply(x)
	}
	return x, nil
}

// Apply returns the samples as all steps map them. It does not write to x.
func (p Pipeline) Apply(x *tensor.Tensor) *tensor.Tensor { return p.apply(x.Clone()) }

// apply is Apply for samples that it may overwrite.
func (p Pipeline) apply(x *tensor.Tensor) *tensor.Tensor {
	for _, s := range p {
		x = s.Apply(x)
	}
	return x
}

// Data are samples that a pipeline prepares when they are gathered, for data that does not fit into memory.
type Data struct {
	dataset.Samples // such as a dataset.Stream
	Pipeline        Pipeline
}

// Gather puts the prepared samples idx into b.
func (d *Data) Gather(b *dataset.Batch, idx []int) {
	d.Samples.Gather(b, idx)
	if b.X.Len() > 0 {
		if x := d.Pipeline.apply(&b.X); x != &b.X {
			b.X = *x
		}
	}
}

// Plan passes a plan on to the samples; see [dataset.Stream].
func (d *Data) Plan(order []int, size int) {
	if p, ok := d.Samples.(interface{ Plan(order []int, size int) }); ok {
		p.Plan(order, size)
	}
}

// Err returns the error of the samples; see [dataset.Stream].
func (d *Data) Err() error {
	if e, ok := d.Samples.(interface{ Err() error }); ok {
		return e.Err()
	}
	return nil
}

// Fingerprint identifies the samples and the pipeline.
func (d *Data) Fingerprint() string {
	settings, tensors, err := d.Pipeline.Save()
	if err != nil {
		panic(fmt.Sprintf("transform: Fingerprint: %v", err))
	}
	var b bytes.Buffer
	if err := tensor.WriteSafetensors(&b, tensors, map[string]string{"settings": string(settings)}); err != nil {
		panic(fmt.Sprintf("transform: Fingerprint: %v", err))
	}
	return dataset.Fingerprint(d.Samples) + ", " + dataset.Checksum(b.Bytes())
}

// kinds are the steps that Restore knows, by the name that a file has for them.
var kinds = map[string]func() Step{
	"columns":     func() Step { return new(Columns) },
	"standardize": func() Step { return new(Standardize) },
	"contrast":    func() Step { return new(Contrast) },
	"whiten":      func() Step { return new(Whiten) },
}

// Register makes a step of another package known to [Restore], under a name that files contain. It panics if the name
// is taken.
func Register(kind string, make func() Step) {
	if kinds[kind] != nil {
		panic(fmt.Sprintf("transform: Register: %q is taken", kind))
	}
	kinds[kind] = make
}

// saved is the JSON of a step.
type saved struct {
	Kind     string          `json:"kind"`
	Settings json.RawMessage `json:"settings"`
}

// Save returns the pipeline as JSON and tensors, from which [Restore] makes it anew. It returns an error for a step
// that is not registered.
func (p Pipeline) Save() (settings []byte, tensors []tensor.Named, err error) {
	list := make([]saved, len(p))
	for i, s := range p {
		kind := kindOf(s)
		if kind == "" {
			return nil, nil, fmt.Errorf("transform: %T is not registered: call Register", s)
		}
		text, err := json.Marshal(s)
		if err != nil {
			return nil, nil, fmt.Errorf("transform: %T: %w", s, err)
		}
		list[i] = saved{kind, text}
		for name, field := range fields(s) {
			if t := field.Interface().(*tensor.Tensor); t != nil {
				tensors = append(tensors, tensor.Named{Name: fmt.Sprintf("%d.%s", i, name), Tensor: t})
			}
		}
	}
	settings, err = json.Marshal(list)
	return settings, tensors, err
}

// kindOf returns the name of a step's type, "" if it is not registered.
func kindOf(s Step) string {
	for kind, make := range kinds {
		if reflect.TypeOf(make()) == reflect.TypeOf(s) {
			return kind
		}
	}
	return ""
}

// fields yields the fields of a step that are tensors, with their names in a file, in the order of the struct.
func fields(s Step) func(yield func(string, reflect.Value) bool) {
	return func(yield func(string, reflect.Value) bool) {
		v := reflect.ValueOf(s).Elem()
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.Type == reflect.TypeFor[*tensor.Tensor]() && !yield(strings.ToLower(f.Name), v.Field(i)) {
				return
			}
		}
	}
}

// Restore returns the pipeline that Save described.
func Restore(settings []byte, tensors []tensor.Named) (Pipeline, error) {
	var list []saved
	if err := json.Unmarshal(settings, &list); err != nil {
		return nil, fmt.Errorf("transform: the description of the steps is damaged: %w", err)
	}
	found := map[string]*tensor.Tensor{}
	for _, t := range tensors {
		found[t.Name] = t.Tensor
	}
	p := make(Pipeline, len(list))
	for i, l := range list {
		if kinds[l.Kind] == nil {
			return nil, fmt.Errorf("transform: unknown step %q: call Register, or use the version that wrote the file", l.Kind)
		}
		p[i] = kinds[l.Kind]()
		if err := json.Unmarshal(l.Settings, p[i]); err != nil {
			return nil, fmt.Errorf("transform: the settings of %s are damaged: %w", l.Kind, err)
		}
		for name, field := range fields(p[i]) {
			if t := found[fmt.Sprintf("%d.%s", i, name)]; t != nil {
				field.Set(reflect.ValueOf(t))
			}
		}
		if c, ok := p[i].(interface{ check() error }); ok {
			if err := c.check(); err != nil {
				return nil, fmt.Errorf("transform: step %d, %s: %w", i+1, l.Kind, err)
			}
		}
	}
	return p, nil
}
