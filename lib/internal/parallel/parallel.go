// SPDX-License-Identifier: Apache-2.0

// Package parallel divides the loops of a training step among a few goroutines.
//
// Waking a goroutine takes longer than most loops in this library run. After each loop, the helper goroutines therefore
// spin briefly, because the next loop of the same step usually follows soon; if none does, they park. A caller never
// waits for a helper to wake: every free goroutine takes the next part of the loop. On a busy machine, a loop therefore
// gets less help, but is not delayed.
//
// The system may take the core of a helper away for milliseconds while the helper works on a part. The caller therefore
// does not spin for long either, but sleeps until the last part is done. Its core is then idle, and the system can move
// the helper there.
package parallel

import (
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// patience is the time for which a helper looks for work before it parks. It was chosen, not tuned: longer than the
// serial parts of a small network's step. A parked helper begins its part 28 to 77 microseconds after the start of a
// loop (BenchmarkWake: the fastest of 400 and of 100 on two busy cores of an AMD EPYC).
const patience = 300 * time.Microsecond

// callerPatience is the time for which a caller checks whether the last part is done before it sleeps. It was chosen,
// not tuned: about as long as waking a goroutine takes, and much shorter than the time for which a system takes a core
// away.
const callerPatience = 50 * time.Microsecond

// looks is the number of checks between two readings of the clock, which costs as much as a hundred checks.
const looks = 1000

// asleep is added to job.left while the caller sleeps.
const asleep = 1 << 30

// A job is a loop that goroutines share. Its memory is reused only for other jobs. A helper that arrives late therefore
// finds either no open part, or a part of a later job, which it can process as well.
type job struct {
	do       func(arg any, lo, hi int)
	arg      any
	n, parts int
	open     atomic.Uint64 // one bit per part that is still open
	left     atomic.Int32  // number of unfinished parts, plus asleep while the caller waits for done
	done     chan struct{}
}

// maxParts is the number of bits in job.open.
const maxParts = 64

var (
	jobs    = sync.Pool{New: func() any { return &job{done: make(chan struct{}, 1)} }}
	current atomic.Pointer[job] // the job offered to helpers
	helpers atomic.Int32        // number of helpers
	parked  atomic.Int32        // number of helpers that wait for wake
	wake    = make(chan struct{})
)

// For runs do over [0, n) in at most workers contiguous ranges of at least grain indices, and returns when all are
// done. A result must not depend on the number of ranges, or on which goroutine runs them. arg is a pointer to
// everything that do needs. The function do must not capture variables; otherwise each call allocates.
func For(workers, n, grain int, arg any, do func(arg any, lo, hi int)) {
	parts := min(workers, n/max(grain, 1), maxParts)
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
	j.open.Store(1<<parts - 1) // from now on, helpers may take parts
	current.Store(j)
	for range min(int(parked.Load()), parts-1) {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
	j.work(0)
	j.wait()
	current.CompareAndSwap(j, nil)
	j.do, j.arg = nil, nil
	jobs.Put(j)
}

// work takes parts until none is open, starting with part number who. The same worker had this part in the previous
// loop, so its data is likely in the cache of that core.
func (j *job) work(who int) {
	for {
		open := j.open.Load()
		if open == 0 {
			return
		}
		part := bits.TrailingZeros64(open)
		if open>>who&1 != 0 {
			part = who
		}
		if !j.open.CompareAndSwap(open, open&^(1<<part)) {
			continue
		}
		j.do(j.arg, part*j.n/j.parts, (part+1)*j.n/j.parts)
		if j.left.Add(-1) == asleep {
			j.done <- struct{}{}
		}
	}
}

// wait returns when all parts are done.
func (j *job) wait() {
	for end := (time.Time{}); ; {
		for range looks {
			if j.left.Load() == 0 {
				return
			}
		}
		if now := time.Now(); end.IsZero() {
			end = now.Add(callerPatience)
		} else if now.After(end) {
			break
		}
	}
	// The goroutine that finishes the last part after this addition, and no other, sees it and wakes the caller.
	if j.left.Add(asleep) > asleep {
		<-j.done
	}
}

// recruit ensures that there are n helpers.
func recruit(n int) {
	for have := helpers.Load(); int(have) < n; have = helpers.Load() {
		if helpers.CompareAndSwap(have, have+1) {
			go help(int(have+1) % maxParts)
		}
	}
}

// help is the main loop of a helper. The workers of a job are numbered: the caller is 0, helpers are 1, 2, ...
func help(who int) {
	for end := (time.Time{}); ; {
		for range looks {
			if j := current.Load(); j != nil && j.open.Load() != 0 {
				j.work(who)
				end = time.Time{}
			}
		}
		if now := time.Now(); end.IsZero() {
			end = now.Add(patience)
		} else if now.After(end) {
			parked.Add(1)
			<-wake
			parked.Add(-1)
			end = time.Time{}
		}
	}
}
