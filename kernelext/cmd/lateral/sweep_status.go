// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/papers"
	"github.com/spf13/cobra"
)

func sweepStatusCommand() *cobra.Command {
	var list bool
	cmd := &cobra.Command{
		Use:   "status FILE...",
		Short: "Show what files of results hold, and what is missing",
		Long: `Status counts the results in all files together, and compares them with every
grid of which they hold a result. The files may be growing.`,
		Args: someFiles("lateral sweep status results/fc1.*.jsonl"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return sweepStatus(cmd.OutOrStdout(), args, list)
		},
	}
	cmd.Flags().BoolVar(&list, "missing", false, "list the networks that are missing")
	return cmd
}

// sweepStatus prints what files hold of each grid.
func sweepStatus(out io.Writer, files []string, list bool) error {
	results, grids, err := experiment.StatusOf(papers.Grids(), files...)
	if err != nil {
		return err
	}
	noun := "files"
	if len(files) == 1 {
		noun = "file"
	}
	fmt.Fprintf(out, "%d results in %d %s\n", results, len(files), noun)
	for _, g := range grids {
		fmt.Fprintln(out, g)
		for _, m := range g.Missing {
			if list {
				fmt.Fprintf(out, "  %s, seeds %s\n", m.Cell, strings.Trim(fmt.Sprint(m.Seeds), "[]"))
			}
		}
	}
	return nil
}
