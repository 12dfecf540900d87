// SPDX-License-Identifier: Apache-2.0

package embed_test

import (
	"context"
	"fmt"
	"log"

	"github.com/lateral-ml/lateral/lib/embed"
	"github.com/lateral-ml/lateral/lib/retrieval"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A map of codes: 90 codes of three kinds, of which each bit has changed with a probability of one in eight. On the
// map, the nearest other code of each is of its kind.
func Example_codes() {
	rng := tensor.Stream(1, "codes")
	kinds := [3][2]uint64{{rng.Uint64(), rng.Uint64()}, {rng.Uint64(), rng.Uint64()}, {rng.Uint64(), rng.Uint64()}}
	var words []uint64
	for i := range 90 {
		for _, w := range kinds[i%3] {
			words = append(words, w^(rng.Uint64()&rng.Uint64()&rng.Uint64()))
		}
	}
	codes := retrieval.CodesFromWords(words, 128)
	near := (&retrieval.Index{Codes: codes}).Search(codes, 31).WithoutSelf()
	affinities, err := embed.NewAffinities(near, true, 10)
	if err != nil {
		log.Fatal(err)
	}
	tsne, err := embed.TSNE{Seed: 1}.Fit(context.Background(), affinities)
	if err != nil {
		log.Fatal(err)
	}
	points, err := retrieval.NewVectors(tsne.Y)
	if err != nil {
		log.Fatal(err)
	}
	alike := 0
	for i, id := range points.Search(points, 2).WithoutSelf().ID {
		if int(id)%3 == i%3 {
			alike++
		}
	}
	fmt.Println(tsne.Y.Shape(), alike)
	// Output: [90 2] 90
}
