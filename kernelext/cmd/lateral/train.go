// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lateral-ml/lateral/lib/models"
	"github.com/lateral-ml/lateral/lib/train/report"
	"github.com/spf13/cobra"
)

// trainCommand returns `lateral train`.
func trainCommand() *cobra.Command {
	var data, curves string
	cmd := &cobra.Command{
		Use:   "train [NAME...]",
		Short: "Train a network to start from, and keep it for notebooks and programs",
		Long: `Train a network to start from, on digits that are made from typefaces or on
another data set, and keep it in data/cache/models. Notebooks and programs
load it with models.Load(NAME, DATA). Without a name, it lists the networks.

With --curves FILE.svg, the learning curves of one network go to that file, and
those of several to a file for each, FILE-NAME.svg.`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if len(names) == 0 {
				return listModels(cmd.OutOrStdout(), data)
			}
			for _, name := range names { // before the first is trained
				if _, err := models.Lookup(name); err != nil {
					return err
				}
				if file := curvesFile(curves, name, len(names)); file != "" {
					if err := writable(file); err != nil {
						return err
					}
				}
			}
			for _, name := range names {
				file := curvesFile(curves, name, len(names))
				if err := trainModel(cmd.Context(), cmd.OutOrStdout(), name, data, file); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&data, "data", "", "name of the images, such as mnist; the default is the embedded digits")
	cmd.Flags().StringVar(&curves, "curves", "", "SVG file for the learning curves; with several networks, one for each")
	return cmd
}

// curvesFile is the file for the learning curves of one of n networks, "" if they are not asked for.
func curvesFile(path, name string, n int) string {
	if path == "" || n == 1 {
		return path
	}
	ext := filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + "-" + name + ext
}

// listModels describes the networks and says which were trained.
func listModels(w io.Writer, data string) error {
	for _, r := range models.Recipes() {
		path, err := models.Path(r.Name, data)
		if err != nil {
			return err
		}
		state := "not trained"
		if info, err := os.Stat(path); err == nil {
			state = fmt.Sprintf("trained %s: %s", info.ModTime().Format(time.DateTime), path)
		}
		fmt.Fprintf(w, "%s\n  %s\n  %s\n", r.Name, r.About, state)
	}
	return nil
}

// trainModel trains a network and reports its score on the test images.
func trainModel(ctx context.Context, w io.Writer, name, data, curves string) error {
	start := time.Now()
	m, score, err := models.Train(ctx, name, data)
	if err != nil {
		return err
	}
	path, err := models.Path(name, data)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s: %.1f %% of %d test images correct, after %d epochs in %.0f s; kept in %s\n", name,
		100*score.Accuracy, score.Samples, len(m.History.Epochs), time.Since(start).Seconds(), path)
	if curves == "" {
		return nil
	}
	return report.SaveCurves(curves, m.History)
}
