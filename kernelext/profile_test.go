// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"strings"
	"testing"
	"time"
)

func TestProfile(t *testing.T) {
	for value, want := range map[string]string{"": "standard", "quick": "quick", "standard": "standard",
		"paper": "paper"} {
		if got, err := profileFrom(value); got != want || err != nil {
			t.Errorf("%q: %q %v", value, got, err)
		}
	}
	if _, err := profileFrom("fast"); err == nil || !strings.Contains(err.Error(), `"fast"`) ||
		!strings.Contains(err.Error(), "quick") {
		t.Errorf("an unknown profile: %v", err)
	}
}

func TestPick(t *testing.T) {
	for profile, want := range map[string]int{"quick": 1, "standard": 2, "paper": 3} {
		t.Setenv("LATERAL_PROFILE", profile)
		if got := Pick(1, 2, 3); got != want {
			t.Errorf("%s: %d, want %d", profile, got, want)
		}
	}
}

func TestParam(t *testing.T) {
	t.Setenv("LATERAL_PARAMS", `{"n": "9007199254740993", "rate": "1.10", "name": "1.10"}`)
	if n, rate, name, absent := Param("n", 1), Param("rate", 0.5), Param("name", "d"), Param("absent",
		-1); n != 9007199254740993 || rate != 1.1 || name != "1.10" || absent != -1 {
		t.Errorf("%d, %g, %q, %d", n, rate, name, absent)
	}
}

func TestHeadless(t *testing.T) {
	for value, want := range map[string]bool{"1": true, "true": true, "0": false, "false": false, "": false} {
		t.Setenv("LATERAL_HEADLESS", value)
		if got := Headless(); got != want {
			t.Errorf("LATERAL_HEADLESS=%q: %v", value, got)
		}
	}
	if !unattended([]string{"gonb --kernel x", "/usr/bin/python3 /usr/bin/jupyter-nbconvert --execute"}) {
		t.Error("nbconvert is not recognised")
	}
	if unattended([]string{"gonb --kernel x", "/usr/bin/python3 /usr/bin/jupyter-lab"}) {
		t.Error("JupyterLab counts as headless")
	}
}

// paper records what a progress line draws.
type paper struct {
	lines []string
	tenth bool
}

func (p *paper) draw(line string)   { p.lines = append(p.lines, line) }
func (p *paper) finish(line string) { p.lines = append(p.lines, "final: "+line) }
func (p *paper) coarse() bool       { return p.tenth }

func TestProgressLine(t *testing.T) {
	now := time.Unix(1000, 0)
	var out paper
	p := newProgress("training", 50, &out, func() time.Time { return now })
	for i := range 50 {
		now = now.Add(100 * time.Millisecond)
		p.Step(i+1, "loss 0.5")
	}
	p.Done()
	p.Done()
	p.Step(3)
	if len(out.lines) < 20 || len(out.lines) > 27 { // five a second for five seconds, and the final line
		t.Errorf("%d redraws", len(out.lines))
	}
	if got, want := out.lines[12], "training  ██████████░░░░░░░░░░  50 %  25/50  10/s  3 s left  loss 0.5"; got != want {
		t.Errorf("line %q, want %q", got, want)
	}
	if got, want := out.lines[len(out.lines)-1], "final: training  50/50 in 5 s  10/s  loss 0.5"; got != want {
		t.Errorf("final line %q, want %q", got, want)
	}
}

func TestProgressInTenths(t *testing.T) {
	out := paper{tenth: true}
	p := newProgress("", 1000, &out, time.Now)
	for range 1000 {
		p.Add(1)
	}
	p.Done()
	if len(out.lines) != 11 {
		t.Errorf("%d lines, want 11: %q", len(out.lines), out.lines)
	}
}

func TestProgressWithoutTotal(t *testing.T) {
	now := time.Unix(1000, 0)
	var out paper
	p := newProgress("reading", 0, &out, func() time.Time { return now })
	now = now.Add(4 * time.Second)
	p.Step(2)
	p.Done()
	if want := "reading  2  2 s each"; out.lines[0] != want {
		t.Errorf("line %q, want %q", out.lines[0], want)
	}
}

// Without a total, a line that is not watched is drawn when the steps have doubled, however long they take.
func TestProgressWithoutTotalDoubles(t *testing.T) {
	now := time.Unix(1000, 0)
	out := paper{tenth: true}
	p := newProgress("reading", 0, &out, func() time.Time { return now })
	for range 1000 {
		now = now.Add(time.Minute)
		p.Add(1)
	}
	p.Done()
	if n := len(out.lines); n != 11 || !strings.HasPrefix(out.lines[9], "reading  512  1 min") {
		t.Errorf("%d lines, want those of 1, 2, 4 to 512 and the last: %q", n, out.lines)
	}
}

func TestProvenanceIsBrokenBetweenFacts(t *testing.T) {
	parts := []string{"profile quick", "data λλλλ", "a fact that alone is longer than a line", "2 cores"}
	const want = "profile quick · data λλλλ\na fact that alone is longer than a line\n2 cores"
	if got := joined(parts, 25); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
