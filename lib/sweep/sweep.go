// SPDX-License-Identifier: Apache-2.0

// Package sweep computes a result for every setting of a grid, several at a time, and keeps each result in a file as
// soon as it is there. A sweep that was stopped, in whatever way, goes on where it was; a grid can be split into shards
// for several machines and the files merged:
//
//   - [Sweep] describes the grid and how one result is computed; [Sweep.Run] computes what the file lacks;
//   - [Merge] joins the files of shards, [ReadRows] reads them.
//
// # The file
//
// A file of results has one line of JSON for each, with the SHA-256 of its content ([durable.Seal]):
//
//	{"sha256":"93b8...","content":{"setting":{"lambda":0.008,"seed":3},"result":{"accuracy":0.97}}}
//
// so `jq .content.result FILE` lists the results. A line with a flipped bit, or with text behind the row, is an error
// that names file and line. Lines without a check sum, {"setting":...,"result":...}, as earlier versions wrote them,
// are read too; Merge writes them with one. A last line that a kill or a loss of power cut off is dropped, and its
// result computed again. While a sweep or a merge writes to a file, a second one is refused, unless it is a sweep whose
// results are all there.
package sweep

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Sweep computes a result for every setting of a grid, several at a time, and keeps each in a file as soon as it is
// there. Started again, with the same or a larger grid, it computes what the file lacks:
//
//	rows, err := sweep.Sweep[Setting, Measures]{
//		Settings: grid,
//		Do:       func(ctx context.Context, s Setting) (Measures, error) { return s.train(ctx, data) },
//		File:     "relu.jsonl",
//	}.Run(ctx)
//
// S and R are structs that encoding/json writes and reads back without loss. The JSON of a setting is the key of its
// result, so it has to hold everything that the result depends on: lambda, seed, the sum of the data. A field that is
// added to S or R later needs the option omitempty; otherwise the results on file are refused.
//
// If Do depends on its setting alone and trains with one worker, the results are the same, bit for bit, for any number
// of Workers, any sharding and any history of interruptions, on machines that use the same kernels
// ([autograd.Backend]). Only their order in the file differs; [Merge] sorts them.
type Sweep[S, R any] struct {
	Settings []S                                       // the grid, no setting twice
	Do       func(ctx context.Context, s S) (R, error) // computes one result; runs in several goroutines at once
	File     string                                    // where results are kept; "" keeps none
	Shard    Shard                                     // the part of the grid to compute; the zero value is all of it
	Workers  int                                       // settings at a time; 0 is one for each core

	// Round numbers the rounds of a sweep. Settings of lower rounds start first, so that the results are of use before
	// all are there. Nil puts all settings into one round.
	Round func(s S) int
	// Cost is what computing a setting takes, in any unit. The most expensive settings of a round start first, so that
	// no core is idle at the end. Nil is the same cost for all.
	Cost func(s S) float64
	// OnResult is called at the start and after each setting, one call at a time. It may be nil.
	OnResult func(e *Event[S])
}

// A Row is a setting and its result.
type Row[S, R any] struct {
	Setting S `json:"setting"`
	Result  R `json:"result"`
}

// A Shard is part I of N equal parts of a grid, 0 <= I < N: what one of N machines computes. Settings are dealt out in
// turn, in the order they start in, so that the parts cost about the same. The zero value is the whole grid.
type Shard struct{ I, N int }

// String returns the shard as I/N.
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.I, s.N) }

// ParseShard reads what String writes, such as 0/8 for the first of eight parts.
func ParseShard(text string) (Shard, error) {
	i, n, _ := strings.Cut(text, "/")
	s := Shard{}
	var err1, err2 error
	s.I, err1 = strconv.Atoi(i)
	s.N, err2 = strconv.Atoi(n)
	if err1 != nil || err2 != nil || s.String() != text || s.I < 0 || s.I >= s.N {
		return Shard{}, fmt.Errorf("sweep: shard %q: want I/N with I from 0 to N-1, such as 0/8", text)
	}
	return s, nil
}

// An Event says how far a sweep is. It is reused: copy what must last.
type Event[S any] struct {
	Done, Total int           // settings of the shard that have a result, of how many
	Reused      int           // of those done, the ones that were on file at the start
	Failed      int           // settings whose Do returned an error
	Elapsed     time.Duration // since the start
	Left        time.Duration // expected from the costs; 0 while nothing is known

	Setting *S            // that has ended just now; nil at the start
	Took    time.Duration // its time
	Err     error         // its error, if it failed
}

// An Error says which settings failed.
type Error struct {
	Total    int     // settings in the shard
	Failures []error // each starts with the setting; in the order of the grid
}

func (e *Error) Error() string {
	const shown = 5
	var b strings.Builder
	fmt.Fprintf(&b, "sweep: %d of %d settings failed; the other results are kept, and the next run tries these again:",
		len(e.Failures), e.Total)
	for _, err := range e.Failures[:min(shown, len(e.Failures))] {
		fmt.Fprintf(&b, "\n%v", err)
	}
	if more := len(e.Failures) - shown; more > 0 {
		fmt.Fprintf(&b, "\nand %d more", more)
	}
	return b.String()
}

// Unwrap returns the failures.
func (e *Error) Unwrap() []error { return e.Failures }
