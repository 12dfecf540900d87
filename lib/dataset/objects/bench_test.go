// SPDX-License-Identifier: Apache-2.0

package objects

import "testing"

func BenchmarkRender(b *testing.B) {
	c := Solids(2, 1, "train")
	for b.Loop() {
		c.Render(1, Views{Seed: 1, Stream: "x", Workers: 1})
	}
}
