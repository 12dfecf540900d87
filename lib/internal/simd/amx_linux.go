// SPDX-License-Identifier: Apache-2.0

//go:build amd64 && !purego

package simd

import (
	"syscall"

	"golang.org/x/sys/cpu"
)

// hasTiles reports whether the processor has tile registers and Linux lets this process use them, for which it has to
// be asked: the registers are large, and a signal needs room to save them.
func hasTiles() bool {
	if !cpu.X86.HasAMXTile {
		return false
	}
	const archReqXCompPerm, tileData = 0x1023, 18
	_, _, errno := syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, archReqXCompPerm, tileData, 0)
	return errno == 0
}
