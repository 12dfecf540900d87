// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lateral-ml/lateral/lib/activity"
	"github.com/lateral-ml/lateral/lib/train"
)

func sweepStatusCommand() *cobra.Command {
	var list bool
	cmd := &cobra.Command{
		Use:   "status FILE...",
		Short: "Say what files of results hold, and what is missing",
		Long: `Status counts the results in all files together, and compares them with every
grid of which they hold a result. The files may be growing.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return sweepStatus(cmd.OutOrStdout(), args, list)
		},
	}
	cmd.Flags().BoolVar(&list, "missing", false, "list the networks that are missing")
	return cmd
}

func sweepStatus(out io.Writer, files []string, list bool) error {
	rows, err := train.ReadRows[activity.Setting, activity.Measures](files...)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d results in %d files\n", len(rows), len(files))
	done := map[string]bool{}
	var sources []source
	for _, r := range rows {
		done[settingKey(r.Setting)] = true
		sources = append(sources, source{r.Setting.Data, r.Setting.Sum})
	}
	for _, s := range distinct(sources) {
		for _, profile := range []string{activity.Quick, activity.Standard, activity.Paper} {
			grids, err := activity.Grids(profile)
			if err != nil {
				return err
			}
			for _, g := range grids {
				printStatus(out, g, profile, s, done, list)
			}
		}
	}
	return nil
}

// A source is the name and the sum of data.
type source struct{ name, sum string }

// printStatus says how much of a grid is done, if anything.
func printStatus(out io.Writer, g activity.Grid, profile string, s source, done map[string]bool, list bool) {
	var missing []activity.Setting
	for _, setting := range g.Settings(s.name, s.sum) {
		if !done[settingKey(setting)] {
			missing = append(missing, setting)
		}
	}
	if len(missing) == g.Len() {
		return
	}
	var state []string
	switch n := completeSeeds(g, s, done); {
	case n == 1:
		state = append(state, "complete for 1 seed")
	case n > 1:
		state = append(state, fmt.Sprintf("complete for %d seeds", n))
	}
	if n := len(missing); n > 0 {
		state = append(state, fmt.Sprintf("%d missing", n))
	}
	fmt.Fprintf(out, "%s on %s, %s: %d of %d, %s\n", g.Name, s.name, profile, g.Len()-len(missing), g.Len(), strings.Join(state, ", "))
	for len(missing) > 0 && list {
		n := sameButSeed(missing)
		seeds := make([]string, n)
		for i, setting := range missing[:n] {
			seeds[i] = fmt.Sprint(setting.Seed)
		}
		text, _, _ := strings.Cut(missing[0].String(), ", seed")
		fmt.Fprintf(out, "  %s, seeds %s\n", text, strings.Join(seeds, " "))
		missing = missing[n:]
	}
}

// completeSeeds returns the number of seeds, from 0, for which every setting of a grid is done. It may be more than the
// grid has.
func completeSeeds(g activity.Grid, s source, done map[string]bool) (n int) {
	g.Seeds = 1
	first := g.Settings(s.name, s.sum)
	for ; ; n++ {
		for _, setting := range first {
			setting.Seed = uint64(n)
			if !done[settingKey(setting)] {
				return n
			}
		}
	}
}

// sameButSeed returns the number of settings from the first on that differ in their seeds alone.
func sameButSeed(settings []activity.Setting) int {
	for i, s := range settings {
		s.Seed = settings[0].Seed
		if settingKey(s) != settingKey(settings[0]) {
			return i
		}
	}
	return len(settings)
}

// settingKey returns what tells settings apart.
func settingKey(s activity.Setting) string {
	key, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("lateral: a setting of a grid is no JSON: %v", err)) // grids are ours
	}
	return string(key)
}
