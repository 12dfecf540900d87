// SPDX-License-Identifier: Apache-2.0

package sparsity_test

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/sparsity"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func ExampleClassCounts() {
	activations := tensor.From([]float32{
		1, 0, 0, // a zero
		2, 0, 3, // a zero
		0, 0, 1, // a one
	}, 3, 3)
	heat := sparsity.ClassCounts(activations, []int{0, 0, 1}, 2)
	fmt.Println("zeros", heat.Row(0))
	fmt.Println("ones ", heat.Row(1))
	fmt.Println("dead ", sparsity.DeadUnits(activations))
	// Output:
	// zeros [2 0 1]
	// ones  [0 0 1]
	// dead  [1]
}

func ExampleProfile() {
	var p sparsity.Profile
	for range 2 { // batches
		p.Add(tensor.From([]float32{1, 0, 0, 1, 1, 1, 1, 0}, 2, 4))
	}
	fmt.Println(p.Counts, p.Frequency())
	fmt.Println(p)
	// Output:
	// [4 2 2 2] [1 0.5 0.5 0.5]
	// 4 samples of 4 units, 0 dead: l0 2.5±0.6, l1 2.5±0.58, Gini 0.375±0.144, Hoyer 0.427±0.184
}

func TestUnits(t *testing.T) {
	a := tensor.From([]float32{
		1, 0, -1, 0,
		2, 0, 0, float32(math.NaN()),
		3, 0, 0, 1,
		4, 0, 0, 1,
	}, 4, 2, 1, 2) // as a convolutional layer: two maps of 1x2
	if got := sparsity.Counts(a); !slices.Equal(got, []int{4, 0, 1, 3}) {
		t.Errorf("counts %v", got)
	}
	if got := sparsity.Frequency(a); !slices.Equal(got, []float64{1, 0, 0.25, 0.75}) {
		t.Errorf("frequencies %v", got)
	}
	if got := sparsity.DeadUnits(a); !slices.Equal(got, []int{1}) {
		t.Errorf("dead units %v", got)
	}
	heat := sparsity.ClassCounts(a, []int{2, 0, 2, 2}, 3)
	if !slices.Equal(heat.Shape(), []int{3, 4}) ||
		!slices.Equal(heat.Data(), []float32{1, 0, 0, 1, 0, 0, 0, 0, 3, 0, 1, 2}) {
		t.Errorf("class counts %v", heat)
	}
	p := sparsity.Measure(a)
	if !slices.Equal(p.Counts, []int{4, 0, 1, 3}) || !slices.Equal(p.Frequency(), []float64{1, 0, 0.25, 0.75}) ||
		!slices.Equal(p.DeadUnits(), []int{1}) {
		t.Errorf("profile %v with counts %v", p, p.Counts)
	}
}

func TestPanics(t *testing.T) {
	x, p := tensor.New(2, 3), sparsity.Measure(tensor.New(1, 4))
	for want, f := range map[string]func(){
		"sparsity: Frequency: no samples of 3 units": func() {
			sparsity.Frequency(tensor.New(0, 3))
		},
		"sparsity: ClassCounts: 1 labels for activations of shape [2 3]": func() {
			sparsity.ClassCounts(x, []int{1}, 2)
		},
		"sparsity: ClassCounts: label 2 of sample 1 is not one of 2 classes": func() {
			sparsity.ClassCounts(x, []int{1, 2}, 2)
		},
		"sparsity: ClassCounts: label -1 of sample 0 is not one of 2 classes": func() {
			sparsity.ClassCounts(x, []int{-1, 2}, 2)
		},
		"sparsity: Profile.Add: activations of shape [2 3] to a profile of 4 units": func() { p.Add(x) },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); got != want {
					t.Errorf("panic %q, want %q", got, want)
				}
			}()
			f()
		}()
	}
}

// activations returns [n, units], with some elements zero.
func activations(n, units int, zeros float64) *tensor.Tensor {
	a, rng := tensor.New(n, units), tensor.Stream(1, "activations")
	rng.Uniform(a.Data(), 0, 1)
	for i := range a.Data() {
		if rng.Float64() < zeros {
			a.Data()[i] = 0
		}
	}
	return a
}

// A profile has the two-pass mean and deviation of the measures of its rows, for any division into batches.
func TestProfile(t *testing.T) {
	a := activations(100, 33, 0.6)
	before := a.Clone()
	p := sparsity.Measure(a)
	if !slices.Equal(a.Data(), before.Data()) {
		t.Error("Measure changed its argument")
	}
	for name, c := range map[string]struct {
		got     sparsity.Stat
		measure func([]float32) float64
	}{
		"L0":    {p.L0, func(a []float32) float64 { return float64(sparsity.L0(a)) }},
		"L1":    {p.L1, sparsity.L1},
		"Gini":  {p.Gini, sparsity.Gini},
		"Hoyer": {p.Hoyer, sparsity.Hoyer},
	} {
		mean, squares := 0.0, 0.0
		for i := range 100 {
			mean += c.measure(a.Row(i)) / 100
		}
		for i := range 100 {
			d := c.measure(a.Row(i)) - mean
			squares += d * d
		}
		if std := math.Sqrt(squares / 99); c.got.N != 100 || !near(c.got.Mean, mean, 1e-12) ||
			!near(c.got.Std(), std, 1e-12) || std == 0 {
			t.Errorf("%s: %d values, mean %g, deviation %g; want 100, %g, %g", name, c.got.N, c.got.Mean, c.got.Std(), mean, std)
		}
	}
	var batches sparsity.Profile
	batches.Add(a.Slice(0, 64))
	batches.Add(a.Slice(64, 64))
	batches.Add(a.Slice(64, 100))
	if !reflect.DeepEqual(batches, p) {
		t.Errorf("in batches %v, at once %v", batches, p)
	}

	one := sparsity.Measure(a.Slice(0, 1))
	if one.L1.Std() != 0 || one.L1.Mean != sparsity.L1(a.Row(0)) {
		t.Errorf("one sample: mean %g, deviation %g", one.L1.Mean, one.L1.Std())
	}
	if none := (sparsity.Profile{}).String(); !strings.HasPrefix(none, "0 samples of 0 units") {
		t.Errorf("no samples: %s", none)
	}
}

func BenchmarkMeasure(b *testing.B) {
	for _, zeros := range []float64{0, 0.9} {
		a := activations(10_000, 256, zeros)
		b.Run(fmt.Sprintf("10000x256/zeros=%g", zeros), func(b *testing.B) {
			for b.Loop() {
				sparsity.Measure(a)
			}
		})
	}
}
