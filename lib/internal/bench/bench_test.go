// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/blas/gonum"

	"github.com/lateral-ml/lateral/lib/autograd"
	adapter "github.com/lateral-ml/lateral/lib/blas"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func TestItems(t *testing.T) {
	seen := map[string]bool{}
	name := regexp.MustCompile(`^[a-z][a-z0-9_]+$`)
	for _, it := range items() {
		if !name.MatchString(it.name) || seen[it.name] {
			t.Errorf("the name %q is taken, or not lower case", it.name)
		}
		seen[it.name] = true
		if !(it.work > 0) || it.unit == "" || it.setup == nil || it.cores < 0 || it.flops < 0 {
			t.Errorf("%s is incomplete", it.name)
		}
		for _, script := range it.peers {
			text, err := scripts.ReadFile("peers/" + script + "_peer.py")
			if err != nil {
				t.Errorf("%s: %v", it.name, err)
				continue
			}
			known := it.name
			if it.twice != nil {
				known = it.twice.item
			}
			family, _, _ := strings.Cut(known, "_") // which a script may list as a whole
			if !bytes.Contains(text, []byte(`"`+known+`":`)) && !bytes.Contains(text, []byte(`f"`+family+`_{`)) {
				t.Errorf("%s: peers/%s_peer.py does not know %s", it.name, script, known)
			}
		}
	}
}

// Every item runs more than once, on one core and on several.
func TestItemsRun(t *testing.T) {
	for _, it := range items() {
		t.Run(it.name, func(t *testing.T) {
			if testing.Short() && (it.flops > 1e9 || it.unit == "distances" || it.unit == "patches") {
				t.Skip("takes most of a second")
			}
			for _, workers := range it.useful([]int{1, 2}) {
				run, err := it.setup(workers, t.TempDir())
				if err != nil {
					t.Fatal(err)
				}
				run()
				run()
			}
		})
	}
}

// The three layouts compute the same product, in this library, in gonum, and through the BLAS interface for gonum.
func TestProducts(t *testing.T) {
	for _, p := range []matrixProduct{{"NN", 5, 7, 3}, {"NT", 5, 7, 3}, {"TN", 5, 7, 3}, {"TN", 37, 33, 40}} {
		ours := p.bind()
		ours.ours(2)()
		got := slices.Clone(ours.c)
		ours.sgemm(adapter.Implementation{})()
		adapted := slices.Clone(ours.c)
		ours.sgemm(gonum.Implementation{})()
		for i, want := range ours.c {
			if d, e := got[i]-want, adapted[i]-want; !(max(d, -d, e, -e) < 1e-4) {
				t.Fatalf("%v: element %d is %v and %v, gonum has %v", p, i, got[i], adapted[i], want)
			}
		}
	}
}

// The multiply-adds of a network are those of its products, counted from the shapes in a forward pass.
func TestConvolutionMACs(t *testing.T) {
	for name, net := range map[string]convNet{"k = 3": twoConvolutions(3), "k = 11": twoConvolutions(11),
		"DRMM": drmmNet} {
		x := autograd.NewTape(1).Input(tensor.New(1, 1, 28, 28))
		want, passes := 0.0, 2.0 // forward and filter gradient; from the second layer on, input gradient too
		for _, layer := range net.layers(tensor.Stream(1, "weights")) {
			y := layer.Forward(x)
			switch l := layer.(type) {
			case *nn.Conv2D:
				// Count the positions of the smaller image: the rest is padding.
				positions := min(x.Shape()[2]*x.Shape()[3], y.Shape()[2]*y.Shape()[3])
				want += passes * float64(l.Weight.Value().Len()*positions)
				passes = 3
			case *nn.Dense:
				want += passes * float64(l.Weight.Value().Len())
			}
			x = y
		}
		if net.macs != want {
			t.Errorf("%s: %v multiply-adds, want %v", name, net.macs, want)
		}
	}
}

// No product is faster than the ceiling. Both are the fastest of many short trials, because the machine may be busy.
func TestCeiling(t *testing.T) {
	loop := fastestFMA()
	if simd.Name() != "go" && loop.name == scalarFMA.name {
		t.Fatalf("kernels are %s, but the ceiling is that of a %s", simd.Name(), loop.name)
	}
	p := matrixProduct{"NN", 96, 32, 256}
	run := p.bind().ours(1)
	flops := 2 * float64(p.m*p.n*p.k)
	product, top := 0.0, 0.0
	for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); {
		top = max(top, loop.rate(1, time.Millisecond))
		start := time.Now()
		for range 20 {
			run()
		}
		product = max(product, 20*flops/time.Since(start).Seconds())
		if top > product && time.Until(deadline) < 1900*time.Millisecond {
			return
		}
	}
	t.Errorf("the ceiling is %s, but a product reached %s", rate(top, "FLOP"), rate(product, "FLOP"))
}

func TestScalarCeiling(t *testing.T) {
	if r := scalarFMA.rate(2, time.Millisecond); !(r > 1e7) {
		t.Errorf("two cores do %v operations a second", r)
	}
}

// fakeClock is a clock that the measured function advances.
type fakeClock struct{ t time.Duration }

func (c *fakeClock) now() time.Duration { return c.t }

func TestStopwatch(t *testing.T) {
	for _, cost := range []time.Duration{
		1, 70 * time.Nanosecond, 30 * time.Microsecond, 3 * time.Millisecond, time.Second,
	} {
		clock, runs := &fakeClock{}, 0
		s := &stopwatch{now: clock.now, run: func() { clock.t += cost; runs++ }}
		s.warmUp(20 * time.Millisecond)
		if batch := time.Duration(s.count) * cost; batch < batchTime || batch > 3*batchTime && s.count > 1 {
			t.Errorf("a run of %v: batches of %d runs", cost, s.count)
		}
		if clock.t < 20*time.Millisecond {
			t.Errorf("a run of %v: warmed up for %v only", cost, clock.t)
		}
		from := clock.t
		runs = 0
		batches := s.measure(100 * time.Millisecond)
		if runs != s.count*len(batches) || clock.t-from < 100*time.Millisecond {
			t.Errorf("a run of %v: %d batches of %d are not %d runs in %v", cost, len(batches), s.count, runs, clock.t-from)
		}
		for _, b := range batches {
			if d := b/cost.Seconds() - 1; !(max(d, -d) < 1e-9) {
				t.Errorf("a run of %v: a batch says %v s", cost, b)
			}
		}
	}
}

func TestSummarize(t *testing.T) {
	for _, c := range []struct {
		batches []float64
		want    timing
	}{
		{[]float64{3}, timing{3, 0, 3, span{}}},
		{[]float64{5, 1, 2, 4, 3}, timing{3, 2. / 3, 1, span{}}},
		{[]float64{1, 2}, timing{1.5, 0.5 / 1.5, 1, span{}}},
		{[]float64{100, 2, 2, 2, 2}, timing{2, 0, 2, span{}}},
	} {
		if got := summarize(c.batches); got != c.want {
			t.Errorf("summarize(%v) = %v, want %v", c.batches, got, c.want)
		}
	}
}

// For several runs, a row has the medians, and the ratio is the median of the runs' ratios.
func TestCombine(t *testing.T) {
	run := func(ours, theirs float64, peer string) result {
		r := result{cores: []int{1, 2}, ours: []timing{{median: 2 * ours, fastest: ours}, {median: ours, spread: ours}},
			top: ceiling{2: 10 * ours}}
		if peer != "" {
			r.peers = []peerResult{{"torch", peer, timing{median: theirs, fastest: theirs}}}
		}
		return r
	}
	c := combine([]result{run(2, 8, "slow"), run(1, 3, "quick"), run(4, 4, "middle"), run(3, 0, "")})
	if want := (timing{2.5, 2.5, 1, span{2.5, 1, 4}}); len(c.ours) != 2 || c.ours[1].median != want.median ||
		c.ours[1].runs != want.runs || c.ours[0].fastest != 1 {
		t.Errorf("ours %v, want %v", c.ours, want)
	}
	if len(c.peers) != 1 || c.peers[0].name != "middle" || c.peers[0].runs != (span{4, 3, 8}) {
		t.Errorf("peers %v", c.peers)
	}
	if x, runs := c.ratio(1, "torch"); x != 3 || runs != (span{3, 1, 4}) {
		t.Errorf("ratio %v, %v", x, runs)
	}
	if c.top[2] != 40 {
		t.Errorf("ceiling %v", c.top)
	}
	if one := combine([]result{run(2, 8, "slow")}); one.ours[1].runs != (span{}) || one.runs != nil {
		t.Errorf("a single run became %v", one)
	}
	if got := duration(c.ours[1]); got != "2.5 (1..4) s" {
		t.Errorf("got %q", got)
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{duration(timing{median: 76.23e-6, spread: 0.061}), "76.2 µs ±3%"},
		{duration(timing{median: 0.99951e-3}), "1 ms ±0%"},
		{duration(timing{median: 12}), "12 s ±0%"},
		{duration(timing{median: 0.5e-9}), "0.5 ns ±0%"},
		{rate(2.654e11, "FLOP"), "265 GFLOP/s"},
		{rate(1.12e6, "images"), "1.12 M images/s"},
		{rate(112, "images"), "112 images/s"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// The command writes JSON rows with the agreed field names, and tables.
func TestBench(t *testing.T) {
	var out, log bytes.Buffer
	args := []string{"-run", "^(sum_64k|sgemm_100x784x128)$", "-time", "2ms", "-json"}
	if err := bench(t.Context(), args, &out, &log); err != nil {
		t.Fatal(err)
	}
	names := map[string]int{}
	for line := range strings.Lines(out.String()) {
		var row map[string]any
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		keys := []string{"name", "seconds", "spread", "fastest", "cores", "work", "unit"}
		if row["unit"] == "FLOP" {
			keys = append(keys, "ceiling_share")
		}
		for _, key := range keys {
			if row[key] == nil {
				t.Errorf("%s is missing from %s", key, line)
			}
			delete(row, key)
		}
		if len(row) > 0 {
			t.Errorf("also there: %v", row)
		}
		names[line[:strings.IndexByte(line, ',')]]++
	}
	if names[`{"name":"sum_64k"`] != 1 || names[`{"name":"sgemm_100x784x128"`] != len(coreCounts()) {
		t.Errorf("wrong rows: %v", names)
	}

	out.Reset()
	args = []string{"-run", "^sum_64k$", "-time", "2ms", "-json", "-runs", "3"}
	if err := bench(t.Context(), args, &out, &log); err != nil {
		t.Fatal(err)
	}
	var row jsonRow
	if err := json.Unmarshal(out.Bytes(), &row); err != nil || row.Runs != 3 || len(row.SecondsRange) != 2 ||
		row.Seconds < row.SecondsRange[0] || row.Seconds > row.SecondsRange[1] {
		t.Errorf("three runs: %v, %s", err, out.String())
	}

	for _, format := range []string{"-markdown", "-time=2ms"} {
		out.Reset()
		if err := bench(t.Context(), []string{"-run", "sum_64k", "-time", "2ms", format}, &out, &log); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), runtime.Version()) || !strings.Contains(out.String(), "elements/s") {
			t.Errorf("%s wrote\n%s", format, out.String())
		}
	}
	if log.Len() > 0 {
		t.Errorf("standard error has %q", log.String())
	}
}

func TestMistakes(t *testing.T) {
	for args, want := range map[string]string{
		"-run nothing":    `-run "nothing" matches no item`,
		"-run (":          "-run: error parsing regexp",
		"-json -markdown": "cannot be used together",
		"-time -1s":       "-time -1s must be positive",
		"-runs 0":         "-runs 0 must be at least 1",
		"-figure a.svg":   "-figure requires -growth",
		"mlp":             `unexpected argument "mlp"; select items with -run`,
	} {
		err := bench(t.Context(), strings.Fields(args), &bytes.Buffer{}, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}

func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := bench(ctx, []string{"-run", "sum_64k", "-time", "2ms"}, &bytes.Buffer{}, &bytes.Buffer{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// If an item cannot be set up, the error says why.
func TestSetupFails(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	if _, err := loadIDX(1, missing); err == nil || !os.IsNotExist(err) {
		t.Errorf("got %v", err)
	}
}

// BenchmarkItems runs the items for the tools of go test, mainly for profiles.
func BenchmarkItems(b *testing.B) {
	for _, it := range items() {
		b.Run(it.name, func(b *testing.B) {
			for _, n := range it.useful(coreCounts()) {
				b.Run(strings.ReplaceAll(cores(n), " core", "-core"), func(b *testing.B) {
					run, err := it.setup(n, b.TempDir())
					if err != nil {
						b.Fatal(err)
					}
					run()
					b.ReportAllocs()
					for b.Loop() {
						run()
					}
				})
			}
		})
	}
}
