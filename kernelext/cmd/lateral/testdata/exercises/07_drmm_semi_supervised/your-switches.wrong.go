// SPDX-License-Identifier: Apache-2.0

package main

// yourSwitches pools without the switch a: elements that should be off keep the place of their largest net input.
func yourSwitches(u []float32, width int) (z []float32, at []int32) {
	for row := 0; row < len(u)/width; row += 2 {
		for col := 0; col < width; col += 2 {
			place := row*width + col
			for _, i := range []int{row*width + col + 1, (row+1)*width + col, (row+1)*width + col + 1} {
				if u[i] > u[place] {
					place = i
				}
			}
			z, at = append(z, max(0, u[place])), append(at, int32(place))
		}
	}
	return z, at
}
