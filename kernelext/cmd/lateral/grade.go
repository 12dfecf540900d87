// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/google/renameio/v2"
	"github.com/lateral-ml/lateral/kernelext/internal/grade"
	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
	"github.com/lateral-ml/lateral/kernelext/internal/session"
	"github.com/spf13/cobra"
)

// gradeOptions are the flags of lateral grade.
type gradeOptions struct {
	reference string
	json      string
	profile   string
	limit     time.Duration
	memory    string
}

func gradeCommand() *cobra.Command {
	var o gradeOptions
	cmd := &cobra.Command{
		Use:   "grade NOTEBOOK...",
		Short: "Mark the exercises of notebooks",
		Long: `Grade runs the check of every exercise on a kernel of its own: the declarations and the check of the
reference notebook, with the answer of the submitted one in between. It prints a table with points and a
line of feedback for each exercise, and writes the same as JSON.

An exercise is a cell tagged "exercise"; the %test cell after it is its check. It counts one point, or
what its metadata say: {"lateral": {"points": 2}}.

The submitted code runs with your rights, within the limits of time and memory. Grade the work of people
you do not trust in a container.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), args)
		},
	}
	cmd.AddCommand(nbgraderCommand())
	flags := cmd.Flags()
	flags.StringVar(&o.reference, "reference", "", "notebook as it was handed out (default: the one of the same name in notebooks/)")
	flags.StringVar(&o.json, "json", "", "also write the marks to `FILE`")
	flags.StringVar(&o.profile, "profile", "quick", "amount of work of what the notebook declares")
	flags.DurationVar(&o.limit, "time", time.Minute, "limit for each check, compiling included")
	flags.StringVar(&o.memory, "memory", "4GB", "limit for each program (on Linux)")
	return cmd
}

func (o *gradeOptions) run(ctx context.Context, out, log io.Writer, paths []string) error {
	memory, err := parseSize(o.memory)
	if err != nil {
		return fmt.Errorf("--memory: %w", err)
	}
	tools, err := prepare(ctx, log, filepath.Dir(paths[0]), nil)
	if err != nil {
		return err
	}
	argv, env, err := kernelHere(tools)
	if err != nil {
		return err
	}
	argv = append(argv, fmt.Sprintf("--memory=%d", memory))
	var reports []*grade.Report
	for _, path := range paths {
		reference, err := o.referenceOf(path, tools.Module)
		if err != nil {
			return err
		}
		submitted, err := notebook.ReadFile(path)
		if err != nil {
			return err
		}
		runs := runOptions{profile: o.profile}
		environment, err := runs.environment(env, path, nil)
		if err != nil {
			return err
		}
		report, err := grade.Grade(ctx, reference, submitted, grade.Options{
			Kernel:    session.Spec{Argv: argv, Dir: filepath.Dir(path), Env: environment},
			TimeLimit: o.limit,
			Progress:  func(exercise string) { fmt.Fprintf(log, "%s: %s\n", path, exercise) },
		})
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		report.Notebook = path
		reports = append(reports, report)
	}
	if o.json != "" {
		var b bytes.Buffer
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(reports); err != nil {
			return fmt.Errorf("--json: %w", err)
		}
		if err := renameio.WriteFile(o.json, b.Bytes(), 0o644); err != nil {
			return fmt.Errorf("--json: %w", explainDisk(err))
		}
	}
	return tabulate(out, reports)
}

// referenceOf reads the notebook as it was handed out.
func (o *gradeOptions) referenceOf(path, module string) (*notebook.Notebook, error) {
	file := o.reference
	if file == "" {
		file = filepath.Join(module, "notebooks", filepath.Base(path))
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: there is no notebook of this name in %s: name the one that was handed out with --reference", path, filepath.Dir(file))
		}
	}
	return notebook.ReadFile(file)
}

// tabulate prints the marks.
func tabulate(out io.Writer, reports []*grade.Report) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, r := range reports {
		fmt.Fprintf(table, "%s\t\t%g/%g\t\n", r.Notebook, r.Points, r.Of)
		for _, m := range r.Marks {
			fmt.Fprintf(table, "  %s\t%s\t%g/%g\t%s\n", m.Exercise, m.State, m.Points, m.Of, m.Feedback)
		}
	}
	return table.Flush()
}
