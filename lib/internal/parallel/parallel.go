// SPDX-License-Identifier: Apache-2.0

// Package parallel shares the loops of a training step among a few goroutines.
//
// Waking a goroutine takes longer than most loops here run. The helpers therefore spin for a moment after each loop,
// while the next one of the same step is likely to come, and are parked when none does. A caller never waits for a
// helper to wake: whoever is there first takes the next part of the loop, so that a busy machine costs the help, not
// time.
package parallel

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// patience is how many times a helper looks for work before it parks: about 300 microseconds, longer than the parts of
// a small network's step that nobody shares. To be woken again would take some fifty.
const patience = 150_000

// A job is a loop that is being shared. Its memory is only ever reused for other jobs, so that a helper that comes
// too late finds either nothing left or a part of a later job, which it may as well do.
type job struct {
	do       func(arg any, lo, hi int)
	arg      any
	n, parts int
	open     atomic.Int32 // parts that nobody has taken; below 0 when helpers came too late
	left     atomic.Int32 // parts that are not done
}

var (
	jobs    = sync.Pool{New: func() any { return new(job) }}
	current atomic.Pointer[job] // the job that helpers look at
	helpers atomic.Int32        // that exist
	parked  atomic.Int32        // that wait for wake
	wake    = make(chan struct{})
)

// For runs do over [0, n) in at most workers contiguous ranges, none shorter than grain, and returns when all are done.
// Neither the number of ranges nor who runs them may change a result. arg is a pointer with all that do needs: do must
// capture nothing, or each call allocates.
func For(workers, n, grain int, arg any, do func(arg any, lo, hi int)) {
	parts := min(workers, n/max(grain, 1))
	if parts <= 1 {
		if n > 0 {
			do(arg, 0, n)
		}
		return
	}
	recruit(min(parts, runtime.GOMAXPROCS(0)) - 1)
	j := jobs.Get().(*job)
	j.do, j.arg, j.n, j.parts = do, arg, n, parts
	j.left.Store(int32(parts))
	j.open.Store(int32(parts)) // from here on helpers may take parts
	current.Store(j)
	for range min(int(parked.Load()), parts-1) {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
	j.work()
	for spins := 1; j.left.Load() > 0; spins++ {
		if spins%1000 == 0 {
			runtime.Gosched() // the helper may need this processor
		}
	}
	current.CompareAndSwap(j, nil)
	j.do, j.arg = nil, nil
	jobs.Put(j)
}

// work takes parts until none is open.
func (j *job) work() {
	for {
		i := int(j.open.Add(-1))
		if i < 0 {
			return
		}
		j.do(j.arg, i*j.n/j.parts, (i+1)*j.n/j.parts)
		j.left.Add(-1)
	}
}

// recruit makes sure that there are n helpers.
func recruit(n int) {
	for have := helpers.Load(); int(have) < n; have = helpers.Load() {
		if helpers.CompareAndSwap(have, have+1) {
			go help()
		}
	}
}

func help() {
	for {
		for idle := 0; idle < patience; idle++ {
			if j := current.Load(); j != nil && j.open.Load() > 0 {
				j.work()
				idle = 0
			}
		}
		parked.Add(1)
		<-wake
		parked.Add(-1)
	}
}
