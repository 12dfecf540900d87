// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
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
