// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

//go:embed peers/*.py
var scripts embed.FS

// peerTimeout is the maximum time of a peer's request besides the measured time: for preparing data and, if requested,
// for compiling.
const peerTimeout = 5 * time.Minute

// peers are the Python processes to compare with. They are started on demand.
type peers struct {
	dir          string // folder of the scripts
	interpreters []string
	settings     [][]string
	running      map[string][]*process   // by script: one per interpreter with the package and per thread setting
	second       map[*process]*process   // second processes, for items that two processes share
	winners      map[string][]*contender // by item, after its first measurement: the fastest of each script
	log          io.Writer               // reports what was skipped
	skipped      map[string]bool         // what has been reported
}

// interpreters returns the interpreters in $LATERAL_BENCH_PYTHON, or python3.
func interpreters() []string {
	if list := filepath.SplitList(os.Getenv("LATERAL_BENCH_PYTHON")); len(list) > 0 {
		return list
	}
	return []string{"python3"}
}

// newPeers writes the scripts to dir.
func newPeers(dir string, log io.Writer) (*peers, error) {
	settings := [][]string{nil, {"OMP_NUM_THREADS=1"}, {"OPENBLAS_NUM_THREADS=1"}}
	if n := runtime.NumCPU(); n > 1 {
		settings = append(settings, []string{fmt.Sprintf("OMP_NUM_THREADS=%d", n)})
	}
	return &peers{
		dir: filepath.Join(dir, "peers"), interpreters: interpreters(), settings: settings,
		running: map[string][]*process{}, second: map[*process]*process{}, winners: map[string][]*contender{}, log: log,
		skipped: map[string]bool{},
	}, os.CopyFS(dir, scripts)
}

func (p *peers) close() {
	for _, list := range p.running {
		for _, process := range list {
			process.close()
		}
	}
	for _, process := range p.second {
		process.close()
	}
}

// processes returns the processes of a script. On the first call it starts them, and skips an interpreter that cannot
// run the script.
func (p *peers) processes(script string) []*process {
	if list, ok := p.running[script]; ok {
		return list
	}
	list := []*process{}
	for _, interpreter := range p.interpreters {
		for _, setting := range p.settings {
			process, err := startProcess(interpreter, p.dir, script+"_peer.py", setting)
			if err != nil {
				p.skip("%s with %s: %v", script, interpreter, err)
				break
			}
			list = append(list, process)
		}
	}
	p.running[script] = list
	return list
}

// A contender is a process that runs an item's work.
type contender struct {
	script  string
	process *process
	twin    *process // second process, for an item that two processes share
	item    string   // item that each process runs
	folder  string   // files of the item
	runs    float64  // runs of the peer that correspond to one of this library
	variant string   // fastest variant of the work, once known
	batches []float64
}

// contenders returns every process that can run the item; if it was measured before, only the fastest of each script.
func (p *peers) contenders(it item) []*contender {
	if list, ok := p.winners[it.name]; ok {
		return list
	}
	var list []*contender
	for _, script := range it.peers {
		for _, process := range p.processes(script) {
			c, err := p.contender(it, script, process)
			if err != nil {
				p.skip("%s with %s: %v", script, process.cmd.Path, err)
				continue
			}
			list = append(list, c)
		}
	}
	return list
}

// measure adds batches of a total time of about d to each contender, and returns the contenders that did not fail.
func (p *peers) measure(list []*contender, it item, d time.Duration) []*contender {
	return slices.DeleteFunc(list, func(c *contender) bool {
		err := c.measure(d)
		if err != nil {
			p.skip("%s: %s: %v", it.name, c.process.peer, err)
		}
		return err != nil
	})
}

// finish returns the results of the fastest contender of each script, and selects these contenders for further
// measurements of the item.
func (p *peers) finish(list []*contender, it item) []peerResult {
	var results []peerResult
	var winners []*contender
	byScript := map[string]int{}
	for _, c := range list {
		r := peerResult{c.script, c.name(), summarize(c.batches)}
		if i, ok := byScript[c.script]; !ok {
			byScript[c.script] = len(results)
			results, winners = append(results, r), append(winners, c)
		} else if r.median < results[i].median {
			results[i], winners[i] = r, c
		}
	}
	for _, c := range winners {
		c.batches = nil
	}
	p.winners[it.name] = winners
	return results
}

// skip reports once what is omitted, and why.
func (p *peers) skip(format string, args ...any) {
	if message := fmt.Sprintf(format, args...); !p.skipped[message] {
		p.skipped[message] = true
		fmt.Fprintln(p.log, "skipped:", message)
	}
}

func (p *peers) contender(it item, script string, process *process) (*contender, error) {
	c := &contender{script: script, process: process, item: it.name, folder: it.folder, runs: cmp.Or(it.runs, 1)}
	if it.twice == nil {
		return c, nil
	}
	c.item, c.runs, c.twin = it.twice.item, it.twice.runs, p.second[process]
	if c.twin == nil {
		args := process.cmd.Args
		twin, err := startProcess(args[0], p.dir, script+"_peer.py", strings.Fields(process.setting))
		if err != nil {
			return nil, err
		}
		c.twin, p.second[process] = twin, twin
	}
	return c, nil
}

// measure adds batches of a total time of about d. The rates of two processes are added.
func (c *contender) measure(d time.Duration) error {
	if err := c.process.request(c.item, c.variant, c.folder, d); err != nil {
		return err
	}
	if c.twin == nil {
		a, err := c.process.answer(peerTimeout + d)
		if err != nil {
			return err
		}
		c.variant = a.Variant
		for _, seconds := range a.Batches {
			c.batches = append(c.batches, c.runs*seconds)
		}
		return nil
	}
	asked := c.twin.request(c.item, c.variant, c.folder, d)
	a, err := c.process.answer(peerTimeout + d)
	b, err2 := c.twin.answer(peerTimeout + d)
	if err := errors.Join(asked, err, err2); err != nil {
		return err
	}
	c.variant = a.Variant
	rate := 1/summarize(a.Batches).median + 1/summarize(b.Batches).median
	c.batches = append(c.batches, c.runs/rate)
	return nil
}

// name describes the contender and its setting.
func (c *contender) name() string {
	parts := []string{c.process.threads()}
	if c.twin != nil {
		parts = append(parts, "2 processes")
	}
	if c.variant != "" {
		parts = append(parts, c.variant)
	}
	return fmt.Sprintf("%s (%s)", c.process.peer, strings.Join(parts, ", "))
}

// threads describes the thread setting.
func (p *process) threads() string {
	if p.setting == "" {
		return "default threads"
	}
	return p.setting
}
