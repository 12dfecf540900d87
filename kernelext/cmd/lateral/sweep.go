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
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/papers"
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
	cmd.AddCommand(sweepListCommand(), sweepRunCommand(), sweepStatusCommand(), sweepMergeCommand(), sweepJobsCommand())
	return cmd
}

func sweepListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the grids, with their sizes and what they are for",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), gridTable())
			return err
		},
	}
}

// sweepOptions are the flags of lateral sweep run.
type sweepOptions struct {
	experiment.RunOptions
	shard string
}

func sweepRunCommand() *cobra.Command {
	var o sweepOptions
	cmd := &cobra.Command{
		Use:   "run GRID",
		Short: "Train the networks of a grid that have no result yet",
		Long:  "Run trains the networks of a grid that have no result yet. The grids, by profile:\n\n" + gridTable(),
		Args: func(_ *cobra.Command, args []string) error {
			switch len(args) {
			case 0:
				return fmt.Errorf("name the grid to train, such as lateral sweep run fc1; lateral sweep list shows all")
			case 1:
				return nil
			}
			return fmt.Errorf("%q are %d grids: train one at a time, such as lateral sweep run %s",
				args, len(args), args[0])
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), cmd.OutOrStdout(), args[0])
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Profile, "profile", experiment.Standard, "size of the grid: quick, standard or paper")
	flags.IntVar(&o.Seeds, "seeds", 0,
		"networks for each setting, with seeds from 0; more may follow later (default as many as the profile has)")
	flags.StringVar(&o.Data, "data", "",
		"images, text or photographs: "+strings.Join(dataNames(), ", ")+"; images are downloaded if need be (default: those "+
			"of the grid in the list above)")
	flags.StringVar(&o.File, "out", "",
		"file of results (default GRID.jsonl in $LATERAL_SWEEPS or the user's cache, where notebooks look)")
	flags.StringVar(&o.shard, "shard", "", "compute part I of N, as I/N with I counted from 0 (default the whole grid)")
	flags.IntVar(&o.Workers, "workers", 0, "networks at a time (default one for each core)")
	return cmd
}

func errSeeds(n int) error {
	return fmt.Errorf("--seeds %d: want a number of networks for each setting, or 0 for as many as the profile has", n)
}

// dataNames returns the names of all data that a grid can be trained on.
func dataNames() []string {
	names := append(experiment.DataNames(), experiment.TextNames()...)
	for _, e := range papers.Grids() {
		for _, name := range e.Data {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// gridTable describes the grids, document by document, and then what they are trained on without the files of their
// data.
func gridTable() string {
	var b strings.Builder
	document := ""
	var instead []string
	for _, e := range papers.Grids() {
		if len(e.Data) > 1 {
			if line := "  " + strings.Join(e.Data, ", else "); !slices.Contains(instead, line) {
				instead = append(instead, line)
			}
		}
		if e.Document != document {
			document = e.Document
			fmt.Fprintf(&b, "  %-19s %5s %9s %6s  data\n", document, "quick", "standard", "paper")
		}
		fmt.Fprintf(&b, "  %-19s", e.Name)
		for i, profile := range experiment.Profiles() {
			n, _ := e.Size(profile, 0) // the profiles are known
			fmt.Fprintf(&b, " %*d", []int{5, 9, 6}[i], n)
		}
		fmt.Fprintf(&b, "  %-9s  %s\n", e.Data[0], e.About)
	}
	return b.String() + "\nIf the files of the data of a grid are not found, it is trained on others:\n\n" +
		strings.Join(instead, "\n")
}

// run trains a grid and reports its progress to out.
func (o *sweepOptions) run(ctx context.Context, out io.Writer, name string) error {
	if o.Seeds < 0 {
		return errSeeds(o.Seeds)
	}
	if o.Workers < 0 {
		return fmt.Errorf("--workers %d: want a number of networks, or 0 for one per core", o.Workers)
	}
	var err error
	if o.shard != "" {
		if o.Shard, err = sweep.ParseShard(o.shard); err != nil {
			return fmt.Errorf("--shard: %w", err)
		}
	}
	grid, err := papers.Lookup(name)
	if err != nil {
		return err
	}
	if o.File == "" {
		file := name
		if o.Shard.N > 0 {
			file += fmt.Sprintf(".%d-of-%d", o.Shard.I, o.Shard.N)
		}
		o.File = kernelext.SweepFile(file)
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	o.Begin = func(d *experiment.Data) {
		fmt.Fprintf(out, "%s: %s\n%s, kernels: %s, results: %s\n",
			name, grid.About, d.About(), autograd.Backend(), o.File)
	}
	lines := &sweepLines{out: out, label: name, workers: o.Workers}
	o.OnResult = lines.show
	err = grid.Run(ctx, o.RunOptions)
	lines.end()
	if err != nil && lines.last.Total > 0 { // it had begun
		return fmt.Errorf("%w\nresults so far are in %s; the same command goes on from there", err, o.File)
	}
	return err
}

// sweepLines shows the progress of a sweep: one line that changes on a terminal, a line for each network elsewhere.
type sweepLines struct {
	out      io.Writer
	label    string
	workers  int // networks at a time
	trained  int // images, by this run, each as often as it was shown
	networks int
	last     sweep.Event[experiment.Progress]
	progress *kernelext.Progress // on a terminal
}

func (l *sweepLines) show(e *sweep.Event[experiment.Progress]) {
	l.last = *e
	if e.Setting == nil {
		fmt.Fprintf(l.out, "%d of %d results are there, %d networks to train, %d at a time\n",
			e.Reused, e.Total, e.Total-e.Reused, l.workers)
		if f, ok := l.out.(*os.File); ok && f == os.Stdout && term.IsTerminal(int(f.Fd())) && e.Reused < e.Total {
			l.progress = kernelext.NewProgress(l.label, e.Total-e.Reused)
		}
		return
	}
	if e.Err == nil {
		l.networks++
		l.trained += (*e.Setting).Samples()
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
	fmt.Fprintf(l.out, "%*d/%d  %v  %s\n", len(fmt.Sprint(e.Total)), e.Done, e.Total, *e.Setting, outcome)
}

// note is what a terminal shows beside the count.
func (l *sweepLines) note(e *sweep.Event[experiment.Progress]) (text string) {
	if e.Reused > 0 {
		text = fmt.Sprintf("%d of %d in all", e.Done, e.Total)
	}
	if e.Failed > 0 {
		text += fmt.Sprintf("  %d FAILED", e.Failed)
	}
	return text
}

// end sums up.
func (l *sweepLines) end() {
	if l.progress != nil {
		l.progress.Done()
	}
	if l.networks > 0 {
		seconds := l.last.Elapsed.Seconds()
		fmt.Fprintf(l.out, "%d networks in %v: %.3g images trained per second, %.3g networks per minute\n",
			l.networks, l.last.Elapsed.Round(time.Second/10), float64(l.trained)/seconds,
			60*float64(l.networks)/seconds)
	}
}

// someFiles wants at least one file of results.
func someFiles(example string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("name the files of results, such as %s", example)
		}
		return nil
	}
}

func sweepMergeCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "merge -o OUT FILE...",
		Short: "Join files of results, such as those of the parts of a grid",
		Long: `Merge joins files of results into one, sorted, each result once. Results that
OUT has already stay in it. Files that disagree about a result are refused.`,
		Args: someFiles("lateral sweep merge -o fc1.jsonl results/fc1.*.jsonl"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				files := strings.Join(args, " ")
				return fmt.Errorf("name the file for the results: lateral sweep merge -o OUT %s", files)
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
