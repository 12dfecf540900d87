// SPDX-License-Identifier: Apache-2.0

package scalemixture_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/nn"
	. "github.com/lateral-ml/lateral/lib/scalemixture"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func mixtures() []Mixture {
	return []Mixture{{1, 1, 2, 1.5}, {3, 0.7, 1, 2}, {10, 2, 5, 0.8}}
}

func length(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

// The estimate has the length that maximises the posterior, found by search over a fine grid.
func TestMAPMaximisesPosterior(t *testing.T) {
	for _, m := range mixtures() {
		x, _, _ := m.Sample(20, tensor.Stream(1, "x"))
		u := m.MAP(x)
		for i := range 20 {
			s, best := length(x.Row(i)), 0.0
			for r := 1e-4; r < 20*m.Sigma*math.Sqrt(float64(m.D)+2*m.Beta); r *= 1.0005 {
				if best == 0 || m.LogPosterior(r, s) > m.LogPosterior(best, s) {
					best = r
				}
			}
			if got := length(u.Row(i)); !(math.Abs(got/best-1) < 1e-3) {
				t.Errorf("%+v: length %v for an x of length %v, but the posterior is largest at %v", m, got, s, best)
			}
			if cosine := dot(u.Row(i), x.Row(i)) / (length(u.Row(i)) * s); !(cosine > 1-1e-6) {
				t.Errorf("%+v: the estimate has another direction than x: cosine %v", m, cosine)
			}
		}
	}
}

func dot(a, b []float32) (sum float64) {
	for i, v := range a {
		sum += float64(v) * float64(b[i])
	}
	return sum
}

// The posterior is that of samples, which know nothing of its formula: among those with ||x|| near 2, the share of each
// range of ||u|| follows exp(LogPosterior).
func TestPosteriorAgainstSamples(t *testing.T) {
	for _, m := range []Mixture{{1, 1, 2, 1.5}, {3, 1, 1, 2}} {
		x, u, _ := m.Sample(1_000_000, tensor.Stream(1, "x"))
		const bins, width, s = 12, 0.3, 2.0
		var seen, want [bins]float64
		n, total := 0.0, 0.0
		for i := range x.Rows() {
			if math.Abs(length(x.Row(i))-s) < 0.05 {
				n++
				if b := int(length(u.Row(i)) / width); b < bins {
					seen[b]++
				}
			}
		}
		for b := range want {
			for k := range 100 {
				want[b] += math.Exp(m.LogPosterior((float64(b)+(float64(k)+0.5)/100)*width, s))
			}
			total += want[b]
		}
		if n < 5000 {
			t.Fatalf("%+v: only %v samples near %v", m, n, s)
		}
		for b := range want {
			p := want[b] / total
			if got := seen[b] / n; !(math.Abs(got-p) < 4*math.Sqrt(p*(1-p)/n)+0.005) {
				t.Errorf("%+v: lengths from %.1f: share %.4f of %v samples, want %.4f", m, float64(b)*width, got, n, p)
			}
		}
	}
}

// The density of one dimension, compared with shares of samples; that of three, by the mean of the lengths.
func TestDensityAgainstSamples(t *testing.T) {
	m := Mixture{1, 1, 2, 1.5}
	x, _, z := m.Sample(1_000_000, tensor.Stream(2, "x"))
	for _, at := range []float32{-1, 0, 0.5, 2, 4} {
		near := 0.0
		for _, v := range x.Data() {
			if max(v-at, at-v) < 0.1 {
				near++
			}
		}
		want := math.Exp(m.LogDensity(tensor.From([]float32{at}, 1, 1))[0])
		if got := near / 1_000_000 / 0.2; !(math.Abs(got-want) < 0.006) {
			t.Errorf("density at %v is %v, of samples %v", at, want, got)
		}
	}
	// The mean of an inverse gamma distribution with shape 1.5 and scale 1 is 2, its median is that of 3/chi².
	slices.Sort(z)
	if median := z[500_000]; !(math.Abs(median-2/2.3659739) < 0.01) {
		t.Errorf("median of z %v, want %v", median, 2/2.3659739)
	}
	// Densities in three dimensions integrate to 1 over the radius.
	m3, sum := Mixture{3, 0.7, 1, 2}, 0.0
	for r := 0.005; r < 200; r += 0.01 {
		sum += 0.01 * 4 * math.Pi * r * r * math.Exp(m3.LogDensity(tensor.From([]float32{float32(r), 0, 0}, 1, 3))[0])
	}
	if !(math.Abs(sum-1) < 1e-3) {
		t.Errorf("the density in three dimensions integrates to %v", sum)
	}
}

// Divisive normalisation is the estimate.
func TestNormalizationIsMAP(t *testing.T) {
	m := Mixture{8, 0.7, 3, 1.2}
	x, _, _ := m.Sample(5, tensor.Stream(1, "x"))
	for i := range 5 { // make the means 0
		for k := range 4 {
			x.Row(i)[4+k] = -x.Row(i)[k]
		}
	}
	gain, sigma := m.Normalization()
	want := m.MAP(x)
	y := nn.NewNorm(8, nn.Scheme{Sigma: sigma}).Forward(autograd.NewTape(1).Input(x))
	for i, v := range y.Data() {
		if !(math.Abs(gain*float64(v)-float64(want.Data()[i])) < 1e-5) {
			t.Fatalf("element %d is %v, the estimate %v", i, gain*float64(v), want.Data()[i])
		}
	}
}

func TestCheck(t *testing.T) {
	for _, m := range []Mixture{{0, 1, 1, 1}, {1, 0, 1, 1}, {1, 1, math.NaN(), 1}, {1, 1, 1, math.Inf(1)}} {
		if err := m.Check(); err == nil || !strings.Contains(err.Error(), "want at least 1 dimension") {
			t.Errorf("%+v: %v", m, err)
		}
	}
	defer func() {
		want := "scalemixture: MAP: x of shape [2 3] for 4 dimensions"
		if got := fmt.Sprint(recover()); got != want {
			t.Errorf("panic %q, want %q", got, want)
		}
	}()
	Mixture{4, 1, 1, 1}.MAP(tensor.New(2, 3))
}

func ExampleMixture_MAP() {
	// The same pattern at three contrasts.
	m := Mixture{D: 2, Sigma: 1, Alpha: 0.1, Beta: 1}
	x := tensor.From([]float32{0.3, 0.4, 3, 4, 30, 40}, 3, 2)
	u := m.MAP(x)
	for i := range 3 {
		fmt.Printf("%4.1f -> %.2f\n", x.Row(i), u.Row(i))
	}
	// Output:
	// [ 0.3  0.4] -> [0.88 1.17]
	// [ 3.0  4.0] -> [1.04 1.38]
	// [30.0 40.0] -> [1.04 1.39]
}
