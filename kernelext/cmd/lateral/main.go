// SPDX-License-Identifier: Apache-2.0

// Command lateral runs, checks and marks the notebooks of this module, trains grids of networks, and writes the course
// as a web site. It needs Go and nothing else: the kernel is built from the module on first use.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/lateral-ml/lateral/kernelext/internal/grade"
	"github.com/lateral-ml/lateral/kernelext/internal/toolchain"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/spf13/cobra"
)

// interrupted is the cause with which a signal ends a command.
type interrupted struct{}

func (interrupted) Error() string        { return "interrupted" }
func (interrupted) Is(target error) bool { return target == context.Canceled }

func main() {
	grade.Supervise()
	if root, err := toolchain.FindModule("."); err == nil && os.Getenv(dataset.ModuleEnv) == "" {
		os.Setenv(dataset.ModuleEnv, root) // data is looked for there, wherever the command was started
	}
	if err := command().ExecuteContext(untilSignal()); err != nil {
		fmt.Fprintln(os.Stderr, "lateral:", err)
		if errors.Is(err, interrupted{}) {
			os.Exit(130)
		}
		os.Exit(1)
	}
}

// untilSignal returns a context that ends with Ctrl-C, SIGTERM or a closed terminal: commands keep what they have done.
func untilSignal() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as nohup does
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		if <-signals == syscall.SIGHUP {
			// Both the shell and the system report a closed terminal, and what is still printed goes nowhere.
			signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
		}
		signal.Stop(signals) // a second one ends the program at once
		cancel(interrupted{})
	}()
	return ctx
}

// command returns lateral with all its commands.
func command() *cobra.Command {
	root := &cobra.Command{
		Use:           "lateral",
		Short:         "Run the notebooks of Lateral, with nothing installed but Go",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(explainFlag)
	root.AddCommand(runCommand(), labCommand(), kernelCommand(), dataCommand(), resultsCommand(), sweepCommand(),
		trainCommand(), checkCommand(), gradeCommand(), siteCommand(), doctorCommand())
	return root
}
