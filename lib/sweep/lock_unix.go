// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin

package sweep

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

const fileLocks = true

// lockFile takes the lock of an open file. On a file system without locks it does nothing.
func lockFile(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EWOULDBLOCK):
			return errInUse
		case errors.Is(err, unix.ENOLCK), errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.ENOSYS):
			return nil
		}
		return err
	}
}
