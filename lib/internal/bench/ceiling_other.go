// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || purego

package main

// fastestFMA returns the scalar loop: the best that a program without assembly can reach.
func fastestFMA() fmaLoop { return scalarFMA }
