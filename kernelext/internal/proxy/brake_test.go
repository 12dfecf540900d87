// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A program is held up once so much output has come, for as long as more comes.
func TestBrake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []syscall.Signal
		b := brake{signal: func(sig syscall.Signal) { sent = append(sent, sig) }}
		check := func(when string, want ...syscall.Signal) {
			t.Helper()
			synctest.Wait()
			b.mu.Lock()
			defer b.mu.Unlock()
			if !slices.Equal(sent, want) {
				t.Errorf("%s: %v, want %v", when, sent, want)
			}
		}
		b.read(brakeEvery - 1)
		check("before there is much")
		b.read(1)
		check("when there is", syscall.SIGSTOP)
		for range 5 {
			time.Sleep(brakeQuiet / 2)
			b.read(brakeEvery)
		}
		check("while more comes", syscall.SIGSTOP)
		time.Sleep(brakeQuiet)
		check("when no more comes", syscall.SIGSTOP, syscall.SIGCONT)
		b.read(brakeEvery - 1)
		check("what came meanwhile does not count", syscall.SIGSTOP, syscall.SIGCONT)
		b.read(1)
		check("the next time", syscall.SIGSTOP, syscall.SIGCONT, syscall.SIGSTOP)
		time.Sleep(brakeQuiet)
	})
}
