// SPDX-License-Identifier: Apache-2.0

package tensor

import (
	"encoding"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
)

// An RNG is a stream of random numbers whose state can be saved and restored.
// The zero value can only be given a state, by UnmarshalBinary.
type RNG struct {
	*rand.Rand
	pcg *rand.PCG
}

var (
	_ encoding.BinaryMarshaler   = (*RNG)(nil)
	_ encoding.BinaryUnmarshaler = (*RNG)(nil)
)

// Stream returns the random stream of a seed and a name. Streams of different names are independent, so an extra draw
// in one place (dropout, for example) does not shift another (shuffling). The numbers come from the PCG generator of
// math/rand/v2 and are the same on all machines.
func Stream(seed uint64, name string) *RNG {
	h := fnv.New64a()
	h.Write([]byte(name))
	pcg := rand.NewPCG(seed, h.Sum64())
	return &RNG{Rand: rand.New(pcg), pcg: pcg}
}

// MarshalBinary returns the state of the stream.
func (r *RNG) MarshalBinary() ([]byte, error) { return r.pcg.MarshalBinary() }

// UnmarshalBinary sets the stream to a state saved by MarshalBinary. On error the stream does not change.
func (r *RNG) UnmarshalBinary(b []byte) error {
	var pcg rand.PCG
	if err := pcg.UnmarshalBinary(b); err != nil {
		return fmt.Errorf("tensor: %d bytes that are not the state of a random stream: %w", len(b), err)
	}
	if r.pcg == nil {
		*r = *Stream(0, "")
	}
	*r.pcg = pcg
	return nil
}

// The conversions below prevent fused multiply-add, which some machines would use and which rounds differently.

// Uniform fills x with draws from the uniform distribution over [lo, hi). Rounding may give hi itself.
func (r *RNG) Uniform(x []float32, lo, hi float32) {
	for i := range x {
		x[i] = lo + float32((hi-lo)*r.Float32())
	}
}

// Normal fills x with draws from the normal distribution of the given mean and standard deviation.
func (r *RNG) Normal(x []float32, mean, std float32) {
	for i := range x {
		x[i] = mean + float32(std*float32(r.NormFloat64()))
	}
}
