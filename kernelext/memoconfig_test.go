// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"encoding/json"
	"errors"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"
)

type (
	pace   struct{ Rate float64 }
	decay  struct{ Rate float64 }
	tagged struct {
		Decay float64 `json:"Rate"`
	}
	level   float64
	stamped struct {
		time.Time
		Rate float64
	}
	nested struct {
		*nested
		Rate float64
	}
	whole struct{ rate float64 } // written by its pointer
)

func (w *whole) MarshalJSON() ([]byte, error) { return json.Marshal(w.rate) }

// JSON leaves out more than fields that are not exported: each part that it leaves out is refused.
func TestMemoRefusesConfigsThatJSONCuts(t *testing.T) {
	for want, config := range map[string]any{
		`decay.Rate has the name "Rate" in JSON, as pace.Rate has`: struct {
			pace
			decay
		}{},
		`tagged.Decay has the name "Rate" in JSON`: struct {
			*pace
			*tagged
		}{},
		`pace.Rate has the name "Rate" in JSON, as Rate has`: struct {
			Rate float64
			pace
		}{},
		"level is not exported":         struct{ level }{0.1},
		"In.level is not exported":      struct{ In struct{ *level } }{},
		"whole.rate is not exported":    whole{0.1},
		"[a].rate is not exported":      map[string]whole{"a": {}},
		"embeds the type that it is in": nested{nested: nil},
		"stamped } embeds a type":       struct{ stamped }{},
		"Time.wall is not exported": struct { // the methods of the two cancel each other
			time.Time
			*big.Int
		}{},
	} {
		fault := hiddenConfig(reflect.ValueOf(config), "")
		if fault != nil {
			fault.Type = reflect.TypeOf(config).String()
		}
		if fault == nil || !strings.Contains(fault.Error(), want) {
			t.Errorf("%T: %v, want %q", config, fault, want)
		}
	}
	_, _, err := memoIn(t, t.TempDir(), "m", whole{0.1}, give(1))
	if !errors.As(err, new(*UnstorableError)) {
		t.Errorf("a config whose JSON is {}: %v", err)
	}
}

// What JSON writes in full is no reason to refuse a config.
func TestMemoTakesConfigsThatJSONKeeps(t *testing.T) {
	for _, config := range []any{
		nil, &whole{0.1}, []whole{{0.1}}, struct{ *whole }{&whole{0.1}}, struct{ time.Time }{time.Now()},
		struct{ *pace }{}, struct{ *pace }{&pace{0.1}}, struct{ pace }{},
		struct {
			pace
			Rate level `json:"other"`
		}{},
		struct {
			pace `json:"one"`
			decay
		}{},
		struct {
			pace
			decay `json:"-"`
		}{},
	} {
		if fault := hiddenConfig(reflect.ValueOf(config), ""); fault != nil {
			t.Errorf("%T: %v", config, fault)
		}
	}
}

// Configs of other types are others, though their JSON is the same.
func TestMemoTellsTypesApart(t *testing.T) {
	dir := t.TempDir()
	configs := []any{
		pace{1}, &pace{1}, decay{1}, map[string]any{"Rate": 1}, map[string]any{"Rate": 1.0}, struct{ Rate any }{1},
		struct{ Rate any }{level(1)}, struct{ Rate *any }{new(any(1))},
	}
	for i, config := range configs {
		memoIn(t, dir, "types", config, give(i))
		memoIn(t, dir, "in lists", []any{2, config}, give(i))
	}
	type loop struct {
		Self *loop `json:"-"`
	}
	cyclic := &loop{}
	cyclic.Self = cyclic
	memoIn(t, dir, "cyclic", cyclic, give(1)) // JSON leaves the cycle out
	for i, config := range configs {
		if got, _, err := memoIn(t, dir, "types", config, never[int](t)); got != i || err != nil {
			t.Errorf("%T has the value of config %d, %v", config, got, err)
		}
		if got, _, err := memoIn(t, dir, "in lists", []any{2, config}, never[int](t)); got != i || err != nil {
			t.Errorf("%T in a list has the value of config %d, %v", config, got, err)
		}
	}
}
