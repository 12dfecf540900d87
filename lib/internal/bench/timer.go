// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"time"
)

// batchTime is how long a batch of runs takes at least: long for the clock, short for what disturbs a machine.
// peers/serve.py has the same.
const batchTime = 2 * time.Millisecond

// A stopwatch measures how long one run of a function takes.
type stopwatch struct {
	run   func()
	now   func() time.Duration // a monotonic clock
	count int                  // runs in a batch
}

// start warms run up for some time and settles how many runs make a batch.
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
		// Aim a little above; the first runs may be slow, so do not trust them with more than a factor of 10.
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

// measure returns the seconds that one run took in each of the batches, at least one, that began within d.
func (s *stopwatch) measure(d time.Duration) []float64 {
	var batches []float64
	for end := s.now() + d; len(batches) == 0 || s.now() < end; {
		batches = append(batches, s.batch().Seconds()/float64(s.count))
	}
	return batches
}

// A timing is what several batches say about one run, in seconds.
type timing struct {
	median  float64
	spread  float64 // the distance of the quartiles, as a share of the median
	fastest float64
	runs    span // of several runs' medians
}

// A span is what several runs say: the median over runs, the lowest and the highest. It is zero where there was one run.
type span struct{ median, low, high float64 }

// spanOf returns the span of some values, at least one.
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

// summarize returns the timing of some batches, at least one.
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
