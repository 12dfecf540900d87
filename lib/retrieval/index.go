// SPDX-License-Identifier: Apache-2.0

package retrieval

import (
	"fmt"
	"math"
	"math/bits"
	"runtime"
	"slices"

	"github.com/lateral-ml/lateral/lib/internal/parallel"
	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// An Index finds the codes that are nearest to others by Hamming distance, the number of bits that differ. It is exact
// and needs no preparation: the field is all there is, and searches may run at the same time.
type Index struct {
	Codes   *Codes
	Workers int // goroutines for one search; 0 is one for each core
}

// Neighbours are the K nearest to each of N queries, nearest first; of those at equal distance the lowest index first.
type Neighbours struct {
	K        int
	ID       []int32   // [N, K]: which code or vector
	Distance []float32 // [N, K]: Hamming distance (a whole number), or Euclidean distance for vectors
}

// Len returns the number of queries.
func (n *Neighbours) Len() int { return len(n.ID) / n.K }

// Row returns the neighbours of query i, which share memory.
func (n *Neighbours) Row(i int) (id []int32, distance []float32) {
	return n.ID[i*n.K : (i+1)*n.K], n.Distance[i*n.K : (i+1)*n.K]
}

// First returns the k nearest of the K. It panics unless 1 <= k <= K.
func (n *Neighbours) First(k int) *Neighbours {
	if k < 1 || k > n.K {
		panic(fmt.Sprintf("retrieval: First: %d of %d neighbours", k, n.K))
	}
	first := newNeighbours(n.Len(), k)
	for i := range n.Len() {
		id, distance := n.Row(i)
		copy(first.ID[i*k:], id[:k])
		copy(first.Distance[i*k:], distance[:k])
	}
	return first
}

// WithoutSelf returns the K-1 nearest to each where the queries are what was searched, in the same order: query i is
// not counted among its own neighbours. It panics unless K >= 2.
func (n *Neighbours) WithoutSelf() *Neighbours {
	if n.K < 2 {
		panic("retrieval: WithoutSelf: one neighbour each, which may be the query itself")
	}
	k := n.K - 1
	rest := newNeighbours(n.Len(), k)
	for i := range n.Len() {
		id, distance := n.Row(i)
		at := slices.Index(id, int32(i))
		if at < 0 { // so many equals that it did not come among the first
			at = k
		}
		copy(rest.ID[i*k:], id[:at])
		copy(rest.ID[i*k+at:(i+1)*k], id[at+1:])
		copy(rest.Distance[i*k:], distance[:at])
		copy(rest.Distance[i*k+at:(i+1)*k], distance[at+1:])
	}
	return rest
}

func newNeighbours(n, k int) *Neighbours {
	return &Neighbours{K: k, ID: make([]int32, n*k), Distance: make([]float32, n*k)}
}

// Search returns the k codes nearest to each query. It panics if the queries have another length than the codes, or
// unless 1 <= k <= the number of codes.
//
// Every query meets every code, in blocks that the cache holds. A kernel tells which codes of a block are nearer than a
// query's k-th nearest so far, a bit for each; only those few are looked at one by one.
func (x *Index) Search(queries *Codes, k int) *Neighbours {
	codes := x.Codes
	if queries.bits != codes.bits || k < 1 || k > codes.n {
		panic(fmt.Sprintf("retrieval: Search: the %d nearest of %d codes of %d bits to codes of %d bits", k, codes.n, codes.bits, queries.bits))
	}
	s := &search{codes: codes, queries: queries, best: newNearest(queries.n, k)}
	parallel.For(workers(x.Workers), queries.n, 1, s, searchRange)
	return s.best.neighbours(func(key uint32) float32 { return float32(key) })
}

func workers(n int) int {
	if n <= 0 {
		return runtime.GOMAXPROCS(0)
	}
	return n
}

// panel is how many queries meet a block of codes before the bits that were found are looked at.
const panel = 32

type search struct {
	codes, queries *Codes
	best           nearest
}

// searchRange searches for the queries from lo to hi.
func searchRange(arg any, lo, hi int) {
	s := arg.(*search)
	words := s.codes.words
	size := max(64, min(s.codes.n, 1<<14/words)/64*64) // codes in a block: a megabyte for the kernel that needs most
	var block simd.HammingBlock
	var limits [panel]int32
	below := make([]uint64, panel*size/64)
	// The first blocks are small: as long as a query has met few codes, many of the next ones are nearer than its k-th.
	for first, n := 0, 64; first < s.codes.n; first, n = first+n, min(2*n, size) {
		codes := s.codes.Slice(first, min(first+n, s.codes.n))
		block.Load(codes.data, words)
		row := (codes.n + 63) / 64
		for q := lo; q < hi; q += panel {
			queries := s.queries.Slice(q, min(q+panel, hi))
			for i := range queries.n {
				limits[i] = int32(min(s.best.worst(q+i)>>32, math.MaxInt32))
			}
			found := below[:queries.n*row]
			block.Below(found, queries.data, limits[:queries.n])
			for i := range queries.n {
				s.offer(q+i, first, found[i*row:(i+1)*row])
			}
		}
	}
}

// offer takes the codes whose bits are set in below, the first of which is code first, among the nearest to query q.
func (s *search) offer(q, first int, below []uint64) {
	query := s.queries.Row(q)
	for g, set := range below {
		for ; set != 0; set &= set - 1 {
			id := first + 64*g + bits.TrailingZeros64(set)
			distance := 0
			for j, w := range s.codes.Row(id) {
				distance += bits.OnesCount64(w ^ query[j])
			}
			s.best.offer(q, key(uint32(distance), id))
		}
	}
}

// nearest keeps the k smallest keys of each query: a heap with the largest first. A key is a distance and, in the lower
// half, an index, so that order among keys is order by distance and then index.
type nearest struct {
	k    int
	keys []uint64
}

func key(distance uint32, id int) uint64 { return uint64(distance)<<32 | uint64(uint32(id)) }

func newNearest(n, k int) nearest {
	b := nearest{k, make([]uint64, n*k)}
	for i := range b.keys {
		b.keys[i] = math.MaxUint64
	}
	return b
}

// worst returns the largest key of query q.
func (b nearest) worst(q int) uint64 { return b.keys[q*b.k] }

// offer replaces the largest key of query q if the new one is less.
func (b nearest) offer(q int, key uint64) {
	heap := b.keys[q*b.k : (q+1)*b.k]
	if key >= heap[0] {
		return
	}
	i := 0
	for {
		child := 2*i + 1
		if child >= len(heap) {
			break
		}
		if child+1 < len(heap) && heap[child+1] > heap[child] {
			child++
		}
		if heap[child] <= key {
			break
		}
		heap[i] = heap[child]
		i = child
	}
	heap[i] = key
}

// neighbours returns what was kept, in order. distance turns the upper half of a key into a distance.
func (b nearest) neighbours(distance func(uint32) float32) *Neighbours {
	n := newNeighbours(len(b.keys)/b.k, b.k)
	for q := range n.Len() {
		slices.Sort(b.keys[q*b.k : (q+1)*b.k])
	}
	for i, key := range b.keys {
		n.ID[i], n.Distance[i] = int32(uint32(key)), distance(uint32(key>>32))
	}
	return n
}
