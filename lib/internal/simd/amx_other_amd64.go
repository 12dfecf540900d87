// SPDX-License-Identifier: Apache-2.0

//go:build !linux && !purego

package simd

func hasTiles() bool { return false }
