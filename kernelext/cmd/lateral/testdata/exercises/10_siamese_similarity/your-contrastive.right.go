// SPDX-License-Identifier: Apache-2.0

package main

func yourContrastive(d float64, same bool, alpha float64) (loss, slope float64) {
	switch {
	case same:
		return d, 1
	case d < alpha*alpha:
		return alpha*alpha - d, -1
	}
	return 0, 0
}
