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
)

// The numbers of networks of [Thesis21] and their prices.
func TestPaperGrids(t *testing.T) {
	for name, want := range map[string]struct {
		networks int
		lambdas  string
	}{
		"fc1":     {1600, "[0 0.008 0.016 0.024 0.032 0.04 0.048 0.056 0.064 0.072 0.08 0.088 0.096 0.104 0.112 0.12]"},
		"fc2":     {1600, "[0 0.008 0.016 0.024 0.032 0.04 0.048 0.056 0.064 0.072 0.08 0.088 0.096 0.104 0.112 0.12]"},
		"fc3":     {2100, "[0 0.001 0.002 0.003 0.004 0.005 0.006 0.007 0.008 0.009 0.01 0.011 0.012 0.013 0.014 0.015 0.016 0.017 0.018 0.019 0.02]"},
		"sigmoid": {1600, "[0 0.008 0.016 0.024 0.032 0.04 0.048 0.056 0.064 0.072 0.08 0.088 0.096 0.104 0.112 0.12]"},
		"ae":      {1140, "[0 5e-05 0.0001 0.00015 0.0002 0.00025 0.0003 0.00035 0.0004 0.00045 0.0005 0.00055 0.0006 0.00065 0.0007 0.00075 0.0008 0.00085 0.0009]"},
		"conv11":  {2 * 21 * 20, "[0 0.0005 0.001 0.0015 0.002 0.0025 0.003 0.0035 0.004 0.0045 0.005 0.0055 0.006 0.0065 0.007 0.0075 0.008 0.0085 0.009 0.0095 0.01]"},
	} {
		g, err := Lookup(name, Paper)
		if err != nil {
			t.Fatal(err)
		}
		if g.Len() != want.networks || fmt.Sprint(g.Lambdas) != want.lambdas || g.Seeds != 20 || g.Base.Epochs != 15 {
			t.Errorf("%s: %d networks, prices %v, %d seeds, %d epochs", name, g.Len(), g.Lambdas, g.Seeds, g.Base.Epochs)
		}
	}
	ae, _ := Lookup("ae", Paper)
	fc2, _ := Lookup("fc2", Paper)
	if fmt.Sprint(ae.Shapes) != "[400-64-400 784-784-784 900-1024-900]" || fmt.Sprint(fc2.Shapes) != "[8-8 32-32 64-64 128-128 256-256]" {
		t.Errorf("shapes %v and %v", ae.Shapes, fc2.Shapes)
	}
}

// A grid of fewer seeds has the results of one of more, trained first.
func TestFewerSeeds(t *testing.T) {
	all, _ := Lookup("fc1", Paper)
	few := all
	few.Seeds = 5
	part := few.Settings("MNIST", "0123")
	var want []Setting
	for _, s := range all.Settings("MNIST", "0123") {
		if s.Seed < 5 {
			want = append(want, s)
		}
	}
	if len(part) != 400 || !reflect.DeepEqual(part, want) {
		t.Errorf("five seeds are %d settings, and not those of the first five of all", len(part))
	}
	if round := Sweep(all, small).Round; round(want[0]) != 0 || round(want[4]) != 4 {
		t.Error("networks are not trained seed by seed")
	}
}

// Every setting of every grid is sound and unlike every other, and of another grid too.
func TestGrids(t *testing.T) {
	for _, profile := range []string{Quick, Standard, Paper} {
		grids, err := Grids(profile)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, g := range grids {
			settings := g.Settings("MNIST", "0123")
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
			// A smaller profile's prices are the larger one's.
			whole, err := Lookup(g.Name, Paper)
			if err != nil {
				t.Fatal(err)
			}
			for _, lambda := range g.Lambdas {
				if !slices.Contains(whole.Lambdas, lambda) {
					t.Errorf("%s, %s: %v is none of %v", g.Name, profile, lambda, whole.Lambdas)
				}
			}
		}
	}
	if _, err := Lookup("fc4", Quick); err == nil || !strings.Contains(err.Error(), "use one of fc1, fc2, fc3, sigmoid, ") {
		t.Errorf("an unknown grid: %v", err)
	}
	if _, err := Lookup("fc1", "huge"); err == nil || !strings.Contains(err.Error(), "quick, standard or paper") {
		t.Errorf("an unknown profile: %v", err)
	}
}

func TestCostGrowsWithTheNetwork(t *testing.T) {
	for _, name := range []string{"fc1", "fc3", "ae", "conv3"} {
		g, _ := Lookup(name, Paper)
		before := 0.0
		for _, shape := range g.Shapes {
			s := g.Base
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
		`Task is "draw": want one of ["classify" "autoencode"]`: func(s *Setting) { s.Task = "draw" },
		`Activation is "tanh"`:               func(s *Setting) { s.Activation = "tanh" },
		`Penalty is ""`:                      func(s *Setting) { s.Penalty = "" },
		"Hidden is []":                       func(s *Setting) { s.Hidden = nil },
		"Hidden is [3 0]":                    func(s *Setting) { s.Hidden = []int{3, 0} },
		"Lambda is -1":                       func(s *Setting) { s.Lambda = -1 },
		"Lambda is NaN":                      func(s *Setting) { s.Lambda = math.NaN() },
		"Lambda is +Inf":                     func(s *Setting) { s.Lambda = math.Inf(1) },
		"Epochs is 0":                        func(s *Setting) { s.Epochs = 0 },
		"Filters is [4 0]":                   func(s *Setting) { s.Filters, s.Kernel = []int{4, 0}, 3 },
		"Filters is [4]: want at least":      func(s *Setting) { s.Filters, s.Kernel, s.Task = []int{4}, 3, Autoencode },
		"Kernel is 0":                        func(s *Setting) { s.Filters = []int{4} },
		"Kernel is 3":                        func(s *Setting) { s.Kernel = 3 },
		"want one for each of the 2 hidden":  func(s *Setting) { s.Weights = []float64{1} },
		"Weights is [1 NaN]: want numbers >": func(s *Setting) { s.Weights = []float64{1, math.NaN()} },
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
		"400-64-400 sigmoid, log x 5e-05, seed 0, weighted [1 0 2], negative biases, no output bias": func(s *Setting) {
			*s = Setting{Shape: FullyConnected(400, 64, 400), Activation: Sigmoid, Penalty: Log, Lambda: 5e-5, Weights: []float64{1, 0, 2}, NegativeBiases: true, NoOutputBias: true}
		},
	} {
		if got := setting(change).String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestData(t *testing.T) {
	if s := small.sample(); s.Len() != 400 {
		t.Errorf("a sample of %d images", s.Len())
	}
	large := &Data{small.Train, small.Valid, spots(1402, "more")}
	counts := map[int]int{}
	for _, y := range large.sample().Y {
		counts[y]++
	}
	if len(counts) != 4 || counts[0] != 250 || counts[3] != 250 {
		t.Errorf("classes of the sample: %v", counts)
	}
	if len(small.Sum()) != 16 || small.Sum() == large.Sum() || small.Name() != "Spots" {
		t.Errorf("%s %s, %s", small.Name(), small.Sum(), large.Sum())
	}
}

func ExampleLookup() {
	grid, err := Lookup("fc1", Paper)
	if err != nil {
		panic(err)
	}
	settings := grid.Settings("MNIST", "0123456789abcdef")
	fmt.Println(len(settings), "networks, the last:", settings[len(settings)-1])
	// Output: 1600 networks, the last: 256 relu, l1 x 0.12, seed 19
}
