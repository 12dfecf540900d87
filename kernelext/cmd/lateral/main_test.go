// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"testing"

	"github.com/lateral-ml/lateral/kernelext/internal/grade"
)

// TestMain makes the test binary the kernel where a test runs a notebook: the
// command starts itself for that.
func TestMain(m *testing.M) {
	grade.Supervise()
	if len(os.Args) > 2 && os.Args[1] == "kernel" && os.Args[2] == "run" {
		main()
		return
	}
	os.Exit(m.Run())
}
