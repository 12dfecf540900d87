// SPDX-License-Identifier: Apache-2.0

package clustering_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/experiment"
	. "github.com/lateral-ml/lateral/lib/papers/ninai17/clustering"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// halves are images in two classes: bright above or below.
func halves() *experiment.Data {
	set := func(n int, seed uint64) *dataset.Set {
		s := &dataset.Set{Name: "Halves", Sum: fmt.Sprintf("%064d", seed), X: tensor.New(n, 1, 28, 28), Y: make([]int, n),
			Classes: []string{"above", "below"}}
		tensor.Stream(seed, "halves").Uniform(s.X.Data(), 0, 0.5)
		for i := range n {
			s.Y[i] = i % 2
			for k := range 14 * 28 {
				s.X.Row(i)[s.Y[i]*14*28+k] += 0.4
			}
		}
		return s
	}
	return &experiment.Data{Train: set(200, 1), Test: set(60, 2)}
}

func small(r Regulariser, d *experiment.Data) Setting {
	s := Document(r).On(d)
	s.Epochs, s.Rate, s.Fall = 6, 0.05, 0.5
	if s.Centres > 0 {
		s.Centres = 10
	}
	return s
}

// Networks learn with every regulariser, and clusters compress: the net inputs of images lie nearer to few centres.
func TestTrain(t *testing.T) {
	d := halves()
	for _, r := range Regularisers {
		got, err := Train(t.Context(), small(r, d), d, experiment.Options{})
		if err != nil {
			t.Fatal(err)
		}
		m := got.Metrics
		if m.Error > 0.1 || m.TrainError > 0.1 || len(m.Errors) != 6 {
			t.Errorf("%s: %+v", r, m)
		}
		clusters := r == Sample || r == Spatial || r == Channel
		if (len(m.Used) == 5) != clusters {
			t.Errorf("%s: centres in use %v", r, m.Used)
		}
		if clusters {
			used := map[int]bool{}
			for _, k := range m.Hidden {
				used[k] = true
			}
			if len(m.Hidden) != d.Test.Len() || len(used) != m.Used[3] {
				t.Errorf("%s: %d images of the hidden layer have %d centres, %v", r, len(m.Hidden), len(used), m.Used)
			}
		}
		for i, n := range m.Used {
			if n < 1 || n > 10 {
				t.Errorf("%s: layer %d uses %d of 10 centres", r, i, n)
			}
		}
	}
}

// A killed training ends with the same network and centres, when it is stopped within an epoch and between two.
func TestResume(t *testing.T) {
	d := halves()
	s := small(Spatial, d)
	s.Epochs = 3
	want, err := Train(t.Context(), s, d, experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, stop := range []int{1, 2, 5} { // of 6 steps
		ctx, cancel := context.WithCancelCause(t.Context())
		_, err := Train(ctx, s, d, experiment.Options{Dir: dir, OnStep: func(e *train.Event) {
			if e.Step == stop {
				cancel(errors.New("stopped"))
			}
		}})
		if err == nil || !strings.Contains(err.Error(), "stopped") {
			t.Fatal(err)
		}
	}
	got, err := Train(t.Context(), s, d, experiment.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Metrics, want.Metrics) ||
		!reflect.DeepEqual(got.Net.Clusters[1].Centres, want.Net.Clusters[1].Centres) {
		t.Errorf("%+v, without a stop %+v", got.Metrics, want.Metrics)
	}
}

func TestCheck(t *testing.T) {
	d := halves()
	for want, change := range map[string]func(s *Setting){
		`Regulariser is "mixup"`:      func(s *Setting) { s.Regulariser = "mixup" },
		"Strength is -1":              func(s *Setting) { s.Strength = -1 },
		"Centres is 0":                func(s *Setting) { s.Centres = 0 },
		"Epochs is 0":                 func(s *Setting) { s.Epochs = 0 },
		"Fall is 2":                   func(s *Setting) { s.Fall = 2 },
		"Std is 0":                    func(s *Setting) { s.Std = 0 },
		"Part is -1":                  func(s *Setting) { s.Part = -1 },
		"adapt it with its method On": func(s *Setting) { s.Images = 7 },
	} {
		s := small(Sample, d)
		change(&s)
		if _, err := Train(t.Context(), s, d, experiment.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// The document's sizes: 60,000 iterations with batches of 100 of 50,000 images.
func TestGrid(t *testing.T) {
	for _, profile := range experiment.Profiles() {
		for _, s := range Grids.List(profile)[0].Settings(experiment.Source{Images: 50_000}) {
			if err := s.Check(); err != nil {
				t.Errorf("%s: %v", profile, err)
			}
		}
	}
	paper := Grids.List(experiment.Paper)[0]
	if s := paper.Cells[0].At(experiment.Source{Images: 50_000}, 0); s.Samples() != 60_000*100 || paper.Len() != 7*4 {
		t.Errorf("%d samples, %d networks", s.Samples(), paper.Len())
	}
}

// The setting behind a row of table 14.
func Example() {
	s := Document(Sample)
	fmt.Println(s)
	net, err := NewNet(s, []int{3, 32, 32}, 10)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range net.Clusters {
		fmt.Println(c.Of, c.Centres.Shape())
	}
	// Output:
	// sample 0.1, 120 epochs, seed 0
	// sample [100 32768]
	// sample [100 8192]
	// sample [100 4096]
	// sample [100 64]
	// sample [100 10]
}
