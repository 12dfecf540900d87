// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"testing"
)

// TestMain makes the test binary the kernel where a test runs a notebook: the
// command starts itself for that.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "kernel" && os.Args[2] == "run" {
		main()
		return
	}
	os.Exit(m.Run())
}
