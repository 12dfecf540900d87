// SPDX-License-Identifier: Apache-2.0

package sweep_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/lateral-ml/lateral/lib/sweep"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Setting is what a result depends on, a Share the result: how many of 1000 standard normal numbers a soft threshold
// leaves above zero.
type Setting struct {
	Lambda float64 `json:"lambda"`
	Seed   uint64  `json:"seed"`
}

type Share struct {
	Active float64 `json:"active"`
}

// A sweep over thresholds. Started again with a larger grid, it computes what is new.
func ExampleSweep() {
	dir, err := os.MkdirTemp("", "sweep")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	computed := 0
	s := sweep.Sweep[Setting, Share]{
		File:    filepath.Join(dir, "threshold.jsonl"),
		Workers: 1, // computed is not made for several goroutines
		Do: func(ctx context.Context, s Setting) (Share, error) {
			computed++
			x := make([]float32, 1000)
			tensor.Stream(s.Seed, "input").Normal(x, 0, 1)
			active := 0.0
			for _, v := range x {
				if float64(v) > s.Lambda {
					active++
				}
			}
			return Share{active / float64(len(x))}, nil
		},
	}
	for _, lambda := range []float64{0, 1, 2} {
		s.Settings = append(s.Settings, Setting{lambda, 0}, Setting{lambda, 1})
		rows, err := s.Run(context.Background())
		last := rows[len(rows)-1]
		fmt.Printf("%d results, %d computed so far; ", len(rows), computed)
		fmt.Printf("%+v: %.2f %v\n", last.Setting, last.Result.Active, err)
	}
	// Output:
	// 2 results, 2 computed so far; {Lambda:0 Seed:1}: 0.51 <nil>
	// 4 results, 4 computed so far; {Lambda:1 Seed:1}: 0.17 <nil>
	// 6 results, 6 computed so far; {Lambda:2 Seed:1}: 0.02 <nil>
}
