// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/kernelspec"
	"github.com/lateral-ml/lateral/kernelext/internal/toolchain"
	"github.com/spf13/cobra"
)

func kernelCommand() *cobra.Command {
	var prefix string
	var completion bool
	cmd := &cobra.Command{
		Use:   "kernel",
		Short: "Install, remove or run the kernel for Jupyter",
	}
	install := &cobra.Command{
		Use:   "install",
		Short: "Build the kernel and tell Jupyter about it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := installKernel(cmd.Context(), cmd.ErrOrStderr(), prefix, completion)
			return err
		},
	}
	install.Flags().BoolVar(&completion, "completion", false,
		"also build gopls, for completion, now: some minutes (default: when a notebook first asks, in the background)")
	cmd.PersistentFlags().StringVar(&prefix, "prefix", "",
		"install below `DIR`/share/jupyter, such as a virtual environment (default: for this user)")
	cmd.AddCommand(
		serveCommand(),
		install,
		&cobra.Command{
			Use:   "uninstall",
			Short: "Remove the kernel from Jupyter",
			Args:  cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				dir, err := jupyterDir(prefix)
				if err != nil {
					return err
				}
				removed, err := kernelspec.Uninstall(dir, kernelName)
				switch {
				case err != nil:
					return err
				case removed == "":
					fmt.Fprintf(cmd.ErrOrStderr(), "the kernel %q is not installed in %s\n", kernelName, dir)
				default:
					fmt.Fprintf(cmd.ErrOrStderr(), "removed %s\n", removed)
				}
				return nil
			},
		},
	)
	return cmd
}

// jupyterDir returns Jupyter's data directory of the prefix, or the user's.
func jupyterDir(prefix string) (string, error) {
	if prefix != "" {
		return kernelspec.PrefixDir(prefix), nil
	}
	return kernelspec.DataDir()
}

// installKernel builds what a front end needs and writes the specification. gopls takes minutes, and only completion
// needs it: unless it is wanted now, the kernel builds it when somebody first asks.
func installKernel(ctx context.Context, log io.Writer, prefix string, completion bool) (toolchain.Tools, error) {
	dir, err := jupyterDir(prefix)
	if err != nil {
		return toolchain.Tools{}, err
	}
	tools, err := prepare(ctx, log, ".", nil)
	if err != nil {
		return tools, err
	}
	if completion && !tools.HasGopls() {
		step := startLine(log, "building gopls, for completion, once")
		err := tools.BuildGopls(ctx)
		step.end(err)
		if err != nil {
			return tools, err
		}
	}
	program, err := lasting(ctx, log, tools)
	if err != nil {
		return tools, err
	}
	file, changed, err := kernelspec.Install(dir, kernelName, jupyterKernel(tools, program))
	if err != nil {
		return tools, err
	}
	if changed {
		fmt.Fprintf(log, "installed the kernel %q: %s\n", kernelDisplay, file)
	} else {
		fmt.Fprintf(log, "the kernel %q is installed: %s\n", kernelDisplay, file)
	}
	if !tools.HasGopls() {
		fmt.Fprintln(log, "completion: the first Tab in a notebook builds gopls in the background, which takes some "+
			"minutes; lateral kernel install --completion builds it now")
	}
	return tools, nil
}

// lasting returns a program that Jupyter can start as the kernel: this one, or,
// as "go run" removes this one when it ends, one that is built and kept.
func lasting(ctx context.Context, log io.Writer, tools toolchain.Tools) (string, error) {
	program, err := os.Executable()
	if err == nil && !strings.Contains(program, string(filepath.Separator)+"go-build") {
		return program, nil
	}
	step := startLine(log, "building the kernel")
	program, err = tools.BuildCommand(ctx)
	step.end(err)
	return program, err
}

// jupyterKernel describes the kernel to Jupyter. PATH is written out, since a
// Jupyter started from a menu does not have the one of a shell.
func jupyterKernel(tools toolchain.Tools, program string) kernelspec.Spec {
	return kernelspec.Spec{
		Argv:          kernelArgv(program, tools),
		DisplayName:   kernelDisplay,
		Language:      "go",
		InterruptMode: "message",
		Env: map[string]string{
			"PATH":    tools.Path(filepath.Dir(tools.Gopls()) + string(filepath.ListSeparator) + os.Getenv("PATH")),
			"GOFLAGS": tools.Flags(),
			"GOWORK":  "",
		},
		Metadata: map[string]any{"lateral": map[string]any{"module": tools.Module}},
	}
}

// kernelArgv is the command line of a kernel that serves a connection file.
func kernelArgv(program string, tools toolchain.Tools) []string {
	return []string{program, "kernel", "run", "--gonb=" + tools.GoNB(), "--module=" + tools.Module, "{connection_file}"}
}
