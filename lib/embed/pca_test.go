// SPDX-License-Identifier: Apache-2.0

package embed_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/embed"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func ExamplePCA() {
	x := tensor.From([]float32{ // four samples, close to a line of slope 1/2
		0, 0,
		2, 1,
		4, 2,
		6, 3.1,
	}, 4, 2)
	p, err := embed.PCA(x, 1)
	if err != nil {
		panic(err)
	}
	fmt.Printf("direction %.2f, %.4f of the variance\n", p.Components.Row(0), p.Ratio[0])
	fmt.Printf("coordinates %.2f\n", p.Transform(x).Data())
	// Output:
	// direction [0.89 0.46], 0.9999 of the variance
	// coordinates [-3.37 -1.13 1.11 3.39]
}

// near fails the test unless two lists agree, relative to the largest magnitude in want.
func near[T float32 | float64](t *testing.T, what string, got []T, want []float64, tolerance float64) {
	t.Helper()
	scale := 0.0
	for _, w := range want {
		scale = max(scale, math.Abs(w))
	}
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range got {
		if !(math.Abs(float64(got[i])-want[i]) <= tolerance*scale) {
			t.Errorf("%s: value %d is %.9g, want %.9g", what, i, got[i], want[i])
		}
	}
}

func pca(t testing.TB, x *tensor.Tensor, k int) *embed.Projection {
	t.Helper()
	p, err := embed.PCA(x, k)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Four points on two axes through (1, 2): at distance 5 both ways along (3, 4)/5, and at distance 10 along (4, -3)/5.
// The variances are 200/3 and 50/3. The second component's largest entry decides its sign.
func TestPCAByHand(t *testing.T) {
	x := tensor.From([]float32{1 + 3, 2 + 4, 1 - 3, 2 - 4, 1 + 8, 2 - 6, 1 - 8, 2 + 6}, 4, 2)
	before := x.Clone()
	p := pca(t, x, 2)
	near(t, "mean", p.Mean, []float64{1, 2}, 0)
	near(t, "components", p.Components.Data(), []float64{0.8, -0.6, 0.6, 0.8}, 1e-7)
	near(t, "variance", p.Variance, []float64{200. / 3, 50. / 3}, 1e-14)
	near(t, "ratio", p.Ratio, []float64{0.8, 0.2}, 1e-14)
	near(t, "transformed", p.Transform(x).Data(), []float64{0, 5, 0, -5, 10, 0, -10, 0}, 1e-7)
	near(t, "another sample", p.Transform(tensor.From([]float32{1, 3}, 1, 2)).Data(), []float64{-0.6, 0.8}, 1e-7)
	if !slices.Equal(x.Data(), before.Data()) {
		t.Error("PCA or Transform changed the samples")
	}
}

// The values come from scikit-learn: testdata/README.md.
func TestPCAAgainstScikitLearn(t *testing.T) {
	b, err := os.ReadFile("testdata/pca.json")
	if err != nil {
		t.Fatal(err)
	}
	type matrix [][]float64
	var cases map[string]struct {
		X, Components, Transformed matrix
		Mean, Variance, Ratio      []float64
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 2 {
		t.Fatalf("%d cases", len(cases))
	}
	for name, c := range cases {
		x := tensor.New(len(c.X), len(c.X[0]))
		for i, v := range slices.Concat(c.X...) {
			x.Data()[i] = float32(v)
		}
		p := pca(t, x, len(c.Components))
		near(t, name+" mean", p.Mean, c.Mean, 1e-14)
		near(t, name+" components", p.Components.Data(), slices.Concat(c.Components...), 1e-7)
		near(t, name+" variance", p.Variance, c.Variance, 1e-13)
		near(t, name+" ratio", p.Ratio, c.Ratio, 1e-13)
		near(t, name+" transformed", p.Transform(x).Data(), slices.Concat(c.Transformed...), 2e-7)
	}
}

// Samples that vary in fewer directions than requested, or not at all.
func TestPCAWithoutVariance(t *testing.T) {
	line := tensor.New(50, 4) // on a line in 4 dimensions
	for i := range 50 {
		for j := range 4 {
			line.Set(float32(i*(j+1))/7, i, j)
		}
	}
	for name, c := range map[string]struct {
		x    *tensor.Tensor
		k    int
		rank int
	}{
		"a line":                   {line, 4, 1},
		"two samples of a line":    {line.Slice(3, 5), 2, 1},
		"three samples of a line":  {line.Slice(3, 6), 3, 1},
		"one sample":               {line.Slice(3, 4), 1, 0},
		"one feature":              {line.Reshape(-1, 1), 1, 1},
		"the same sample":          {tensor.From(slices.Repeat([]float32{.1, .2}, 7), 7, 2), 2, 0},
		"zeros":                    {tensor.New(5, 3), 3, 0},
		"small numbers":            {tensor.From([]float32{0, 0, 0, 1e-44, 0, -1e-44}, 3, 2), 2, 1},
		"large numbers":            {tensor.From([]float32{0, 0, 0, 3e38, 0, -3e38}, 3, 2), 2, 1},
		"a feature that is silent": {tensor.From([]float32{1, 0, 2, 2, 0, 1, 4, 0, 7}, 3, 3), 3, 2},
	} {
		p := pca(t, c.x, c.k)
		ratio := 0.0
		for j := range c.k {
			length := 0.0
			for _, v := range p.Components.Row(j) {
				length += float64(v) * float64(v)
			}
			want := 0.0
			if j < c.rank {
				want = 1
			}
			if !(math.Abs(length-want) < 1e-6) || (p.Variance[j] > 0) != (j < c.rank) {
				t.Errorf("%s: component %d has length^2 %g and variance %g; the rank is %d", name, j, length, p.Variance[j], c.rank)
			}
			ratio += p.Ratio[j]
		}
		if c.rank > 0 && !(math.Abs(ratio-1) < 1e-12) || c.rank == 0 && ratio != 0 {
			t.Errorf("%s: the ratios sum to %.15g", name, ratio)
		}
	}
}

// A tall and a wide matrix of the same samples have the same components, on any number of cores.
func TestPCAProperties(t *testing.T) {
	x := tensor.New(300, 2, 10, 10)
	tensor.Stream(1, "x").Normal(x.Data(), 1, 2)
	for i := range 300 {
		for j, v := range x.Row(i) {
			x.Row(i)[j] = v * float32(j+1)
		}
	}
	const k = 20
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	p := pca(t, x, k)
	for _, procs := range []int{2, 5} {
		runtime.GOMAXPROCS(procs)
		q := pca(t, x, k)
		if !slices.Equal(p.Components.Data(), q.Components.Data()) || !slices.Equal(p.Variance, q.Variance) {
			t.Errorf("%d cores: the result differs", procs)
		}
		if !slices.Equal(p.Transform(x).Data(), q.Transform(x).Data()) {
			t.Errorf("%d cores: the coordinates differ", procs)
		}
	}
	for j := range k {
		for i := range j + 1 {
			dot, want := 0.0, 0.0
			for l, v := range p.Components.Row(j) {
				dot += float64(v) * float64(p.Components.Row(i)[l])
			}
			if i == j {
				want = 1
			}
			if !(math.Abs(dot-want) < 1e-6) {
				t.Errorf("components %d and %d have inner product %g", i, j, dot)
			}
		}
		low, high := slices.Min(p.Components.Row(j)), slices.Max(p.Components.Row(j))
		if -low > high {
			t.Errorf("component %d runs from %g to %g", j, low, high)
		}
	}
	if !slices.IsSortedFunc(p.Variance, func(a, b float64) int { return int(math.Copysign(1, b-a)) }) {
		t.Errorf("the variances rise: %g", p.Variance)
	}
	// The coordinates have mean 0 and, along each component, the stated variance.
	y := p.Transform(x)
	for j := range k {
		sum, squares := 0.0, 0.0
		for i := range y.Rows() {
			v := float64(y.At(i, j))
			sum += v
			squares += v * v
		}
		if variance := squares / 299; !(math.Abs(variance/p.Variance[j]-1) < 1e-5) ||
			!(math.Abs(sum/300) < 1e-4*math.Sqrt(variance)) {
			t.Errorf("coordinate %d: mean %g and variance %g, want 0 and %g", j, sum/300, variance, p.Variance[j])
		}
	}
	// 150 samples of 200 dimensions take the path of inner products. Repeated twice they are 300 samples and take the path
	// of the covariance, which has the same eigenvectors.
	wide := x.Slice(0, 150)
	twice := tensor.New(300, 200)
	copy(twice.Data(), wide.Data())
	copy(twice.Data()[wide.Len():], wide.Data())
	a, b := pca(t, wide, k), pca(t, twice, k)
	for j := range k {
		row := make([]float64, 200)
		for l, v := range a.Components.Row(j) {
			row[l] = float64(v)
		}
		near(t, fmt.Sprint("component ", j), b.Components.Row(j), row, 1e-6)
	}
	near(t, "ratio", b.Ratio, a.Ratio, 1e-12)
}

func TestProjectionThroughGob(t *testing.T) {
	x := tensor.From([]float32{1, 0, 2, 2, 0, 1, 4, 0, 7}, 3, 3)
	in := pca(t, x, 2)
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(in); err != nil {
		t.Fatal(err)
	}
	var out embed.Projection
	if err := gob.NewDecoder(&b).Decode(&out); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(in, &out) {
		t.Errorf("got %v, want %v", out, in)
	}
}

func TestPCARefuses(t *testing.T) {
	x := tensor.New(3, 2)
	x.Set(float32(math.NaN()), 2, 1)
	if _, err := embed.PCA(x, 1); err == nil || err.Error() != "embed: PCA: feature 1 of sample 2 is NaN" {
		t.Errorf("NaN: %v", err)
	}
	x.Set(float32(math.Inf(-1)), 2, 1)
	if _, err := embed.PCA(x, 1); err == nil || err.Error() != "embed: PCA: feature 1 of sample 2 is -Inf" {
		t.Errorf("-Inf: %v", err)
	}
	p := pca(t, tensor.New(3, 2), 1)
	for want, f := range map[string]func(){
		"embed: PCA: 0 components of samples of shape [3 2]":                       func() { pca(t, tensor.New(3, 2), 0) },
		"embed: PCA: 3 components of samples of shape [3 2], which have 1 to 2":    func() { pca(t, tensor.New(3, 2), 3) },
		"embed: PCA: 1 components of samples of shape [0 2]":                       func() { pca(t, tensor.New(0, 2), 1) },
		"embed: Transform: samples of shape [4 3] to a projection of 2 dimensions": func() { p.Transform(tensor.New(4, 3)) },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.HasPrefix(got, want) {
					t.Errorf("panic %q, want %q", got, want)
				}
			}()
			f()
		}()
	}
	if y := p.Transform(tensor.New(0, 2)); !slices.Equal(y.Shape(), []int{0, 1}) {
		t.Errorf("no samples have coordinates of shape %v", y.Shape())
	}
}

func BenchmarkPCA(b *testing.B) {
	x := tensor.New(10_000, 784)
	tensor.Stream(1, "x").Normal(x.Data(), 0, 1)
	for _, k := range []int{2, 50} {
		b.Run(fmt.Sprintf("10000x784/k=%d", k), func(b *testing.B) {
			for b.Loop() {
				pca(b, x, k)
			}
		})
	}
	p := pca(b, x, 50)
	b.Run("Transform/k=50", func(b *testing.B) {
		for b.Loop() {
			p.Transform(x)
		}
	})
}
