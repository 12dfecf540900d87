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
		{Row{Document: 1.46, Here: []float64{1.58, 1.6}, Unit: "%", Better: Lower},
			[]string{"1.46 %", "1.590 ± 0.014 %", "2", "+0.130 ± 0.020 % (worse)"}},
		{Row{Document: 1.46, Here: []float64{1.58, 1.6}, Unit: "%", Better: Lower, Samples: 10000},
			[]string{"1.46 %", "1.590 ± 0.014 %", "2", "+0.130 ± 0.347 % (agrees)"}},
		{Row{Document: 1.52, Here: 0.9, Unit: "%", Better: Lower, Samples: 10000, Seeds: 1},
			[]string{"1.52 %", "0.90 %", "1", "-0.62 ± 0.31 % (better)"}},
		{Row{Document: 0.5, Here: 0.25, Better: Higher, Samples: 100},
			[]string{"0.5", "0.2", "–", "-0.2 ± 0.1 (worse)"}},
		{Row{Document: 157.77, DocumentSpread: 7.54, DocumentSeeds: 20, Here: []float64{150, 170}},
			[]string{"157.77", "160.00 ± 14.14", "2", "+2.23 ± 20.28 (agrees)"}},
		{Row{Document: 10, Here: []float64{20, 21}}, []string{"10", "20.50 ± 0.71", "2", "+10.50 ± 1.00 (differs)"}},
		{Row{Document: 12, Here: []float64{12.1, 12.1, 12.1}}, []string{"12", "12", "3", "+0"}},
		{Row{Document: 98.5, Here: 98.75, Better: Higher, Seeds: 1}, []string{"98.5", "98.8", "1", "+0.2"}},
		{Row{Document: 98.5, Here: 98.75, Better: Higher, Samples: 100, Unit: "%", Unlike: "half of the channels"},
			[]string{"98.5 %", "98.8 %", "–", "+0.2 ± 3.3 % (not comparable)"}},
		{Row{Document: 100, Here: 90, Counted: true, Samples: 10}, []string{"100", "90", "–", "-10"}},
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
	if text := b.data["text/plain"].(string); !strings.Contains(text, "setting") {
		t.Errorf("text: %s", text)
	}
	page := b.data["text/html"].(string)
	if !strings.Contains(page, "Doc &lt;1&gt;") || !strings.Contains(page, "a &lt; b") ||
		strings.Count(page, "<tr>") != 3 {
		t.Errorf("HTML: %s", page)
	}
}
