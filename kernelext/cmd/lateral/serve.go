// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/proxy"
	"github.com/lateral-ml/lateral/kernelext/internal/session"
	"github.com/lateral-ml/lateral/kernelext/internal/toolchain"
	"github.com/lateral-ml/lateral/kernelext/internal/wire"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/spf13/cobra"
)

func serveCommand() *cobra.Command {
	var gonb, module string
	cmd := &cobra.Command{
		Use:   "run CONNECTION_FILE",
		Short: "Serve a front end: Jupyter starts this",
		Long: `Run is the kernel behind a notebook. It speaks the Jupyter messaging protocol 5.4 to the front
end that wrote CONNECTION_FILE, and drives GoNB, which compiles and runs the cells.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return serve(cmd.Context(), cmd.ErrOrStderr(), gonb, module, args[0])
		},
	}
	cmd.Flags().StringVar(&gonb, "gonb", "", "the GoNB program (default: build it)")
	cmd.Flags().StringVar(&module, "module", "", "checkout of this module that cells import (default: found)")
	return cmd
}

// serve runs the kernel until the front end ends it.
func serve(ctx context.Context, log io.Writer, gonb, module, file string) error {
	connection, err := wire.ReadConnection(file)
	if err != nil {
		return err
	}
	env := os.Environ()
	if gonb == "" || module == "" {
		tools, err := prepare(ctx, log, ".", nil)
		if err != nil {
			return err
		}
		gonb, module, env = tools.GoNB(), tools.Module, tools.Environment()
	}
	if err := os.Setenv(dataset.ModuleEnv, module); err != nil { // where cells look for data, too
		return err
	}
	// An interrupt is meant for the cell. Only SIGTERM and the like end the kernel.
	interrupts, ends := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	signal.Notify(ends, syscall.SIGTERM, syscall.SIGHUP)
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	go func() {
		<-ends
		cancel()
	}()
	if os.Getenv("JPY_PARENT_PID") != "" {
		go endWithParent(ctx, os.Getppid(), cancel)
	}
	seen := &comparisons{}
	config := proxy.Config{
		Connection: connection,
		Child: session.Spec{
			Argv: append(toolchain.Arguments(gonb, module), toolchain.Quiet...),
			Env:  env,
			ID:   kernelID(file),
		},
		Setup:      []string{"%noautoget"}, // everything comes from the module's workspace
		Magics:     magics(seen),
		Observe:    seen.observe,
		Interrupts: interrupts,
		Log:        log,
	}
	tools := toolchain.Tools{Dir: filepath.Dir(gonb), Module: module}
	config.PackageDir = tools.PackageDir
	if !tools.HasGopls() {
		config.MakeGopls = func(ctx context.Context) error { return tools.BuildGopls(toolchain.Yielding(ctx)) }
	}
	return proxy.Run(ctx, config)
}

// endWithParent ends a kernel whose server was killed, as Jupyter asks of kernels that it starts for itself: those find
// its process in JPY_PARENT_PID.
func endWithParent(ctx context.Context, parent int, end func()) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for os.Getppid() == parent {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
	end()
}

// kernelID is the name that Jupyter gives a kernel: that of its connection file.
func kernelID(file string) string {
	name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	return strings.TrimPrefix(name, "kernel-")
}

// kernelHere is the command line and environment of a kernel that is this very
// program.
func kernelHere(tools toolchain.Tools) (argv, env []string, err error) {
	program, err := os.Executable()
	if err != nil {
		return nil, nil, fmt.Errorf("this program does not know where it is: %w", err)
	}
	return kernelArgv(program, tools), tools.Environment(), nil
}
