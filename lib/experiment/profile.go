// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"fmt"
	"slices"
)

// The profiles: how large an experiment is.
const (
	Quick    = "quick"    // seconds to a minute or two: everything works
	Standard = "standard" // minutes: the effect is seen
	Paper    = "paper"    // the document's own size: hours to days
)

// Profiles returns the profiles, the smallest first.
func Profiles() []string { return []string{Quick, Standard, Paper} }

// CheckProfile returns an error unless there is a profile of that name.
func CheckProfile(name string) error {
	if slices.Contains(Profiles(), name) {
		return nil
	}
	return fmt.Errorf("experiment: there is no profile %q: use %s", name, oneOf(Profiles()))
}

// Pick returns the value for a profile. It panics if there is no such profile.
func Pick[T any](profile string, quick, standard, paper T) T {
	if err := CheckProfile(profile); err != nil {
		panic(err.Error())
	}
	return []T{quick, standard, paper}[slices.Index(Profiles(), profile)]
}
