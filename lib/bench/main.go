// SPDX-License-Identifier: Apache-2.0

// Command bench measures the library beside its peers, in one run on one machine:
//
//	go run ./lib/bench [-run PATTERN] [-peers] [-time 1s] [-json | -markdown]
//
// One row for each item says how long a run of it takes on one core and on all of them (the median over batches, and
// the distance of the quartiles as its spread), the rate, and the share of the machine's ceiling that the matrix
// products in it reach. The ceiling is the highest rate of fused multiply-adds on registers that a loop of this program
// saw between the batches of the item.
//
// With -peers the same work is timed in PyTorch, NumPy, FAISS and gonum, in turn with ours. A peer is taken at its best: it
// is timed with every Python in $LATERAL_BENCH_PYTHON (a list of executables as in $PATH, python3 by default), every
// thread setting (the default, OMP_NUM_THREADS of 1 and of all cores, OPENBLAS_NUM_THREADS=1) and the fastest way to
// write the work, and the row has the fastest of all and says which it was. The ratio is the peer's time over our
// best. What is not installed is skipped, with the reason on standard error.
//
//	python3 -m venv bench-venv && bench-venv/bin/pip install torch numpy safetensors faiss-cpu
//	LATERAL_BENCH_PYTHON=bench-venv/bin/python:/usr/bin/python3 go run ./lib/bench -peers
//
// With -json each line is one object, for an item, a number of cores and a peer.
//
// A new item is an entry in one of the lists in items_*.go, and a function in a script under peers/. The items are
// benchmarks too, for a look at the profile:
//
//	go test ./lib/bench -bench 'Items/mlp128_step/1-core' -run '^$' -cpuprofile cpu.prof
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
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

// A result is what was measured of an item.
type result struct {
	item  item
	cores []int // ascending
	ours  []timing
	top   ceiling      // measured in turn with ours; nil if the item has no matrix products
	peers []peerResult // fastest first
}

type peerResult struct {
	name string
	timing
}

// bench is the command. It stops soon after ctx is cancelled, with an error.
func bench(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	pattern := flags.String("run", "", "measure the items that match this regular expression")
	asJSON := flags.Bool("json", false, "write a line of JSON for each item, number of cores and peer")
	asMarkdown := flags.Bool("markdown", false, "write a Markdown table")
	withPeers := flags.Bool("peers", false, "time the peers too")
	compile := flags.Bool("compile", false, "try torch.compile in the peers too, which takes minutes")
	d := flags.Duration("time", time.Second, "how long to measure each thing")
	stressTime := flags.Duration("stress", 0, "instead, train for this long beside a busy process, and watch that no step hangs")
	longest := flags.Duration("longest", 10*time.Second, "how long a step of -stress may take")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q; items are chosen by -run", flags.Arg(0))
	case *asJSON && *asMarkdown:
		return errors.New("-json and -markdown exclude each other")
	case *d <= 0:
		return fmt.Errorf("-time %v must be positive", *d)
	}
	if *stressTime > 0 {
		return stress(ctx, *stressTime, *longest, stdout, stderr)
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

	var w writer
	switch {
	case *asJSON:
		w = newJSON(stdout)
	default:
		top := ceiling{}
		top.raise(s.cores, *d/5)
		w = newTable(stdout, top, s.cores, *withPeers, *asMarkdown)
	}
	if err := w.begin(); err != nil {
		return err
	}
	for _, it := range list {
		r, err := s.measure(ctx, it)
		if err != nil {
			return fmt.Errorf("%s: %w", it.name, err)
		}
		if err := w.row(r); err != nil {
			return err
		}
	}
	return nil
}

// coreCounts returns 1 and all.
func coreCounts() []int { return slices.Compact([]int{1, runtime.GOMAXPROCS(0)}) }

// A session is how the items of one call are measured.
type session struct {
	dir   string
	cores []int
	time  time.Duration
	peers *peers // nil for none
}

// rounds is how many turns ours and the peers take, so that all see the machine in the same moods.
const rounds = 5

// measure times an item and its peers in turn.
func (s *session) measure(ctx context.Context, it item) (result, error) {
	dir := filepath.Join(s.dir, it.name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return result{}, err
	}
	r := result{item: it, cores: it.useful(s.cores)}
	if it.flops > 0 {
		r.top = ceiling{}
	}
	var watches []*stopwatch
	for _, n := range r.cores {
		run, err := it.setup(n, dir)
		if err != nil {
			return result{}, err
		}
		watches = append(watches, start(run, s.time/5))
	}
	var contenders []*contender
	if s.peers != nil {
		contenders = s.peers.contenders(it)
		if it.gonum != nil {
			watches = append(watches, start(it.gonum(), s.time/5))
		}
	}

	batches := make([][]float64, len(watches))
	for range rounds {
		if ctx.Err() != nil {
			return result{}, context.Cause(ctx)
		}
		for i, w := range watches {
			w.warmUp(s.time / rounds / 10)
			batches[i] = append(batches[i], w.measure(s.time/rounds)...)
		}
		if r.top != nil {
			r.top.raise(r.cores, s.time/rounds/10)
		}
		if s.peers != nil {
			contenders = s.peers.measure(contenders, it, s.time/rounds)
		}
	}

	for i := range r.cores {
		r.ours = append(r.ours, summarize(batches[i]))
	}
	r.peers = fastest(contenders)
	if len(watches) > len(r.cores) {
		r.peers = append(r.peers, peerResult{gonumName(), summarize(batches[len(r.cores)])})
	}
	slices.SortStableFunc(r.peers, func(a, b peerResult) int { return cmp.Compare(a.median, b.median) })
	return r, nil
}

// useful returns the numbers of cores that an item can use.
func (it item) useful(cores []int) []int {
	if it.cores == 0 {
		return cores
	}
	n := slices.Clone(cores)
	for i := range n {
		n[i] = min(n[i], it.cores)
	}
	return slices.Compact(n)
}
