// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package proxy

import "os"

// seesReaders tells whether the system lets this process see what others wait
// for: only Linux does. Elsewhere programs read the end of their input, and ask
// with gonbui.RequestInput or %with_inputs.
func seesReaders(pid int) bool { return false }

func reader(pid int, path string) int { return 0 }

func unread(*os.File) int { return 0 }
