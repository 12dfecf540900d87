// SPDX-License-Identifier: Apache-2.0

package rbm_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/lib/optim"
	. "github.com/lateral-ml/lateral/lib/rbm"
	"github.com/lateral-ml/lateral/lib/train"
)

// killed trains a machine whose checkpoints are in a folder, with everything that a checkpoint must keep.
func killed(dir string, pause time.Duration) (*Machine, error) {
	l := &Learner{
		Machine: New(9, 8, 1), Rate: optim.Linear(0.1, 0.01, 5), Persistent: true, Momentum: 0.5, Share: 0.3, Seed: 3,
	}
	_, err := train.Run(context.Background(), train.Config{
		Learner: l, Train: bars(20), Epochs: 5, BatchSize: 30, Dir: dir, Every: time.Nanosecond,
		OnStep: func(*train.Event) { time.Sleep(pause) },
	})
	return l.Machine, err
}

// TestMain trains in a folder if a test has started this process for it.
func TestMain(m *testing.M) {
	dir := os.Getenv("RBM_TEST_DIR")
	if dir == "" {
		os.Exit(m.Run())
	}
	if _, err := killed(dir, 5*time.Millisecond); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// A training whose process is killed, at any time, goes on to the same bits.
func TestKillAndResume(t *testing.T) {
	want, err := killed("", 0)
	if err != nil {
		t.Fatal(err)
	}
	dir, kills := filepath.Join(t.TempDir(), "run"), 0
	for round := range 5 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "RBM_TEST_DIR="+dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		if round > 0 { // the first lives until it has saved something
			time.Sleep(time.Duration(50+17*round) * time.Millisecond)
		}
		for saved := false; !saved; time.Sleep(time.Millisecond) {
			_, err := os.Stat(filepath.Join(dir, "checkpoint.json"))
			saved = err == nil
			select {
			case err := <-ended:
				if ended <- err; !saved {
					t.Fatalf("round %d ended without a checkpoint: %v", round, err)
				}
			default:
			}
		}
		if cmd.Process.Kill() == nil {
			kills++
		}
		<-ended
	}
	got, err := killed(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	if kills == 0 || !slices.Equal(got.Weights.Data(), want.Weights.Data()) ||
		!slices.Equal(got.HiddenBias.Data(), want.HiddenBias.Data()) {
		t.Errorf("after %d kills the weights differ from those of an uninterrupted run", kills)
	}
}
