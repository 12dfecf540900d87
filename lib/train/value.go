// SPDX-License-Identifier: Apache-2.0

package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// A Value is one number, or several, that a checkpoint keeps.
type Value struct {
	Name string
	Of   any // live: *int or []int for counts, which are not negative; *float64 or []float64
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
	panic(v.unknown())
}

// parse decodes a value written by text and returns a function that sets it.
func (v Value) parse(text json.RawMessage) (restore func(), err error) {
	switch of := v.Of.(type) {
	case *int:
		n, err := decode[[]int](text, 1, true)
		return func() { *of = n[0] }, err
	case []int:
		n, err := decode[[]int](text, len(of), false)
		return func() { copy(of, n) }, err
	case *float64:
		x, err := decode[numbers](text, 1, true)
		return func() { *of = x[0] }, err
	case []float64:
		x, err := decode[numbers](text, len(of), false)
		return func() { copy(of, x) }, err
	}
	panic(v.unknown())
}

func (v Value) unknown() string {
	return fmt.Sprintf("train: the value %s is a %T: want *int, []int, *float64 or []float64", v.Name, v.Of)
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
				return nil, fmt.Errorf("%d is not a count", c)
			}
		}
	}
	return list, nil
}
