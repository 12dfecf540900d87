// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"math"
	"slices"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// Fingerprint identifies the samples of data by 64 hexadecimal digits: the SHA-256 over the shapes and elements of all
// its batches. Unlike [Set.Sum], which identifies the source of a set, it changes with every element.
//
// If data has a method Fingerprint() string, because it gives different samples each time, Fingerprint returns the
// result of that method instead.
func Fingerprint(data interface {
	Len() int
	Gather(b *Batch, idx []int)
}) string {
	if d, ok := data.(interface{ Fingerprint() string }); ok {
		return d.Fingerprint()
	}
	const size = 100
	h, b, idx := sha256.New(), new(Batch), make([]int, 0, size)
	for from := 0; from < data.Len(); from += size {
		idx = idx[:0]
		for i := from; i < min(from+size, data.Len()); i++ {
			idx = append(idx, i)
		}
		data.Gather(b, idx)
		b.hash(h)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Checksum returns the SHA-256 of b as 64 hexadecimal digits.
func Checksum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// hash writes all fields of a batch to h.
func (b *Batch) hash(h hash.Hash) {
	for _, t := range []*tensor.Tensor{&b.X, &b.Target, &b.Weight} {
		fmt.Fprintln(h, t.Shape())
		hashElements(h, t.Data())
	}
	fmt.Fprintln(h, b.Y, b.Tokens)
}

// hashElements writes numbers to h, little-endian.
func hashElements(h hash.Hash, x []float32) {
	var buffer [1 << 13]byte
	for part := range slices.Chunk(x, len(buffer)/4) {
		for i, v := range part {
			binary.LittleEndian.PutUint32(buffer[4*i:], math.Float32bits(v))
		}
		h.Write(buffer[:4*len(part)])
	}
}
