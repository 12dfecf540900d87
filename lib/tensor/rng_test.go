// SPDX-License-Identifier: Apache-2.0

package tensor_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/lateral-ml/lateral/lib/tensor"
)

func ExampleStream() {
	weights := tensor.Stream(1, "weights")
	shuffle := tensor.Stream(1, "shuffle") // draws do not affect weights
	fmt.Println(weights.IntN(1000), weights.IntN(1000))
	fmt.Println(shuffle.Perm(5))
	// Output:
	// 430 734
	// [3 0 4 2 1]
}

// The first numbers of a stream, computed from the definition of PCG-DXSM (state seed·2^64 + FNV-1a of the name) in
// integer arithmetic of another language. If this test fails, every seeded result of the project has changed.
func TestStreamIsFrozen(t *testing.T) {
	r := tensor.Stream(7, "dropout")
	for i, want := range []uint64{0x70c67c5c1e7f93ca, 0x10a184f52be8cc85, 0xc54bc44a594fd776, 0xf5ed366c3624041c} {
		if got := r.Uint64(); got != want {
			t.Errorf("draw %d is %#x, want %#x", i, got, want)
		}
	}
	x := make([]float32, 4)
	r.Uniform(x, -1, 1)
	if want := []float32{-0.3910774, -0.9873792, 0.42483354, 0.44720733}; !slices.Equal(x, want) {
		t.Errorf("Uniform drew %v, want %v", x, want)
	}
	r.Normal(x, 1, 2)
	if want := []float32{-1.856508, -1.0477977, 0.5295309, 3.1373823}; !slices.Equal(x, want) {
		t.Errorf("Normal drew %v, want %v", x, want)
	}
}

func TestStreamsDiffer(t *testing.T) {
	first := map[uint64]string{}
	for seed := range uint64(100) {
		for _, name := range []string{"", "weights", "shuffle", "weights.1", "weights.2"} {
			what := fmt.Sprint(seed, name)
			draw := tensor.Stream(seed, name).Uint64()
			if other, ok := first[draw]; ok {
				t.Errorf("streams %q and %q start alike", what, other)
			}
			first[draw] = what
		}
	}
}

func TestRNGResumes(t *testing.T) {
	r := tensor.Stream(3, "noise")
	x, y := make([]float32, 101), make([]float32, 101)
	r.Normal(x, 0, 1) // rejection: an unknown number of draws
	saved, err := r.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	r.Normal(x, 0, 1)
	var zero tensor.RNG
	for name, resumed := range map[string]*tensor.RNG{"zero value": &zero, "another stream": tensor.Stream(8, "other")} {
		if err := resumed.UnmarshalBinary(saved); err != nil {
			t.Fatal(err)
		}
		resumed.Normal(y, 0, 1)
		if !slices.Equal(x, y) {
			t.Errorf("%s: the draws after resuming differ", name)
		}
	}
	if err := r.UnmarshalBinary(saved[:len(saved)-1]); err == nil {
		t.Error("a truncated state was accepted")
	}
}

func TestDistributions(t *testing.T) {
	const n = 100_000
	x := make([]float32, n)
	for _, c := range []struct {
		name                 string
		fill                 func()
		mean, std, low, high float64
	}{
		{"uniform", func() { tensor.Stream(1, "u").Uniform(x, -2, 4) }, 1, math.Sqrt(3), -2, 4},
		{"normal", func() { tensor.Stream(1, "n").Normal(x, 1, 2) }, 1, 2, math.Inf(-1), math.Inf(1)},
	} {
		c.fill()
		sum, squares := 0.0, 0.0
		for _, v := range x {
			if float64(v) < c.low || float64(v) > c.high {
				t.Fatalf("%s: %g is outside [%g, %g]", c.name, v, c.low, c.high)
			}
			sum += float64(v)
			squares += (float64(v) - c.mean) * (float64(v) - c.mean)
		}
		// Five standard errors: of the mean std/sqrt(n), of the standard deviation less than std/sqrt(2n).
		if mean := sum / n; !(math.Abs(mean-c.mean) < 5*c.std/math.Sqrt(n)) {
			t.Errorf("%s: mean %g, want %g", c.name, mean, c.mean)
		}
		if std := math.Sqrt(squares / n); !(math.Abs(std-c.std) < 5*c.std/math.Sqrt(2*n)) {
			t.Errorf("%s: standard deviation %g, want %g", c.name, std, c.std)
		}
	}
}

// Any bytes give an error that leaves the stream unchanged, or a state that is written as it was read.
func FuzzRNGState(f *testing.F) {
	for _, r := range []*tensor.RNG{tensor.Stream(1, "a"), tensor.Stream(2, "b")} {
		state, err := r.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(state)
		f.Add(state[:len(state)-1])
	}
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, state []byte) {
		r := tensor.Stream(3, "c")
		before, _ := r.MarshalBinary()
		err := r.UnmarshalBinary(state)
		after, _ := r.MarshalBinary()
		if err != nil && !bytes.Equal(after, before) {
			t.Errorf("%v, but the stream has moved", err)
		}
		if err == nil && !bytes.Equal(after, state) {
			t.Errorf("read %x, wrote %x", state, after)
		}
		var zero tensor.RNG
		if again := zero.UnmarshalBinary(state); (again == nil) != (err == nil) {
			t.Errorf("a zero stream says %v, another %v", again, err)
		}
		r.Uint64()
	})
}
