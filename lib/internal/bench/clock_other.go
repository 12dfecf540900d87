// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import "time"

var began = time.Now()

// processorTime is the time since the program began, for want of the time that the thread has used a processor.
func processorTime() time.Duration { return time.Since(began) }
