// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
	"github.com/lateral-ml/lateral/lib/durable"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// notebooksNamed asks for a notebook where none is named.
func notebooksNamed(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("name a notebook, such as: %s notebooks/00_quickstart.ipynb", cmd.CommandPath())
	}
	return nil
}

// readNotebook reads a notebook, and says what to name instead of a folder.
func readNotebook(path string) (*notebook.Notebook, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: there is no such file", path)
	case err != nil:
		return nil, err
	case info.IsDir():
		inside, _ := filepath.Glob(filepath.Join(path, "*.ipynb")) // the folder's name may hold what is no pattern
		if len(inside) == 0 {
			return nil, fmt.Errorf("%s is a folder without notebooks", path)
		}
		return nil, fmt.Errorf("%s is a folder: name its notebooks, such as %s or %s", path, inside[0],
			filepath.Join(path, "*.ipynb"))
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no file", path)
	}
	return notebook.ReadFile(path)
}

// runnable returns why a notebook cannot be run: it is of another language, or
// empty.
func runnable(nb *notebook.Notebook) error {
	spec, _ := nb.Metadata["kernelspec"].(map[string]any)
	info, _ := nb.Metadata["language_info"].(map[string]any)
	for _, language := range []any{spec["language"], info["name"]} {
		if name, ok := language.(string); ok && name != "" && !strings.EqualFold(name, "go") {
			return fmt.Errorf("a notebook in %s, but lateral runs Go: jupyter execute runs it, if its kernel is installed", name)
		}
	}
	for _, cell := range nb.Cells {
		if strings.TrimSpace(cell.Source) != "" {
			return nil
		}
	}
	return errors.New("the notebook is empty: there is nothing to run")
}

// writable tries, before any work is done, whether a file can be written.
func writable(path string) error {
	file, err := durable.Create(path)
	if err != nil {
		return fmt.Errorf("%w: the result could not be written; name another place", err)
	}
	file.Discard()
	return nil
}

// explainFlag says what was meant where a flag is unknown, and what a time span
// looks like.
func explainFlag(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		typed := unknown.GetSpecifiedName()
		nearest, distance := "", 3
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if d := editDistance(typed, f.Name); !f.Hidden &&
				(d < distance || strings.HasPrefix(f.Name, typed) && len(typed) > 1) {
				nearest, distance = f.Name, min(d, distance)
			}
		})
		if nearest != "" {
			return fmt.Errorf("%w: did you mean --%s? %s --help lists the flags", err, nearest, cmd.CommandPath())
		}
		return fmt.Errorf("%w: %s --help lists the flags", err, cmd.CommandPath())
	}
	if strings.Contains(err.Error(), "time: ") {
		var value *pflag.InvalidValueError
		if errors.As(err, &value) {
			return fmt.Errorf("--%s %s: write a time span with its unit, such as 30s, 5m or 2h",
				value.GetFlag().Name, value.GetValue())
		}
	}
	return err
}

// editDistance counts the letters to insert, delete or replace that make b of a.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
