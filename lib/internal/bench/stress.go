// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/lateral-ml/lateral/lib/autograd"
)

// A stressTest trains in turns, alone and beside a process that keeps one core busy, and checks that every step
// finishes. Without that process, it trains beside whatever else is running on the machine.
type stressTest struct {
	step    func()
	noRival bool
	total   time.Duration // total time of all turns
	turn    time.Duration
	tick    time.Duration // interval at which the watch checks progress
	longest time.Duration // maximum time of a step
	log     io.Writer     // reports progress

	done  atomic.Int64 // number of finished steps
	naps  atomic.Int64 // times that the whole process was stopped, for example by a debugger or by suspending the machine
	alone condition
	rival condition
}

// A condition holds measurements of the steps, alone or beside the rival.
type condition struct {
	turns int
	steps []float64 // seconds per step
	wall  float64   // seconds of the turns
	cpu   float64   // core seconds used by other processes; NaN if unknown
}

// stress is the mode -stress of the command.
func stress(ctx context.Context, total, longest time.Duration, noRival bool, stdout, stderr io.Writer) error {
	const workers = 2
	beside := "alone and beside a process that keeps one core busy"
	if noRival {
		beside = "beside whatever else the machine is doing"
	}
	s := &stressTest{
		step: network{128, 100, autograd.ReLU, 1e-3}.step(workers), noRival: noRival, total: total,
		turn: min(10*time.Second, total/4),
		tick: 50 * time.Millisecond, longest: longest, log: stderr,
	}
	fmt.Fprintf(stdout, "%s\nSteps of mlp128_step with %d workers, for %v in turns of %v, %s.\n\n",
		machine(), workers, total, s.turn, beside)
	if err := s.run(ctx); err != nil {
		return err
	}
	s.report(stdout)
	return nil
}

// run trains until the time is over. If a step does not finish, it writes the stacks of all goroutines to the log and
// returns an error.
func (s *stressTest) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	trained := make(chan error, 1)
	go func() { trained <- s.train(ctx) }()
	ticks := time.NewTicker(s.tick)
	defer ticks.Stop()
	last, steps, idle := time.Now(), int64(0), time.Duration(0)
	for {
		select {
		case err := <-trained:
			return err
		case <-ticks.C:
		}
		now := time.Now()
		if now.Sub(last) > 3*time.Second { // waiting for a core takes less time
			s.naps.Add(1)
		}
		last = now
		// Count ticks instead of reading the clock, which continues while this process is stopped.
		if done := s.done.Load(); done != steps {
			steps, idle = done, 0
		} else if idle += s.tick; idle > s.longest {
			pprof.Lookup("goroutine").WriteTo(s.log, 2)
			return fmt.Errorf("step %d has not finished in %v: it hangs (all stacks are above)", steps+1, s.longest)
		}
	}
}

// train takes turns between the two conditions.
func (s *stressTest) train(ctx context.Context) error {
	for end := time.Now().Add(s.turn / 4); time.Now().Before(end); s.done.Add(1) {
		s.step() // warms up
	}
	for spent := time.Duration(0); spent < s.total; spent += s.turn {
		fmt.Fprintf(s.log, "\r%v of %v, %d steps ", spent, s.total, s.done.Load())
		if err := s.take(ctx, &s.alone); err != nil {
			return err
		}
		if s.noRival {
			continue
		}
		spent += s.turn
		stop, err := startRival()
		if err != nil {
			return err
		}
		err = s.take(ctx, &s.rival)
		if err := errors.Join(err, stop()); err != nil {
			return err
		}
	}
	fmt.Fprintln(s.log)
	return nil
}

// take trains for one turn. If this process was stopped during the turn, it repeats the turn, at most twice.
func (s *stressTest) take(ctx context.Context, c *condition) error {
	for tries := 1; ; tries++ {
		naps, before := s.naps.Load(), len(c.steps)
		others := othersTime()
		start := time.Now()
		for time.Since(start) < s.turn {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			at := time.Now()
			s.step()
			c.steps = append(c.steps, time.Since(at).Seconds())
			s.done.Add(1)
		}
		wall := time.Since(start).Seconds()
		others = othersTime() - others
		time.Sleep(2 * s.tick) // let the watch notice
		s.done.Add(1)
		if s.naps.Load() == naps || tries == 3 {
			c.turns++
			c.wall += wall
			c.cpu += others
			return nil
		}
		c.steps = c.steps[:before]
	}
}

// busy is set in the environment of the rival process.
const busy = "LATERAL_BENCH_BUSY"

// startRival starts this program as a process that keeps a core busy until stop is called.
func startRival() (stop func() error, err error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	rival := exec.Command(program)
	rival.Env = append(os.Environ(), busy+"=1", "GOMAXPROCS=1")
	in, err := rival.StdinPipe() // closed whenever this process ends, for any reason
	if err != nil {
		return nil, err
	}
	if err := rival.Start(); err != nil {
		return nil, err
	}
	return func() error { in.Close(); return rival.Wait() }, nil
}

// keepBusy is the rival: it computes until standard input ends.
func keepBusy() {
	var over atomic.Bool
	go func() {
		io.Copy(io.Discard, os.Stdin)
		over.Store(true)
	}()
	for !over.Load() {
		scalarFMA.run(1 << 20)
	}
}

// othersTime returns the core seconds used by other processes and other guests of the host, or NaN if the system does
// not provide them.
func othersTime() float64 {
	all, err := os.ReadFile("/proc/stat")
	self, err2 := os.ReadFile("/proc/self/stat")
	if err != nil || err2 != nil {
		return math.NaN()
	}
	line, _, _ := strings.Cut(string(all), "\n")  // cpu user nice system idle iowait irq softirq steal ...
	_, rest, _ := strings.Cut(string(self), ") ") // after the name: state, 10 numbers, user, system, ...
	total, own := strings.Fields(line), strings.Fields(rest)
	if len(total) < 9 || len(own) < 13 {
		return math.NaN()
	}
	used := 0.0
	for _, n := range []string{total[1], total[2], total[3], total[6], total[7], total[8], "-" + own[11], "-" + own[12]} {
		v, err := strconv.ParseFloat(n, 64)
		if err != nil {
			return math.NaN()
		}
		used += v
	}
	return used / 100 // both files count in hundredths of a second
}

// report writes a table and the fraction of the machine that other processes used.
func (s *stressTest) report(w io.Writer) {
	type row struct {
		name string
		*condition
	}
	rows := []row{{"alone", &s.alone}, {"beside a busy process", &s.rival}}
	if s.noRival {
		rows = []row{{"all", &s.alone}}
	}
	fmt.Fprintf(w, "| steps | number | per second | per second and core left | median | 99 %% below | longest | "+
		"others' share of %s |\n"+
		"| --- | --: | --: | --: | --: | --: | --: | --: |\n", cores(runtime.NumCPU()))
	for _, row := range rows {
		slices.Sort(row.steps)
		share, perCore := "unknown", "unknown"
		if others := row.others(); others == others {
			share = fmt.Sprintf("%.0f %%", 100*others)
			perCore = fmt.Sprintf("%.0f", row.rate()/(1-others)/float64(runtime.NumCPU()))
		}
		n := len(row.steps)
		fmt.Fprintf(w, "| %s | %d | %.0f | %s | %s | %s | %s | %s |\n", row.name, n, row.rate(), perCore,
			seconds(quantile(row.steps, 0.5)), seconds(quantile(row.steps, 0.99)), seconds(row.steps[n-1]), share)
	}
	fmt.Fprintln(w)
	if !s.noRival {
		kept, left := s.rival.rate()/s.alone.rate(), (1-s.rival.others())/(1-s.alone.others())
		fmt.Fprintf(w, "Beside it the steps go %.0f %% as fast", 100*kept)
		if left == left {
			fmt.Fprintf(w, "; it left %.0f %% of what the machine had for them", 100*left)
		}
		fmt.Fprint(w, ". ")
	}
	fmt.Fprintf(w, "No step hung: none took %v.\n", s.longest)
	if n := s.naps.Load(); n > 0 {
		fmt.Fprintf(w, "This process was stopped %d times; those turns were repeated, at most twice.\n", n)
	}
}

// rate returns the number of steps per second.
func (c *condition) rate() float64 { return float64(len(c.steps)) / c.wall }

// others returns the fraction of the machine's cores used by other processes.
func (c *condition) others() float64 { return c.cpu / c.wall / float64(runtime.NumCPU()) }
