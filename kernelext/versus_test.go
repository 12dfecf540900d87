// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestVersusRows(t *testing.T) {
	for _, c := range []struct {
		row  Row
		want []string // document, here, seeds, difference
	}{
		{Row{Document: 1.46, Here: []float64{1.5, 1.6}, Unit: "%", Better: Lower}, []string{"1.46 %", "1.550 ± 0.071 %", "2",
			"+0.090 % (worse)"}},
		{Row{Document: 98.5, Here: 98.75, Better: Higher, Seeds: 1}, []string{"98.5", "98.8", "1", "+0.2 (better)"}},
		{Row{Document: 1.5, Here: []float64{1, 2.2}, Better: Lower}, []string{"1.5", "1.60 ± 0.85", "2",
			"+0.10 (within spread)"}},
		{Row{Document: 100, Here: 100}, []string{"100", "100", "–", "+0 (equal)"}},
		{Row{Document: 100, Here: 90}, []string{"100", "90", "–", "-10"}},
		{Row{Document: "< 2", Here: 1.234567, Unit: "%"}, []string{"< 2", "1.23 %", "–", "–"}},
		{Row{Document: nil, Here: 0.0123456}, []string{"–", "0.0123", "–", "(not in the document)"}},
		{Row{Document: 3, Here: nil}, []string{"3", "–", "–", "(not run)"}},
		{Row{Document: 3, Here: []float64{}}, []string{"3", "–", "–", "(not run)"}},
		{Row{Document: 3, Here: math.NaN(), Better: Lower}, []string{"3", "NaN", "–", "–"}},
		{Row{Document: float32(1.46), Here: uint8(1)}, []string{"1.46", "1.00", "–", "-0.46"}},
	} {
		got := compare(c.row).cells()[1:5]
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.row, got, c.want)
		}
	}
}

func TestVersusRefusesOtherValues(t *testing.T) {
	defer func() {
		if s, _ := recover().(string); !strings.Contains(s, `"speed"`) || !strings.Contains(s, "[]string") {
			t.Errorf("panic: %q", s)
		}
	}()
	versusBundle("Doc", []Row{{Item: "speed", Here: []string{"x"}}}, time.Now())
}

func TestVersusBundleTravels(t *testing.T) {
	t.Setenv("LATERAL_PROFILE", "quick")
	b := versusBundle("Doc <1>", []Row{
		{Item: "error", Document: 1.5, Here: []float64{1, math.NaN()}, Unit: "%", Note: "a < b"},
		{Item: "absent", Profile: "paper"},
	}, time.Date(2026, 1, 2, 23, 0, 0, 0, time.UTC))
	var buf bytes.Buffer
	if err := gob.NewEncoder(&buf).Encode(b.data); err != nil {
		t.Fatalf("gob: %v", err)
	}
	encoded, err := json.Marshal(b.data[VersusMIME]) // as the kernel does
	if err != nil {
		t.Fatalf("JSON: %v", err)
	}
	var got map[string]any
	if err := json.Unmarshal(encoded, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"document": "Doc <1>", "profile": "quick", "date": "2026-01-02", "lateral": Version(),
		"rows": []any{
			map[string]any{"item": "error", "document": 1.5, "here": "NaN", "seeds": 2.0, "unit": "%", "note": "a < b"},
			map[string]any{"item": "absent", "profile": "paper", "verdict": "not run"},
		}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	page := b.data["text/html"].(string)
	if !strings.Contains(page, "Doc &lt;1&gt;") || !strings.Contains(page, "a &lt; b") ||
		strings.Count(page, "<tr>") != 3 {
		t.Errorf("HTML: %s", page)
	}
}
