// SPDX-License-Identifier: Apache-2.0

//go:build unix && !linux

package session

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// processGroup puts a child in a process group of its own.
func processGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// group returns the members of a process group but its leader, as the command
// ps tells.
func group(leader int) []Process {
	out, err := exec.Command("ps", "-A", "-o", "pid=,pgid=,comm=").Output()
	if err != nil {
		return nil
	}
	var members []Process
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) < 3 || fields[1] != strconv.Itoa(leader) {
			continue
		}
		if pid, err := strconv.Atoi(fields[0]); err == nil && pid != leader {
			members = append(members, Process{pid, filepath.Base(fields[2])})
		}
	}
	return members
}
