// SPDX-License-Identifier: Apache-2.0

// Package param reads the settings of a notebook's run: what somebody types
// behind --set name=, or a program writes into LATERAL_PARAMS. What a value means
// is decided by the type that the notebook asks for, so that a number is exact and
// a text is what was typed.
package param

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Variable is the environment variable that holds the settings: a JSON object.
const Variable = "LATERAL_PARAMS"

// Lookup returns the setting of a name from the text of a JSON object, and
// otherwise if the object does not have it or the text is empty.
func Lookup[T any](object, name string, otherwise T) (T, error) {
	if strings.TrimSpace(object) == "" {
		return otherwise, nil
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal([]byte(object), &all); err != nil || all == nil {
		return otherwise, fmt.Errorf(`%s is not a JSON object such as {"epochs": 5}`, Variable)
	}
	raw, ok := all[name]
	if !ok {
		return otherwise, nil
	}
	v, err := read[T](raw)
	if err != nil {
		return otherwise, fmt.Errorf("parameter %q: %w: this cell needs a value of type %v, such as %v", name, err,
			reflect.TypeFor[T](), example(otherwise))
	}
	return v, nil
}

// read reads a JSON value. A text in it is what somebody typed.
func read[T any](raw json.RawMessage) (T, error) {
	var typed string
	if json.Unmarshal(raw, &typed) == nil && string(raw) != "null" {
		v, err := Parse[T](typed)
		if err != nil { // such as a list of its own, or a type that reads texts
			var direct T
			if rejects := json.Unmarshal(raw, &direct); rejects == nil {
				return direct, nil
			}
		}
		return v, err
	}
	if kind := reflect.TypeFor[T]().Kind(); string(raw) == "null" && kind != reflect.Pointer &&
		kind != reflect.Interface {
		var zero T
		return zero, errors.New("null is no value")
	}
	return Parse[T](string(raw))
}

// Parse reads a value as it is typed: a text is taken as it is, whole numbers are
// those of Go (-5, 0x1f, 1_000) and exact, other numbers decimal and finite, truth
// is true or false, a time.Duration has its unit (5m), all else is JSON.
func Parse[T any](text string) (T, error) {
	var v T
	target := reflect.ValueOf(&v).Elem()
	if _, ok := any(&v).(json.Unmarshaler); ok {
		return v, parseJSON(text, &v)
	}
	if duration, ok := any(&v).(*time.Duration); ok {
		d, err := time.ParseDuration(text)
		if err != nil {
			return v, fmt.Errorf("%q is no time span", text)
		}
		*duration = d
		return v, nil
	}
	bits := func() int { return target.Type().Bits() }
	switch kind := target.Kind(); {
	case kind == reflect.String:
		target.SetString(text)
	case kind == reflect.Bool:
		if text != "true" && text != "false" {
			return v, fmt.Errorf("%q is neither true nor false", text)
		}
		target.SetBool(text == "true")
	case target.CanInt():
		n, err := strconv.ParseInt(decimal(text), 0, bits())
		if err != nil {
			return v, wholeNumber(text, err,
				strconv.FormatInt(-1<<(bits()-1), 10), strconv.FormatInt(1<<(bits()-1)-1, 10))
		}
		target.SetInt(n)
	case target.CanUint():
		n, err := strconv.ParseUint(strings.TrimPrefix(decimal(text), "+"), 0, bits())
		if err != nil {
			return v, wholeNumber(text, err, "0", strconv.FormatUint(math.MaxUint64>>(64-bits()), 10))
		}
		target.SetUint(n)
	case target.CanFloat():
		f, err := strconv.ParseFloat(text, bits())
		switch {
		case errors.Is(err, strconv.ErrRange):
			return v, fmt.Errorf("%s is too large", text)
		case err != nil:
			return v, fmt.Errorf("%q is no number", text)
		case math.IsNaN(f) || math.IsInf(f, 0):
			return v, fmt.Errorf("%s is no finite number", text)
		}
		target.SetFloat(f)
	default:
		return v, parseJSON(text, &v)
	}
	return v, nil
}

// decimal takes leading zeros away, which would make a number octal.
func decimal(text string) string {
	sign := ""
	if strings.HasPrefix(text, "-") || strings.HasPrefix(text, "+") {
		sign, text = text[:1], text[1:]
	}
	for len(text) > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9' {
		text = text[1:]
	}
	return sign + text
}

// wholeNumber says what is wrong with a whole number.
func wholeNumber(text string, err error, least, most string) error {
	switch _, float := strconv.ParseFloat(text, 64); {
	case errors.Is(err, strconv.ErrRange) || strings.HasPrefix(text, "-") && least == "0" && float == nil:
		return fmt.Errorf("%s is not between %s and %s", text, least, most)
	case text == "":
		return errors.New("the value is empty")
	}
	return fmt.Errorf("%q is no whole number", text)
}

func parseJSON(text string, v any) error {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%q does not read as JSON of that type", text)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("%q has more than one value", text)
	}
	return nil
}

// Count returns an error for a negative value of a setting that is a count: an int
// whose usual value is not negative.
func Count(name string, value, usual any) error {
	v, ok := value.(int)
	if u, _ := usual.(int); !ok || v >= 0 || u < 0 {
		return nil
	}
	return fmt.Errorf("%d is negative, but parameter %q is a count", v, name)
}

// example writes v as it is typed.
func example(v any) string {
	if s, ok := v.(fmt.Stringer); ok {
		return s.String()
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
