// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"

	"github.com/dustin/go-humanize"
)

// parseSize reads a size such as 500MB, 2 GB or 1.5GiB.
func parseSize(text string) (int64, error) {
	n, err := humanize.ParseBytes(text)
	if err != nil || n > math.MaxInt64 {
		return 0, fmt.Errorf("%q is no size: write a number and B, kB, MB, GB or TB", text)
	}
	return int64(n), nil
}
