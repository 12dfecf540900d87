// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lateral-ml/lateral/lib/papers/ninai17"
	"github.com/lateral-ml/lateral/lib/papers/thesis21"
	"github.com/lateral-ml/lateral/lib/sweep"
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

// sweepStatus takes a file for one of deep rendering mixture models if its lines are of that type.
func sweepStatus(out io.Writer, files []string, list bool) error {
	var thesis, models []string
	for _, file := range files {
		if rows, err := sweep.ReadRows[ninai17.Setting, ninai17.Measures](file); err == nil && len(rows) > 0 {
			models = append(models, file)
		} else {
			thesis = append(thesis, file)
		}
	}
	networks, err := sweep.ReadRows[thesis21.Setting, thesis21.Measures](thesis...)
	if err != nil {
		return err
	}
	mixtures, err := sweep.ReadRows[ninai17.Setting, ninai17.Measures](models...)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d results in %d files\n", len(networks)+len(mixtures), len(files))
	done := map[string]bool{}
	var sources, images []source
	for _, r := range networks {
		done[settingKey(r.Setting)] = true
		sources = append(sources, source{r.Setting.Data, r.Setting.Sum})
	}
	for _, r := range mixtures {
		done[settingKey(r.Setting)] = true
		images = append(images, source{r.Setting.Data, r.Setting.Sum})
	}
	profiles := []string{thesis21.Quick, thesis21.Standard, thesis21.Paper}
	for _, s := range distinct(sources) {
		for _, profile := range profiles {
			grids, err := thesis21.Grids(profile)
			if err != nil {
				return err
			}
			for _, g := range grids {
				grid := status[thesis21.Setting]{g.Name, g.Settings(s.name, s.sum), func(s *thesis21.Setting) *uint64 { return &s.Seed }}
				grid.print(out, s.name, profile, done, list)
			}
		}
	}
	for _, s := range distinct(images) {
		for _, profile := range profiles {
			grids, err := ninai17.Grids(profile)
			if err != nil {
				return err
			}
			for _, g := range grids {
				grid := status[ninai17.Setting]{g.Name, g.SettingsFor(s.name, s.sum, ninai17.Images(s.name)), func(s *ninai17.Setting) *uint64 { return &s.Seed }}
				grid.print(out, s.name, profile, done, list)
			}
		}
	}
	return nil
}

// A source is the name and the sum of data.
type source struct{ name, sum string }

// A status is a grid that is compared with results.
type status[S fmt.Stringer] struct {
	name     string
	settings []S
	seed     func(s *S) *uint64 // the field
}

// print says how much of the grid is done, if anything.
func (g status[S]) print(out io.Writer, data, profile string, done map[string]bool, list bool) {
	var missing []S
	for _, setting := range g.settings {
		if !done[settingKey(setting)] {
			missing = append(missing, setting)
		}
	}
	all := len(g.settings)
	if len(missing) == all {
		return
	}
	var state []string
	switch n := g.completeSeeds(done); {
	case n == 1:
		state = append(state, "complete for 1 seed")
	case n > 1:
		state = append(state, fmt.Sprintf("complete for %d seeds", n))
	}
	if n := len(missing); n > 0 {
		state = append(state, fmt.Sprintf("%d missing", n))
	}
	fmt.Fprintf(out, "%s on %s, %s: %d of %d, %s\n", g.name, data, profile, all-len(missing), all, strings.Join(state, ", "))
	for len(missing) > 0 && list {
		n := g.sameButSeed(missing)
		seeds := make([]string, n)
		for i := range seeds {
			seeds[i] = fmt.Sprint(*g.seed(&missing[i]))
		}
		text, _, _ := strings.Cut(missing[0].String(), ", seed")
		fmt.Fprintf(out, "  %s, seeds %s\n", text, strings.Join(seeds, " "))
		missing = missing[n:]
	}
}

// completeSeeds returns the number of seeds, from 0, for which every setting of the grid is done. It may be more than
// the grid has.
func (g status[S]) completeSeeds(done map[string]bool) (n int) {
	for ; ; n++ {
		for _, setting := range g.settings {
			if *g.seed(&setting) != 0 {
				continue
			}
			*g.seed(&setting) = uint64(n)
			if !done[settingKey(setting)] {
				return n
			}
		}
	}
}

// sameButSeed returns the number of settings from the first on that differ in their seeds alone.
func (g status[S]) sameButSeed(settings []S) int {
	for i, s := range settings {
		*g.seed(&s) = *g.seed(&settings[0])
		if settingKey(s) != settingKey(settings[0]) {
			return i
		}
	}
	return len(settings)
}

// settingKey returns what tells settings apart.
func settingKey(s any) string {
	key, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("lateral: a setting of a grid is no JSON: %v", err)) // grids are ours
	}
	return string(key)
}
