// SPDX-License-Identifier: Apache-2.0

package experiment_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/dataset"
	. "github.com/lateral-ml/lateral/lib/experiment"
)

func TestLoadText(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(dataset.Env, dir)
	if _, err := LoadText("brown"); err == nil || !strings.Contains(err.Error(), "use ptb, ptb-valid, kjv or sentences") {
		t.Errorf("an unknown name: %v", err)
	}
	c, err := LoadText("sentences")
	if err != nil || c.Name != "Sentences" || !slices.Contains(TextNames(), "sentences") {
		t.Errorf("%v, %v", c, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "kjv.txt"), []byte("damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadText(""); err == nil || !strings.Contains(err.Error(), "kjv.txt is truncated") {
		t.Errorf("a damaged file: %v", err)
	}
}
