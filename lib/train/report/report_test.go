// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

func run(ctx context.Context, pause time.Duration) (*train.History, error) {
	rng := tensor.Stream(1, "report")
	net := nn.NewDense(2, 2, nil, rng)
	x := tensor.New(40, 2)
	rng.Normal(x.Data(), 0, 1)
	set := &dataset.Set{X: x, Y: make([]int, 40), Classes: []string{"a", "b"}}
	for i := range set.Y {
		if x.At(i, 0) > 0 {
			set.Y[i] = 1
		}
	}
	return train.Run(ctx, train.Config{
		Learner: &train.GradientDescent{Model: net, Loss: func(b *train.Batch) *autograd.Var {
			y := net.Forward(b.X)
			b.Error(y)
			return loss.CrossEntropy(y, b.Y)
		}},
		Train: set.Slice(0, 30), Valid: set.Slice(30, 40), Epochs: 5, BatchSize: 10,
		OnStep: func(*train.Event) { time.Sleep(pause) },
	})
}

// The bar shows how far the run is, at what rate, and goes at the end.
func TestBar(t *testing.T) {
	var out bytes.Buffer
	ctx, done := bar(t.Context(), &out, "digits")
	if _, err := run(ctx, 30*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	done()
	text := out.String()
	for _, want := range []string{"digits, epoch 2/5, loss ", "steps/s", "/15", "%"} {
		if !strings.Contains(text, want) {
			t.Errorf("the bar lacks %q:\n%q", want, text)
		}
	}
	if !strings.HasSuffix(text, "\r\x1b[K") {
		t.Errorf("the bar stays: %q", text)
	}
}

// Nothing is written to a file.
func TestBarIntoAFile(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ctx, done := Bar(t.Context(), f, "digits")
	if _, err := run(ctx, 0); err != nil {
		t.Fatal(err)
	}
	done()
	if info, _ := f.Stat(); info.Size() != 0 || ctx != t.Context() {
		t.Errorf("%d bytes were written", info.Size())
	}
}

func TestSaveCurves(t *testing.T) {
	h, err := run(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "curves.svg")
	if err := SaveCurves(path, h); err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(path)
	if !bytes.Contains(b, []byte("<svg")) || !strings.Contains(Curves(h).Describe(), "validation") {
		t.Errorf("%.200s\n%s", b, Curves(h).Describe())
	}
	if err := SaveCurves(filepath.Join(t.TempDir(), "none", "curves.svg"), h); err == nil {
		t.Error("a folder that is not there")
	}
	h.Epochs = h.Epochs[:1]
	h.Epochs[0].Valid = nil
	Curves(h)
}

func Example() {
	ctx, done := Bar(context.Background(), os.Stderr, "two classes") // a bar if this is a terminal
	history, err := run(ctx, 0)
	done()
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "report")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	fmt.Println(len(history.Epochs), SaveCurves(filepath.Join(dir, "curves.svg"), history))
	// Output: 5 <nil>
}
