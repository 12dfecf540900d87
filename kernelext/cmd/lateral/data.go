// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/lateral-ml/lateral/data"
	"github.com/lateral-ml/lateral/lib/dataset"
)

// dataCommand returns `lateral data`.
func dataCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data",
		Short: "List, download and verify data sets",
		Long: `List, download and verify data sets.

A set is looked for in --dir alone if that is given, else in $LATERAL_DATA and
then in data/cache of this module; in each, in the directory itself and in its
sub-folder of the set's name.`,
	}
	var dir string
	cmd.PersistentFlags().StringVar(&dir, "dir", "", "directory of data sets, instead of $LATERAL_DATA and data/cache")
	cmd.AddCommand(
		&cobra.Command{
			Use:   "list",
			Short: "Show each data set, its size and licence, and where it was found",
			Args:  cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				return listData(cmd.OutOrStdout(), data.Sets(), dir)
			},
		},
		&cobra.Command{
			Use:   "get SET...",
			Short: "Download what is missing or damaged of data sets, and check it",
			RunE: func(cmd *cobra.Command, ids []string) error {
				return getData(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), ids, dir)
			},
		},
		&cobra.Command{
			Use:   "verify [SET...]",
			Short: "Check the sums of the files that are there",
			RunE: func(cmd *cobra.Command, ids []string) error {
				sets, err := namedSets(ids)
				if err != nil {
					return err
				}
				if len(sets) == 0 {
					sets = data.Sets()
				}
				return verifyData(cmd.OutOrStdout(), sets, dir, len(ids) > 0)
			},
		},
	)
	return cmd
}

// getData downloads sets and shows on progress how far it is.
func getData(ctx context.Context, out, progress io.Writer, ids []string, dir string) error {
	sets, err := namedSets(ids)
	if err != nil {
		return err
	}
	if len(sets) == 0 {
		return fmt.Errorf("name the data sets to get: %s", knownSets())
	}
	for _, set := range sets {
		place, err := dataset.Fetch(ctx, set, dir, dataset.Lines(progress))
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: %s in %s, with the right check sums\n",
			set.Name, english.Plural(len(set.Files), "file", ""), place.Dir)
	}
	return nil
}

// namedSets looks up the data sets of a command's arguments.
func namedSets(ids []string) ([]data.Set, error) {
	var sets []data.Set
	for _, id := range ids {
		set, ok := data.Lookup(id)
		if !ok {
			return nil, fmt.Errorf("there is no data set %q: known are %s", id, knownSets())
		}
		sets = append(sets, set)
	}
	return sets, nil
}

func knownSets() string {
	var ids []string
	for _, s := range data.Sets() {
		ids = append(ids, s.ID)
	}
	return strings.Join(ids, ", ")
}

// listData describes the sets, those that are made from a seed, and those that only their owners can copy.
func listData(w io.Writer, sets []data.Set, dir string) error {
	for _, set := range sets {
		place, found, err := dataset.Find(set, dir)
		if err != nil {
			return err
		}
		where := "not found; " + howToGet(set, dir)
		if found {
			where = fmt.Sprintf("found in %s: %s", place.Label, place.Dir)
			if missing := place.Missing(set); len(missing) > 0 {
				where += fmt.Sprintf(", but without %s; `%s` completes it", strings.Join(missing, ", "), getCommand(set, dir))
			}
		}
		fmt.Fprintf(w, "%s\n  %s\n  %s\n  %s in %s; licence: %s\n  %s\n",
			set.ID, set.Description, set.Home, humanize.Bytes(uint64(set.Size())), english.Plural(len(set.Files), "file", ""),
			set.Licence, where)
	}
	fmt.Fprint(w, `glyphs
  Digits of typefaces, bent and slanted, 28x28 grey, 10,000 for training and 2,000 for testing, in 10 classes
  nothing to download: made from a seed, wherever MNIST is not found
leaves
  Ten images of dead leaves, whitened, 512x512 grey
  nothing to download: made from a seed, wherever the natural images are not found
ptb
  Penn Treebank, the text of newspapers: 929,589 words for training, 73,760 for validation, 82,430 for tests
  only its licensees have the training text: copy ptb.train.txt, ptb.valid.txt and ptb.test.txt from
  simple-examples/data of T. Mikolov's preprocessing to a folder ptb in a directory of data sets
superres
  Photographs for super-resolution: Set5, Set14 in colour, and 200 each for training and tests of BSDS500
  for research only, not downloaded: copy them to the folders superres/Set5, superres/Set14_colour,
  superres/BSDS500/train and superres/BSDS500/test in a directory of data sets
`)
	return nil
}

// verifyData checks every file that is found. A set that is not there is an error if it was asked for by name.
func verifyData(w io.Writer, sets []data.Set, dir string, named bool) error {
	var failures []error
	for _, set := range sets {
		place, found, err := dataset.Find(set, dir)
		if err != nil {
			return err
		}
		if !found {
			fmt.Fprintf(w, "%s: not found; %s\n", set.ID, howToGet(set, dir))
			if named {
				failures = append(failures, fmt.Errorf("%s was not found", set.Name))
			}
			continue
		}
		bad := 0
		for i, err := range place.Check(set) {
			switch {
			case err == nil:
				fmt.Fprintf(w, "good     %s\n", place.Paths[i])
			case place.Paths[i] == "":
				fmt.Fprintf(w, "missing  %s is not in %s\n", set.Files[i].Name, place.Dir)
				bad++
			default:
				fmt.Fprintf(w, "bad      %v\n", err)
				bad++
			}
		}
		if bad > 0 {
			failures = append(failures, fmt.Errorf("of %s of %s, %d missing or bad: %s",
				english.Plural(len(set.Files), "file", ""), set.Name, bad, howToGet(set, dir)))
		}
	}
	return errors.Join(failures...)
}

// howToGet says how to get the files of a set that are missing.
func howToGet(set data.Set, dir string) string {
	if set.Recipe != "" {
		return set.Recipe
	}
	return fmt.Sprintf("`%s` downloads it", getCommand(set, dir))
}

// getCommand returns the command that downloads a set to where it is looked for.
func getCommand(set data.Set, dir string) string {
	if dir == "" {
		return "lateral data get " + set.ID
	}
	return fmt.Sprintf("lateral data get %s --dir %s", set.ID, dir)
}
