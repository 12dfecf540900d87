// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"

	"github.com/lateral-ml/lateral/kernelext/internal/lint"
	"github.com/spf13/cobra"
)

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check NOTEBOOK...",
		Short: "Find what makes notebooks hard to read, to run again or to trust",
		Long: `Check reads notebooks, with their saved outputs, and lists: files over 2 MB, code cells over 25 lines or 100
characters, more than 3 code cells in a row, cells that were not run in order, errors and warnings among
the outputs, figures without caption or text form, figures below which no sentence "What happened: ..." gives the
numbers of this run, exercises without a check, paths of one machine, and numbers that somebody typed into
prose: those with a decimal point or a percent sign, and from 100 those that no cell holds.

A figure that shows no result (a schematic, a function, samples of the data) needs no such sentence: its
cell has the tag illustration.

It also lists what outputs contradict, as far as a program can tell: numbers typed into captions that no cell
holds, numbers called the document's that a cell computed, comparisons labelled with another profile than
their rows were run at, medians that are none, checks of exercises that NaN passes.

Numbers of a document may be typed where the paragraph or the row of the table names their source, as
[KH19] or [KH19, table 1], or has the comment <!-- document -->.`,
		Args: notebooksNamed,
		RunE: func(cmd *cobra.Command, args []string) error {
			return checkNotebooks(cmd.OutOrStdout(), args)
		},
	}
}

// checkNotebooks prints a line for each fault. The error counts them.
func checkNotebooks(out io.Writer, paths []string) error {
	faults := 0
	for _, path := range paths {
		nb, err := readNotebook(path)
		if err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		for _, repair := range nb.Repairs {
			fmt.Fprintf(out, "%s: %s: lateral run --in-place, or saving it in Jupyter, mends that\n", path, repair)
			faults++
		}
		for _, f := range append(lint.Check(nb, info.Size()), lint.Answers(nb)...) {
			fmt.Fprintf(out, "%s: %s\n", path, f)
			faults++
		}
	}
	if faults > 0 {
		return fmt.Errorf("check: %d to mend", faults)
	}
	return nil
}
