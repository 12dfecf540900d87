// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"crypto/sha256"
	"fmt"

	"github.com/lateral-ml/lateral/lib/dataset/synth"
)

// Glyphs generates the embedded replacement for MNIST, see synth.Glyphs: 10,000 training and 2,000 test images, [N, 1,
// 28, 28] in [0, 1], from two random streams of the seed.
func Glyphs(seed uint64) (train, test *Set) {
	return glyphs(10_000, seed, "train", "training"), glyphs(2_000, seed, "test", "test")
}

func glyphs(n int, seed uint64, stream, use string) *Set {
	x, y := synth.Glyphs(n, seed, stream)
	b := make([]byte, x.Len(), x.Len()+n)
	for i, v := range x.Data() {
		b[i] = byte(v*255 + 0.5)
	}
	for _, label := range y {
		b = append(b, byte(label))
	}
	return &Set{
		Name: "Glyphs", X: x, Y: y, Classes: numbers(10), Sum: fmt.Sprintf("%x", sha256.Sum256(b)),
		Source: fmt.Sprintf("Glyphs, made from seed %d (%s %s images)", seed, group(int64(n)), use),
	}
}
