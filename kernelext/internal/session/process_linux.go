// SPDX-License-Identifier: Apache-2.0

package session

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// processGroup puts a child in a process group of its own. If this process is
// killed without a chance to clean up, the kernel is asked to end.
func processGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

// group returns the members of a process group but its leader.
func group(leader int) []Process {
	files, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is sound
	var members []Process
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // ended meanwhile
		}
		// "pid (name) state parent group ...": the name may hold spaces and parentheses.
		open, closed := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
		if open < 0 || closed < open {
			continue
		}
		pid, _ := strconv.Atoi(string(bytes.TrimSpace(stat[:open])))
		var state string
		var parent, pgrp int
		_, err = fmt.Sscan(string(stat[closed+1:]), &state, &parent, &pgrp)
		if err == nil && pgrp == leader && pid != leader && state != "Z" {
			members = append(members, Process{pid, string(stat[open+1 : closed])})
		}
	}
	return members
}
