// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// howToGetJupyter is what to do where there is none.
const howToGetJupyter = `
Any one of these gives Jupyter:

  pipx install jupyterlab                        (anywhere with Python)
  python3 -m venv ~/jupyter && ~/jupyter/bin/pip install jupyterlab
                                                 (then: PATH=~/jupyter/bin:$PATH lateral lab)
  sudo apt install jupyter-notebook              (Debian, Ubuntu: the classic notebook)
  brew install jupyterlab                        (macOS)

The kernel is installed and will be there. Without Jupyter,

  go run ./kernelext/cmd/lateral run notebooks/00_quickstart.ipynb

executes a notebook and writes it as a page.

`

var errNoJupyter = errors.New("jupyter is not on PATH")

func labCommand() *cobra.Command {
	var prefix string
	cmd := &cobra.Command{
		Use:   "lab [-- JUPYTER ARGUMENTS]",
		Short: "Install the kernel and open the notebooks in Jupyter",
		RunE: func(cmd *cobra.Command, args []string) error {
			return openLab(cmd.Context(), cmd.ErrOrStderr(), prefix, args)
		},
	}
	cmd.Flags().StringVar(&prefix, "prefix", "", "install the kernel below `DIR`/share/jupyter (default: for this user)")
	return cmd
}

// openLab runs Jupyter on the notebooks until it ends.
func openLab(ctx context.Context, log io.Writer, prefix string, args []string) error {
	tools, err := installKernel(ctx, log, prefix, false)
	if err != nil {
		return err
	}
	command, err := jupyterCommand(ctx)
	if err != nil {
		fmt.Fprint(log, howToGetJupyter)
		return err
	}
	jupyter, err := jupyterIn(ctx, tools.Module, append(command, args...))
	if err != nil {
		return err
	}
	if err := jupyter.Run(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("%s: %w", command[0], err)
	}
	return nil
}

// jupyterIn returns Jupyter as it is run on the notebooks of a module.
func jupyterIn(ctx context.Context, module string, command []string) (*exec.Cmd, error) {
	folders, err := folders()
	if err != nil {
		return nil, err
	}
	jupyter := exec.CommandContext(ctx, command[0], command[1:]...)
	jupyter.Env = append(os.Environ(), folders...)
	jupyter.Dir = filepath.Join(module, "notebooks")
	if _, err := os.Stat(jupyter.Dir); err != nil {
		jupyter.Dir = module
	}
	jupyter.Stdin, jupyter.Stdout, jupyter.Stderr = os.Stdin, os.Stdout, os.Stderr
	// On an interrupt Jupyter may leave its kernels running; this signal makes it stop them.
	jupyter.Cancel = func() error { return jupyter.Process.Signal(syscall.SIGTERM) }
	jupyter.WaitDelay = 10 * time.Second
	return jupyter, nil
}

// jupyterCommand returns the command that opens JupyterLab, or else the classic
// notebook.
func jupyterCommand(ctx context.Context) ([]string, error) {
	for _, command := range [][]string{{"jupyter-lab"}, {"jupyter", "lab"}, {"jupyter-notebook"},
		{"jupyter", "notebook"}} {
		if path, err := exec.LookPath(command[0]); err == nil {
			command[0] = path
			if version(ctx, command) != "" {
				return command, nil
			}
		}
	}
	return nil, errNoJupyter
}

// version returns what a program answers to --version, "" if it does not work.
func version(ctx context.Context, command []string) string {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, command[0], append(command[1:], "--version")...).Output()
	if err != nil {
		return ""
	}
	return firstLine(string(out))
}
