// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"testing"

	"github.com/lateral-ml/lateral/kernelext/internal/fakekernel"
	"github.com/lateral-ml/lateral/kernelext/internal/grade"
)

// TestMain makes the test binary the kernel where a test runs a notebook: the
// command starts itself for that.
func TestMain(m *testing.M) {
	fakekernel.Main()
	grade.Supervise()
	if len(os.Args) > 2 && os.Args[1] == "kernel" && os.Args[2] == "run" {
		main()
		return
	}
	os.Exit(m.Run())
}

// long skips a test that takes a minute or more, unless LATERAL_TEST_LONG is set, as .ci/run does: so that the tests
// that everyone runs end soon.
func long(t *testing.T, why string) {
	t.Helper()
	if testing.Short() || os.Getenv("LATERAL_TEST_LONG") == "" {
		t.Skip(why + ": set LATERAL_TEST_LONG=1 to run it")
	}
}
