// SPDX-License-Identifier: Apache-2.0

package parallel

import (
	"runtime"
	"syscall"
	"testing"
	"time"
)

// A delayed helper must not keep its caller busy.
func TestCallerSleeps(t *testing.T) {
	if runtime.GOMAXPROCS(0) < 2 {
		t.Skip("needs at least one helper")
	}
	const loops, pause = 20, 10 * time.Millisecond
	helping := make(chan bool)
	before := cpuTime(t)
	for range loops {
		For(2, 2, 1, helping, func(arg any, lo, _ int) {
			if helping := arg.(chan bool); lo == 1 {
				helping <- true
				time.Sleep(pause)
			} else {
				<-helping // otherwise the caller would do part 1 before a helper wakes
			}
		})
	}
	if used := cpuTime(t) - before; used > loops*pause/8 {
		t.Errorf("loops that mostly sleep, for %v, took %v of the processor's time", loops*pause, used)
	}
}

// cpuTime returns the processor time used by this process.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
