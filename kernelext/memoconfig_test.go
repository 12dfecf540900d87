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
