// SPDX-License-Identifier: Apache-2.0

//go:build unix && !linux

package session

import "syscall"

// processGroup puts a child in a process group of its own.
func processGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
