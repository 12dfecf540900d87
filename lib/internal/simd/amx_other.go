// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || purego

package simd

type amxBlock struct{}

func (*amxBlock) load([]uint64, int) { panic("simd: no AMX in this build") }

func (*amxBlock) below(_, _ []uint64, _ []int32) { panic("simd: no AMX in this build") }
