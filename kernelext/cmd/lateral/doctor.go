// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/lateral-ml/lateral/data"
	"github.com/lateral-ml/lateral/kernelext/internal/kernelspec"
	"github.com/lateral-ml/lateral/kernelext/internal/toolchain"
	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

func doctorCommand() *cobra.Command {
	var prefix string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check what notebooks need on this machine and say how to mend it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return examine(cmd.Context(), cmd.OutOrStdout(), prefix)
		},
	}
	cmd.Flags().StringVar(&prefix, "prefix", "", "look for the kernel below `DIR`/share/jupyter (default: this user's)")
	return cmd
}

// finding is the state of one thing.
type finding struct {
	level  level
	what   string
	remedy string // what to do; for trouble and notes
}

type level int

const (
	fine level = iota
	note
	trouble
)

// The least room for the build cache, the kernel and a notebook's results.
const needBytes = 2 << 30

// examine prints a line for everything it looks at. The error counts what stops
// notebooks from running.
func examine(ctx context.Context, out io.Writer, prefix string) error {
	troubles := 0
	report := func(findings ...finding) {
		for _, f := range findings {
			fmt.Fprintf(out, "%-5s %s\n", [...]string{"ok", "note", "FAIL"}[f.level], f.what)
			if f.remedy != "" {
				fmt.Fprintf(out, "      %s\n", f.remedy)
			}
			if f.level == trouble {
				troubles++
			}
		}
	}

	root, err := toolchain.FindModule(".")
	if err != nil {
		report(finding{trouble, "module: not found", "change into a checkout of this module"})
		return errors.New("doctor: nothing can be checked without the module")
	}
	report(finding{fine, "module: " + root, ""})
	tools, err := toolchain.Locate(ctx, root)
	if err != nil {
		report(finding{trouble, "Go: " + firstLine(err.Error()),
			"install Go 1.26 from https://go.dev/dl/ and see that go is on PATH"})
		return errors.New("doctor: nothing more can be checked without Go")
	}
	report(
		finding{fine, fmt.Sprintf("Go: %s %s/%s, %d cores", tools.Go.Version, tools.Go.OS, tools.Go.Arch, runtime.NumCPU()),
			""},
		finding{fine, "arithmetic: " + autograd.Backend(), ""},
		checkFlags(tools.Go.Flags),
		checkNetwork(tools.Go.Proxy),
		checkWritable("build cache", tools.Go.Cache),
		checkWritable("temporary files", os.TempDir()),
	)
	report(checkTools(tools)...)
	report(checkJupyter(ctx)...)
	report(checkKernel(tools, prefix))
	report(checkData()...)
	if troubles > 0 {
		return fmt.Errorf("doctor: %d of these stop notebooks from running", troubles)
	}
	return nil
}

// checkFlags looks for a GOFLAGS that Go refuses in a workspace, which is what
// GoNB builds cells in. The kernel is started without it, a shell's go is not.
func checkFlags(flags string) finding {
	if slices.ContainsFunc(strings.Fields(flags), func(f string) bool {
		return strings.HasPrefix(strings.TrimLeft(f, "-"), "mod=")
	}) {
		return finding{note, "GOFLAGS=" + flags + ": Go refuses -mod in workspaces; the kernel is started without it",
			"go env -u GOFLAGS"}
	}
	if flags == "" {
		flags = "none"
	}
	return finding{fine, "GOFLAGS: " + flags, ""}
}

// checkNetwork says where modules come from. They are needed once.
func checkNetwork(proxy string) finding {
	f := finding{fine, "modules from: " + proxy, ""}
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		if os.Getenv(name) != "" {
			f.what += ", through the proxy of " + name
			break
		}
	}
	if proxy == "off" {
		f.level, f.remedy = note, "downloads are switched off: missing modules cannot be had (go env -u GOPROXY)"
	}
	return f
}

// checkWritable tries to write in a directory and looks at the room there.
func checkWritable(what, dir string) finding {
	if err := os.MkdirAll(dir, 0o755); err == nil {
		file, err := os.CreateTemp(dir, "lateral-doctor-")
		if err != nil {
			return finding{trouble, fmt.Sprintf("%s: %s cannot be written", what, dir),
				"give yourself the right to write there, or set " + variable(what) + " to another directory"}
		}
		file.Close()
		os.Remove(file.Name())
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(dir, &disk); err != nil {
		return finding{trouble, fmt.Sprintf("%s: %s: %v", what, dir, err), "set " + variable(what) +
			" to a directory that exists"}
	}
	free := uint64(disk.Bavail) * uint64(disk.Bsize)
	f := finding{fine, fmt.Sprintf("%s: %s, %s free", what, dir, humanize.Bytes(free)), ""}
	if free < needBytes {
		f.level, f.remedy = note, "builds need about 2 GB: go clean -cache frees some, or set "+variable(what)+
			" to another disk"
	}
	return f
}

func variable(what string) string {
	if what == "build cache" {
		return "GOCACHE"
	}
	return "TMPDIR"
}

func checkTools(tools toolchain.Tools) []finding {
	var findings []finding
	if tools.Built() {
		findings = append(findings, finding{fine, "kernel and goimports: " + tools.Dir, ""})
	} else {
		findings = append(findings, finding{note, "kernel: not built yet",
			"the first lateral run builds it, in one to three minutes"})
	}
	if tools.HasGopls() {
		return append(findings, finding{fine, "gopls: " + tools.Gopls(), ""})
	}
	return append(findings,
		finding{note, "gopls: not built yet; the first completion in Jupyter builds it in the background",
			"lateral kernel install --completion builds it now"})
}

func checkJupyter(ctx context.Context) []finding {
	command, err := jupyterCommand(ctx)
	if err != nil {
		return []finding{{note, "Jupyter: not found; lateral run does not need it", "lateral lab says how to get it"}}
	}
	return []finding{{fine, "Jupyter: " + strings.Join(command, " ") + " " + version(ctx, command), ""}}
}

// checkKernel looks whether what the installed specification points at is there.
func checkKernel(tools toolchain.Tools, prefix string) finding {
	const remedy = "lateral kernel install"
	dir, err := jupyterDir(prefix)
	if err != nil {
		return finding{note, "kernel for Jupyter: " + err.Error(), ""}
	}
	spec, file, err := kernelspec.Read(dir, kernelName)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return finding{note, "kernel for Jupyter: not installed in " + dir, remedy}
	case err != nil:
		return finding{trouble, "kernel for Jupyter: " + err.Error(), remedy}
	}
	if _, err := os.Stat(spec.Argv[0]); err != nil {
		return finding{trouble, "kernel for Jupyter: " + file + " points at " + spec.Argv[0] + ", which is not there", remedy}
	}
	if !slices.Equal(spec.Argv, kernelArgv(spec.Argv[0], tools)) {
		return finding{note, "kernel for Jupyter: " + file + " is of another version or checkout", remedy}
	}
	return finding{fine, "kernel for Jupyter: " + file, ""}
}

func checkData() []finding {
	var findings []finding
	for _, set := range data.Sets() {
		place, found, err := dataset.Find(set, "")
		switch {
		case err != nil:
			findings = append(findings, finding{note, "data, " + set.Name + ": " + firstLine(err.Error()),
				"lateral data verify"})
		case found:
			findings = append(findings, finding{fine, "data, " + set.Name + ": " + filepath.Clean(place.Dir), ""})
		case set.ID == "echarts":
			findings = append(findings, finding{note, "interactive views: " + set.Name +
				" not found; browsers load it from a public address", "lateral data get " + set.ID})
		default:
			findings = append(findings, finding{note, "data, " + set.Name + ": not found; notebooks use the built-in set",
				howToGet(set, "")})
		}
	}
	return findings
}

// firstLine returns the first line of text.
func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
