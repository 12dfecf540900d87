// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"fmt"
	"slices"
)

// The profiles set the size of an experiment.
const (
	Quick    = "quick"    // seconds to a minute or two: shows that everything works
	Standard = "standard" // minutes: shows the effect
	Paper    = "paper"    // the document's own size: hours to days
)

// Profiles returns the profiles, from the smallest to the largest.
func Profiles() []string { return []string{Quick, Standard, Paper} }

// CheckProfile returns an error unless name is a profile.
func CheckProfile(name string) error {
	if slices.Contains(Profiles(), name) {
		return nil
	}
	return fmt.Errorf("experiment: there is no profile %q: use %s", name, oneOf(Profiles()))
}

// Pick returns the value for a profile. It panics if profile is not one.
func Pick[T any](profile string, quick, standard, paper T) T {
	if err := CheckProfile(profile); err != nil {
		panic(err.Error())
	}
	return []T{quick, standard, paper}[slices.Index(Profiles(), profile)]
}
