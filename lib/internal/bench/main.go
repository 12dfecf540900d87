// SPDX-License-Identifier: Apache-2.0

// Command bench measures the library and its peers in one run on one machine:
//
//	go run ./lib/internal/bench [-run PATTERN] [-peers] [-time 1s] [-runs 1] [-json | -markdown]
//	go run ./lib/internal/bench -growth [-peers] [-time 1s] [-figure FILE]
//	go run ./lib/internal/bench -density [-time 1s] [-figure FILE]
//	go run ./lib/internal/bench -precision [-time 1s]
//	go run ./lib/internal/bench -maps 10000 [-peers] [-steps 1000]
//	go run ./lib/internal/bench -svm 60000 [-peers]
//	go run ./lib/internal/bench -dictionary 100000 [-peers]
//	go run ./lib/internal/bench -stress 30m [-beside none]
//
// There is one row per item. It gives the time of one run on one core and on all cores (the median over batches, with
// the interquartile range as its spread), the rate, and the fraction of the machine's ceiling that the matrix products
// in it reach. The ceiling is the highest rate of fused multiply-adds on registers that a loop in this program reached
// between the batches of the item.
//
// With -peers, the same work is timed in PyTorch, NumPy, SciPy, FAISS and gonum, and pruned networks in onnxruntime and
// deepsparse, in turn with this library. The last two need a separate environment (pip install onnx onnxruntime
// deepsparse). Each peer is measured at its best: with every Python in $LATERAL_BENCH_PYTHON (a list of executables as
// in $PATH, python3 by default), every thread setting (the default, OMP_NUM_THREADS of 1 and of all cores,
// OPENBLAS_NUM_THREADS=1) and several variants of the work. The row contains the fastest of all combinations and names
// it. The ratio is the peer's time divided by the best time of this library. A peer that is not installed is skipped,
// and the reason is written to standard error.
//
//	python3 -m venv bench-venv && bench-venv/bin/pip install torch numpy scipy safetensors faiss-cpu
//	LATERAL_BENCH_PYTHON=bench-venv/bin/python:/usr/bin/python3 go run ./lib/internal/bench -peers
//
// With -json, each line is an object for one item, number of cores and peer. With -runs 3, the whole list is measured
// three times, and a row has the median (minimum..maximum) over the runs, also for the ratio. The first run times every
// peer, setting and variant, the others only the fastest of each script.
//
// With -growth, it measures how the cost of a training step grows with batch size, width and cores; -figure plots it.
//
// With -density, it measures what skipping zeros costs compared with multiplying all elements, at several densities of
// a layer's inputs, and shows which of the two the library chooses; -figure plots both.
//
// With -precision, it measures matrix products and training steps in each precision that LATERAL_MATMUL can ask for.
//
// With -maps, it computes a t-SNE map of the given number of codes once; with -peers, scikit-learn and openTSNE do so
// too. It reports the time and the quality of each map: its divergence from the same affinities, and its
// trustworthiness.
//
// With -svm, it fits support vector machines to the given number of digits, described by 2000 dense or sparse
// features; with -peers, scikit-learn's LinearSVC (liblinear) does so too, by both of its methods. It reports the time
// from features in memory to weights, and the objective of each solution. $LATERAL_DATA must hold MNIST for more than
// 10,000 digits.
//
// With -dictionary, it learns a dictionary of 256 atoms from the given number of patches of natural images (of leaves,
// without their file) once; with -peers, scikit-learn and SPAMS do so too. It reports the time and the objective that
// each dictionary reaches on other patches. Codes of patches are compared with those of SPAMS, too, which needs an
// environment of its own:
//
//	python3 -m venv codes-venv && codes-venv/bin/pip install spams-bin scikit-learn numpy
//	LATERAL_BENCH_PYTHON=codes-venv/bin/python go run ./lib/internal/bench -peers -run 'omp|ormp|lasso'
//	LATERAL_BENCH_PYTHON=codes-venv/bin/python go run ./lib/internal/bench -peers -dictionary 100000
//
// With -stress, it trains for the given time, in turns alone and beside a process that keeps a core busy. It reports
// the speed of the steps, the time of the slowest, and the fraction of the machine that was left for training. A step
// that hangs is an error, which includes the stacks of all goroutines. With -beside none there is no such process, and
// training competes with whatever else is running on the machine.
//
// To add an item, add an entry to one of the lists in items_*.go, and a function to a script under peers/. The items
// are also benchmarks, for example for profiling:
//
//	go test ./lib/internal/bench -bench 'Items/mlp128_step/1-core' -run '^$' -cpuprofile cpu.prof
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"time"
)

func main() {
	if os.Getenv(busy) != "" {
		keepBusy()
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := bench(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench runs the command. It stops soon after ctx is cancelled, with an error.
func bench(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	pattern := flags.String("run", "", "measure the items that match this regular expression")
	asJSON := flags.Bool("json", false, "write a line of JSON for each item, number of cores and peer")
	asMarkdown := flags.Bool("markdown", false, "write a Markdown table")
	withPeers := flags.Bool("peers", false, "time the peers too")
	compile := flags.Bool("compile", false, "try torch.compile in the peers too, which takes minutes")
	asGrowth := flags.Bool("growth", false, "instead, measure how a training step grows with batch, width and cores")
	asDensity := flags.Bool("density", false, "instead, measure products with and without skipping zeros")
	asPrecision := flags.Bool("precision", false, "instead, measure products and steps in every precision of products")
	figureFile := flags.String("figure", "", "plot -growth or -density to this file: .svg, .png or .pdf")
	mapped := flags.Int("maps", 0, "instead, compute a t-SNE map of this many codes, at most 10000")
	steps := flags.Int("steps", 1000, "number of steps of -maps, more than 250")
	svm := flags.Int("svm", 0, "instead, fit support vector machines to this many digits, up to 60000")
	learnFrom := flags.Int("dictionary", 0, "instead, learn a dictionary from this many patches")
	runs := flags.Int("runs", 1, "measure the whole list this many times; rows have medians (minimum..maximum) over runs")
	d := flags.Duration("time", time.Second, "how long to measure each item")
	stressTime := flags.Duration("stress", 0,
		"instead, train for this long beside a busy process, and watch that no step hangs")
	beside := flags.String("beside", "busy", "what -stress runs beside the training: a busy process, or none")
	longest := flags.Duration("longest", 10*time.Second, "how long a step of -stress may take")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q; select items with -run", flags.Arg(0))
	case *asJSON && *asMarkdown:
		return errors.New("-json and -markdown cannot be used together")
	case *figureFile != "" && !*asGrowth && !*asDensity:
		return errors.New("-figure requires -growth or -density")
	case *runs < 1:
		return fmt.Errorf("-runs %d must be at least 1", *runs)
	case *beside != "busy" && *beside != "none":
		return fmt.Errorf("-beside %s must be busy or none", *beside)
	case *d <= 0:
		return fmt.Errorf("-time %v must be positive", *d)
	}
	if *steps <= 250 {
		return fmt.Errorf("-steps %d must be more than 250, the number of early steps", *steps)
	}
	if *stressTime > 0 {
		return stress(ctx, *stressTime, *longest, *beside == "none", stdout, stderr)
	}
	match, err := regexp.Compile(*pattern)
	if err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	list := slices.DeleteFunc(items(), func(it item) bool { return !match.MatchString(it.name) })
	if len(list) == 0 {
		return fmt.Errorf("-run %q matches no item", *pattern)
	}

	dir, err := os.MkdirTemp("", "lateral-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s := session{dir: dir, cores: coreCounts(), time: *d}
	if *withPeers {
		if *compile {
			os.Setenv("LATERAL_BENCH_COMPILE", "1")
		}
		if s.peers, err = newPeers(dir, stderr); err != nil {
			return err
		}
		defer s.peers.close()
	}

	scripts := ""
	if s.peers != nil {
		scripts = dir
	}
	if *mapped != 0 {
		return maps(ctx, *mapped, *steps, scripts, stdout, stderr)
	}
	if *svm != 0 {
		return svms(ctx, *svm, []float64{0.01, 0.1, 1}, scripts, stdout, stderr)
	}
	if *learnFrom != 0 {
		return dictionary(ctx, *learnFrom, scripts, stdout, stderr)
	}
	if *asGrowth {
		return s.growth(ctx, stdout, *figureFile)
	}
	if *asDensity {
		return s.density(ctx, stdout, *figureFile)
	}
	if *asPrecision {
		return s.precisions(ctx, stdout)
	}
	var w writer
	switch {
	case *asJSON:
		w = newJSON(stdout)
	default:
		top := ceiling{}
		top.raise(s.cores, *d/5)
		w = newTable(stdout, top, s.cores, *withPeers, *asMarkdown, *runs)
	}
	if err := w.begin(); err != nil {
		return err
	}
	results := make([][]result, len(list))
	for run := range *runs {
		for i, it := range list {
			r, err := s.measure(ctx, it)
			if err != nil {
				return fmt.Errorf("%s: %w", it.name, err)
			}
			results[i] = append(results[i], r)
			if run < *runs-1 {
				continue
			}
			if err := w.row(combine(results[i])); err != nil {
				return err
			}
		}
	}
	return nil
}
