// SPDX-License-Identifier: Apache-2.0

package train_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/hebbian"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// learners returns one of each kind, to learn from samples of 20 numbers in three classes.
var learners = map[string]func() train.Learner{
	"gradient descent": func() train.Learner {
		type net struct {
			Hidden  *nn.Dense
			Dropout *nn.Dropout
			Out     *nn.Dense
		}
		rng := tensor.Stream(1, "weights")
		hidden, out := nn.NewDense(20, 8, nil, rng), nn.NewDense(8, 3, nil, rng)
		n := &net{hidden, nn.NewDropout(0.3, tensor.Stream(1, "dropout")), out}
		return &train.GradientDescent{
			Model: n, Workers: 1, Schedule: optim.Linear(0.01, 0.001, 3),
			Loss: func(b *train.Batch) *autograd.Var {
				logits := n.Out.Forward(n.Dropout.Forward(autograd.ReLU(n.Hidden.Forward(b.X))))
				b.Error(logits)
				return loss.CrossEntropy(logits, b.Y)
			},
		}
	},
	"hebbian": func() train.Learner {
		c := hebbian.Competition{Rule: hebbian.Rule{P: 3}, K: 3, Delta: 0.2}
		l := hebbian.NewLearner(c, hebbian.NewWeights(6, 20, 1))
		l.Rate, l.Workers = optim.Linear(0.04, 0, 3), 1
		return l
	},
	"k-means": func() train.Learner {
		k := &KMeans{tensor.New(4, 20), make([]int, 4)}
		tensor.Stream(1, "centres").Normal(k.Centres.Data(), 0, 1)
		return k
	},
}

// A flipped bit in any file of any kind of checkpoint, or a truncated file, is an error that names the file: never a
// panic, never another result. TRAIN_FLIPS asks for more flips per file than a quick test has time for.
func TestFlippedBits(t *testing.T) {
	flips := 100
	if n, err := strconv.Atoi(os.Getenv("TRAIN_FLIPS")); err == nil {
		flips = n
	}
	set := &dataset.Set{X: tensor.New(60, 20), Y: make([]int, 60)}
	tensor.Stream(1, "data").Normal(set.X.Data(), 0, 1)
	for i := range set.Y {
		set.Y[i] = i % 3
	}
	for kind, learner := range learners {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			run := func(stop int) (err error) {
				defer func() {
					if p := recover(); p != nil {
						err = nil
						t.Errorf("panic: %v", p)
					}
				}()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				_, err = train.Run(ctx, train.Config{
					Learner: learner(), Train: set, Epochs: 3, BatchSize: 10, Dir: dir,
					OnStep: func(e *train.Event) {
						if e.Step == stop {
							cancel()
						}
					},
				})
				return err
			}
			if err := run(8); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			entries, err := filepath.Glob(filepath.Join(dir, "[^.]*"))
			if err != nil || len(entries) != 2 {
				t.Fatalf("files %q, %v", entries, err)
			}
			rng := tensor.Stream(1, "flips")
			for _, path := range entries {
				whole, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				try := func(what string, damaged []byte) {
					if err := os.WriteFile(path, damaged, 0o644); err != nil {
						t.Fatal(err)
					}
					err := run(0)
					if text := fmt.Sprint(err); !strings.Contains(text, path) || !strings.Contains(text, "start anew") {
						t.Fatalf("%s %s: error %v", filepath.Base(path), what, err)
					}
				}
				for range flips {
					damaged := append([]byte(nil), whole...)
					at, bit := rng.IntN(len(damaged)), rng.IntN(8)
					damaged[at] ^= 1 << bit
					try(fmt.Sprintf("with bit %d of byte %d flipped", bit, at), damaged)
				}
				for n := 0; n < len(whole); n += 1 + len(whole)/50 {
					try(fmt.Sprintf("cut to %d bytes", n), whole[:n])
				}
				if err := os.WriteFile(path, whole, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := run(0); err != nil {
				t.Errorf("the whole checkpoint: %v", err)
			}
		})
	}
}
