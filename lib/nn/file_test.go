// SPDX-License-Identifier: Apache-2.0

package nn_test

import (
	"bytes"
	"encoding/gob"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	. "github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

type mlp struct{ Hidden, Out *Dense }

func newMLP(units int, seed uint64) *mlp {
	rng := tensor.Stream(seed, "weights")
	return &mlp{NewDense(5, units, nil, rng), NewDense(units, 3, nil, rng)}
}

func sameParams(a, b any) bool {
	return slices.EqualFunc(Params(a), Params(b), func(x, y *autograd.Var) bool {
		return slices.Equal(x.Data(), y.Data())
	})
}

func TestSaveAndLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "net.safetensors")
	saved := newMLP(4, 1)
	if err := Save(path, saved); err != nil {
		t.Fatal(err)
	}
	loaded := newMLP(4, 2)
	if sameParams(saved, loaded) {
		t.Fatal("two seeds gave the same weights")
	}
	if err := Load(path, loaded); err != nil || !sameParams(saved, loaded) {
		t.Errorf("the weights read differ from those written: %v", err)
	}
	type bigger struct{ Hidden, Out, More *Dense }
	type smaller struct{ Hidden *Dense }
	wide := newMLP(6, 3)
	for want, model := range map[string]any{
		"hidden.weight has shape [4 5], but the model has [6 5]": wide,
		"does not contain more.weight":                           &bigger{saved.Hidden, saved.Out, wide.Out},
		"contains 4 tensors, but the model has 2":                &smaller{loaded.Hidden},
	} {
		if err := Load(path, model); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
	if !sameParams(wide, newMLP(6, 3)) {
		t.Error("a refused file changed the model")
	}
}

// A file has the names of the model that it was written from, whatever its parameters are called in another model.
func TestFilesNameParametersByTheirModel(t *testing.T) {
	type part struct{ Encoder *Dense }
	type tied struct {
		First  *mlp
		Second []*Dense
	}
	dir, m := t.TempDir(), newMLP(4, 1)
	names := func(model any) string {
		t.Helper()
		var all []string
		for i, save := range []func(string, any) error{Save, SaveTorch} {
			path := filepath.Join(dir, "net")
			if err := save(path, model); err != nil {
				t.Fatal(err)
			}
			tensors, _, err := tensor.LoadSafetensors(path)
			if err != nil {
				t.Fatal(err)
			}
			var list []string
			for _, n := range tensors {
				list = append(list, n.Name)
			}
			slices.Sort(list)
			if i == 0 {
				all = list
			} else if !slices.Equal(all, list) {
				t.Errorf("Save writes %q, SaveTorch %q", all, list)
			}
		}
		return strings.Join(all, " ")
	}
	for _, c := range []struct {
		model any
		want  string
	}{
		{m, "hidden.bias hidden.weight out.bias out.weight"},
		{part{m.Hidden}, "encoder.bias encoder.weight"},
		{m.Out, "bias weight"},
		{&tied{m, []*Dense{m.Out, newMLP(4, 2).Out}},
			"first.hidden.bias first.hidden.weight first.out.bias first.out.weight second.1.bias second.1.weight"},
		{&tied{nil, []*Dense{m.Hidden, m.Hidden}}, "second.0.bias second.0.weight"},
		{m, "hidden.bias hidden.weight out.bias out.weight"},
	} {
		if got := names(c.model); got != c.want {
			t.Errorf("%T: names %s, want %s", c.model, got, c.want)
		}
	}
	path := filepath.Join(dir, "part")
	if err := Save(path, part{m.Hidden}); err != nil {
		t.Fatal(err)
	}
	fresh := newMLP(4, 3)
	Params(fresh)
	if err := Load(path, part{fresh.Hidden}); err != nil || !sameParams(fresh.Hidden, m.Hidden) {
		t.Errorf("a part of a named model: %v", err)
	}
}

func TestGobKeepsAModel(t *testing.T) {
	var b bytes.Buffer
	saved := newMLP(4, 1)
	var loaded mlp
	if err := gob.NewEncoder(&b).Encode(saved); err != nil {
		t.Fatal(err)
	}
	if err := gob.NewDecoder(&b).Decode(&loaded); err != nil {
		t.Fatal(err)
	}
	if !sameParams(saved, &loaded) {
		t.Error("the weights read differ from those written")
	}
	result := autograd.NewTape(1).Input(tensor.New(1, 5))
	if err := gob.NewEncoder(&b).Encode(result); err == nil || !strings.Contains(err.Error(), "only parameters can") {
		t.Errorf("storing a result of a tape: %v", err)
	}
}
