// SPDX-License-Identifier: Apache-2.0

package nn

import (
	"fmt"
	"maps"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Save writes the parameters and buffers of a model to a safetensors file, with the names given by [StateOf]. The file
// is written completely or not at all.
func Save(path string, model any) error { return SaveWith(path, model, nil) }

// SaveWith is [Save] with metadata, which [tensor.LoadSafetensors] returns.
func SaveWith(path string, model any, metadata map[string]string) error {
	return tensor.SaveSafetensors(path, StateOf(model).tensors(), metadata)
}

// Load reads the parameters and buffers of a model from a safetensors file, which must contain the same names and
// shapes. Sparse layers are an exception: they take the connections stored in the file. If there is an error, the model
// is unchanged.
func Load(path string, model any) error {
	saved, _, err := tensor.LoadSafetensors(path)
	if err != nil {
		return err
	}
	found := map[string]*tensor.Tensor{}
	for _, s := range saved {
		found[s.Name] = s.Tensor
	}
	state := StateOf(model)
	want := state.tensors()
	connections := make([]*autograd.Connections, len(state.wired))
	free := map[string]bool{} // names of tensors that take their shape from the file
	for i, l := range state.wired {
		if connections[i], err = l.read(found); err != nil {
			return fmt.Errorf("nn: %s: %w", path, err)
		}
		_, w := l.wiring()
		if c, t := connections[i], found[w.Name]; c != nil && t != nil && slices.Equal(t.Shape(), []int{c.Len()}) {
			free[w.Name], free[l.field("inputs")] = true, true
		}
	}
	for _, w := range want {
		switch t := found[w.Name]; {
		case t == nil:
			return fmt.Errorf("nn: %s does not contain %s; it contains %q", path, w.Name, slices.Sorted(maps.Keys(found)))
		case !tensor.SameShape(t, w.Tensor) && !free[w.Name]:
			return fmt.Errorf("nn: %s: %s has shape %v, but the model has %v", path, w.Name, t.Shape(), w.Tensor.Shape())
		}
	}
	if len(found) != len(want) {
		return fmt.Errorf("nn: %s contains %d tensors, but the model has %d: the file belongs to another model",
			path, len(found), len(want))
	}
	for i, l := range state.wired {
		l.rewire(connections[i])
	}
	for _, w := range want[:len(state.Params)+len(state.Buffers)] {
		w.Tensor.CopyFrom(found[w.Name])
	}
	return nil
}

func (s State) tensors() []tensor.Named {
	var named []tensor.Named
	for _, p := range s.Params {
		named = append(named, tensor.Named{Name: p.Name, Tensor: p.Value()})
	}
	named = append(named, s.Buffers...)
	for _, l := range s.wired {
		named = append(named, l.tensors()...)
	}
	return named
}
