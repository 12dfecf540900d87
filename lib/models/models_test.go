// SPDX-License-Identifier: Apache-2.0

package models

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/experiment"
)

// isolate hides the user's models from a test.
func isolate(t *testing.T) {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(home, "cache"))
	t.Setenv(dataset.ModuleEnv, "")
	t.Chdir(t.TempDir())
}

// Every recipe can be trained, kept and loaded, on a part of the digits.
func TestTrain(t *testing.T) {
	isolate(t)
	images, err := experiment.Load("glyphs")
	if err != nil {
		t.Fatal(err)
	}
	images = images.Part(300)
	for _, r := range Recipes() {
		if _, err := Load(r.Name, ""); err == nil || !strings.Contains(err.Error(), "run `lateral train "+r.Name+"`") {
			t.Errorf("%s before training: %v", r.Name, err)
		}
		r.epochs = 2
		m, score, err := r.train(t.Context(), images, "glyphs")
		if err != nil {
			t.Fatal(err)
		}
		again, err := Load(r.Name, "")
		if err != nil {
			t.Fatal(err)
		}
		x := images.Test.X.Slice(0, 5)
		if !slices.Equal(again.Probabilities(x).Data(), m.Probabilities(x).Data()) || score.Samples != images.Test.Len() {
			t.Errorf("%s: the model that was kept predicts otherwise", r.Name)
		}
	}
	if path, _ := Path("conv", ""); !strings.HasSuffix(path, filepath.Join("models", "conv-glyphs.safetensors")) {
		t.Errorf("path %s", path)
	}
}

func TestErrors(t *testing.T) {
	isolate(t)
	if _, err := Load("resnet", ""); err == nil || !strings.Contains(err.Error(), "relu, lwta") {
		t.Errorf("an unknown model: %v", err)
	}
	if _, _, err := Train(t.Context(), "resnet", ""); err == nil {
		t.Error("an unknown model was trained")
	}
	if _, _, err := Train(t.Context(), "relu", "letters"); err == nil || !strings.Contains(err.Error(), "no data set") {
		t.Errorf("unknown images: %v", err)
	}
	if _, err := Load("relu", "mnist"); err == nil || !strings.Contains(err.Error(), "lateral train relu --data mnist") {
		t.Errorf("another set: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Train(ctx, "relu", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	path, _ := Path("relu", "")
	if _, err := os.Stat(path); err == nil {
		t.Error("a training that was cancelled left a file")
	}
}

func Example() {
	for _, r := range Recipes()[:2] {
		fmt.Printf("lateral train %s: %s\n", r.Name, r.About)
	}
	// Output:
	// lateral train relu: 128 rectified units
	// lateral train lwta: 128 units in pairs, of which the larger passes
}
