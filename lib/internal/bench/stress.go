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

// A stressTest trains in turns, alone and beside a process that keeps one core busy, and watches that every step ends.
// Without that process, it trains beside whatever else the machine is doing.
type stressTest struct {
	step    func()
	noRival bool
	total   time.Duration // of all turns
	turn    time.Duration
	tick    time.Duration // how often the watch looks
	longest time.Duration // that a step may take
	log     io.Writer     // how far it is

	done  atomic.Int64 // steps
	naps  atomic.Int64 // times that this process was stopped as a whole, by a debugger or a lid
	alone condition
	rival condition
}

// A condition is what the steps were like, alone or beside the rival.
type condition struct {
	turns int
	steps []float64 // seconds of each
	wall  float64   // of the turns
	cpu   float64   // time that other processes had of all cores, in seconds; NaN if the system does not say
}

// stress is the mode -stress of the command.
func stress(ctx context.Context, total, longest time.Duration, noRival bool, stdout, stderr io.Writer) error {
	const workers = 2
	beside := "alone and beside a process that keeps one core busy"
	if noRival {
		beside = "beside whatever else the machine is doing"
	}
	s := &stressTest{
		step: network{128, 100, autograd.ReLU, 1e-3}.step(workers), noRival: noRival, total: total, turn: min(10*time.Second, total/4),
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

// run trains until the time is over. A step that does not end is an error, after the log has been told where every
// goroutine is.
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
		if now.Sub(last) > 3*time.Second { // a process that only waits for its turn is back sooner
			s.naps.Add(1)
		}
		last = now
		// Ticks are counted, not the clock, which goes on while this process is stopped.
		if done := s.done.Load(); done != steps {
			steps, idle = done, 0
		} else if idle += s.tick; idle > s.longest {
			pprof.Lookup("goroutine").WriteTo(s.log, 2)
			return fmt.Errorf("step %d has not ended for %v: it hangs; where every goroutine is, is above", steps+1, s.longest)
		}
	}
}

// train takes turns.
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

// take trains for a turn. It takes the turn again, up to twice, if this process was stopped in the middle.
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
		time.Sleep(2 * s.tick) // for the watch to notice
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

// busy is set in the environment of the rival.
const busy = "LATERAL_BENCH_BUSY"

// startRival starts this program as a process that keeps a core busy until stop.
func startRival() (stop func() error, err error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	rival := exec.Command(program)
	rival.Env = append(os.Environ(), busy+"=1", "GOMAXPROCS=1")
	in, err := rival.StdinPipe() // which closes when this process ends in whatever way
	if err != nil {
		return nil, err
	}
	if err := rival.Start(); err != nil {
		return nil, err
	}
	return func() error { in.Close(); return rival.Wait() }, nil
}

// keepBusy is the rival: it adds until standard input ends.
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

// othersTime returns the seconds that other processes, and other guests of the host, have had of all cores; NaN if the
// system does not say.
func othersTime() float64 {
	all, err := os.ReadFile("/proc/stat")
	self, err2 := os.ReadFile("/proc/self/stat")
	if err != nil || err2 != nil {
		return math.NaN()
	}
	line, _, _ := strings.Cut(string(all), "\n")  // cpu user nice system idle iowait irq softirq steal ...
	_, rest, _ := strings.Cut(string(self), ") ") // after the name: state and 10 numbers, user, system, ...
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
	return used / 100 // both files count hundredths of a second
}

// report writes a table, and what it says about the share of the machine that others took.
func (s *stressTest) report(w io.Writer) {
	type row struct {
		name string
		*condition
	}
	rows := []row{{"alone", &s.alone}, {"beside a busy process", &s.rival}}
	if s.noRival {
		rows = []row{{"all", &s.alone}}
	}
	fmt.Fprintf(w, "| steps | number | a second | a second for each core left | median | 99 %% below | longest | others' share of %s |\n"+
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
		fmt.Fprintf(w, "Turns in which this process was stopped as a whole, %d times, were taken again, up to twice.\n", n)
	}
}

// rate returns the steps per second.
func (c *condition) rate() float64 { return float64(len(c.steps)) / c.wall }

// others returns the share of the machine's cores that other processes had.
func (c *condition) others() float64 { return c.cpu / c.wall / float64(runtime.NumCPU()) }
