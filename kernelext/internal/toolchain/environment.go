// SPDX-License-Identifier: Apache-2.0

package toolchain

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Path returns a PATH with the tools first.
func (t Tools) Path(path string) string {
	return t.Dir + string(filepath.ListSeparator) + path
}

// Flags returns the GOFLAGS with which cells are built: the user's, without the
// module modes that Go refuses in the workspace that GoNB makes, and with
// -ldflags=-s, which halves the time to link a cell (stack traces stay).
func (t Tools) Flags() string {
	flags := slices.DeleteFunc(strings.Fields(t.Go.Flags), func(flag string) bool {
		return strings.HasPrefix(strings.TrimLeft(flag, "-"), "mod=")
	})
	if !slices.ContainsFunc(flags, func(flag string) bool { return strings.Contains(flag, "ldflags") }) {
		flags = append(flags, "-ldflags=-s")
	}
	return strings.Join(flags, " ")
}

// Quiet are GoNB's arguments that keep its log off standard error, where only
// the reason of a crash should be.
var Quiet = []string{"-logtostderr=false", "-stderrthreshold=FATAL"}

// Arguments returns the command line that starts GoNB on a checkout of this
// module.
func Arguments(gonb, module string) []string {
	return []string{gonb, "-kernel", "{connection_file}", "-raw_error", "-go_work=" + module}
}

// Environment returns the environment of a kernel: this process's own, with the
// tools on PATH.
func (t Tools) Environment() []string {
	return append(os.Environ(),
		"PATH="+t.Path(os.Getenv("PATH")),
		"GOFLAGS="+t.Flags(),
		"GOWORK=", // one of the user's would replace the one GoNB makes
	)
}
