// SPDX-License-Identifier: Apache-2.0

// Package parallel shares the loops of a training step among a few goroutines.
//
// Waking a goroutine takes longer than most loops here run. The helpers therefore spin for a moment after each loop,
// while the next one of the same step is likely to come, and are parked when none does. A caller never waits for a
// helper to wake: whoever is there first takes the next part of the loop, so that a busy machine costs the help, not
// time.
//
// A helper that holds a part may lose its core to another process for milliseconds. The caller therefore does not spin
// for long either: it sleeps until the last part is done. Its core is idle then, and the system moves the helper there.
package parallel

import (
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// patience is for how long a helper looks for work before it parks: longer than the parts of a small network's step that
// nobody shares. To be woken again would take some 50 microseconds.
const patience = 300 * time.Microsecond

// callerPatience is for how long a caller looks whether the last part is done before it sleeps: about what it takes to
// be woken again, and a small part of the time for which a system takes a core away.
const callerPatience = 50 * time.Microsecond

// looks is how many looks are taken before each at the clock, which costs as much as a hundred of them.
const looks = 1000

// asleep is added to job.left while the caller sleeps.
const asleep = 1 << 30

// A job is a loop that is being shared. Its memory is only ever reused for other jobs, so that a helper that comes
// too late finds either nothing left or a part of a later job, which it may as well do.
type job struct {
	do       func(arg any, lo, hi int)
	arg      any
	n, parts int
	open     atomic.Uint64 // a bit for each part that nobody has taken
	left     atomic.Int32  // parts that are not done; asleep more if the caller waits for done
	done     chan struct{}
}

// maxParts is how many bits job.open has.
const maxParts = 64

var (
	jobs    = sync.Pool{New: func() any { return &job{done: make(chan struct{}, 1)} }}
	current atomic.Pointer[job] // the job that helpers look at
	helpers atomic.Int32        // that exist
	parked  atomic.Int32        // that wait for wake
	wake    = make(chan struct{})
)

// For runs do over [0, n) in at most workers contiguous ranges, none shorter than grain, and returns when all are done.
// Neither the number of ranges nor who runs them may change a result. arg is a pointer with all that do needs: do must
// capture nothing, or each call allocates.
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
	j.open.Store(1<<parts - 1) // from here on helpers may take parts
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

// work takes parts until none is open, part number who first: what a part works on is in the cache of the core that had
// the same part of the loop before.
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
	// Whoever ends the last part after this addition sees it, and nobody else does.
	if j.left.Add(asleep) > asleep {
		<-j.done
	}
}

// recruit makes sure that there are n helpers.
func recruit(n int) {
	for have := helpers.Load(); int(have) < n; have = helpers.Load() {
		if helpers.CompareAndSwap(have, have+1) {
			go help(int(have+1) % maxParts)
		}
	}
}

// help is a helper's life. The caller is number 0 of those who work on a job, helpers are 1, 2, ...
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
