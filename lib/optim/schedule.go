// SPDX-License-Identifier: Apache-2.0

package optim

import (
	"fmt"
	"math"
	"slices"
)

// A Schedule gives a rate for a time in epochs since the start of training; within an epoch the time is a fraction. It
// depends on the time alone. Those of this package take a time before the start for the start.
type Schedule func(epoch float64) float64

// Constant returns the same rate for ever.
func Constant(rate float64) Schedule { return func(float64) float64 { return rate } }

// Linear goes from one rate to another in a straight line over the given number of epochs and stays there; over no
// epochs, it is there at once.
func Linear(from, to, epochs float64) Schedule {
	return func(epoch float64) float64 { return from + (to-from)*passed(epoch, epochs) }
}

// Exponential multiplies the rate by factor each epoch, down to floor. It panics if a number is NaN or factor negative.
func Exponential(rate, factor, floor float64) Schedule {
	if math.IsNaN(rate) || math.IsNaN(floor) || !(factor >= 0) {
		panic(fmt.Sprintf("optim: Exponential: rate %v, factor %v, floor %v: want numbers, and factor >= 0",
			rate, factor, floor))
	}
	return func(epoch float64) float64 {
		if rate == 0 { // whatever the power, which may be infinite
			return max(floor, 0)
		}
		return max(floor, rate*math.Pow(factor, max(0, epoch)))
	}
}

// Cosine falls from a rate to 0 over the given number of epochs along half a cosine wave; over no epochs, it is 0 at
// once.
func Cosine(rate, epochs float64) Schedule {
	return func(epoch float64) float64 { return rate * (1 + math.Cos(math.Pi*passed(epoch, epochs))) / 2 }
}

// passed returns which share of some epochs has passed, from 0 to 1.
func passed(epoch, epochs float64) float64 {
	if epochs <= 0 {
		return 1
	}
	return max(0, min(1, epoch/epochs))
}

// A Step is the rate from an epoch on.
type Step struct{ Epoch, Rate float64 }

// Steps holds each rate until the epoch of the next. It panics if the epochs do not start at 0 and rise.
func Steps(steps ...Step) Schedule {
	rising := len(steps) > 0 && steps[0].Epoch == 0
	for i := 1; i < len(steps); i++ {
		rising = rising && steps[i].Epoch >= steps[i-1].Epoch
	}
	if !rising {
		panic(fmt.Sprintf("optim: Steps: the epochs must start at 0 and rise: %v", steps))
	}
	steps = slices.Clone(steps)
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
