// SPDX-License-Identifier: Apache-2.0

package retrieval

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"testing"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// random returns n codes with repetitions, so that there are ties.
func random(name string, n, bits int) *Codes {
	rng := tensor.Stream(1, name)
	c := NewCodes(n, bits)
	for i := range n {
		if i > 0 && rng.IntN(4) == 0 {
			copy(c.Row(i), c.Row(rng.IntN(i)))
			continue
		}
		for j := range bits {
			if rng.IntN(2) == 0 {
				c.Set(i, j)
			}
		}
	}
	return c
}

// bruteForce sorts everything.
func bruteForce(codes, queries *Codes, k int) *Neighbours {
	want := newNeighbours(queries.Len(), k)
	distance := make([]int, codes.Len())
	order := make([]int, codes.Len())
	for q := range queries.Len() {
		for i := range order {
			order[i], distance[i] = i, 0
			for j, w := range codes.Row(i) {
				distance[i] += bits.OnesCount64(w ^ queries.Row(q)[j])
			}
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(distance[a], distance[b]) })
		for j, i := range order[:k] {
			want.ID[q*k+j], want.Distance[q*k+j] = int32(i), float32(distance[i])
		}
	}
	return want
}

func checkEqual(t *testing.T, what string, got, want *Neighbours) {
	t.Helper()
	if got.K != want.K || !slices.Equal(got.ID, want.ID) || !slices.Equal(got.Distance, want.Distance) {
		t.Fatalf("%s: got %v %v, want %v %v", what, got.ID, got.Distance, want.ID, want.Distance)
	}
}

func TestSearchEqualsBruteForce(t *testing.T) {
	for length := 1; length <= 300; length++ {
		n, m, k := 1+(length*37)%150, 1+(length*11)%40, 1+length%7
		k = min(k, n)
		codes, queries := random(fmt.Sprint("codes", length), n, length), random(fmt.Sprint("queries", length), m, length)
		if length%3 == 0 {
			copy(queries.data, codes.data[:min(len(codes.data), len(queries.data))]) // some are among the codes
		}
		want := bruteForce(codes, queries, k)
		for _, workers := range []int{1, 2, 5} {
			index := &Index{Codes: codes, Workers: workers}
			checkEqual(t, fmt.Sprintf("%d bits, %d workers", length, workers), index.Search(queries, k), want)
		}
	}
}

func TestSearchInManyBlocks(t *testing.T) {
	codes, queries := random("codes", 3000, 200), random("queries", 40, 200)
	for _, k := range []int{1, 5, 100, 3000} {
		checkEqual(t, fmt.Sprint(k), (&Index{Codes: codes}).Search(queries, k), bruteForce(codes, queries, k))
	}
	if got := (&Index{Codes: codes}).Search(NewCodes(0, 200), 3); got.Len() != 0 {
		t.Errorf("no queries have %d rows of neighbours", got.Len())
	}
}

func TestNeighbours(t *testing.T) {
	codes := CodesFromWords([]uint64{0b000, 0b000, 0b001, 0b000, 0b111}, 3)
	near := (&Index{Codes: codes}).Search(codes, 3)
	want := []int32{0, 1, 3, 0, 1, 3, 2, 0, 1, 0, 1, 3, 4, 2, 0}
	if !slices.Equal(near.ID, want) {
		t.Fatalf("neighbours %v, want %v", near.ID, want)
	}
	if first := near.First(2); !slices.Equal(first.ID, []int32{0, 1, 0, 1, 2, 0, 0, 1, 4, 2}) {
		t.Errorf("the first two are %v", first.ID)
	}
	others := near.WithoutSelf()
	if !slices.Equal(others.ID, []int32{1, 3, 0, 3, 0, 1, 0, 1, 2, 0}) {
		t.Errorf("without themselves %v", others.ID)
	}
	if !slices.Equal(others.Distance, []float32{0, 0, 0, 0, 1, 1, 0, 0, 2, 3}) {
		t.Errorf("at %v", others.Distance)
	}
	// With K = 2 a third equal does not find itself.
	if others := (&Index{Codes: codes}).Search(codes, 2).WithoutSelf(); !slices.Equal(others.ID, []int32{1, 0, 0, 0, 2}) {
		t.Errorf("one neighbour each, without themselves: %v", others.ID)
	}
}

func TestVectorsEqualBruteForce(t *testing.T) {
	for _, d := range []int{1, 7, 64, 300} {
		rng := tensor.Stream(1, fmt.Sprint("vectors", d))
		x, q := tensor.New(1300, d), tensor.New(300, d)
		rng.Normal(x.Data(), 50, 1) // far from the origin, where products lose digits
		rng.Normal(q.Data(), 50, 1)
		copy(x.Row(7), x.Row(3))
		copy(x.Row(900), x.Row(3))
		copy(q.Row(0), x.Row(3))
		const k = 4
		want := newNeighbours(q.Rows(), k)
		for i := range q.Rows() {
			order, distance := make([]int, x.Rows()), make([]float32, x.Rows())
			for j := range order {
				order[j], distance[j] = j, float32(squaredDistance(q.Row(i), x.Row(j)))
			}
			slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(distance[a], distance[b]) })
			for j, id := range order[:k] {
				want.ID[i*k+j], want.Distance[i*k+j] = int32(id), float32(math.Sqrt(float64(distance[id])))
			}
		}
		if !slices.Equal(want.ID[:3], []int32{3, 7, 900}) {
			t.Fatalf("the copies of query 0 are not its neighbours: %v", want.ID[:k])
		}
		for _, workers := range []int{1, 2, 5} {
			v, err := NewVectors(x)
			if err != nil {
				t.Fatal(err)
			}
			v.Workers = workers
			queries, err := NewVectors(q)
			if err != nil {
				t.Fatal(err)
			}
			got := v.Search(queries, k)
			checkEqual(t, fmt.Sprintf("%d dimensions, %d workers", d, workers), got, want)
		}
	}
}

// Vectors whose squared lengths are outside the range of float32 have the same neighbours as at another scale.
func TestVectorsOfAnyScale(t *testing.T) {
	rng := tensor.Stream(1, "scale")
	x, q := tensor.New(40, 9), tensor.New(20, 9)
	rng.Normal(x.Data(), 0, 1)
	rng.Normal(q.Data(), 0, 1)
	search := func(x, q *tensor.Tensor) *Neighbours {
		v, err := NewVectors(x)
		if err != nil {
			t.Fatal(err)
		}
		queries, err := NewVectors(q)
		if err != nil {
			t.Fatal(err)
		}
		return v.Search(queries, 5)
	}
	want := search(x, q)
	for _, e := range []int{-110, -50, 50, 110} {
		got := search(scaled(x, -e), scaled(q, -e))
		if !slices.Equal(got.ID, want.ID) {
			t.Errorf("at the scale 2^%d there are other neighbours", e)
		}
		for i, d := range got.Distance {
			if d != float32(math.Ldexp(float64(want.Distance[i]), e)) {
				t.Fatalf("at the scale 2^%d a distance is %g, at 1 it is %g", e, d, want.Distance[i])
			}
		}
	}
	if near := search(scaled(x, 100), q); near.Distance[0] != float32(math.Sqrt(squaredDistance(q.Row(0),
		make([]float32, 9)))) {
		t.Errorf("from a query of length 1 to vectors of length 2^-100: %g", near.Distance[0])
	}
}

func TestVectorsRefuseWhatIsNoNumber(t *testing.T) {
	x := tensor.New(3, 2)
	x.Set(float32(math.NaN()), 1, 0)
	if _, err := NewVectors(x); err == nil || err.Error() != "retrieval: NewVectors: vector 1: element 0 is NaN" {
		t.Errorf("NaN: %v", err)
	}
	x.Set(float32(math.Inf(1)), 1, 0)
	if _, err := NewVectors(x); err == nil || err.Error() != "retrieval: NewVectors: vector 1: element 0 is +Inf" {
		t.Errorf("infinity: %v", err)
	}
}

func BenchmarkSearch(b *testing.B) {
	rng := tensor.Stream(1, "codes")
	codes, queries := NewCodes(50_000, 1024), NewCodes(10_000, 1024)
	for _, c := range []*Codes{codes, queries} {
		for i := range c.data {
			c.data[i] = rng.Uint64()
		}
	}
	index := &Index{Codes: codes}
	for b.Loop() {
		index.Search(queries, 5)
	}
}
