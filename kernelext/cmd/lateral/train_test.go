// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

func runTrain(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := trainCommand()
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// Package models tests the training itself.
func TestTrainListsNetworks(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	out, err := runTrain(t, "--data", "no such set")
	if err != nil || !strings.Contains(out, "lwta\n  128 units in pairs") || !strings.Contains(out, "not trained") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := runTrain(t, "relu", "resnet"); err == nil || !strings.Contains(err.Error(), `no model "resnet"`) {
		t.Errorf("an unknown network: %v", err)
	}
}

// Of several networks, each has a file for its curves, which is tried before the first is trained.
func TestTrainCurves(t *testing.T) {
	for _, test := range []struct {
		path string
		n    int
		want string
	}{{"", 2, ""}, {"a/b.svg", 1, "a/b.svg"}, {"a.c/b.svg", 2, "a.c/b-relu.svg"}, {"b", 3, "b-relu"}} {
		if got := curvesFile(test.path, "relu", test.n); got != test.want {
			t.Errorf("%q of %d networks: %q, want %q", test.path, test.n, got, test.want)
		}
	}
	nowhere := filepath.Join(t.TempDir(), "none", "curves.svg")
	if _, err := runTrain(t, "--curves", nowhere, "relu", "lwta"); err == nil ||
		!strings.Contains(err.Error(), "curves-relu.svg") || !strings.Contains(err.Error(), "name another place") {
		t.Errorf("curves in a folder that is not there: %v", err)
	}
}
