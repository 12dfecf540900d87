// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package proxy

import (
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// processorTime returns how much a process has computed so far, as ps tells.
func processorTime(pid int) (time.Duration, bool) {
	out, err := exec.Command("ps", "-o", "time=", "-p", fmt.Sprint(pid)).Output()
	if err != nil {
		return 0, false
	}
	var minutes int
	var seconds float64
	if _, err := fmt.Sscanf(strings.TrimSpace(string(out)), "%d:%f", &minutes, &seconds); err != nil {
		return 0, false
	}
	return time.Duration(minutes)*time.Minute + time.Duration(seconds*float64(time.Second)), true
}
