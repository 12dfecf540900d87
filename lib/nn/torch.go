// SPDX-License-Identifier: Apache-2.0

package nn

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// SaveTorch writes the parameters of a model to a safetensors file with the names and the layout of PyTorch, whose
// load_state_dict then accepts them:
//
//	model.load_state_dict(safetensors.torch.load_file(path))
//
// Names are those of [StateOf]; they equal PyTorch's if the fields are called as the Python attributes, apart from the
// case of the first letter, and if a Sequential has its modules at the same positions. Within a [Norm], scale, shift,
// mean and variance become weight, bias, running_mean and running_var; the weights of an [LSTM] or [RNN] become those
// of torch.nn.LSTM and torch.nn.RNN with one layer. Sparse layers are written with all their weights, the missing ones
// as zeros. SaveTorch returns an error for layers that PyTorch does not have: normalised recurrent ones.
func SaveTorch(path string, model any) error {
	state := StateOf(model)
	links, err := state.torch()
	if err != nil {
		return fmt.Errorf("nn: save %s: %w", path, err)
	}
	var named []tensor.Named
	for _, l := range links {
		t := l.ours.Clone()
		if l.save != nil {
			t = l.save()
		}
		named = append(named, tensor.Named{Name: l.name, Tensor: t})
		if l.extra != "" {
			named = append(named, tensor.Named{Name: l.extra, Tensor: tensor.New(t.Shape()...)})
		}
	}
	return tensor.SaveSafetensors(path, named, map[string]string{"format": "pt"})
}

// LoadTorch reads the parameters of a model from a safetensors file that was written from a PyTorch model's state_dict:
//
//	safetensors.torch.save_file(model.state_dict(), path)
//
// Names and layouts are those of [SaveTorch]. A beginning that all names of the file have in common, such as "module."
// or "model.", may be missing in the model. Counters of batches (num_batches_tracked) are ignored. The error lists what
// is missing, what the file has besides, and which shapes differ. If there is an error, the model is unchanged. Sparse
// layers cannot be loaded: load the dense layer and then prune it.
func LoadTorch(path string, model any) error {
	file, _, err := tensor.LoadSafetensors(path)
	if err != nil {
		return err
	}
	state := StateOf(model)
	if len(state.wired) > 0 {
		return fmt.Errorf("nn: load %s: the model has the sparse layer %q: load a dense one and prune it", path,
			state.wired[0].name)
	}
	links, err := state.torch()
	if err != nil {
		return fmt.Errorf("nn: load %s: %w", path, err)
	}
	found := map[string]*tensor.Tensor{}
	for _, t := range file {
		if !strings.HasSuffix(t.Name, "num_batches_tracked") {
			found[t.Name] = t.Tensor
		}
	}
	found = withoutPrefix(found, links[0].name)
	for _, l := range links {
		t := found[l.name]
		switch {
		case t == nil:
			return fmt.Errorf("nn: load %s: it lacks %s; it contains %q", path, l.name, slices.Sorted(maps.Keys(found)))
		case !tensor.SameShape(t, l.ours):
			return fmt.Errorf("nn: load %s: %s has shape %v, but the model has %v", path, l.name, t.Shape(), l.ours.Shape())
		case l.extra != "" && (found[l.extra] == nil || !tensor.SameShape(found[l.extra], t)):
			return fmt.Errorf("nn: load %s: it lacks %s of shape %v", path, l.extra, t.Shape())
		}
	}
	for _, l := range links {
		t := found[l.name]
		delete(found, l.name)
		if l.extra != "" {
			t = t.Clone()
			for i, v := range found[l.extra].Data() {
				t.Data()[i] += v
			}
			delete(found, l.extra)
		}
		if l.gates {
			t = exchangeGates(t)
		}
		l.loaded = t
	}
	if len(found) > 0 {
		return fmt.Errorf("nn: load %s: the model has no %q: it is another model", path, slices.Sorted(maps.Keys(found)))
	}
	for _, l := range links {
		l.ours.CopyFrom(l.loaded)
	}
	return nil
}

// A link connects a tensor of a model with a tensor of PyTorch's.
type link struct {
	name  string // PyTorch's
	ours  *tensor.Tensor
	save  func() *tensor.Tensor // returns PyTorch's layout; nil if it is ours
	gates bool                  // the output gate and the cell's input are exchanged
	extra string                // a second bias of PyTorch's, which is added

	loaded *tensor.Tensor
}

// torch returns the links of all parameters and buffers.
func (s State) torch() ([]*link, error) {
	var links []*link
	byName := map[string]*link{}
	add := func(name string, t *tensor.Tensor) {
		l := &link{name: name, ours: t}
		links, byName[name] = append(links, l), l
	}
	for _, p := range s.Params {
		add(p.Name, p.Value())
	}
	for _, b := range s.Buffers {
		add(b.Name, b.Tensor)
	}
	rename := func(layer, from, to string) *link {
		l := byName[dotted(layer, from)]
		if l != nil {
			l.name = dotted(layer, to)
		}
		return l
	}
	for _, n := range s.layers {
		switch l := n.layer.(type) {
		case *Norm:
			rename(n.name, "scale", "weight")
			rename(n.name, "shift", "bias")
			rename(n.name, "mean", "running_mean")
			rename(n.name, "variance", "running_var")
		case *LSTM:
			if err := l.Norms.none(n.name); err != nil {
				return nil, err
			}
			for from, to := range map[string]string{
				"input.weight": "weight_ih_l0", "input.bias": "bias_ih_l0", "recurrent": "weight_hh_l0",
			} {
				if k := rename(n.name, from, to); k != nil {
					k.gates, k.save = true, func() *tensor.Tensor { return exchangeGates(k.ours) }
				}
			}
			secondBias(byName[dotted(n.name, "input.bias")], dotted(n.name, "bias_hh_l0"))
		case *RNN:
			if err := l.Norms.none(n.name); err != nil {
				return nil, err
			}
			rename(n.name, "input.weight", "weight_ih_l0")
			rename(n.name, "recurrent", "weight_hh_l0")
			secondBias(rename(n.name, "input.bias", "bias_ih_l0"), dotted(n.name, "bias_hh_l0"))
		}
	}
	for _, w := range s.wired {
		layer := byName[dotted(w.name, "weight")]
		layer.save = func() *tensor.Tensor {
			switch l := w.wired.(type) {
			case *SparseDense:
				return l.Dense().Weight.Value()
			case *SparseConv2D:
				return l.Conv2D().Weight.Value()
			}
			panic(fmt.Sprintf("nn: SaveTorch: unknown sparse layer %T", w.wired))
		}
	}
	return links, nil
}

func secondBias(l *link, name string) {
	if l != nil {
		l.extra = name
	}
}

// none returns an error if a recurrent layer is normalised.
func (n Norms) none(name string) error {
	if n.OfInput != nil || n.OfRecurrent != nil || n.OfSum != nil || n.OfCell != nil {
		return fmt.Errorf("PyTorch has no recurrent layer that is normalised, as %q is", name)
	}
	return nil
}

func dotted(layer, field string) string {
	if layer == "" {
		return field
	}
	return layer + "." + field
}

// exchangeGates returns the parameters of an LSTM with the gates i, f, o, g in the order i, f, g, o, or the reverse.
func exchangeGates(t *tensor.Tensor) *tensor.Tensor {
	out, n := t.Clone(), t.Len()/4
	copy(out.Data()[2*n:3*n], t.Data()[3*n:])
	copy(out.Data()[3*n:], t.Data()[2*n:3*n])
	return out
}

// withoutPrefix removes what all names begin with, up to a dot, if the model's first name needs it.
func withoutPrefix(found map[string]*tensor.Tensor, first string) map[string]*tensor.Tensor {
	if found[first] != nil {
		return found
	}
	for name := range found {
		prefix, ok := strings.CutSuffix(name, "."+first)
		if !ok {
			continue
		}
		short := map[string]*tensor.Tensor{}
		for name, t := range found {
			rest, ok := strings.CutPrefix(name, prefix+".")
			if !ok {
				return found
			}
			short[rest] = t
		}
		return short
	}
	return found
}
