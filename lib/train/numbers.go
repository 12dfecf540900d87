// SPDX-License-Identifier: Apache-2.0

package train

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// numbers are written as JSON with NaN and the infinities as strings, because JSON has no numbers for them.
type numbers []float64

type number float64

func (n numbers) MarshalJSON() ([]byte, error) {
	b := []byte{'['}
	for i, x := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = number(x).append(b)
	}
	return append(b, ']'), nil
}

func (n *numbers) UnmarshalJSON(b []byte) error {
	var list []number
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	*n = make(numbers, len(list))
	for i, x := range list {
		(*n)[i] = float64(x)
	}
	return nil
}

func (x number) append(b []byte) []byte {
	if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) {
		return strconv.AppendQuote(b, strconv.FormatFloat(f, 'g', -1, 64))
	}
	return strconv.AppendFloat(b, float64(x), 'g', -1, 64)
}

func (x number) MarshalJSON() ([]byte, error) { return x.append(nil), nil }

func (x *number) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case `"NaN"`:
		*x = number(math.NaN())
	case `"+Inf"`:
		*x = number(math.Inf(1))
	case `"-Inf"`:
		*x = number(math.Inf(-1))
	default:
		var f *float64
		if err := json.Unmarshal(b, &f); err != nil || f == nil {
			return fmt.Errorf("%.20q is not a number", b)
		}
		*x = number(*f)
	}
	return nil
}
