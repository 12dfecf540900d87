// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Training proceeds beside a busy process. For a longer test, run: go run ./lib/internal/bench -stress 30m
func TestStress(t *testing.T) {
	var out, log bytes.Buffer
	if err := bench(t.Context(), []string{"-stress", "2s", "-longest", "30s"}, &out, &log); err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	for _, want := range []string{
		`for 2s in turns of 500ms`, `\| alone \| [1-9]\d* \| [1-9]`, `\| beside a busy process \| [1-9]\d* \| [1-9]`,
		`No step hung: none took 30s`,
	} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("%q is missing from\n%s", want, out.String())
		}
	}
}

// Without the busy process, there is one row.
func TestStressBesideNone(t *testing.T) {
	var out, log bytes.Buffer
	args := []string{"-stress", "400ms", "-beside", "none", "-longest", "30s"}
	if err := bench(t.Context(), args, &out, &log); err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	row := regexp.MustCompile(`\| all \| [1-9]\d* \| [1-9]`)
	if got := out.String(); !row.MatchString(got) || strings.Contains(got, "busy") {
		t.Errorf("got\n%s", got)
	}
}

// newStress returns a short test of a step.
func newStress(step func()) *stressTest {
	return &stressTest{step: step, total: 80 * time.Millisecond, turn: 20 * time.Millisecond, tick: 10 * time.Millisecond,
		longest: 200 * time.Millisecond, log: &bytes.Buffer{}}
}

func TestStressFindsAHang(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	steps := 0
	s := newStress(func() {
		if steps++; steps == 5 {
			<-release
		}
		time.Sleep(time.Millisecond)
	})
	var dump bytes.Buffer
	s.log = &dump
	err := s.run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "step 5 has not finished in 200ms") {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(dump.String(), "TestStressFindsAHang") || !strings.Contains(dump.String(), "goroutine ") {
		t.Errorf("the dump does not show where the step hangs:\n%s", dump.String())
	}
}

func TestStressIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	steps := 0
	s := newStress(func() {
		if steps++; steps == 20 {
			cancel(stop)
		}
		time.Sleep(time.Millisecond)
	})
	if err := s.run(ctx); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}

// A turn in which the process was stopped does not count.
func TestStressTakesATurnAgain(t *testing.T) {
	var s *stressTest
	steps := 0
	s = newStress(func() {
		if steps++; steps == 1 {
			s.naps.Add(1)
		}
		time.Sleep(time.Millisecond)
	})
	c := &condition{}
	if err := s.take(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if c.turns != 1 || len(c.steps) > steps-1 || len(c.steps) == 0 {
		t.Errorf("%d turns with %d of %d steps", c.turns, len(c.steps), steps)
	}
}

// The rival is busy until it is stopped.
func TestRival(t *testing.T) {
	before := othersTime()
	stop, err := startRival()
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if used := othersTime() - before; used <= 0.01 { // NaN, for unknown, passes
		t.Errorf("others used %v s of the cores", used)
	}
}
