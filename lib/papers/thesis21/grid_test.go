// SPDX-License-Identifier: Apache-2.0

package thesis21

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/papers/internal/spots"

	"github.com/lateral-ml/lateral/lib/experiment"
)

// The numbers of networks of [Thesis21] and their penalty factors.
func TestPaperGrids(t *testing.T) {
	for name, want := range map[string]struct {
		networks int
		lambdas  string
	}{
		"fc1": {1600, "[0 0.008 0.016 0.024 0.032 0.04 0.048 0.056 0.064 0.072 0.08 0.088 0.096 0.104 0.112 0.12]"},
		"fc2": {1600, "[0 0.008 0.016 0.024 0.032 0.04 0.048 0.056 0.064 0.072 0.08 0.088 0.096 0.104 0.112 0.12]"},
		"fc3": {2100, "[0 0.001 0.002 0.003 0.004 0.005 0.006 0.007 0.008 0.009 0.01 0.011 0.012 0.013 0.014 0.015" +
			" 0.016 0.017 0.018 0.019 0.02]"},
		"sigmoid": {1600, "[0 0.008 0.016 0.024 0.032 0.04 0.048 0.056 0.064 0.072 0.08 0.088 0.096 0.104 0.112 0.12]"},
		"ae": {1140, "[0 5e-05 0.0001 0.00015 0.0002 0.00025 0.0003 0.00035 0.0004 0.00045 0.0005 0.00055 0.0006" +
			" 0.00065 0.0007 0.00075 0.0008 0.00085 0.0009]"},
		"conv11": {2 * 21 * 20,
			"[0 0.0005 0.001 0.0015 0.002 0.0025 0.003 0.0035 0.004 0.0045 0.005 0.0055 0.006 0.0065 0.007" +
				" 0.0075 0.008 0.0085 0.009 0.0095 0.01]"},
	} {
		g := paperGrid(t, name)
		if g.Len() != want.networks || fmt.Sprint(Lambdas(g)) != want.lambdas || g.Seeds != 20 ||
			g.Cells[0].Epochs != 15 {
			t.Errorf("%s: %d networks, lambdas %v, %d seeds, %d epochs", name, g.Len(), Lambdas(g), g.Seeds,
				g.Cells[0].Epochs)
		}
	}
	ae, fc2 := fmt.Sprint(shapesOf(paperGrid(t, "ae"))), fmt.Sprint(shapesOf(paperGrid(t, "fc2")))
	if ae != "[400-64-400 784-784-784 900-1024-900]" || fc2 != "[8-8 32-32 64-64 128-128 256-256]" {
		t.Errorf("shapes %v and %v", ae, fc2)
	}
}

func paperGrid(t *testing.T, name string) Grid {
	t.Helper()
	g, err := Grids.Lookup(name, experiment.Paper)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// shapesOf returns the shapes of a grid that has several lambdas for each shape.
func shapesOf(g Grid) (shapes []Shape) {
	for i, s := range g.Cells {
		if i%len(Lambdas(g)) == 0 {
			shapes = append(shapes, s.Shape)
		}
	}
	return shapes
}

var digits = experiment.Source{Data: "MNIST", Checksum: "0123", Images: 50000}

// The results of a grid with fewer seeds are part of those of a grid with more, and are trained first.
func TestFewerSeeds(t *testing.T) {
	all := paperGrid(t, "fc1")
	few := all
	few.Seeds = 5
	part := few.Settings(digits)
	var want []Setting
	for _, s := range all.Settings(digits) {
		if s.Seed < 5 {
			want = append(want, s)
		}
	}
	if len(part) != 400 || !reflect.DeepEqual(part, want) {
		t.Errorf("five seeds are %d settings, and not those of the first five of all", len(part))
	}
	if round := Grids.Sweep(nil, small, "").Round; round(want[0]) != 0 || round(want[4]) != 4 {
		t.Error("networks are not trained seed by seed")
	}
}

// Every setting of every grid is valid and distinct, across grids too.
func TestGrids(t *testing.T) {
	for _, profile := range experiment.Profiles() {
		seen := map[string]bool{}
		for _, g := range Grids.List(profile) {
			settings := g.Settings(digits)
			if len(settings) != g.Len() || g.About == "" {
				t.Errorf("%s: %d settings, Len is %d", g.Name, len(settings), g.Len())
			}
			for _, s := range settings {
				if err := s.Check(); err != nil {
					t.Fatal(err)
				}
				key, _ := json.Marshal(s)
				if seen[string(key)] {
					t.Fatalf("%s twice", key)
				}
				seen[string(key)] = true
			}
			// The lambdas of a smaller profile are among those of the larger one.
			whole := Lambdas(paperGrid(t, g.Name))
			for _, lambda := range Lambdas(g) {
				if !slices.Contains(whole, lambda) {
					t.Errorf("%s, %s: %v is none of %v", g.Name, profile, lambda, whole)
				}
			}
		}
	}
	if _, err := Grids.Lookup("fc4", experiment.Quick); err == nil ||
		!strings.Contains(err.Error(), "use fc1, fc2, fc3, sigmoid, ") {
		t.Errorf("an unknown grid: %v", err)
	}
	if _, err := Grids.Lookup("fc1", "huge"); err == nil || !strings.Contains(err.Error(), "quick, standard or paper") {
		t.Errorf("an unknown profile: %v", err)
	}
}

func TestCostGrowsWithTheNetwork(t *testing.T) {
	for _, name := range []string{"fc1", "fc3", "ae", "conv3"} {
		before := 0.0
		for _, shape := range shapesOf(paperGrid(t, name)) {
			s := setting(nil)
			s.Shape = shape
			c := cost(s, []int{1, 28, 28})
			if !(c > before) {
				t.Errorf("%s: %v costs %v, the one before %v", name, shape, c, before)
			}
			before = c
		}
	}
}

func TestCheck(t *testing.T) {
	for want, change := range map[string]func(*Setting){
		`Task is "draw": want classify or autoencode`: func(s *Setting) { s.Task = "draw" },
		`Activation is "tanh"`:                        func(s *Setting) { s.Activation = "tanh" },
		`Penalty is ""`:                               func(s *Setting) { s.Penalty = "" },
		"Hidden is []":                                func(s *Setting) { s.Hidden = nil },
		"Hidden is [3 0]":                             func(s *Setting) { s.Hidden = []int{3, 0} },
		"Lambda is -1":                                func(s *Setting) { s.Lambda = -1 },
		"Lambda is NaN":                               func(s *Setting) { s.Lambda = math.NaN() },
		"Lambda is +Inf":                              func(s *Setting) { s.Lambda = math.Inf(1) },
		"Epochs is 0":                                 func(s *Setting) { s.Epochs = 0 },
		"Filters is [4 0]":                            func(s *Setting) { s.Filters, s.Kernel = []int{4, 0}, 3 },
		"Filters is [4]: want at least": func(s *Setting) {
			s.Filters, s.Kernel, s.Task = []int{4}, 3, Autoencode
		},
		"Kernel is 0":                        func(s *Setting) { s.Filters = []int{4} },
		"Kernel is 3":                        func(s *Setting) { s.Kernel = 3 },
		"want one for each of the 2 hidden":  func(s *Setting) { s.Weights = []float64{1} },
		"Weights[1] is NaN: want a number >": func(s *Setting) { s.Weights = []float64{1, math.NaN()} },
	} {
		s := setting(change)
		err := s.Check()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
		func() {
			defer func() {
				if msg := fmt.Sprint(recover()); !strings.Contains(msg, want) {
					t.Errorf("NewNet panics with %q, want %q", msg, want)
				}
			}()
			NewNet(s, []int{1, 8, 8}, 4)
		}()
	}
}

func TestSettingString(t *testing.T) {
	for want, change := range map[string]func(*Setting){
		"12-8 relu, l1 x 0.01, seed 3":                    nil,
		"6-16 filters of 7x7, 64 relu, l1 x 0.01, seed 3": func(s *Setting) { s.Shape = convolutional(2, 7)[1] },
		"400-64-400 sigmoid, log x 5e-05, weighted [1 0 2], negative biases, no output bias, seed 0": func(s *Setting) {
			*s = Setting{Shape: FullyConnected(400, 64, 400), Activation: Sigmoid, Penalty: Log, Lambda: 5e-5,
				Weights: []float64{1, 0, 2}, NegativeBiases: true, NoOutputBias: true}
		},
	} {
		if got := setting(change).String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestSample(t *testing.T) {
	if s := sample(small.Test); s.Len() != 400 {
		t.Errorf("a sample of %d images", s.Len())
	}
	counts := map[int]int{}
	for _, y := range sample(spots.Set(1402, "more")).Y {
		counts[y]++
	}
	if len(counts) != 4 || counts[0] != 250 || counts[3] != 250 {
		t.Errorf("classes of the sample: %v", counts)
	}
}

// The networks behind figure 3.1.
func Example() {
	grid, err := Grids.Lookup("fc1", experiment.Paper)
	if err != nil {
		panic(err)
	}
	settings := grid.Settings(experiment.Source{Data: "MNIST", Checksum: "0123456789abcdef", Images: 50000})
	fmt.Println(len(settings), "networks, the last:", settings[len(settings)-1])
	// Output: 1600 networks, the last: 256 relu, l1 x 0.12, seed 19
}
