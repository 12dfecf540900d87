// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || purego

package main

// fastestFMA returns the scalar loop: what a program without assembly could reach at best.
func fastestFMA() fmaLoop { return scalarFMA }
