// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/dataset/synth"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// digits is a small training, of which wait can prolong every step.
func digits(wait time.Duration) (*nn.Dense, train.Config) {
	x, y := synth.Glyphs(200, 1, "train")
	net := nn.NewDense(784, 10, nn.Uniform, tensor.Stream(1, "weights"))
	return net, train.Config{
		Learner: &train.GradientDescent{
			Model: net, Workers: 1,
			Loss: func(b *train.Batch) *autograd.Var { return loss.CrossEntropy(net.Forward(b.X), b.Y) },
		},
		Train: &dataset.Set{X: x, Y: y}, Epochs: 10, BatchSize: 20, Seed: 3, Key: "linear",
		OnStep: func(*train.Event) { time.Sleep(wait) },
	}
}

func trainScenario() {
	_, c := digits(20 * time.Millisecond) // 100 steps of it: two seconds
	c.OnStep = func(e *train.Event) {
		time.Sleep(20 * time.Millisecond)
		if e.Step == 7 {
			fmt.Fprintln(os.Stderr, "under way")
		}
	}
	Train("small", c)
	fmt.Println("not stopped")
}

// The stop button ends a training within three seconds, and the next run of the cell goes on from there, to the
// weights of a training that nobody stopped.
func TestStoppedTrainingGoesOn(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("LATERAL_CHECKPOINTS", dir)
	t.Setenv("LATERAL_MEMO", t.TempDir())
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), scenarioVariable+"=train")
	var out strings.Builder
	cmd.Stdout = &out
	said, err := cmd.StderrPipe()
	must(t, err)
	must(t, cmd.Start())
	lines := bufio.NewScanner(said)
	var pressed time.Time
	last := ""
	for lines.Scan() {
		if last = lines.Text(); last == "under way" {
			pressed = time.Now()
			must(t, cmd.Process.Signal(os.Interrupt))
		}
	}
	err = cmd.Wait()
	if took := time.Since(pressed); err == nil || took > 3*time.Second {
		t.Errorf("ended with %v, %v after the signal", err, took)
	}
	if !strings.HasPrefix(last, `training "small" was stopped after step `) || !strings.Contains(last,
		" of 100 and is saved: run the cell again") ||
		strings.Contains(out.String(), "not stopped") {
		t.Errorf("it said %q, then %q", out.String(), last)
	}

	net, c := digits(0)
	text := captureStdout(t, func() { _, err = TryTrain("small", c) })
	if err != nil || !strings.Contains(text, `training "small" goes on after step `) {
		t.Errorf("%v: %s", err, text)
	}
	want, c := digits(0)
	c.Dir = t.TempDir()
	_, err = train.Run(context.Background(), c)
	must(t, err)
	for i, w := range want.Weight.Value().Data() {
		if w != net.Weight.Value().Data()[i] {
			t.Fatalf("weight %d differs from that of a training that was not stopped", i)
		}
	}

	// Once it is done it is read back, until it is forgotten.
	_, c = digits(0)
	if text = captureStdout(t, func() { _, err = TryTrain("small", c) }); err != nil ||
		text != "training \"small\": read back, after 10 epochs\n" {
		t.Errorf("%v: %q", err, text)
	}
	// Other images under the same key are not taken for these.
	_, c = digits(0)
	c.Train.(*dataset.Set).X.Row(7)[300]++
	if _, err := TryTrain("small", c); err == nil || !strings.Contains(err.Error(), "Data was ") ||
		!strings.Contains(err.Error(), `kernelext.Forget("small")`) {
		t.Errorf("trained on other images: %v", err)
	}
	if n, err := Forget("small"); n != 1 || err != nil {
		t.Errorf("forgot %d, %v", n, err)
	}
	if left, err := os.ReadDir(dir); len(left) > 0 || err != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestTrainReportsItsError(t *testing.T) {
	t.Setenv("LATERAL_CHECKPOINTS", t.TempDir())
	net, c := digits(0)
	c.Learner.(*train.GradientDescent).Loss = func(b *train.Batch) *autograd.Var {
		return autograd.Scale(autograd.Scale(loss.CrossEntropy(net.Forward(b.X), b.Y), 1e38), 1e38)
	}
	var diverged *train.DivergedError
	if _, err := TryTrain("hot", c); !errors.As(err, &diverged) || !strings.HasPrefix(err.Error(), `training "hot": `) {
		t.Errorf("error %v", err)
	}
}

func TestNestedProgress(t *testing.T) {
	now := time.Unix(1000, 0)
	var out paper
	p := newProgress("networks", 8, &out, func() time.Time { return now })
	var parts []*Progress
	for i := range 6 {
		parts = append(parts, p.Nested(fmt.Sprintf("λ = %d", i), 10))
	}
	now = now.Add(time.Second)
	parts[1].Step(5, "loss 1") // draws
	parts[2].Step(5)           // within the same fifth of a second: does not
	if want := "networks  ░░░░░░░░░░░░░░░░░░░░  0 %  0/8\n  λ = 0  ░░░░░░░░░░░░░░░░░░░░  0 %  0/10\n" +
		"  λ = 1  ██████████░░░░░░░░░░  50 %  5/10  5/s  1 s left  loss 1\n"; len(out.lines) != 1 ||
		!strings.HasPrefix(out.lines[0], want) || !strings.HasSuffix(out.lines[0], "\n  and 2 more") {
		t.Fatalf("drew %q", out.lines)
	}
	for _, n := range parts[:5] {
		n.Done()
		n.Done()
	}
	now = now.Add(time.Second)
	p.Add(5)
	want := "networks  ████████████░░░░░░░░  62 %  5/8  2.5/s  1 s left\n" +
		"  λ = 5  ░░░░░░░░░░░░░░░░░░░░  0 %  0/10"
	if out.lines[1] != want {
		t.Errorf("drew %q, want %q", out.lines[1], want)
	}
	p.Done()
	now = now.Add(time.Second)
	parts[5].Step(7)
	if len(out.lines) != 3 || out.lines[2] != "final: networks  5/8 in 2 s  2.5/s" {
		t.Errorf("drew %q", out.lines[2:])
	}

	tenths := paper{tenth: true}
	p = newProgress("networks", 10, &tenths, time.Now)
	n := p.Nested("part", 10)
	for range 10 {
		n.Add(1)
		p.Add(1)
	}
	if len(tenths.lines) != 10 || strings.Contains(strings.Join(tenths.lines, ""), "part") {
		t.Errorf("without a reader: %q", tenths.lines)
	}
}

// Lines on a terminal are drawn over those before, and none is wider than it.
func TestTerminalLines(t *testing.T) {
	said := captureStdout(t, func() {
		line := terminalLine{redraws: true}
		line.draw("one\ntwo\nthree")
		line.draw("one")
		line.finish("end")
	})
	if want := "\r\x1b[Kone\ntwo\nthree" + "\r\x1b[2A\x1b[Jone" + "\r\x1b[Kend\n"; said != want {
		t.Errorf("wrote %q, want %q", said, want)
	}
	if got := fitted("0123456789\n█████", 6); got != "01234\n█████" {
		t.Errorf("cut to %q", got)
	}
}

// Each network of a sweep has a line of its own while it is trained.
func TestSweepShowsItsNetworks(t *testing.T) {
	now := time.Unix(1000, 0)
	var out paper
	progress := newProgress("grid", 2, &out, func() time.Time { return now })
	ctx, done := watched(context.Background(), progress, struct{ Lambda float64 }{0.008})
	now = now.Add(time.Second)
	_, c := digits(0)
	c.Epochs, c.Dir = 1, ""
	_, err := train.Run(ctx, c)
	must(t, err)
	done()
	if len(out.lines) != 1 || !strings.Contains(out.lines[0], "\n  {Lambda:0.008}  ██░░░░░░░░░░░░░░░░░░  10 %  1/10") {
		t.Errorf("drew %q", out.lines)
	}
	if len(progress.nested) != 0 {
		t.Error("its line stays")
	}
}

// Watch shows the progress of a training inside another function.
func TestWatch(t *testing.T) {
	_, c := digits(0)
	out := captureStdout(t, func() {
		ctx, done := Watch("flowers")
		if _, err := train.Run(ctx, c); err != nil {
			t.Error(err)
		}
		done()
	})
	if !strings.Contains(out, "flowers  100/100 in ") || !strings.Contains(out, "epoch 10/10  loss ") {
		t.Errorf("printed %q", out)
	}
	_, done := Watch("nothing")
	done()
}

// The key of a training tells it apart by its type, too, and wholly.
func TestKeyOfATraining(t *testing.T) {
	t.Setenv("LATERAL_CHECKPOINTS", t.TempDir())
	_, c := digits(0)
	folders := map[string]bool{}
	for _, key := range []any{pace{1}, decay{1}, []any{1}, []any{1.0}} {
		c.Key = key
		folders[CheckpointDir("keys", c)] = true
	}
	if len(folders) != 4 {
		t.Errorf("four keys have %d folders", len(folders))
	}
	c.Key = struct{ rate float64 }{0.1}
	if _, err := TryTrain("keys", c); err == nil || !strings.Contains(err.Error(), `training "keys": Key: `) ||
		!strings.Contains(err.Error(), ".rate is not exported") {
		t.Errorf("a key whose JSON is {}: %v", err)
	}
}
