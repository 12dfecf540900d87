// SPDX-License-Identifier: Apache-2.0

package grade

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// contain has this process inherit what its descendants leave behind, also
// those in sessions of their own, and gain no rights.
func contain() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("grade: become the parent of orphans: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("grade: give up rights: %w", err)
	}
	return nil
}

// childAttributes: a process group of its own, which ends with its supervisor.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// supervisorAttributes: a process group of its own, so that a terminal's Ctrl-C
// does not reach it, which ends with this process.
func supervisorAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

// killAll kills the process group of the leader and every other descendant, until
// there is none: a killed process leaves its children to this one.
func killAll(leader int) {
	unix.Kill(-leader, unix.SIGKILL)
	for {
		// First none may run, so that none can start another while they are killed.
		for _, sig := range []unix.Signal{unix.SIGSTOP, unix.SIGKILL} {
			for _, pid := range descendants(os.Getpid()) {
				unix.Kill(pid, sig)
			}
		}
		pid, err := unix.Wait4(-1, nil, 0, nil)
		if err == unix.EINTR {
			continue
		}
		if pid <= 0 || err != nil { // ECHILD: there is none
			return
		}
	}
}

// descendants returns the processes that a process has started, and those that
// they have started, and so on.
func descendants(of int) []int {
	files, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is sound
	children := map[int][]int{}
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // ended meanwhile
		}
		// "pid (name) state parent ...": the name may hold anything.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil || len(fields) < 2 {
			continue
		}
		if parent, err := strconv.Atoi(fields[1]); err == nil {
			children[parent] = append(children[parent], pid)
		}
	}
	var all []int
	for next := children[of]; len(next) > 0; {
		all = append(all, next...)
		var below []int
		for _, pid := range next {
			below = append(below, children[pid]...)
		}
		next = below
	}
	return all
}
