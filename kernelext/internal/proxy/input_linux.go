// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// The system calls that wait for bytes of the file descriptor that is their
// first argument.
var readCalls = []int{unix.SYS_READ, unix.SYS_READV, unix.SYS_SPLICE, unix.SYS_COPY_FILE_RANGE}

// seesReaders reports whether this process may look up in which system calls the
// children of pid are blocked.
func seesReaders(pid int) bool {
	_, err1 := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	_, err2 := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/syscall", pid, pid))
	return err1 == nil && err2 == nil
}

// reader returns a thread of pid's descendants that is blocked in a read of the
// file path, 0 if there is none.
func reader(pid int, path string) int {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*", pid)) // none if it has ended
	for _, task := range tasks {
		list, _ := os.ReadFile(filepath.Join(task, "children"))
		for _, field := range bytes.Fields(list) {
			child, err := strconv.Atoi(string(field))
			if err != nil {
				continue
			}
			if thread := reads(child, path); thread != 0 {
				return thread
			}
			if thread := reader(child, path); thread != 0 {
				return thread
			}
		}
	}
	return 0
}

// reads returns a thread of process pid that is blocked in a read of the file path.
func reads(pid int, path string) int {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*", pid))
	for _, task := range tasks {
		// The number and the arguments of the system call, or "running".
		line, _ := os.ReadFile(filepath.Join(task, "syscall"))
		fields := strings.Fields(string(line))
		if len(fields) < 2 {
			continue
		}
		call, err1 := strconv.Atoi(fields[0])
		descriptor, err2 := strconv.ParseUint(fields[1], 0, 31)
		if err1 != nil || err2 != nil || !slices.Contains(readCalls, call) {
			continue
		}
		if file, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, descriptor)); file == path {
			thread, _ := strconv.Atoi(filepath.Base(task))
			return thread
		}
	}
	return 0
}

// unread returns how many bytes are in a pipe.
func unread(pipe *os.File) int {
	connection, err := pipe.SyscallConn()
	if err != nil {
		return 0
	}
	n := 0
	connection.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
	return n
}
