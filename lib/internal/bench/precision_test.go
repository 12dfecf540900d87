// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

func TestPrecisions(t *testing.T) {
	before := simd.Matmul()
	var out, log bytes.Buffer
	if err := bench(t.Context(), []string{"-precision", "-time", "1ms"}, &out, &log); err != nil {
		t.Fatal(err)
	}
	for _, item := range []string{"| 1024 x 1024 x 1024 |", "| mlp128_step |", "| drmm_step |"} {
		if !strings.Contains(out.String(), item) {
			t.Errorf("no %s in\n%s", item, out.String())
		}
	}
	if simd.Matmul() != before {
		t.Errorf("the precision is %q now", simd.Matmul())
	}
}
