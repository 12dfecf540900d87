// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/grade"
	"github.com/lateral-ml/lateral/lib/durable"
	"github.com/spf13/cobra"
)

// nbgraderCommand returns `lateral grade nbgrader`.
func nbgraderCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "nbgrader NOTEBOOK...",
		Short: "Write a course folder for nbgrader, with an assignment for each notebook",
		Long: `Nbgrader writes, below --out, nbgrader_config.py and source/NAME/NAME.ipynb for each notebook: its exercises,
the declarations that they need, and their checks. What the notebook trains and draws is left out. A configuration
that is there stays.

Then, in that folder: nbgrader generate_assignment NAME. The configuration says how it goes on.`,
		Args: notebooksNamed,
		RunE: func(cmd *cobra.Command, args []string) error {
			return writeCourse(cmd.OutOrStdout(), out, args)
		},
	}
	cmd.Flags().StringVar(&out, "out", "course", "the course's folder")
	return cmd
}

// writeCourse makes the course's folder.
func writeCourse(log io.Writer, dir string, paths []string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	config := filepath.Join(dir, "nbgrader_config.py")
	if _, err := os.Stat(config); errors.Is(err, fs.ErrNotExist) {
		if err := durable.WriteFile(config, grade.NbgraderConfig); err != nil {
			return explainDisk(err)
		}
	}
	for _, path := range paths {
		nb, err := readNotebook(path)
		if err != nil {
			return err
		}
		assignment, err := grade.Assignment(nb)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
		target := filepath.Join(dir, "source", name, name+".ipynb")
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return fmt.Errorf("--out: %w", err)
		}
		if err := assignment.WriteFile(target); err != nil {
			return explainDisk(err)
		}
		fmt.Fprintln(log, "wrote", target)
	}
	return nil
}
