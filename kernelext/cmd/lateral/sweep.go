// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/lateral-ml/lateral/kernelext"
	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/papers/ninai17"
	"github.com/lateral-ml/lateral/lib/papers/thesis21"
	"github.com/lateral-ml/lateral/lib/sweep"
)

// sweepCommand returns `lateral sweep`.
func sweepCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sweep",
		Short: "Train the networks of a grid, on one machine or many",
		Long: `Sweep trains one network per core for every setting of a grid. Each result is on
disk as a line of JSON as soon as it is there: whatever ends the run, Ctrl-C, a
time limit or a power cut, the same command goes on from there. The results do
not depend on the number of cores, on how the grid was split, nor on the order.`,
	}
	cmd.AddCommand(sweepRunCommand(), sweepStatusCommand(), sweepMergeCommand(), sweepJobsCommand())
	return cmd
}

// sweepOptions are the flags of lateral sweep run.
type sweepOptions struct {
	profile, data, out, shard string
	seeds, workers            int
}

func sweepRunCommand() *cobra.Command {
	var o sweepOptions
	cmd := &cobra.Command{
		Use:   "run GRID",
		Short: "Train the networks of a grid that have no result yet",
		Long:  "Run trains the networks of a grid that have no result yet. The grids, by profile:\n\n" + gridTable(),
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), cmd.OutOrStdout(), args[0])
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.profile, "profile", thesis21.Standard, "size of the grid: quick, standard or paper")
	flags.IntVar(&o.seeds, "seeds", 0, "networks for each setting, with seeds from 0; more may follow later (default as many as the profile has)")
	flags.StringVar(&o.data, "data", "", "images: "+thesis21.DataNames+"; the first two are downloaded if need be (default mnist if found, else glyphs)")
	flags.StringVar(&o.out, "out", "", "file of results (default GRID.jsonl in $LATERAL_SWEEPS or the user's cache, where notebooks look)")
	flags.StringVar(&o.shard, "shard", "", "compute part I of N, as I/N with I counted from 0 (default the whole grid)")
	flags.IntVar(&o.workers, "workers", 0, "networks at a time (default one for each core)")
	return cmd
}

// gridTable describes the grids.
func gridTable() string {
	var b strings.Builder
	sizes := map[string][]int{}
	for _, profile := range []string{thesis21.Quick, thesis21.Standard, thesis21.Paper} {
		grids, _ := thesis21.Grids(profile) // the profiles are known
		for _, g := range grids {
			sizes[g.Name] = append(sizes[g.Name], g.Len())
		}
		models, _ := ninai17.Grids(profile)
		for _, g := range models {
			sizes[g.Name] = append(sizes[g.Name], g.Len())
		}
	}
	fmt.Fprintf(&b, "  %-11s %5s %9s %6s\n", "", "quick", "standard", "paper")
	line := func(name, about string) {
		n := sizes[name]
		fmt.Fprintf(&b, "  %-11s %5d %9d %6d  %s\n", name, n[0], n[1], n[2], about)
	}
	grids, _ := thesis21.Grids(thesis21.Paper)
	for _, g := range grids {
		line(g.Name, g.About)
	}
	b.WriteString("\nFigures and sections are those of the thesis. Deep rendering mixture models, with the\ntables of their document:\n\n")
	models, _ := ninai17.Grids(thesis21.Paper)
	for _, g := range models {
		line(g.Name, g.About)
	}
	return strings.TrimRight(b.String(), "\n")
}

func (o *sweepOptions) run(ctx context.Context, out io.Writer, name string) error {
	if o.seeds < 0 {
		return fmt.Errorf("--seeds %d: want a number of networks for each setting, or 0 for as many as the profile has", o.seeds)
	}
	if o.workers < 0 {
		return fmt.Errorf("--workers %d: want a number of networks, or 0 for one per core", o.workers)
	}
	var shard sweep.Shard
	if o.shard != "" {
		var err error
		if shard, err = sweep.ParseShard(o.shard); err != nil {
			return fmt.Errorf("--shard: %w", err)
		}
	}
	if o.out == "" {
		file := name
		if shard.N > 0 {
			file += fmt.Sprintf(".%d-of-%d", shard.I, shard.N)
		}
		o.out = kernelext.SweepFile(file)
	}
	if slices.Contains(ninai17.GridNames(), name) {
		return o.runModels(ctx, out, name, shard)
	}
	grid, err := thesis21.Lookup(name, o.profile)
	if err != nil {
		return err
	}
	if o.seeds > 0 {
		grid.Seeds = o.seeds
	}
	data, err := thesis21.Load(o.data)
	if err != nil {
		return err
	}
	s := thesis21.Sweep(grid, data)
	s.Shard = shard
	lines := &sweepLines[thesis21.Setting]{label: grid.Name, images: func(s *thesis21.Setting) int { return s.Epochs * data.Train.Len() }}
	return trainSweep(ctx, out, o, s, lines, grid.About, data.Train.Source)
}

// runModels runs a grid of deep rendering mixture models. Each keeps its checkpoints in a folder beside the results.
func (o *sweepOptions) runModels(ctx context.Context, out io.Writer, name string, shard sweep.Shard) error {
	grid, err := ninai17.Lookup(name, o.profile)
	if err != nil {
		return err
	}
	if o.seeds > 0 {
		grid.Seeds = o.seeds
	}
	data, err := ninai17.Load(o.data)
	if err != nil {
		return err
	}
	s := ninai17.Sweep(grid.Settings(data), data, ninai17.Checkpoints(o.out))
	s.Shard = shard
	lines := &sweepLines[ninai17.Setting]{label: grid.Name, images: func(s *ninai17.Setting) int { return s.Images() }}
	return trainSweep(ctx, out, o, s, lines, grid.About, data.Train.Source)
}

// trainSweep runs a sweep with the options of the command and says on out how far it is.
func trainSweep[S, R any](ctx context.Context, out io.Writer, o *sweepOptions, s sweep.Sweep[S, R], lines *sweepLines[S], about, source string) error {
	s.File, s.Workers = o.out, o.workers
	if s.Workers == 0 {
		s.Workers = runtime.GOMAXPROCS(0)
	}
	lines.out, lines.workers = out, s.Workers
	s.OnResult = lines.show
	fmt.Fprintf(out, "%s: %s\n%s, kernels: %s, results: %s\n", lines.label, about, source, autograd.Kernels(), o.out)
	_, err := s.Run(ctx)
	lines.end()
	if err != nil && lines.last.Total > 0 { // it had begun
		return fmt.Errorf("%w\nresults so far are in %s; the same command goes on from there", err, o.out)
	}
	return err
}

// sweepLines shows the progress of a sweep: one line that changes on a terminal, a line for each network elsewhere.
type sweepLines[S any] struct {
	out      io.Writer
	label    string
	workers  int            // networks at a time
	images   func(s *S) int // that a setting trains on, each as often as it is shown
	trained  int            // images, by this run
	networks int
	last     sweep.Event[S]
	progress *kernelext.Progress // on a terminal
}

func (l *sweepLines[S]) show(e *sweep.Event[S]) {
	l.last = *e
	if e.Setting == nil {
		fmt.Fprintf(l.out, "%d of %d results are there, %d networks to train, %d at a time\n", e.Reused, e.Total, e.Total-e.Reused, l.workers)
		if f, ok := l.out.(*os.File); ok && f == os.Stdout && term.IsTerminal(int(f.Fd())) && e.Reused < e.Total {
			l.progress = kernelext.NewProgress(l.label, e.Total-e.Reused)
		}
		return
	}
	if e.Err == nil {
		l.networks++
		l.trained += l.images(e.Setting)
	}
	if l.progress != nil {
		l.progress.Step(e.Done+e.Failed-e.Reused, l.note(e))
		return
	}
	outcome := fmt.Sprintf("%.1f s", e.Took.Seconds())
	if e.Err != nil {
		outcome = fmt.Sprintf("FAILED: %v", e.Err)
	}
	if e.Left > 0 {
		outcome += fmt.Sprintf("  %v left", e.Left.Round(time.Second))
	}
	fmt.Fprintf(l.out, "%*d/%d  %v  %s\n", len(fmt.Sprint(e.Total)), e.Done, e.Total, e.Setting, outcome)
}

// note is what the line on a terminal says beside its count.
func (l *sweepLines[S]) note(e *sweep.Event[S]) (text string) {
	if e.Reused > 0 {
		text = fmt.Sprintf("%d of %d in all", e.Done, e.Total)
	}
	if e.Failed > 0 {
		text += fmt.Sprintf("  %d FAILED", e.Failed)
	}
	return text
}

// end sums up.
func (l *sweepLines[S]) end() {
	if l.progress != nil {
		l.progress.Done()
	}
	if l.networks > 0 {
		seconds := l.last.Elapsed.Seconds()
		fmt.Fprintf(l.out, "%d networks in %v: %.3g images trained per second, %.3g networks per minute\n",
			l.networks, l.last.Elapsed.Round(time.Second/10), float64(l.trained)/seconds, 60*float64(l.networks)/seconds)
	}
}

func sweepMergeCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "merge -o OUT FILE...",
		Short: "Join files of results, such as those of the parts of a grid",
		Long: `Merge joins files of results into one, sorted, each result once. Results that
OUT has already stay in it. Files that disagree about a result are refused.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return fmt.Errorf("name the file for the results: lateral sweep merge -o OUT %s", strings.Join(args, " "))
			}
			n, err := sweep.Merge(out, args...)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d results in %s\n", n, out)
			return nil
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "file for all results")
	return cmd
}

// distinct returns the distinct values in the order of their first occurrence.
func distinct[T comparable](values []T) []T {
	var all []T
	for _, v := range values {
		if !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all
}
