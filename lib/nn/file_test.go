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
		for _, p := range Params(model) {
			p.Name = "" // as in a separate model
		}
		if err := Load(path, model); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
	if !sameParams(wide, newMLP(6, 3)) {
		t.Error("a refused file changed the model")
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
