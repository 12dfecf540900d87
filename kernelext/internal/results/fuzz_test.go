// SPDX-License-Identifier: Apache-2.0

package results

import (
	"encoding/json"
	"strings"
	"testing"
)

// What a notebook holds as a comparison is read or refused, and what is read is one line of the table each.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{
		`{"document": "KH19", "profile": "quick", "date": "2026-11-26", "rows": ` +
			`[{"item": "error | x", "document": 1.46, "here": 1.53e300, "unit": "%", "seeds": 3, ` +
			`"spread": 1e-300, "difference": -0.07}]}`,
		`{"document": "D", "profile": "paper", "date": "x", "rows": ` +
			`[{"item": "a\nb", "here": "about <b>", "verdict": "no"}, {"item": "c", "document": null}]}`,
		`{"document": "D", "rows": 5}`, `[]`, `null`, `"x"`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var data any
		if json.Unmarshal(text, &data) != nil {
			return
		}
		rows, err := decode(data)
		if err != nil {
			return
		}
		lines := 0
		for line := range strings.Lines(notes{}.table(rows)) {
			if strings.HasPrefix(line, "| ") {
				lines++
				if cells := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"); cells != 9 {
					t.Errorf("a row of %d cells: %q", cells-1, line)
				}
			}
		}
		if lines < len(rows) {
			t.Errorf("%d rows are\n%s", len(rows), notes{}.table(rows))
		}
		if _, err := Encode(rows); err != nil {
			t.Error(err)
		}
	})
}
