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
	"slices"
	"text/tabwriter"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/grade"
	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
	"github.com/lateral-ml/lateral/lib/durable"
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
		Long: `Grade builds and runs the check of every exercise in a program of its own: what the reference notebook
declares before it and its check, with the answer of the submitted one in between. It prints a table with
points and a line of feedback for each exercise, and writes the same as JSON.

An exercise is a cell tagged "exercise"; the %test cell after it is its check. It counts one point, or
what its metadata say: {"lateral": {"points": 2}}.

An answer computes: it imports packages such as math, slices and strings, and calls nothing of this
module, which has the answers. An exercise allows more, or forbids something of Go's own, in its metadata:
{"lateral": {"allow": ["tensor", "autograd.Add"], "forbid": ["slices.Sort"]}}. Answers that do what they
may not, and checks that do not run to their end, count nothing, whatever they print.

The submitted code runs with your rights, within the limits of time and memory. Grade the work of people
you do not trust in a container.`,
		Args: notebooksNamed,
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), args)
		},
	}
	cmd.AddCommand(nbgraderCommand())
	flags := cmd.Flags()
	flags.StringVar(&o.reference, "reference", "",
		"notebook as it was handed out (default: the one of the same name in notebooks/)")
	flags.StringVar(&o.json, "json", "", "also write the marks to `FILE`")
	flags.StringVar(&o.profile, "profile", "quick", "amount of work of what the notebook declares")
	flags.DurationVar(&o.limit, "time", time.Minute, "limit for each check, once it is compiled")
	flags.StringVar(&o.memory, "memory", "4GB", "limit for each check (on Linux)")
	return cmd
}

func (o *gradeOptions) run(ctx context.Context, out, log io.Writer, paths []string) error {
	if err := checkProfile(o.profile); err != nil {
		return err
	}
	memory, err := parseSize(o.memory)
	if err != nil {
		return fmt.Errorf("--memory: %w", err)
	}
	if o.json != "" {
		if err := writable(o.json); err != nil {
			return fmt.Errorf("--json: %w", err)
		}
	}
	for _, path := range paths {
		if _, err := readNotebook(path); err != nil {
			return err
		}
	}
	tools, err := prepare(ctx, log, filepath.Dir(paths[0]), nil)
	if err != nil {
		return err
	}
	var references []string // found before the first notebook is marked, which takes minutes
	for _, path := range paths {
		file, err := o.referenceOf(path, tools.Module)
		if err == nil && !slices.Contains(references, file) {
			_, err = notebook.ReadFile(file)
		}
		if err != nil {
			return err
		}
		references = append(references, file)
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("this program does not know where it is: %w", err)
	}
	var reports []*grade.Report
	for i, path := range paths {
		reference, err := notebook.ReadFile(references[i])
		if err != nil {
			return err
		}
		submitted, err := readNotebook(path)
		if err != nil {
			return err
		}
		runs := runOptions{profile: o.profile}
		environment, err := runs.environment(tools.Environment(), path, nil)
		if err != nil {
			return err
		}
		report, err := grade.Grade(ctx, reference, submitted, grade.Options{
			Module:     tools.Module,
			Goimports:  tools.Goimports(),
			Supervisor: program,
			Env:        environment,
			Dir:        filepath.Dir(path),
			TimeLimit:  o.limit,
			Memory:     memory,
			Progress:   func(exercise string) { fmt.Fprintf(log, "%s: %s\n", path, exercise) },
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
		if err := durable.WriteFile(o.json, b.Bytes()); err != nil {
			return fmt.Errorf("--json: %w", explainDisk(err))
		}
	}
	return tabulate(out, reports)
}

// referenceOf returns the file of the notebook as it was handed out.
func (o *gradeOptions) referenceOf(path, module string) (string, error) {
	if o.reference != "" {
		return o.reference, nil
	}
	file := filepath.Join(module, "notebooks", filepath.Base(path))
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf(
			"%s: there is no notebook of this name in %s: name the one that was handed out with --reference", path,
			filepath.Dir(file))
	}
	return file, nil
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
