// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"sync"
	"syscall"
	"time"
)

const (
	brakeEvery = 8 << 20               // bytes of output
	brakeQuiet = 20 * time.Millisecond // mean that GoNB has sent all it had
)

// A brake keeps a program from printing faster than its output is read. GoNB
// queues without a limit what it has not sent yet, so the program is held up
// after every brakeEvery bytes until nothing more comes: the queue is empty.
type brake struct {
	signal func(syscall.Signal) // to what GoNB has started

	mu      sync.Mutex
	passed  int // bytes since the program was last held up
	release *time.Timer
}

// read notes that n bytes of output have arrived.
func (b *brake) read(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.release != nil {
		b.release.Reset(brakeQuiet)
		return
	}
	if b.passed += n; b.passed < brakeEvery {
		return
	}
	b.passed = 0
	b.signal(syscall.SIGSTOP)
	b.release = time.AfterFunc(brakeQuiet, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.release = nil
		b.signal(syscall.SIGCONT)
	})
}
