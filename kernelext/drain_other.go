// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package kernelext

import "time"

// drainText gives the kernel time to pass on the text written to stdout and stderr. Only Linux tells the writing end
// of a pipe how much of it is unread; a pipe holds 64 KiB at most, which the kernel reads in a few steps.
func drainText() { time.Sleep(20 * time.Millisecond) }
