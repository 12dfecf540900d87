// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/lateral-ml/lateral/kernelext"
	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
	"github.com/lateral-ml/lateral/kernelext/internal/page"
	"github.com/lateral-ml/lateral/kernelext/internal/param"
	"github.com/lateral-ml/lateral/kernelext/internal/runner"
	"github.com/lateral-ml/lateral/kernelext/internal/session"
	"github.com/lateral-ml/lateral/kernelext/internal/toolchain"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/durable"
	"github.com/spf13/cobra"
)

// The kernel as notebooks name it and as front ends show it.
const (
	kernelName    = "lateral"
	kernelDisplay = "Go (Lateral)"
)

// runOptions are the flags of lateral run.
type runOptions struct {
	profile              string
	out                  string
	html, inPlace        bool
	figures              bool
	set                  []string
	timeout, cellTimeout time.Duration
	keepGoing            bool

	read map[string]string // the check sums of the notebooks when they were read, by path
}

func runCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run NOTEBOOK...",
		Short: "Execute notebooks and write them, with their outputs, as notebooks and pages",
		Long: `Run executes every cell of each notebook on a kernel of its own and writes the
finished notebook and a self-contained HTML page. It stops at the first cell that
fails, saying where and why; what ran until then is written to --out all the same.
If --out is the notebook's own folder, its outputs are stored as with --in-place.

Cells may be tagged parameters (the values of --set are shown after it),
raises-exception (the cell may fail) and skip-execution.`,
		Args: notebooksNamed,
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), cmd.ErrOrStderr(), args)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.profile, "profile", "standard", "amount of work: quick, standard or paper")
	flags.StringVar(&o.out, "out", "out", "directory for the results")
	flags.BoolVar(&o.html, "html", true, "write an HTML page as well")
	flags.BoolVar(&o.figures, "figures", false,
		"keep each figure in figures/NOTEBOOK of the results too, as SVG, PDF and PNG")
	flags.BoolVar(&o.inPlace, "in-place", false,
		"also store the outputs in the notebook itself, unless the run stops early or it is edited meanwhile")
	flags.StringArrayVar(&o.set, "set", nil, "set a parameter, as name=value; repeatable")
	flags.DurationVar(&o.timeout, "timeout", 0, "limit for each notebook, such as 10m (default none)")
	flags.DurationVar(&o.cellTimeout, "cell-timeout", 0, "limit for each cell (default none)")
	flags.BoolVar(&o.keepGoing, "keep-going", false, "run on after a cell that failed")
	return cmd
}

func (o *runOptions) run(ctx context.Context, log io.Writer, paths []string) error {
	if err := checkProfile(o.profile); err != nil {
		return err
	}
	for name, limit := range map[string]time.Duration{"timeout": o.timeout, "cell-timeout": o.cellTimeout} {
		if limit < 0 {
			return fmt.Errorf("--%s %v: a limit is more than nothing", name, limit)
		}
	}
	params, err := parseParams(o.set)
	if err != nil {
		return err
	}
	var notebooks []*notebook.Notebook
	var targets []string
	o.read = map[string]string{}
	for i, path := range paths {
		for _, other := range paths[:i] {
			if filepath.Base(other) == filepath.Base(path) {
				return fmt.Errorf("%s and %s would both be written to %s: run them apart, with --out", other, path,
					filepath.Join(o.out, filepath.Base(path)))
			}
		}
		nb, err := readNotebook(path)
		if err != nil {
			return err
		}
		o.read[path] = checksum(path)
		if err := runnable(nb); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := setParams(nb, params); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for _, repair := range nb.Repairs {
			fmt.Fprintf(log, "%s: note: %s; mended in what is written\n", path, repair)
		}
		notebooks, targets = append(notebooks, nb), append(targets, o.targets(path, true)...)
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return fmt.Errorf("--out %s: %w: name a folder", o.out, err)
	}
	for _, target := range targets {
		if err := writable(target); err != nil {
			return err
		}
	}
	tools, err := prepare(ctx, log, filepath.Dir(paths[0]), notebooks)
	if err != nil {
		return err
	}
	var failed []error
	for i, nb := range notebooks {
		if err := o.one(ctx, log, tools, paths[i], nb, params); err != nil {
			failed = append(failed, err)
			if !o.keepGoing || ctx.Err() != nil {
				break
			}
		}
	}
	return errors.Join(failed...)
}

func checkProfile(profile string) error {
	if !slices.Contains([]string{"quick", "standard", "paper"}, profile) {
		return fmt.Errorf("--profile %s: the profiles are quick, standard and paper", profile)
	}
	return nil
}

// prepare builds the kernel on first use, and then also what the notebooks
// import.
func prepare(ctx context.Context, log io.Writer, dir string, notebooks []*notebook.Notebook) (toolchain.Tools, error) {
	root, err := toolchain.FindModule(dir, ".")
	if err != nil {
		return toolchain.Tools{}, err
	}
	// For data: cells run in the notebook's folder, and this command where it was started.
	if err := os.Setenv(dataset.ModuleEnv, root); err != nil {
		return toolchain.Tools{}, err
	}
	tools, err := toolchain.Locate(ctx, root)
	if err != nil || tools.Built() {
		return tools, err
	}
	fmt.Fprintln(log,
		"The first run on a machine downloads and compiles GoNB, which runs the cells, and then what the notebook imports.\n"+
			"It takes one to three minutes and is not repeated.")
	step := startLine(log, "building GoNB")
	err = tools.Build(ctx)
	step.end(err)
	if err != nil {
		return tools, err
	}
	var imports []string
	for _, nb := range notebooks {
		imports = append(imports, importsOf(nb)...)
	}
	step = startLine(log, "compiling what the notebook imports")
	tools.Warm(ctx, imports) // what does not compile is reported by the cell that imports it
	step.end(nil)
	return tools, context.Cause(ctx)
}

// one executes one notebook and writes the results.
func (o *runOptions) one(ctx context.Context, log io.Writer, tools toolchain.Tools, path string, nb *notebook.Notebook,
	params map[string]string) error {
	fmt.Fprintf(log, "%s, profile %s\n", path, o.profile)
	start := time.Now()
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, o.timeout, &runner.TimeoutError{What: "notebook", Limit: o.timeout})
		defer cancel()
	}
	argv, env, err := kernelHere(tools)
	if err != nil {
		return err
	}
	if env, err = o.environment(env, path, params); err != nil {
		return err
	}
	lines := &cellLines{log: log}
	failure := runner.Run(ctx, nb, runner.Options{
		Kernel:      session.Spec{Argv: argv, Dir: filepath.Dir(path), Env: env},
		Metadata:    map[string]any{"name": kernelName, "display_name": kernelDisplay, "language": "go"},
		CellTimeout: o.cellTimeout,
		KeepGoing:   o.keepGoing,
		Clean:       cleaner(tools).Clean,
		Progress:    lines.progress,
		Live:        lines.live,
	})
	if nb.Metadata == nil {
		nb.Metadata = map[string]any{}
	}
	nb.Metadata["lateral"] = map[string]any{"profile": o.profile, "parameters": params}
	whole := failure == nil || o.keepGoing && lines.through && ctx.Err() == nil
	edited := checksum(path) != o.read[path]
	targets, inPlace := o.targets(path, whole && !edited), o.storesInPlace(path)
	if err := o.write(log, nb, path, targets); err != nil {
		return errors.Join(place(path, failure), err)
	}
	if len(targets) > 0 {
		fmt.Fprintf(log, "wrote %s after %.1f s\n", strings.Join(targets, " and "), time.Since(start).Seconds())
	}
	switch {
	case inPlace && !whole:
		fmt.Fprintf(log, "%s: note: the run stopped early, so the notebook itself keeps its old outputs\n", path)
	case inPlace && edited:
		fmt.Fprintf(log, "%s: note: it was edited while it ran, so the notebook itself keeps its old outputs\n", path)
	}
	return place(path, failure)
}

// place adds the notebook to an error.
func place(path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", path, err)
}

// environment adds what kernelext reads in a cell.
func (o *runOptions) environment(env []string, path string, params map[string]string) ([]string, error) {
	if params == nil {
		params = map[string]string{}
	}
	values, err := json.Marshal(params)
	if err != nil {
		return nil, fmt.Errorf("--set: %w", err)
	}
	name := nameOf(path)
	env = append(env,
		"LATERAL_PROFILE="+o.profile,
		param.Variable+"="+string(values),
		"LATERAL_HEADLESS=1",
		"LATERAL_NOTEBOOK="+name,
		"LATERAL_ECHARTS=page", // page.Render brings the script
	)
	if o.storesInPlace(path) {
		env = append(env, "LATERAL_FRESH=1") // outputs that are kept come from one version of the library
	}
	if o.figures {
		dir, err := filepath.Abs(filepath.Join(o.out, "figures", name))
		if err != nil {
			return nil, fmt.Errorf("--out: %w", err)
		}
		env = append(env, "LATERAL_FIGURES="+dir)
	}
	folders, err := folders()
	return append(env, folders...), err
}

// folders returns the variables that name folders where users keep data and results, with absolute paths: kernels work
// in the notebook's folder, and this command where it was started.
func folders() (env []string, err error) {
	for _, name := range []string{"LATERAL_DATA", "LATERAL_MEMO", "LATERAL_CHECKPOINTS", "LATERAL_SWEEPS"} {
		if dir := os.Getenv(name); dir != "" && !filepath.IsAbs(dir) {
			if dir, err = filepath.Abs(dir); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			env = append(env, name+"="+dir)
		}
	}
	return env, nil
}

// targets are the files that a notebook's results go to: the notebook in --out, the one that was run if its outputs
// are to be stored there and replace is set, then its page if there is to be one.
func (o *runOptions) targets(path string, replace bool) (targets []string) {
	if out := o.outFile(path); !sameFile(out, path) {
		targets = append(targets, out)
	}
	if replace && o.storesInPlace(path) {
		targets = append(targets, path)
	}
	if o.html {
		targets = append(targets, filepath.Join(o.out, nameOf(path)+".html"))
	}
	return targets
}

// outFile is where --out has the executed notebook.
func (o *runOptions) outFile(path string) string { return filepath.Join(o.out, filepath.Base(path)) }

// storesInPlace tells whether the outputs go into the notebook that is run: that is asked for, or --out is its folder.
func (o *runOptions) storesInPlace(path string) bool {
	return o.inPlace || sameFile(o.outFile(path), path)
}

// sameFile tells whether two names are of one file, which is there.
func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// checksum is that of a file, "" if it cannot be read.
func checksum(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return dataset.Checksum(b)
}

// nameOf is a notebook's file name without its ending.
func nameOf(path string) string { return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)) }

// write stores the results in the targets.
func (o *runOptions) write(log io.Writer, nb *notebook.Notebook, path string, targets []string) error {
	for i, target := range targets {
		if o.html && i == len(targets)-1 {
			html, warnings, err := page.Render(nb, page.Options{Title: nameOf(path), Dir: filepath.Dir(path),
				Charts: kernelext.ChartScript})
			if err != nil {
				return err
			}
			for _, warning := range warnings {
				fmt.Fprintf(log, "%s: note: %s\n", path, warning)
			}
			if err := durable.WriteFile(target, html); err != nil {
				return explainDisk(err)
			}
		} else if err := nb.WriteFile(target); err != nil {
			return explainDisk(err)
		}
	}
	return nil
}

// explainDisk says what to do about a full disk.
func explainDisk(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: free some space or choose another place with --out; nothing was left half-written", err)
	}
	return err
}

// cleaner hides the paths of this machine.
func cleaner(tools toolchain.Tools) *runner.Cleaner {
	c := &runner.Cleaner{}
	c.Hide(tools.Module, "$MODULE")
	c.Hide(tools.Go.ModCache, "$GOMODCACHE")
	c.Hide(tools.Go.Root, "$GOROOT")
	c.Hide(tools.Go.Cache, "$GOCACHE")
	c.Hide(os.TempDir(), "$TMP")
	if home, err := os.UserHomeDir(); err == nil {
		c.Hide(home, "~")
	}
	if data := os.Getenv("LATERAL_DATA"); data != "" {
		if data, err := filepath.Abs(data); err == nil {
			c.Hide(data, "$LATERAL_DATA")
		}
	}
	return c
}
