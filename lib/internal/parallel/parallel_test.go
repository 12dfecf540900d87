// SPDX-License-Identifier: Apache-2.0

package parallel

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/lib/internal/race"
)

type counts struct {
	times []int32
	sizes []int
	mu    sync.Mutex
}

func count(arg any, lo, hi int) {
	c := arg.(*counts)
	for i := lo; i < hi; i++ {
		c.times[i]++
	}
	c.mu.Lock()
	c.sizes = append(c.sizes, hi-lo)
	c.mu.Unlock()
}

func TestForCoversEveryIndexOnce(t *testing.T) {
	for workers := 1; workers <= 5; workers++ {
		for _, n := range []int{0, 1, 2, 3, 10, 1000} {
			for _, grain := range []int{0, 1, 3, 500, 2000} {
				c := &counts{times: make([]int32, n)}
				For(workers, n, grain, c, count)
				for i, k := range c.times {
					if k != 1 {
						t.Fatalf("workers %d, n %d, grain %d: index %d was visited %d times", workers, n, grain, i, k)
					}
				}
				if len(c.sizes) > workers {
					t.Errorf("workers %d, n %d, grain %d: %d ranges", workers, n, grain, len(c.sizes))
				}
				for _, size := range c.sizes {
					if len(c.sizes) > 1 && size < grain {
						t.Errorf("workers %d, n %d, grain %d: a range of %d", workers, n, grain, size)
					}
				}
			}
		}
	}
}

// Several loops run at once, with helpers that arrive late at reused jobs, and with pauses in which they park.
func TestForFromManyGoroutines(t *testing.T) {
	var group sync.WaitGroup
	for g := range 4 {
		group.Go(func() {
			for round := range 300 {
				n := 1 + (round*7+g)%50
				c := &counts{times: make([]int32, n)}
				For(2+g, n, 1, c, count)
				for i, k := range c.times {
					if k != 1 {
						t.Errorf("index %d of %d was visited %d times", i, n, k)
					}
				}
				if round%100 == 0 {
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	group.Wait()
}

// A worker starts with its own part, whose data is in the cache of its core.
func TestWorkersKeepTheirParts(t *testing.T) {
	for who, want := range [][]int{{0, 1, 2, 3}, {1, 0, 2, 3}, {2, 0, 1, 3}, {3, 0, 1, 2}, {0, 1, 2, 3}} {
		var got []int
		j := &job{n: 4, parts: 4, arg: &got, do: func(arg any, lo, _ int) {
			got := arg.(*[]int)
			*got = append(*got, lo)
		}}
		j.open.Store(0b1111)
		j.left.Store(4)
		j.work(who)
		if !slices.Equal(got, want) {
			t.Errorf("worker %d alone does the parts in the order %v, want %v", who, got, want)
		}
	}
}

func TestHelpersPark(t *testing.T) {
	c := &counts{times: make([]int32, 100)}
	For(runtime.GOMAXPROCS(0), 100, 1, c, count)
	for range 500 {
		if parked.Load() == helpers.Load() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d of %d helpers are parked five seconds after the last loop", parked.Load(), helpers.Load())
}

func TestForAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	x := make([]float32, 1000)
	loop := func() {
		For(2, len(x), 1, &x, func(arg any, lo, hi int) {
			for i, v := range (*arg.(*[]float32))[lo:hi] {
				(*arg.(*[]float32))[lo+i] = v + 1
			}
		})
	}
	loop()
	if n := testing.AllocsPerRun(100, loop); n != 0 {
		t.Errorf("a loop allocates %v times", n)
	}
}

// BenchmarkForkJoin measures the cost of sharing an empty loop.
func BenchmarkForkJoin(b *testing.B) {
	nothing := func(any, int, int) {}
	for b.Loop() {
		For(2, 2, 1, nil, nothing)
	}
}

// BenchmarkWake measures how long after the start of a loop a helper that had parked begins its part. It reports the
// fastest and the median; the median of a busy machine tells about the other work.
func BenchmarkWake(b *testing.B) {
	if runtime.GOMAXPROCS(0) < 2 {
		b.Skip("needs two processors")
	}
	type race struct {
		begin time.Time
		took  atomic.Int64
	}
	both := func(arg any, lo, _ int) {
		r := arg.(*race)
		if lo > 0 { // the helper's part
			r.took.Store(int64(time.Since(r.begin)))
			return
		}
		for r.took.Load() == 0 { // the caller leaves it to the helper
		}
	}
	var took []int64
	for b.Loop() {
		time.Sleep(3 * patience)
		r := &race{begin: time.Now()}
		For(2, 2, 1, r, both)
		took = append(took, r.took.Load())
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[0]), "fastest-ns")
	b.ReportMetric(float64(took[len(took)/2]), "median-ns")
}
