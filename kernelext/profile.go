// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/param"
	"github.com/lateral-ml/lateral/lib/experiment"
)

// The profiles: how large a run is.
const (
	Quick    = experiment.Quick    // for continuous integration: a whole notebook within 2 minutes on 2 cores
	Standard = experiment.Standard // interactive: within 15 minutes
	Paper    = experiment.Paper    // the document's own sizes: hours
)

// Profile returns the profile of this run, Quick, Standard or Paper: the value of LATERAL_PROFILE, and Standard if
// that is empty. Any other value ends the cell with a message.
func Profile() string {
	p, err := profileFrom(os.Getenv("LATERAL_PROFILE"))
	if err != nil {
		fail(err)
	}
	return p
}

func profileFrom(value string) (string, error) {
	if value == "" {
		return Standard, nil
	}
	if err := experiment.CheckProfile(value); err != nil {
		return "", fmt.Errorf("LATERAL_PROFILE: %w", err)
	}
	return value, nil
}

// Pick returns the argument that belongs to the profile of this run.
//
//	epochs := kernelext.Pick(1, 10, 200)
func Pick[T any](quick, standard, paper T) T {
	return experiment.Pick(Profile(), quick, standard, paper)
}

// Param returns the named setting of this run ("lateral run --set name=value"; other programs put a JSON object such as
// {"epochs": 5} into LATERAL_PARAMS), or otherwise if there is none. What somebody types is read as T asks: a text as
// it is, whole numbers exactly. A value that is not a T ends the cell with a message. So does a negative value where
// otherwise is an int that is not negative: such settings are counts. (Give a number that may be negative as an int64
// or a float64.)
//
//	rate := kernelext.Param("rate", 0.1)
func Param[T any](name string, otherwise T) T {
	v, err := param.Lookup(os.Getenv(param.Variable), name, otherwise)
	if err == nil {
		err = param.Count(name, v, otherwise)
	}
	if err != nil {
		fail(fmt.Errorf("kernelext: %w", err))
	}
	return v
}

// Headless tells whether nobody is watching the notebook while it runs: LATERAL_HEADLESS is set ("lateral run" does
// so), or the kernel was started by a program known to execute notebooks unattended. Outside a notebook it is false.
func Headless() bool {
	switch strings.ToLower(os.Getenv("LATERAL_HEADLESS")) {
	case "":
		return inNotebook && unattended(ancestors())
	case "0", "false", "no":
		return false
	}
	return true
}

// unattended tells whether one of the command lines is that of a program that executes notebooks by itself.
func unattended(commands []string) bool {
	runners := []string{"nbconvert", "nbclient", "jupyter-execute", "papermill", "nbmake", "nbval", "jupyter-run"}
	return slices.ContainsFunc(commands, func(command string) bool {
		return slices.ContainsFunc(runners, func(r string) bool { return strings.Contains(command, r) })
	})
}

// ancestors returns the command lines of the programs that started this one, where the system tells: GoNB, the kernel,
// and what started the kernel.
func ancestors() []string {
	var commands []string
	pid := os.Getppid()
	for len(commands) < 4 && pid > 1 {
		command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil {
			break
		}
		commands = append(commands, strings.ReplaceAll(string(command), "\x00", " "))
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			break
		}
		// "pid (name) state parent ...": the name may hold spaces and parentheses.
		_, after, _ := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')')+1:]), " ")
		if _, err := fmt.Sscanf(after, "%s %d", new(string), &pid); err != nil {
			break
		}
	}
	return commands
}
