// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// An fmaLoop keeps the multiply-add units of a core busy, using only registers.
type fmaLoop struct {
	name  string
	run   func(n int) // performs n > 0 rounds
	flops float64     // operations per round, two for each multiply-add
}

var scalarFMA = fmaLoop{"scalar multiply-add in Go", func(n int) { scalarSink.Store(addProducts(n)) }, 2 * 8}

// scalarSink prevents the compiler from removing the work.
var scalarSink atomic.Uint32

// A ceiling is the highest observed rate of multiply-adds, in FLOP/s, by number of cores.
type ceiling map[int]float64

// raise measures for each number of cores during the given time, at least once.
func (c ceiling) raise(cores []int, d time.Duration) {
	loop := fastestFMA()
	for _, n := range cores {
		for start, once := time.Now(), false; time.Since(start) < d || !once; once = true {
			c[n] = max(c[n], loop.rate(n, time.Millisecond))
		}
	}
}

// rate returns the operations per second of a number of cores that run concurrently for a time d.
func (l fmaLoop) rate(cores int, d time.Duration) float64 {
	rates := make([]float64, cores)
	var ready atomic.Int32
	var done sync.WaitGroup
	for i := range rates {
		done.Go(func() {
			for ready.Add(1); int(ready.Load()) < cores; {
				runtime.Gosched()
			}
			rates[i] = l.rateOfOne(d)
		})
	}
	done.Wait()
	sum := 0.0
	for _, r := range rates {
		sum += r
	}
	return sum
}

func (l fmaLoop) rateOfOne(d time.Duration) float64 {
	const rounds = 2000 // several microseconds
	l.run(rounds)       // activates the wide vector units
	n := 0
	start := time.Now()
	for time.Since(start) < d {
		l.run(rounds)
		n += rounds
	}
	return l.flops * float64(n) / time.Since(start).Seconds()
}

// addProducts does n rounds of 8 independent multiply-adds, which are fused if the compiler does so on this processor.
func addProducts(n int) uint32 {
	var a, b, c, d, e, f, g, h float32
	x, y := float32(1), float32(1)
	for range n {
		a += x * y
		b += x * y
		c += x * y
		d += x * y
		e += x * y
		f += x * y
		g += x * y
		h += x * y
	}
	return math.Float32bits(a + b + c + d + e + f + g + h)
}
