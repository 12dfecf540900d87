// SPDX-License-Identifier: Apache-2.0

package loss_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	"github.com/lateral-ml/lateral/lib/internal/race"
	. "github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func drawn(name string, shape ...int) *autograd.Var {
	t := tensor.New(shape...)
	tensor.Stream(1, name).Normal(t.Data(), 0, 1)
	return autograd.NewParam(t)
}

// clusterCases are the parts with the number of rows and their length for y [3, 2, 4, 5].
var clusterCases = []struct {
	of           Clustered
	rows, length int
	row          func(y *tensor.Tensor, i int) []float32
}{
	{Samples, 3, 40, func(y *tensor.Tensor, i int) []float32 { return y.Row(i) }},
	{Pixels, 60, 2, func(y *tensor.Tensor, i int) []float32 {
		n, at := i/20, i%20
		return []float32{y.At(n, 0, at/5, at%5), y.At(n, 1, at/5, at%5)}
	}},
	{Channels, 6, 20, func(y *tensor.Tensor, i int) []float32 { return y.Row(i / 2)[i%2*20:][:20] }},
}

func squaredDistance(a, b []float32) (sum float64) {
	for j, v := range a {
		sum += float64(v-b[j]) * float64(v-b[j])
	}
	return sum
}

// The definition, row by row: assignment, moved centres, and R with these centres.
func TestClustersAgainstDefinition(t *testing.T) {
	for _, c := range clusterCases {
		y := drawn("y", 3, 2, 4, 5)
		clusters := NewClusters(c.of, 4, c.length, 0.5, tensor.Stream(1, "centres"))
		want, uses := clusters.Centres.Clone(), make([]float32, 4)
		label := make([]int, c.rows)
		sums := tensor.New(4, c.length)
		for i := range label {
			row := c.row(y.Value(), i)
			for k := range 4 {
				if squaredDistance(row, want.Row(k)) < squaredDistance(row, want.Row(label[i])) {
					label[i] = k
				}
			}
			uses[label[i]]++
			for j, v := range row {
				sums.Row(label[i])[j] += v
			}
		}
		for k, n := range uses {
			for j := range want.Row(k) {
				if n > 0 {
					want.Row(k)[j] = 0.1*want.Row(k)[j] + 0.9*sums.Row(k)[j]/n
				}
			}
		}
		r := 0.0
		for i, k := range label {
			r += squaredDistance(c.row(y.Value(), i), want.Row(k))
		}
		tape := autograd.NewTape(2)
		tape.SetTraining(true)
		got := clusters.Loss(tape.Leaf(y.Value()), 3).Scalar()
		if want := 3 * r / (2 * 120); !(math.Abs(float64(got)-want) < 1e-5) {
			t.Errorf("%s: loss %v, want %v", c.of, got, want)
		}
		for i, v := range clusters.Centres.Data() {
			if !(math.Abs(float64(v-want.Data()[i])) < 1e-5) {
				t.Fatalf("%s: centres %v, want %v", c.of, clusters.Centres, want)
			}
		}
		if !slices.Equal(clusters.Uses.Data(), uses) || clusters.Used() == 0 {
			t.Errorf("%s: uses %v, want %v", c.of, clusters.Uses, uses)
		}
		tape.SetTraining(false)
		before := clusters.Centres.Clone()
		clusters.Loss(tape.Leaf(y.Value()), 3)
		if !slices.Equal(before.Data(), clusters.Centres.Data()) || !slices.Equal(clusters.Uses.Data(), uses) {
			t.Errorf("%s: measuring has moved the centres", c.of)
		}
	}
}

func TestClustersGradient(t *testing.T) {
	for _, c := range clusterCases {
		y := drawn("y", 3, 2, 4, 5)
		clusters := NewClusters(c.of, 4, c.length, 0.5, tensor.Stream(1, "centres"))
		clusters.Keep = 1 // centres that move would make another function each time
		f := func(t *autograd.Tape) *autograd.Var {
			v := autograd.Add(y, t.Input(tensor.New(3, 2, 4, 5)))
			return autograd.Add(clusters.Loss(v, 20), autograd.Mean(autograd.Square(v)))
		}
		if err := gradcheck.Check(gradcheck.Config{}, f, y); err != nil {
			t.Errorf("%s: %v", c.of, err)
		}
	}
	vector := drawn("v", 6, 5)
	clusters := NewClusters(Samples, 3, 5, 1, tensor.Stream(1, "centres"))
	clusters.Keep = 1
	f := func(t *autograd.Tape) *autograd.Var {
		return clusters.Loss(autograd.Add(vector, t.Input(tensor.New(6, 5))), 2)
	}
	if err := gradcheck.Check(gradcheck.Config{}, f, vector); err != nil {
		t.Errorf("vectors: %v", err)
	}
}

// Two groups of points, and four centres far away from both: Reseed brings the unused ones to both groups, after which
// the loss is that within the groups.
func TestReseed(t *testing.T) {
	y := tensor.New(40, 2)
	rng := tensor.Stream(1, "points")
	rng.Normal(y.Data(), 0, 0.01)
	for i := range 20 {
		y.Row(i)[0] += 10
	}
	c := NewClusters(Samples, 4, 2, 0.1, rng)
	c.Centres.Fill(-100)
	c.Centres.Row(2)[0] = -50 // the nearest of four
	tape := autograd.NewTape(1)
	tape.SetTraining(true)
	v := tape.Leaf(y)
	c.Keep = 0
	c.Loss(v, 1)
	if c.Used() != 1 || c.Uses.Data()[2] != 40 {
		t.Errorf("uses %v", c.Uses)
	}
	if n := c.Reseed(v, 10); n != 3 || c.Used() != 0 {
		t.Errorf("%d centres moved, %d in use, want 3 and 0", n, c.Used())
	}
	c.Loss(v, 1)
	if loss := c.Loss(v, 1).Scalar(); !(loss < 1e-4) || c.Used() < 3 {
		t.Errorf("loss %v with %d centres in use", loss, c.Used())
	}
	// All rows lie on centres: nothing to move to.
	same := tape.Leaf(tensor.New(5, 2))
	none := NewClusters(Samples, 3, 2, 0, rng)
	none.Uses.Data()[1] = 10
	if n := none.Reseed(same, 10); n != 0 {
		t.Errorf("%d centres moved to where one is", n)
	}
}

func TestClustersForAnyWorkersWithoutAllocation(t *testing.T) {
	for _, of := range []Clustered{Samples, Pixels, Channels} {
		length := map[Clustered]int{Samples: 8 * 256, Pixels: 8, Channels: 256}[of]
		var want []float32
		for _, workers := range []int{1, 2, 5} {
			y := drawn("y", 20, 8, 16, 16)
			c := NewClusters(of, 10, length, 1, tensor.Stream(1, "centres"))
			tape := autograd.NewTape(workers)
			tape.SetTraining(true)
			step := func() {
				tape.Reset()
				y.ZeroGrad()
				tape.Backward(c.Loss(autograd.Scale(tape.Leaf(y.Value()), 2), 1))
			}
			step()
			leaf := tape.Leaf(y.Value())
			tape.Backward(autograd.Add(c.Loss(leaf, 1), DeCov(leaf, 1)))
			got := slices.Concat(c.Centres.Data(), leaf.Grad().Data())
			if want == nil {
				want = got
			} else if !slices.Equal(got, want) {
				t.Errorf("%s: %d workers give other bits than 1", of, workers)
			}
			if race.Enabled {
				continue
			}
			if n := testing.AllocsPerRun(5, step); n != 0 {
				t.Errorf("%s: %v allocations a step", of, n)
			}
		}
	}
}

// Two units, worked out by hand: h = (1, 2), (3, 6), (5, 4) has means 3 and 4, and covariance
// (1/3)((-2)(-2) + 0·2 + 2·0) = 4/3. The penalty is 1/2·2·(4/3)² = 16/9.
func TestDeCov(t *testing.T) {
	h := tensor.From([]float32{1, 2, 3, 6, 5, 4}, 3, 2)
	tape := autograd.NewTape(1)
	if got := DeCov(tape.Leaf(h), 0.5).Scalar(); !(math.Abs(float64(got)-8./9) < 1e-6) {
		t.Errorf("penalty %v, want 8/9", got)
	}
	if got := DeCov(tape.Leaf(h.Slice(0, 1)), 1).Scalar(); got != 0 {
		t.Errorf("penalty %v of one sample, want 0", got)
	}
	x := drawn("h", 5, 4)
	f := func(t *autograd.Tape) *autograd.Var {
		v := autograd.Add(x, t.Input(tensor.New(5, 4)))
		return autograd.Add(DeCov(v, 3), autograd.Mean(v))
	}
	if err := gradcheck.Check(gradcheck.Config{}, f, x); err != nil {
		t.Error(err)
	}
}

func TestClustersPanic(t *testing.T) {
	rng := tensor.Stream(1, "")
	for want, f := range map[string]func(){
		"0 centres": func() { NewClusters(Samples, 0, 1, 1, rng) },
		`parts "columns": want at least 1, and sample, spatial or channel`: func() { NewClusters("columns", 1, 1, 1, rng) },
		"loss: Clusters: rows of 4 numbers of y [2 4] for centres of 3": func() {
			NewClusters(Samples, 2, 3, 1, rng).Loss(autograd.NewTape(1).Leaf(tensor.New(2, 4)), 1)
		},
		`y of shape [2 4] for parts "spatial": want y [N, C, H, W]`: func() {
			NewClusters(Pixels, 2, 4, 1, rng).Reseed(autograd.NewTape(1).Leaf(tensor.New(2, 4)), 1)
		},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
					t.Errorf("panic %q, want %q", got, want)
				}
			}()
			f()
		}()
	}
}

func ExampleClusters() {
	// Activations of two units for four samples, which form two groups.
	y := tensor.From([]float32{0, 1, 0.2, 0.8, 5, 0, 5.2, 0.2}, 4, 2)
	c := NewClusters(Samples, 2, 2, 0.1, tensor.Stream(1, "centres"))
	tape := autograd.NewTape(1)
	tape.SetTraining(true)
	c.Reseed(tape.Leaf(y), 1)
	for range 3 {
		fmt.Printf("%.4f\n", c.Loss(tape.Leaf(y), 1).Scalar())
	}
	fmt.Println("centres in use:", c.Used())
	// Output:
	// 0.0050
	// 0.0050
	// 0.0050
	// centres in use: 2
}

// Assign finds the nearest centres, the lowest of equally near ones, and moves none, in training too.
func TestAssign(t *testing.T) {
	c := NewClusters(Samples, 3, 2, 1, tensor.Stream(1, "centres"))
	copy(c.Centres.Data(), []float32{0, 0, 2, 0, 0, 9})
	before := c.Centres.Clone()
	tape := autograd.NewTape(1)
	tape.SetTraining(true)
	got := c.Assign(tape.Input(tensor.From([]float32{1, 0, 1.1, 0, 0, 5, -3, 1}, 4, 2)))
	if !slices.Equal(got, []int{0, 1, 2, 0}) || !slices.Equal(before.Data(), c.Centres.Data()) || c.Used() != 0 {
		t.Errorf("%v, centres %v", got, c.Centres)
	}
}
