// SPDX-License-Identifier: Apache-2.0

package param

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func ExampleLookup() {
	units, err := Lookup(`{"units": "64"}`, "units", 128)
	fmt.Println(units, err)
	_, err = Lookup(`{"units": "many"}`, "units", 128)
	fmt.Println(err)
	// Output:
	// 64 <nil>
	// parameter "units": "many" is no whole number: this cell needs a value of type int, such as 128
}

type level int8

func TestParse(t *testing.T) {
	check := func(text string, got any, err error, want any) {
		t.Helper()
		if wrong, ok := want.(error); ok {
			if err == nil || !strings.Contains(err.Error(), wrong.Error()) {
				t.Errorf("%q: %v, %v, want an error %q", text, got, err, wrong)
			}
		} else if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]any{
		"9007199254740993": 9007199254740993, "1234567890123456789": 1234567890123456789, "9223372036854775807": math.MaxInt,
		"-9223372036854775808": math.MinInt,
		"-5":                   -5, "+5": 5, "0x1F": 31, "0b11": 3, "0o17": 15, "010": 10, "-007": -7, "1_000": 1000, "0": 0,
		"-0":                  0,
		"9223372036854775808": fmt.Errorf("not between -9223372036854775808 and 9223372036854775807"),
		"1e400":               fmt.Errorf("no whole number"),
		"5.0":                 fmt.Errorf("no whole number"), "1e3": fmt.Errorf("no whole number"), "": fmt.Errorf("empty"),
		"true": fmt.Errorf("no whole number"),
		" 5":   fmt.Errorf("no whole number"), "NaN": fmt.Errorf("no whole number"), "\"5\"": fmt.Errorf("no whole number"),
		"5 6": fmt.Errorf("no whole number"),
	} {
		got, err := Parse[int](text)
		check(text, got, err, want)
	}
	for text, want := range map[string]any{"18446744073709551615": uint64(math.MaxUint64),
		"-5":                   fmt.Errorf("-5 is not between 0 and 18446744073709551615"),
		"18446744073709551616": fmt.Errorf("not between 0 and 18446744073709551615"), "+3": uint64(3)} {
		got, err := Parse[uint64](text)
		check(text, got, err, want)
	}
	for text, want := range map[string]any{"127": level(127), "128": fmt.Errorf("not between -128 and 127")} {
		got, err := Parse[level](text)
		check(text, got, err, want)
	}
	for text, want := range map[string]any{"1.10": 1.10, "1e5": 1e5, "3": 3.0, "-.5": -.5, "0x1p-2": .25, "5e-324": 5e-324,
		"1e-400": 0.0, "1e999": fmt.Errorf("too large"),
		"NaN": fmt.Errorf("no finite number"), "-Inf": fmt.Errorf("no finite number"), "": fmt.Errorf("no number"),
		"1,5": fmt.Errorf("no number"), "null": fmt.Errorf("no number")} {
		got, err := Parse[float64](text)
		check(text, got, err, want)
	}
	for _, text := range []string{"1.10", "1e5", "null", "true", "\"quoted\"", "'", "", "[1]", "a=b c", "\\n",
		"9007199254740993", "ä\U0001F600"} {
		got, err := Parse[string](text)
		check(text, got, err, text)
	}
	for text, want := range map[string]any{"true": true, "false": false, "1": fmt.Errorf("neither"),
		"True": fmt.Errorf("neither"), "": fmt.Errorf("neither")} {
		got, err := Parse[bool](text)
		check(text, got, err, want)
	}
	for text, want := range map[string]any{"5m": 5 * time.Minute, "5": fmt.Errorf("no time span")} {
		got, err := Parse[time.Duration](text)
		check(text, got, err, want)
	}
	for text, want := range map[string]any{"[1, 2]": []int{1, 2}, "[9007199254740993]": []int{9007199254740993},
		"[1": fmt.Errorf("JSON"), "[1] 2": fmt.Errorf("more than one"), "5": fmt.Errorf("JSON")} {
		got, err := Parse[[]int](text)
		check(text, got, err, want)
	}
}

func TestLookup(t *testing.T) {
	const object = `{"n": 64, "big": 9007199254740993, "s": "1.10", "number": 1.10, ` +
		`"list": ["a"], "none": null, "text": "[1]"}`
	for name, want := range map[string]string{
		"s": "1.10", "number": "1.10", "big": "9007199254740993", "list": `["a"]`, "missing": "d",
	} {
		if got, err := Lookup(object, name, "d"); err != nil || got != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if got, err := Lookup(object, "big", 1); err != nil || got != 9007199254740993 {
		t.Errorf("%d, %v", got, err)
	}
	if got, err := Lookup(object, "list", []string{}); err != nil || got[0] != "a" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := Lookup[any](object, "s", nil); err != nil || got != 1.10 {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := Lookup[any](`{"s": "words"}`, "s", nil); err != nil || got != "words" {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := Lookup[*int](object, "none", new(int)); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
	for _, text := range []string{"[1]", "null", "{", "5"} {
		if _, err := Lookup(text, "n", 1); err == nil || !strings.Contains(err.Error(), "not a JSON object") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := Lookup(object, "none", "d"); err == nil || !strings.Contains(err.Error(),
		`parameter "none": null is no value: this cell needs a value of type string, such as "d"`) {
		t.Errorf("null for a text: %v", err)
	}
}

// A count is not negative; other numbers may be.
func TestCount(t *testing.T) {
	if err := Count("units", -5, 128); err == nil || err.Error() != `-5 is negative, but parameter "units" is a count` {
		t.Error(err)
	}
	for _, err := range []error{Count("a", 0, 128), Count("a", -1, -1), Count("a", int64(-1), int64(1)),
		Count("a", -1.0, 1.0), Count("a", "-1", "1")} {
		if err != nil {
			t.Error(err)
		}
	}
}

// Whatever is typed is read or refused; a whole number that is read is the one that was typed.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"9007199254740993", "-5", "0x1F", "1.10", "1e5", "null", "true", "", "[1,2]", "5m",
		"010", "NaN", "\"", "1_0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := Parse[string](text); err != nil || got != text {
			t.Errorf("%q became %q, %v", text, got, err)
		}
		if n, err := Parse[int](text); err == nil {
			if again, err := Parse[int](fmt.Sprint(n)); err != nil || again != n {
				t.Errorf("%q is %d, and that is %d, %v", text, n, again, err)
			}
		}
		if x, err := Parse[float64](text); err == nil && (math.IsNaN(x) || math.IsInf(x, 0)) {
			t.Errorf("%q is %g", text, x)
		}
		Parse[bool](text)
		Parse[uint8](text)
		Parse[[]any](text)
		Parse[time.Duration](text)
		Lookup(text, "n", 1)
		Lookup[any](text, text, nil)
	})
}
