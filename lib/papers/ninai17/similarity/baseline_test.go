// SPDX-License-Identifier: Apache-2.0

package similarity

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// planted returns images of noise of solids of some superclasses, each of which lights a place of its own with the
// given strength, and within it each solid another.
func planted(name string, strength float32, views int) *dataset.Set {
	s := &dataset.Set{Name: name, Classes: []string{"mug 1", "mug 2", "chair 1", "chair 2", "lamp 1"}}
	s.X = tensor.New(len(s.Classes)*views, 1, 4, 4)
	tensor.Stream(1, name).Normal(s.X.Data(), 0, 0.1)
	super, _ := Super(s.Classes)
	for k := range s.Classes {
		for v := range views {
			i := k*views + v
			s.Y = append(s.Y, k)
			s.X.Row(i)[super[k]] += strength
			s.X.Row(i)[8+k] += strength
		}
	}
	return s
}

func data(strength float32) *experiment.Data {
	return &experiment.Data{
		Train: planted("train", strength, 24), Valid: planted("valid", strength, 12), Test: planted("test", strength, 200),
	}
}

// Both classifiers find what pixels tell, and nothing in noise.
func TestBaselines(t *testing.T) {
	for _, c := range []struct {
		strength float32
		ok       func(right, chance float64) bool
	}{
		{1, func(right, _ float64) bool { return right > 0.98 }},
		{0, func(right, chance float64) bool { return right < 2.2*chance }},
	} {
		d := data(c.strength)
		list, err := Baselines(t.Context(), d, 2)
		if err != nil || len(list) != 2 || list[0].Classes != 3 || list[1].Classes != 5 || list[0].Images != 1000 ||
			list[1].Images != 20 {
			t.Fatalf("%+v, %v", list, err)
		}
		for _, b := range list {
			if chance := 1 / float64(b.Classes); !c.ok(b.Linear, chance) || !c.ok(b.Nearest, chance) || b.C == 0 || b.K == 0 {
				t.Errorf("strength %v: %+v", c.strength, b)
			}
		}
		again, err := Baselines(t.Context(), d, 1)
		if err != nil || again[0] != list[0] || again[1] != list[1] {
			t.Errorf("%+v again, %v", again, err)
		}
	}
}

func TestBaselinesErrors(t *testing.T) {
	d := data(1)
	d.Test.Classes[4] = "horse 1"
	_, err := Baselines(t.Context(), d, 1)
	if err == nil || !strings.Contains(err.Error(), `training set has no "horse"`) {
		t.Errorf("an unknown superclass: %v", err)
	}
	d = data(1)
	d.Train = planted("train", 1, 5)
	if _, err := Baselines(t.Context(), d, 1); err == nil || !strings.Contains(err.Error(), "mug 1 has 5 images") {
		t.Errorf("few views: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Baselines(ctx, data(1), 1); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
