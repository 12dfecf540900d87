// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package kernelext

import "time"

// drainText waits until the kernel has had time to pass on the text written to stdout and stderr. Unlike Linux,
// other systems do not tell a writer how much of a pipe is unread; a pipe holds 64 KiB at most, which the kernel
// reads in two steps.
func drainText() { time.Sleep(20 * time.Millisecond) }
