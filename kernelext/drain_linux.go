// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"time"

	"golang.org/x/sys/unix"
)

// settleTime is how long the kernel gets between taking the last text out of the pipe and having passed it on.
const settleTime = 3 * time.Millisecond

// drainText waits until the kernel has passed on the text written to stdout and stderr: until both pipes are empty,
// and then for settleTime.
func drainText() {
	deadline := time.Now().Add(patience)
	for pending(1)+pending(2) > 0 && time.Now().Before(deadline) {
		time.Sleep(100 * time.Microsecond)
	}
	time.Sleep(settleTime)
}

// pending returns the number of unread bytes in the pipe fd, 0 for anything but a pipe.
func pending(fd int) int {
	n, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
	if err != nil {
		return 0
	}
	return n
}
