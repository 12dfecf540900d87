// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"github.com/lateral-ml/lateral/kernelext/internal/results"
	"github.com/lateral-ml/lateral/kernelext/internal/site"
	"github.com/lateral-ml/lateral/kernelext/internal/toolchain"
	"github.com/spf13/cobra"
)

func resultsCommand() *cobra.Command {
	var check bool
	var root string
	cmd := &cobra.Command{
		Use:   "results",
		Short: "Collect the notebooks' comparisons and gallery into results.json and RESULTS.md",
		Long: `Results reads the rows of every kernelext.Versus table in notebooks/*.ipynb, as
last executed, and writes them to notebooks/results.json and to the table in
notebooks/RESULTS.md. The figures of cells tagged "gallery" go to
notebooks/gallery and onto that page. The README gets two tables: the headline
results, and the course with playgrounds, exercises, points and times. With
--check it writes nothing and fails if they disagree.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			module, err := toolchain.FindModule(root)
			if err != nil {
				return err
			}
			if check {
				if err := errors.Join(results.Check(module), site.CheckCourse(module)); err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), "notebooks, results.json, gallery, RESULTS.md and README.md agree")
				return nil
			}
			rows, err := results.Write(module)
			if err != nil {
				return err
			}
			if err := site.WriteCourse(module); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d rows in %s and %s\n", len(rows), results.JSONFile, results.PageFile)
			return nil
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "write nothing; fail if they disagree")
	cmd.Flags().StringVar(&root, "module", ".", "directory in the checkout to work on")
	return cmd
}
