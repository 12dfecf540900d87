// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"time"
)

// batchTime is the minimum time of a batch of runs: long relative to the clock's resolution, short relative to
// disturbances of the machine. peers/serve.py uses the same value.
const batchTime = 2 * time.Millisecond

// A stopwatch measures the time of one run of a function.
type stopwatch struct {
	run   func()
	now   func() time.Duration // a monotonic clock
	count int                  // runs per batch
}

// start runs the function for some time to warm up, and determines the number of runs in a batch.
func start(run func(), warm time.Duration) *stopwatch {
	began := time.Now()
	s := &stopwatch{run: run, now: func() time.Duration { return time.Since(began) }}
	s.warmUp(warm)
	return s
}

func (s *stopwatch) warmUp(d time.Duration) {
	s.count = 1
	for end := s.now() + d; ; {
		elapsed := s.batch()
		if elapsed >= batchTime {
			if s.now() >= end {
				return
			}
			continue
		}
		// Aim slightly higher. The first runs may be slow, so grow by at most a factor of 10.
		grow := min(10, 1.2*float64(batchTime)/float64(max(elapsed, 1)))
		s.count = max(s.count+1, int(float64(s.count)*grow))
	}
}

func (s *stopwatch) batch() time.Duration {
	from := s.now()
	for range s.count {
		s.run()
	}
	return s.now() - from
}

// measure returns the seconds per run in each of the batches that began within d; there is at least one.
func (s *stopwatch) measure(d time.Duration) []float64 {
	var batches []float64
	for end := s.now() + d; len(batches) == 0 || s.now() < end; {
		batches = append(batches, s.batch().Seconds()/float64(s.count))
	}
	return batches
}

// A timing summarises several batches: the time of one run, in seconds.
type timing struct {
	median  float64
	spread  float64 // interquartile range, as a fraction of the median
	fastest float64
	runs    span // of the medians of several runs
}

// A span summarises several runs: the median, the minimum and the maximum over runs. It is zero if there was only one
// run.
type span struct{ median, low, high float64 }

// spanOf returns the span of one or more values.
func spanOf(values []float64) span {
	sorted := slices.Sorted(slices.Values(values))
	return span{quantile(sorted, 0.5), sorted[0], sorted[len(sorted)-1]}
}

// overRuns returns the timing of several runs: the median of their medians and of their spreads.
func overRuns(list []timing) timing {
	var medians, spreads []float64
	fastest := list[0].fastest
	for _, t := range list {
		medians, spreads, fastest = append(medians, t.median), append(spreads, t.spread), min(fastest, t.fastest)
	}
	runs := spanOf(medians)
	return timing{runs.median, spanOf(spreads).median, fastest, runs}
}

// summarize returns the timing of one or more batches.
func summarize(batches []float64) timing {
	sorted := slices.Sorted(slices.Values(batches))
	median := quantile(sorted, 0.5)
	return timing{median, (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / median, sorted[0], span{}}
}

// quantile interpolates between the elements of a sorted slice.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}
