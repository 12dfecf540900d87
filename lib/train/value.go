// SPDX-License-Identifier: Apache-2.0

package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// A Value is a number or several that a checkpoint keeps.
type Value struct {
	Name string
	Of   any // *int or []int, for counts, which are not negative; *float64 or []float64. Live
}

// text returns the value as JSON.
func (v Value) text() (json.RawMessage, error) {
	switch of := v.Of.(type) {
	case *float64:
		return number(*of).MarshalJSON()
	case []float64:
		return numbers(of).MarshalJSON()
	case *int, []int:
		return json.Marshal(of)
	}
	panic(fmt.Sprintf("train: the value %s is a %T: want *int, []int, *float64 or []float64", v.Name, v.Of))
}

// restore sets the value to what text has returned. It writes nothing if there is an error.
func (v Value) restore(text json.RawMessage) (err error) {
	switch of := v.Of.(type) {
	case *int:
		var n []int
		if n, err = decode[[]int](text, 1, true); err == nil {
			*of = n[0]
		}
	case []int:
		var n []int
		if n, err = decode[[]int](text, len(of), false); err == nil {
			copy(of, n)
		}
	case *float64:
		var x numbers
		if x, err = decode[numbers](text, 1, true); err == nil {
			*of = x[0]
		}
	case []float64:
		var x numbers
		if x, err = decode[numbers](text, len(of), false); err == nil {
			copy(of, x)
		}
	}
	return err
}

// decode reads n numbers, or a single one without brackets.
func decode[L ~[]N, N int | float64](text json.RawMessage, n int, single bool) (list L, err error) {
	if len(text) == 0 {
		return nil, errors.New("it is missing")
	}
	if single {
		text = slices.Concat(json.RawMessage("["), text, json.RawMessage("]"))
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, err
	}
	if len(list) != n {
		return nil, fmt.Errorf("%d numbers, want %d", len(list), n)
	}
	if counts, ok := any(list).([]int); ok {
		for _, c := range counts {
			if c < 0 {
				return nil, fmt.Errorf("%d is no count", c)
			}
		}
	}
	return list, nil
}
