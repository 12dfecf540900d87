// SPDX-License-Identifier: Apache-2.0

package session

import "syscall"

// processGroup puts a child in a process group of its own. If this process is
// killed without a chance to clean up, the kernel is asked to end.
func processGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
