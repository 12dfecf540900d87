// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"os"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/dataset"
)

// A cell shows the picture of a playground and leads to the live one; a wrong name is answered with the right ones.
func TestPlayground(t *testing.T) {
	t.Setenv(dataset.ModuleEnv, "..")
	bundles, err := playgroundBundles("draw", "Figure 1. Draw a digit.")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := bundles[0].data["image/png"].([]byte); !ok || len(bundles) != 2 {
		t.Fatalf("%d outputs, no picture first", len(bundles))
	}
	for _, form := range []string{"text/html", "text/markdown", "text/plain"} {
		text, _ := bundles[1].data[form].(string)
		if !strings.Contains(text, "Figure 1. Draw a digit.") || !strings.Contains(text, "../site/playground/draw.html") {
			t.Errorf("%s: %s", form, text)
		}
	}
	if _, err := playgroundBundles("chess", ""); err == nil || !strings.Contains(err.Error(), "draw") {
		t.Errorf("a name that no playground has: %v", err)
	}
	t.Setenv(dataset.ModuleEnv, os.TempDir())
	if _, err := playgroundBundles("draw", ""); err == nil || !strings.Contains(err.Error(), "checkout") {
		t.Errorf("outside a checkout: %v", err)
	}
}
