// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDensity(t *testing.T) {
	file := filepath.Join(t.TempDir(), "density.svg")
	var out, log bytes.Buffer
	if err := bench(t.Context(), []string{"-density", "-time", "1ms", "-figure", file}, &out, &log); err != nil {
		t.Fatal(err)
	}
	if rows := strings.Count(out.String(), " % | "); rows != 2*len(percentages) {
		t.Errorf("%d rows in\n%s", rows, out.String())
	}
	picture, err := os.ReadFile(file)
	if err != nil || !bytes.Contains(picture, []byte("</svg>")) || !bytes.Contains(picture, []byte("zeros left out")) {
		t.Errorf("no picture: %v", err)
	}
}
