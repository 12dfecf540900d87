// SPDX-License-Identifier: Apache-2.0

package optim

import (
	"fmt"
	"math"
	"slices"
)

// A Schedule gives a rate for a time in epochs since the start of training; within an epoch the time is a fraction.
type Schedule func(epoch float64) float64

// Constant returns the same rate for ever.
func Constant(rate float64) Schedule { return func(float64) float64 { return rate } }

// Linear goes from one rate to another in a straight line over the given number of epochs and stays there.
func Linear(from, to, epochs float64) Schedule {
	return func(epoch float64) float64 {
		return from + (to-from)*min(1, epoch/epochs)
	}
}

// Exponential multiplies the rate by factor each epoch, down to floor.
func Exponential(rate, factor, floor float64) Schedule {
	return func(epoch float64) float64 { return max(floor, rate*math.Pow(factor, epoch)) }
}

// Cosine falls from a rate to 0 over the given number of epochs along half a cosine wave.
func Cosine(rate, epochs float64) Schedule {
	return func(epoch float64) float64 { return rate * (1 + math.Cos(math.Pi*min(1, epoch/epochs))) / 2 }
}

// A Step is the rate from an epoch on.
type Step struct{ Epoch, Rate float64 }

// Steps holds each rate until the epoch of the next. It panics if the epochs do not start at 0 and rise.
func Steps(steps ...Step) Schedule {
	rising := slices.IsSortedFunc(steps, func(a, b Step) int {
		if a.Epoch < b.Epoch {
			return -1
		}
		return 1
	})
	if len(steps) == 0 || steps[0].Epoch != 0 || !rising {
		panic(fmt.Sprintf("optim: Steps: the epochs must start at 0 and rise: %v", steps))
	}
	return func(epoch float64) float64 {
		rate := steps[0].Rate
		for _, s := range steps {
			if epoch >= s.Epoch {
				rate = s.Rate
			}
		}
		return rate
	}
}
