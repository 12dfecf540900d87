// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/lateral-ml/lateral/lib/autograd"
)

// A writer writes results as they arrive.
type writer interface {
	begin() error
	row(r result) error
}

// best returns the index of the fastest of the library's timings.
func (r result) best() int {
	b := 0
	for i, t := range r.ours {
		if t.median < r.ours[b].median {
			b = i
		}
	}
	return b
}

// share returns the fraction of the ceiling that the matrix products reach on cores[i], or 0 if there are none.
func (r result) share(i int) float64 {
	if r.top == nil {
		return 0
	}
	return r.item.flops / r.ours[i].median / r.top[r.cores[i]]
}

// A jsonRow is one line of -json.
type jsonRow struct {
	Name         string  `json:"name"`
	Seconds      float64 `json:"seconds"` // of one run, median
	Spread       float64 `json:"spread"`  // interquartile range, as a fraction of the median
	Fastest      float64 `json:"fastest"` // fastest batch, in seconds per run
	Cores        int     `json:"cores"`
	Work         float64 `json:"work"` // work of one run, in units
	Unit         string  `json:"unit"`
	CeilingShare float64 `json:"ceiling_share,omitempty"`
	Peer         string  `json:"peer,omitempty"`
	PeerSeconds  float64 `json:"peer_seconds,omitempty"`
	PeerSpread   float64 `json:"peer_spread,omitempty"`
	PeerFastest  float64 `json:"peer_fastest,omitempty"`
	Ratio        float64 `json:"ratio,omitempty"` // PeerSeconds / Seconds

	// With several runs, the numbers above are medians over runs, and these are minimum and maximum.
	Runs         int       `json:"runs,omitempty"`
	SecondsRange []float64 `json:"seconds_range,omitempty"`
	PeerRange    []float64 `json:"peer_range,omitempty"`
	RatioRange   []float64 `json:"ratio_range,omitempty"`
}

type jsonWriter struct{ out *json.Encoder }

func newJSON(w io.Writer) writer { return jsonWriter{json.NewEncoder(w)} }

func (w jsonWriter) begin() error { return nil }

func (w jsonWriter) row(r result) error {
	for i, t := range r.ours {
		row := jsonRow{
			Name: r.item.name, Seconds: t.median, Spread: t.spread, Fastest: t.fastest, Cores: r.cores[i],
			Work: r.item.work, Unit: r.item.unit, CeilingShare: r.share(i), Runs: len(r.runs), SecondsRange: t.runs.ends(),
		}
		if len(r.peers) == 0 {
			if err := w.out.Encode(row); err != nil {
				return err
			}
		}
		for _, p := range r.peers {
			row.Peer, row.PeerSeconds, row.PeerSpread, row.PeerFastest = p.name, p.median, p.spread, p.fastest
			ratio, runs := r.ratio(i, p.script)
			row.Ratio, row.RatioRange, row.PeerRange = ratio, runs.ends(), p.runs.ends()
			if err := w.out.Encode(row); err != nil {
				return err
			}
		}
	}
	return nil
}

// A tableWriter writes one line per item, and one more for each further peer.
type tableWriter struct {
	out    io.Writer
	top    ceiling
	cores  []int
	peers  bool
	widths []int // column widths; nil for Markdown
}

func newTable(w io.Writer, top ceiling, cores []int, peers, markdown bool, runs int) writer {
	widths := []int{-20, 15, 15, 17, 8, 15, 7, 0}
	if runs > 1 {
		widths = []int{-20, 25, 25, 17, 8, 25, 18, 0}
	}
	if markdown {
		widths = nil
	}
	return tableWriter{w, top, cores, peers, widths}
}

func (w tableWriter) begin() error {
	fmt.Fprintln(w.out, machine())
	fmt.Fprintf(w.out, "Ceiling: %s, ", fastestFMA().name)
	for i, n := range w.cores {
		if i > 0 {
			fmt.Fprint(w.out, "; ")
		}
		fmt.Fprintf(w.out, "%s on %s", rate(w.top[n], "FLOP"), cores(n))
	}
	fmt.Fprint(w.out, ". Kernels: "+autograd.Backend()+".\n\n")
	head := []string{"item", "1 core", "all cores", "rate", "ceiling"}
	rule := []string{"---", "--:", "--:", "--:", "--:"}
	if w.peers {
		head, rule = append(head, "peer's time", "ratio", "peer"), append(rule, "--:", "--:", "---")
	}
	if err := w.line(head); err != nil || w.widths != nil {
		return err
	}
	return w.line(rule)
}

func (w tableWriter) row(r result) error {
	all := ""
	if len(r.ours) > 1 {
		all = duration(r.ours[1])
	}
	best := r.best()
	share := ""
	if s := r.share(best); s > 0 {
		share = fmt.Sprintf("%.0f %%", 100*s)
	}
	cells := []string{r.item.name, duration(r.ours[0]), all, rate(r.item.work/r.ours[best].median, r.item.unit), share}
	if len(r.peers) == 0 {
		if w.peers {
			cells = append(cells, "", "", "")
		}
		return w.line(cells)
	}
	for _, p := range r.peers {
		x, runs := r.ratio(best, p.script)
		ratio := fmt.Sprintf("%.2f", x)
		if runs != (span{}) {
			ratio += fmt.Sprintf(" (%.2f..%.2f)", runs.low, runs.high)
		}
		if err := w.line(append(cells, duration(p.timing), ratio, p.name)); err != nil {
			return err
		}
		cells = make([]string, len(cells))
	}
	return nil
}

func (w tableWriter) line(cells []string) error {
	if w.widths == nil {
		_, err := fmt.Fprintf(w.out, "| %s |\n", strings.Join(cells, " | "))
		return err
	}
	var b strings.Builder
	for i, c := range cells {
		fmt.Fprintf(&b, "%*s  ", w.widths[i], c)
	}
	_, err := fmt.Fprintln(w.out, strings.TrimRight(b.String(), " "))
	return err
}

func cores(n int) string {
	if n == 1 {
		return "1 core"
	}
	return fmt.Sprintf("%d cores", n)
}

// ends returns the minimum and the maximum, or nil if there was only one run.
func (s span) ends() []float64 {
	if s == (span{}) {
		return nil
	}
	return []float64{s.low, s.high}
}

// duration formats a median with its spread, or with its span over runs.
func duration(t timing) string {
	if t.runs == (span{}) {
		return fmt.Sprintf("%s ±%.0f%%", seconds(t.median), 50*t.spread)
	}
	x, prefix := scaled(t.median)
	unit := x / t.median
	return fmt.Sprintf("%.3g (%.3g..%.3g) %ss", x, unit*t.runs.low, unit*t.runs.high, prefix)
}

// seconds formats a time with its unit.
func seconds(x float64) string {
	x, prefix := scaled(x)
	return fmt.Sprintf("%.3g %ss", x, prefix)
}

// rate formats a number of units per second.
func rate(perSecond float64, unit string) string {
	x, prefix := scaled(perSecond)
	if unit == "FLOP" {
		return fmt.Sprintf("%.3g %sFLOP/s", x, prefix)
	}
	return fmt.Sprintf("%.3g%s %s/s", x, strings.TrimSuffix(" "+prefix, " "), unit)
}

// scaled returns a number with three significant digits, scaled to the SI prefix that it also returns.
func scaled(x float64) (float64, string) {
	prefixes := []string{"n", "µ", "m", "", "k", "M", "G", "T"}
	i := 3
	for ; x >= 999.5 && i < len(prefixes)-1; i++ {
		x /= 1000
	}
	for ; x < 0.9995 && i > 0; i-- {
		x *= 1000
	}
	return x, prefixes[i]
}

// machine describes when and where the numbers were measured.
func machine() string {
	return fmt.Sprintf("%s, %s, %s, %s/%s, %s",
		time.Now().Format("2 January 2006"), processor(), cores(runtime.NumCPU()), runtime.GOOS, runtime.GOARCH,
		runtime.Version())
}

// processor returns the name of the CPU, if the system provides it.
func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

// gonumName returns the name and version of gonum in this program.
func gonumName() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "gonum.org/v1/gonum" {
				return "gonum " + m.Version
			}
		}
	}
	return "gonum"
}
