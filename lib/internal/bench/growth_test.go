// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGrowth(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	file := filepath.Join(t.TempDir(), "growth.svg")
	var out, log bytes.Buffer
	if err := bench(t.Context(), []string{"-growth", "-time", "1ms", "-figure", file}, &out, &log); err != nil {
		t.Fatal(err)
	}
	for _, g := range growths() {
		_, table, found := strings.Cut(out.String(), "| "+g.size+" ("+g.fixed+") |")
		table, _, _ = strings.Cut(table, "\n\n")
		if rows := strings.Count(table, "ns |") + strings.Count(table, "µs |") + strings.Count(table, "ms |"); !found ||
			rows < len(g.values)*len(coreCounts()) {
			t.Errorf("%s: %d times for %d sizes in\n%s", g.size, rows, len(g.values), out.String())
		}
	}
	if picture, err := os.ReadFile(file); err != nil || !bytes.Contains(picture, []byte("</svg>")) ||
		!bytes.Contains(picture, []byte("time per image")) {
		t.Errorf("no picture: %v", err)
	}
	if err := draw(nil, "growth.gif"); err == nil || !strings.Contains(err.Error(), ".svg, .png or .pdf") {
		t.Errorf("a GIF: %v", err)
	}
}
