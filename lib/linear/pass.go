// SPDX-License-Identifier: Apache-2.0

package linear

import (
	"context"
	"fmt"
	"runtime"

	"github.com/lateral-ml/lateral/lib/internal/parallel"
)

// width returns the number of weights in a column.
func (s *solver) width() int { return s.features.d + 1 }

// wave is how many chunks are summed up at a time.
const wave = 32

// load makes v the weights of the next products.
func (s *solver) load(v [][]float64) {
	width := s.width()
	s.v = grow(s.v, len(v)*width)
	for j, v := range v {
		for e, v := range v {
			s.v[j*width+e] = float32(v)
		}
	}
}

// scores sets z [N, k] to the scores of all samples for the columns v.
func (s *solver) scores(v [][]float64, z []float32) {
	k := len(v)
	s.load(v)
	s.each(len(s.chunks), func(i int) {
		c := &s.chunks[i]
		z := z[c.lo*k : c.hi*k]
		c.scores(s.features.d, 0, c.hi-c.lo, k, s.v, z)
		s.addIntercept(z, k)
	})
}

// pass reads all samples once: it sets z [N, k] to the scores for the columns v, calls between for the rows from lo to
// hi of chunk i, which sets slope [N, k] to something, and returns slope' x [k][D+1]. Sums are float32 within a chunk
// and float64 over the chunks, in their order.
func (s *solver) pass(ctx context.Context, v [][]float64, z, slope []float32, between func(i, lo, hi int)) (
	[][]float64, error,
) {
	s.passes++
	f, k, width := s.features, len(v), s.width()
	s.load(v)
	sums := make([][]float64, k)
	for j := range sums {
		sums[j] = make([]float64, width)
	}
	s.parts = grow(s.parts, min(wave, len(s.chunks))*k*width)
	for first := 0; first < len(s.chunks); first += wave {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("linear: interrupted after %d passes over the samples: %w", s.passes-1, context.Cause(ctx))
		}
		chunks := s.chunks[first:min(first+wave, len(s.chunks))]
		s.each(len(chunks), func(i int) {
			c, part := &chunks[i], s.parts[i*k*width:(i+1)*k*width]
			z, slope := z[c.lo*k:c.hi*k], slope[c.lo*k:c.hi*k]
			rows := c.hi - c.lo
			block := c.block()
			for lo := 0; lo < rows; lo += block {
				hi := min(lo+block, rows)
				c.scores(f.d, lo, hi, k, s.v, z)
				s.addIntercept(z[lo*k:hi*k], k)
				between(first+i, c.lo+lo, c.lo+hi)
				c.gather(f.d, lo, hi, k, slope, part, lo > 0)
			}
			for j := range k {
				sum := 0.0
				for r := range rows {
					sum += float64(slope[r*k+j])
				}
				part[j*width+f.d] = float32(s.intercept * sum)
			}
		})
		s.each(k, func(j int) {
			for i := range chunks {
				for e, v := range s.parts[(i*k+j)*width:][:width] {
					sums[j][e] += float64(v)
				}
			}
		})
	}
	return sums, nil
}

// addIntercept adds the constant feature's part to scores [rows, k].
func (s *solver) addIntercept(z []float32, k int) {
	if s.intercept == 0 {
		return
	}
	for i := 0; i < len(z); i += k {
		for j := range k {
			z[i+j] += float32(s.intercept) * s.v[(j+1)*s.width()-1]
		}
	}
}

// each calls do for 0 to n-1, shared among the workers.
func (s *solver) each(n int, do func(i int)) { share(s.workers, n, do) }

func share(workers, n int, do func(i int)) {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	parallel.For(workers, n, 1, &do, func(arg any, lo, hi int) {
		do := *arg.(*func(int))
		for i := lo; i < hi; i++ {
			do(i)
		}
	})
}

// grow returns a slice of n elements, in the memory of s if it is large enough.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
