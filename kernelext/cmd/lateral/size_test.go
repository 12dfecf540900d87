// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"testing"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "17": 17, "17B": 17, "500MB": 500e6, "2 GB": 2e9, "1.5kB": 1500, "1kb": 1000, "3TB": 3e12, "1.5 GiB": 3 << 29,
		"9007199254740993": 9007199254740993, "9223372036854775807": 1<<63 - 1,
	} {
		if got, err := parseSize(text); got != want || err != nil {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MB", "-5MB", "5XB", "NaN", "InfMB", "1e300", "9223372036854775808", "99999999TB",
		"1.2.3MB", "5 5MB", "\u0663MB", "5\u0663MB"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
}

func FuzzParseSize(f *testing.F) {
	for _, seed := range []string{"0", "2GB", "1.5 GiB", "NaNMB", "1e300", "-1", "1,000kB", "\u0663MB"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := parseSize(text)
		if err != nil {
			return
		}
		if again, err := parseSize(fmt.Sprint(n)); n < 0 || err != nil || again != n {
			t.Errorf("%q is %d, which is %d, %v", text, n, again, err)
		}
	})
}
