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

// An Index searches codes by Hamming distance, the number of bits that differ. It is exact and needs no preparation
// beyond setting its field. Searches may run concurrently.
type Index struct {
	Codes   *Codes
	Workers int // goroutines for one search; 0 means one per core
}

// Neighbours are the K nearest neighbours of each of N queries, nearest first; ties go to the lowest index.
type Neighbours struct {
	K        int
	ID       []int32   // [N, K]: index of the code or vector
	Distance []float32 // [N, K]: Hamming distance (a whole number), or Euclidean distance for vectors
}

// Len returns the number of queries.
func (n *Neighbours) Len() int { return len(n.ID) / n.K }

// Row returns the neighbours of query i. The slices share memory with n.
func (n *Neighbours) Row(i int) (id []int32, distance []float32) {
	return n.ID[i*n.K : (i+1)*n.K], n.Distance[i*n.K : (i+1)*n.K]
}

// First returns the k nearest of the K neighbours of each query. It panics unless 1 <= k <= K.
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

// WithoutSelf returns the K-1 nearest neighbours, for a search whose queries are the searched codes or vectors
// themselves, in the same order: it removes query i from its own neighbours. It panics unless K >= 2.
func (n *Neighbours) WithoutSelf() *Neighbours {
	if n.K < 2 {
		panic("retrieval: WithoutSelf: one neighbour each, which may be the query itself")
	}
	k := n.K - 1
	rest := newNeighbours(n.Len(), k)
	for i := range n.Len() {
		id, distance := n.Row(i)
		at := slices.Index(id, int32(i))
		if at < 0 { // so many ties that it is not among its own neighbours
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

// Search returns the k codes nearest to each query. It panics if the lengths of queries and codes differ, or unless 1
// <= k <= the number of codes.
//
// Every query is compared with every code, in blocks that fit the cache. A kernel sets one bit for each code of a block
// that is nearer than the k-th nearest so far; only these few codes are examined individually.
func (x *Index) Search(queries *Codes, k int) *Neighbours {
	codes := x.Codes
	if queries.bits != codes.bits || k < 1 || k > codes.n {
		panic(fmt.Sprintf("retrieval: Search: the %d nearest of %d codes of %d bits to codes of %d bits", k, codes.n,
			codes.bits, queries.bits))
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

// panel is the number of queries that are compared with a block of codes before the resulting bits are examined.
const panel = 32

type search struct {
	codes, queries *Codes
	best           nearest
}

// searchRange searches for the queries from lo to hi.
func searchRange(arg any, lo, hi int) {
	s := arg.(*search)
	words := s.codes.words
	size := max(64, min(s.codes.n, 1<<14/words)/64*64) // codes in a block: a megabyte for the largest kernel
	var block simd.HammingBlock
	var limits [panel]int32
	below := make([]uint64, panel*size/64)
	// The first blocks are small: while a query has seen few codes, many of the next ones are nearer than its k-th.
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

// offer adds the codes whose bits are set in below, starting with code first, to the candidates of query q.
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

// nearest keeps the k smallest keys of each query in a heap with the largest on top. The upper half of a key is a
// distance and the lower half an index, so keys are ordered by distance and then by index.
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

// offer replaces the largest key of query q if the new one is smaller.
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

// neighbours returns the kept keys in order. distance turns the upper half of a key into a distance.
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
