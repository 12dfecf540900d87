// SPDX-License-Identifier: Apache-2.0

//go:build !race

// Package race tells tests whether the race detector is on. It makes sync.Pool forget and so spoils counts of
// allocations, and it slows portable kernels down many times.
package race

// Enabled reports whether the race detector is on.
const Enabled = false
