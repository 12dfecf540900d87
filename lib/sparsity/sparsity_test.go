// SPDX-License-Identifier: Apache-2.0

package sparsity_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/lateral-ml/lateral/lib/sparsity"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func Example() {
	code := []float32{0, 3, 0, 1, 0, 0, 0, 0}
	fmt.Println("active", sparsity.L0(code), "of", len(code))
	fmt.Println("l1", sparsity.L1(code))
	fmt.Printf("Gini %.4f Hoyer %.4f\n", sparsity.Gini(code), sparsity.Hoyer(code))
	// Output:
	// active 2 of 8
	// l1 4
	// Gini 0.8125 Hoyer 0.8551
}

var (
	nan = float32(math.NaN())
	inf = float32(math.Inf(1))
)

func near(a, b, tolerance float64) bool {
	return math.Abs(a-b) <= tolerance || math.IsNaN(a) && math.IsNaN(b)
}

// Computed by hand from the definitions.
//
//	[1 2 3 4]:  G = (-3*1 - 1*2 + 1*3 + 3*4) / (4*10) = 1/4,  H = (2 - 10/sqrt(30)) / (2 - 1),
//	            and with m_2 = 5/4, m_3 = 0 no skewness
//	[0 3 0 1]:  G = (1*1 + 3*3) / (4*4) = 5/8,  H = 2 - 4/sqrt(10), mean 1, deviations -1 2 -1 0, m_2 = 6/4, m_3 = 6/4,
//	            skewness 1/sqrt(6/4)
//	[0 3 0 -1]: mean 1/2, m_2 = 9/4, m_3 = 3, skewness 3 / (9/4)^1.5 = 8/9
//	[-1 0 0 0]: mean -1/4, m_2 = 3/16, m_3 = (-27 + 3)/256 = -3/32, skewness -3/32 / (3/16)^1.5 = -2/sqrt(3)
func TestByHand(t *testing.T) {
	for _, c := range []struct {
		a                         []float32
		l0                        int
		l1, gini, hoyer, skewness float64
	}{
		{nil, 0, 0, 0, 0, 0},
		{[]float32{0}, 0, 0, 0, 0, 0},
		{[]float32{5}, 1, 5, 0, 0, 0},
		{[]float32{0, 0, 0}, 0, 0, 0, 0, 0},
		{[]float32{-0.1, -0.1, -0.1}, 3, 3 * float64(float32(0.1)), 0, 0, 0},
		{[]float32{1, 2, 3, 4}, 4, 10, 0.25, 2 - 10/math.Sqrt(30), 0},
		{[]float32{0, 3, 0, 1}, 2, 4, 0.625, 2 - 4/math.Sqrt(10), 1 / math.Sqrt(1.5)},
		{[]float32{0, 3, 0, -1}, 2, 4, 0.625, 2 - 4/math.Sqrt(10), 8. / 9},
		{[]float32{-1, 0, 0, 0}, 1, 1, 0.75, 1, -2 / math.Sqrt(3)},
		{[]float32{-1, 1}, 2, 2, 0, 0, 0},
		{[]float32{1e-45, 0, float32(math.Copysign(0, -1)), 0}, 1, float64(float32(1e-45)), 0.75, 1, 2 / math.Sqrt(3)},
		{[]float32{nan, 1}, 2, math.NaN(), math.NaN(), math.NaN(), math.NaN()},
		{[]float32{nan}, 1, math.NaN(), math.NaN(), math.NaN(), math.NaN()},
		{[]float32{inf, 1}, 2, math.Inf(1), math.NaN(), math.NaN(), math.NaN()},
		{[]float32{-inf}, 1, math.Inf(1), math.NaN(), math.NaN(), math.NaN()},
	} {
		if got := sparsity.L0(c.a); got != c.l0 {
			t.Errorf("L0(%v) = %d, want %d", c.a, got, c.l0)
		}
		if got := sparsity.L1(c.a); got != c.l1 && !near(got, c.l1, 0) {
			t.Errorf("L1(%v) = %g, want %g", c.a, got, c.l1)
		}
		for name, v := range map[string][2]float64{
			"Gini":     {sparsity.Gini(c.a), c.gini},
			"Hoyer":    {sparsity.Hoyer(c.a), c.hoyer},
			"Skewness": {sparsity.Skewness(c.a), c.skewness},
		} {
			if !near(v[0], v[1], 1e-14) {
				t.Errorf("%s(%v) = %.17g, want %.17g", name, c.a, v[0], v[1])
			}
		}
	}
	// From SciPy 1.17.1: scipy.stats.skew([-3, 1, 1, 2, 4]).
	if got := sparsity.Skewness([]float32{-3, 1, 1, 2, 4}); !near(got, -0.6071940133664049, 1e-14) {
		t.Errorf("skewness %.17g differs from SciPy's", got)
	}
}

// vectors calls f with random vectors of every length up to 40 and a few longer ones, with some elements zero.
func vectors(f func(a []float32)) {
	rng := tensor.Stream(1, "vectors")
	for n := range 60 {
		if n >= 40 {
			n = 40 + rng.IntN(1000)
		}
		for _, zeros := range []float64{0, 0.5, 0.95} {
			a := make([]float32, n)
			rng.Normal(a, 0.3, 2)
			for i := range a {
				if rng.Float64() < zeros {
					a[i] = 0
				}
			}
			f(a)
		}
	}
}

// The two forms of the Gini index in the thesis: equation 1.18 and the code of appendix C.3.3 (whose 1e-7 prevents a
// division by zero), here without a step in common with the implementation.
func TestGiniForms(t *testing.T) {
	vectors(func(a []float32) {
		m := make([]float64, len(a))
		norm := 0.0
		for i, v := range a {
			m[i] = math.Abs(float64(v))
			norm += m[i]
		}
		if norm == 0 {
			return
		}
		slices.Sort(m)
		n := float64(len(m))
		equation, code := 1.0, 0.0
		for i, v := range m {
			k := float64(i + 1)
			equation -= 2 * v / norm * (n - k + 0.5) / n
			code += (2*k - n - 1) * v
		}
		code /= n * norm
		if got := sparsity.Gini(a); !near(got, equation, 1e-12) || !near(got, code, 1e-12) {
			t.Errorf("length %d: Gini %.15g, equation 1.18 gives %.15g, appendix C %.15g", len(a), got, equation, code)
		}
	})
}

func TestProperties(t *testing.T) {
	rng := tensor.Stream(2, "properties")
	vectors(func(a []float32) {
		before := slices.Clone(a)
		n := float64(len(a))
		gini, hoyer, skewness := sparsity.Gini(a), sparsity.Hoyer(a), sparsity.Skewness(a)
		if !(gini >= 0 && gini <= max(0, 1-1/n)+1e-15) || !(hoyer >= 0 && hoyer <= 1) {
			t.Errorf("length %d: Gini %g, Hoyer %g outside their ranges", len(a), gini, hoyer)
		}
		if !slices.Equal(a, before) {
			t.Errorf("length %d: the argument was changed", len(a))
		}

		// Permutation and scale change nothing, and the sign changes only the skewness; sums in another order round
		// differently.
		b := slices.Clone(a)
		rng.Shuffle(len(b), func(i, j int) { b[i], b[j] = b[j], b[i] })
		for i := range b {
			b[i] *= -4 // exact
		}
		if !near(sparsity.Gini(b), gini, 1e-13) || !near(sparsity.Hoyer(b), hoyer, 1e-13) ||
			!near(sparsity.Skewness(b), -skewness, 1e-10) {
			t.Errorf("length %d: scaled by -4 and shuffled: Gini %g and %g, Hoyer %g and %g, skewness %g and %g",
				len(a), gini, sparsity.Gini(b), hoyer, sparsity.Hoyer(b), skewness, sparsity.Skewness(b))
		}
		// Two copies side by side have the same index as one [HR09, criterion D4, cloning].
		if got := sparsity.Gini(append(b, b...)); !near(got, gini, 1e-12) {
			t.Errorf("length %d: two copies have Gini %g, one %g", len(a), got, gini)
		}
		// Moving magnitude from the largest to the smallest element makes a vector less sparse [HR09, criterion D1].
		if len(a) > 1 && gini > 0 {
			slices.SortFunc(b, func(x, y float32) int {
				return int(math.Copysign(1, math.Abs(float64(x))-math.Abs(float64(y))))
			})
			small, large := math.Abs(float64(b[0])), math.Abs(float64(b[len(b)-1]))
			b[0], b[len(b)-1] = float32(small+(large-small)/4), float32(large-(large-small)/4)
			if sparsity.Gini(b) >= gini || sparsity.Hoyer(b) >= hoyer {
				t.Errorf("length %d: taking from the largest raised Gini %g to %g or Hoyer %g to %g", len(a), gini,
					sparsity.Gini(b), hoyer, sparsity.Hoyer(b))
			}
		}
	})
	for _, n := range []int{2, 3, 10, 784} {
		equal, oneHot := make([]float32, n), make([]float32, n)
		for i := range equal {
			equal[i] = 0.3
		}
		oneHot[n/2] = -0.7
		if g, h := sparsity.Gini(equal), sparsity.Hoyer(equal); g != 0 || h > 1e-14 {
			t.Errorf("%d equal elements: Gini %g, Hoyer %g, want 0", n, g, h)
		}
		if g, h := sparsity.Gini(oneHot), sparsity.Hoyer(oneHot); !near(g, 1-1/float64(n), 1e-15) || h != 1 {
			t.Errorf("one of %d elements: Gini %g, Hoyer %g, want 1-1/N and 1", n, g, h)
		}
	}
}

// By hand: 1, 2, 3, 10 has the mean 4 and the deviations -3, -2, -1, 6, so that m_2 = 50/4 and m_4 = (81+16+1+1296)/4.
func TestKurtosis(t *testing.T) {
	nan := float32(math.NaN())
	normal := make([]float32, 200_000)
	tensor.Stream(1, "kurtosis").Normal(normal, 3, 2)
	laplace := make([]float32, len(normal))
	for i, v := range normal[:len(normal)/2] { // z w with z normal and w² exponential of mean 2 is Laplace's
		w := math.Sqrt(-2*math.Log(float64(i)+0.5) + 2*math.Log(float64(len(normal)/2)))
		laplace[i] = (v - 3) / 2 * float32(w)
		laplace[len(laplace)-1-i] = -laplace[i]
	}
	for _, c := range []struct {
		x         []float32
		want, tol float64
	}{
		{nil, 0, 0}, {[]float32{2, 2, 2}, 0, 0},
		{[]float32{-1, 1}, -2, 1e-12},
		{[]float32{1, 2, 3, 10}, 1394.0/4/(12.5*12.5) - 3, 1e-12},
		{normal, 0, 0.05}, {laplace, 3, 0.25},
	} {
		if got := sparsity.Kurtosis(c.x); !(math.Abs(got-c.want) <= c.tol) {
			t.Errorf("Kurtosis of %d elements is %v, want %v", len(c.x), got, c.want)
		}
	}
	if got := sparsity.Kurtosis([]float32{1, nan, 2}); !math.IsNaN(got) {
		t.Errorf("with a NaN it is %v", got)
	}
}
