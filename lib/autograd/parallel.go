// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"runtime"
	"sync"
)

// A part is a range of one operation's work.
type part struct {
	do     func(v *Var, lo, hi int)
	v      *Var
	lo, hi int
	done   *sync.WaitGroup
}

// The queue feeds the goroutines that help every tape; they are parked while there is nothing to do.
var (
	queue = make(chan part, 64)
	start sync.Once
)

func help() {
	for p := range queue {
		p.do(p.v, p.lo, p.hi)
		p.done.Done()
	}
}

// For runs do over [0, n) in at most [Tape.Workers] contiguous ranges, none shorter than grain, and returns when all
// are done. Which range an index falls into must not change its result. Choose grain so that a range is worth waking
// a goroutine for, about 100 microseconds of work. The function must not capture anything: v holds what it needs.
func (t *Tape) For(v *Var, n, grain int, do func(v *Var, lo, hi int)) {
	parts := min(t.workers, n/max(grain, 1))
	if parts <= 1 {
		do(v, 0, n)
		return
	}
	start.Do(func() {
		for range max(runtime.GOMAXPROCS(0), runtime.NumCPU()) - 1 {
			go help()
		}
	})
	for i := 1; i < parts; i++ {
		p := part{do, v, i * n / parts, (i + 1) * n / parts, &t.done}
		t.done.Add(1)
		select {
		case queue <- p:
		default: // everybody is busy
			do(p.v, p.lo, p.hi)
			t.done.Done()
		}
	}
	do(v, 0, n/parts)
	t.done.Wait()
}
