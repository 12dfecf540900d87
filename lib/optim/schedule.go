// SPDX-License-Identifier: Apache-2.0

package optim

import (
	"fmt"
	"math"
	"slices"
)

// A Schedule returns a rate for a time in epochs since the start of training, with fractions within an epoch. It
// depends on the time alone. The schedules of this package treat negative times as 0.
type Schedule func(epoch float64) float64

// Constant returns a schedule with a constant rate.
func Constant(rate float64) Schedule { return func(float64) float64 { return rate } }

// Linear interpolates linearly between two rates over the given number of epochs and then stays at the second. With 0
// epochs it is at the second from the start.
func Linear(from, to, epochs float64) Schedule {
	return func(epoch float64) float64 { return from + (to-from)*passed(epoch, epochs) }
}

// Exponential multiplies the rate by factor each epoch, down to floor. It panics if an argument is NaN or factor is
// negative.
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

// Cosine decreases from a rate to 0 over the given number of epochs along half a cosine wave. With 0 epochs it is 0
// from the start.
func Cosine(rate, epochs float64) Schedule {
	return func(epoch float64) float64 { return rate * (1 + math.Cos(math.Pi*passed(epoch, epochs))) / 2 }
}

// passed returns the share of the epochs that has passed, from 0 to 1.
func passed(epoch, epochs float64) float64 {
	if epochs <= 0 {
		return 1
	}
	return max(0, min(1, epoch/epochs))
}

// A Step is a rate from a given epoch on.
type Step struct{ Epoch, Rate float64 }

// Steps keeps each rate until the epoch of the next step. It panics unless the epochs start at 0 and increase.
func Steps(steps ...Step) Schedule {
	rising := len(steps) > 0 && steps[0].Epoch == 0
	for i := 1; i < len(steps); i++ {
		rising = rising && steps[i].Epoch >= steps[i-1].Epoch
	}
	if !rising {
		panic(fmt.Sprintf("optim: Steps: the epochs must start at 0 and increase: %v", steps))
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
