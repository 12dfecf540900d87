// SPDX-License-Identifier: Apache-2.0

package session

import "time"

// SetStartLimit changes the time that a kernel has to answer, and returns a function that restores it.
func SetStartLimit(limit time.Duration) (restore func()) {
	before := startLimit
	startLimit = limit
	return func() { startLimit = before }
}
