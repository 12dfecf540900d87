// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package proxy

import "os"

// seesReaders reports whether this process can see a blocked read of another.
// Only Linux shows it. On other systems programs read the end of file, unless
// they ask with gonbui.RequestInput or %with_inputs.
func seesReaders(pid int) bool { return false }

func reader(pid int, path string) int { return 0 }

func unread(*os.File) int { return 0 }
