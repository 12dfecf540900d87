// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// A Check collects the invalid fields of a setting. With it, the method Check of a setting is a table of fields:
//
//	func (s Setting) Check() error {
//		c := experiment.Check{Package: "thesis21"}
//		c.OneOf("Task", s.Task, Classify, Autoencode)
//		c.AtLeast("Epochs", s.Epochs, 1)
//		c.That(len(s.Hidden) > 0, "Hidden", s.Hidden, "at least one layer")
//		return c.Err()
//	}
type Check struct {
	Package string // prefix of the errors

	problems []error
}

// That records the named field as invalid unless ok is true. The text want describes the valid values.
func (c *Check) That(ok bool, name string, value any, want string) {
	if !ok {
		c.problems = append(c.problems, fmt.Errorf("%s: %s is %v: want %s", c.Package, name, value, want))
	}
}

// OneOf checks that value is one of the known values.
func (c *Check) OneOf(name, value string, known ...string) {
	c.That(slices.Contains(known, value), name, fmt.Sprintf("%q", value), oneOf(known))
}

// AtLeast checks that value is not less than least.
func (c *Check) AtLeast(name string, value, least int) {
	c.That(value >= least, name, value, fmt.Sprintf("at least %d", least))
}

// Positive checks that value is finite and greater than 0.
func (c *Check) Positive(name string, value float64) {
	c.That(value > 0 && finite(value), name, value, "a number > 0")
}

// NotNegative checks that value is finite and not less than 0.
func (c *Check) NotNegative(name string, value float64) {
	c.That(value >= 0 && finite(value), name, value, "a number >= 0")
}

// Finite checks that value is neither NaN nor infinite.
func (c *Check) Finite(name string, value float64) {
	c.That(finite(value), name, value, "a finite number")
}

// Share checks that 0 <= value < 1.
func (c *Check) Share(name string, value float64) {
	c.That(value >= 0 && value < 1, name, value, "a number >= 0 and < 1")
}

// Add records an error from elsewhere. It ignores nil.
func (c *Check) Add(err error) {
	if err != nil {
		c.problems = append(c.problems, err)
	}
}

// Err returns an error with one line per invalid field, or nil if there are none.
func (c *Check) Err() error { return errors.Join(c.problems...) }

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
