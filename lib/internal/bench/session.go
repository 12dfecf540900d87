// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"os"
	"runtime"
	"slices"
	"time"
)

// A result holds the measurements of an item.
type result struct {
	item  item
	cores []int // ascending
	ours  []timing
	top   ceiling      // measured in turn with the library; nil if the item has no matrix products
	peers []peerResult // fastest first
	runs  []result     // the runs combined in this result; nil for a single run
}

type peerResult struct {
	script string // name of the script, or gonum
	name   string
	timing
}

// ratio returns the peer's time divided by the library's on cores[i], and its span over runs. It is 0 without the peer.
func (r result) ratio(i int, script string) (float64, span) {
	if r.runs != nil {
		var each []float64
		for _, run := range r.runs {
			if x, _ := run.ratio(i, script); x > 0 {
				each = append(each, x)
			}
		}
		s := spanOf(each)
		return s.median, s
	}
	for _, p := range r.peers {
		if p.script == script {
			return p.median / r.ours[i].median, span{}
		}
	}
	return 0, span{}
}

// combine summarises several runs of an item. Peers are named as in the run with the median time.
func combine(runs []result) result {
	if len(runs) == 1 {
		return runs[0]
	}
	c := runs[0]
	c.runs, c.ours, c.peers = runs, nil, nil
	for i := range c.cores {
		var list []timing
		for _, r := range runs {
			list = append(list, r.ours[i])
		}
		c.ours = append(c.ours, overRuns(list))
	}
	if c.top != nil {
		c.top = ceiling{}
		for _, r := range runs {
			for n, rate := range r.top {
				c.top[n] = max(c.top[n], rate)
			}
		}
	}
	byScript := map[string][]peerResult{}
	for _, r := range runs {
		for _, p := range r.peers {
			byScript[p.script] = append(byScript[p.script], p)
		}
	}
	for script, list := range byScript {
		slices.SortFunc(list, func(a, b peerResult) int { return cmp.Compare(a.median, b.median) })
		var times []timing
		for _, p := range list {
			times = append(times, p.timing)
		}
		c.peers = append(c.peers, peerResult{script, list[(len(list)-1)/2].name, overRuns(times)})
	}
	slices.SortFunc(c.peers, func(a, b peerResult) int { return cmp.Compare(a.median, b.median) })
	return c
}

// coreCounts returns 1 and the number of all cores.
func coreCounts() []int { return slices.Compact([]int{1, runtime.GOMAXPROCS(0)}) }

// A session holds how the items of one call are measured.
type session struct {
	dir   string
	cores []int
	time  time.Duration
	peers *peers // nil for none
}

// rounds is the number of turns that the library and the peers take, so that all are measured under the same
// conditions.
const rounds = 5

// measure times an item and its peers in turn.
func (s *session) measure(ctx context.Context, it item) (result, error) {
	dir, err := os.MkdirTemp(s.dir, it.name+"-")
	if err != nil {
		return result{}, err
	}
	it.folder = dir
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
	if s.peers != nil {
		r.peers = s.peers.finish(contenders, it)
	}
	if len(watches) > len(r.cores) {
		r.peers = append(r.peers, peerResult{"gonum", gonumName(), summarize(batches[len(r.cores)])})
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
