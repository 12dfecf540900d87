// SPDX-License-Identifier: Apache-2.0

package golden

import (
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/competitive"
	"github.com/lateral-ml/lateral/lib/embed"
	"github.com/lateral-ml/lateral/lib/metrics"
	"github.com/lateral-ml/lateral/lib/retrieval"
	"github.com/lateral-ml/lateral/lib/sparsity"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// codes records results computed from the features of digits: binary codes, searches among them, hashes and maps.
func codes() []subject {
	return []subject{
		{name: "codes: neighbours by Hamming distance", record: func(t *testing.T, r *record) {
			d := glyphs()
			base, queries := retrieval.ActiveCodes(features(d.train.X)), retrieval.ActiveCodes(features(d.test.X))
			index := &retrieval.Index{Codes: base}
			near := index.Search(queries, 9)
			recordNeighbours(r, near, d.train.Y, d.test.Y)
			best, errors := retrieval.ChooseK(near, d.train.Y, d.test.Y, 10, retrieval.InverseDistance, []int{1, 3, 5, 9})
			r.integers("best k, errors for each", append([]int{best}, errors...)...)
			curve := index.PrecisionRecall(queries, d.train.Y, d.test.Y)
			r.numbers("precision", curve.Precision...)
			r.numbers("recall", curve.Recall...)
			blocks := competitive.LWTA(autograd.NewTape(1).Input(features(d.train.X)), 4)
			winners := retrieval.PackCodes(competitive.Submask(blocks))
			bits(r, "winners", winners.Words())
			r.numbers("flips", retrieval.FlipRate(base, winners)...)
			bits(r, "joined", retrieval.JoinCodes(base, winners).Words())
		}},
		{name: "codes: neighbours by Euclidean distance", record: func(t *testing.T, r *record) {
			d := glyphs()
			v, err := retrieval.NewVectors(features(d.train.X))
			if err != nil {
				t.Fatal(err)
			}
			queries, err := retrieval.NewVectors(features(d.test.X))
			if err != nil {
				t.Fatal(err)
			}
			recordNeighbours(r, v.Search(queries, 9), d.train.Y, d.test.Y)
		}},
		{name: "codes: DiffHash", record: func(t *testing.T, r *record) {
			d := glyphs()
			x := features(d.train.X)
			hash, err := retrieval.NewDiffHash(x, d.train.Y, 16, 1)
			if err != nil {
				t.Fatal(err)
			}
			bits(r, "projection", hash.Projection.Data())
			bits(r, "thresholds", hash.Threshold)
			index := &retrieval.Index{Codes: hash.Codes(x)}
			recordNeighbours(r, index.Search(hash.Codes(features(d.test.X)), 9), d.train.Y, d.test.Y)
		}},
		{name: "codes: PCA", record: func(t *testing.T, r *record) {
			for name, x := range map[string]*tensor.Tensor{
				"images": glyphs().test.X, "features": features(glyphs().test.X),
			} {
				p, err := embed.PCA(x, 3)
				if err != nil {
					t.Fatal(err)
				}
				r.numbers(name+": variance", p.Variance...)
				r.numbers(name+": ratio", p.Ratio...)
				bits(r, name+": coordinates", p.Transform(x).Data())
			}
		}},
		{name: "codes: t-SNE of codes", record: func(t *testing.T, r *record) {
			c := retrieval.ActiveCodes(features(glyphs().test.X))
			near := (&retrieval.Index{Codes: c}).Search(c, 31).WithoutSelf()
			recordMap(t, r, near, true, embed.TSNE{Iterations: 100, Early: 40, Seed: 1}, c.Distances)
		}},
		{name: "codes: t-SNE of vectors, over all pairs", record: func(t *testing.T, r *record) {
			x := features(glyphs().test.X)
			v, err := retrieval.NewVectors(x)
			if err != nil {
				t.Fatal(err)
			}
			recordMap(t, r, v.Search(v, 31).WithoutSelf(), false, embed.TSNE{Iterations: 60, Early: 20, Exact: true}, nil)
		}},
		{name: "codes: measures of sparsity", record: func(t *testing.T, r *record) {
			x := features(glyphs().test.X)
			for i, v := range x.Data() {
				x.Data()[i] = max(v, 0)
			}
			p := sparsity.Measure(x)
			for name, s := range map[string]sparsity.Stat{"l0": p.L0, "l1": p.L1, "gini": p.Gini, "hoyer": p.Hoyer} {
				r.numbers(name, s.Mean, s.Std())
			}
			r.integers("active for images", sparsity.Counts(x)...)
			bits(r, "active for images of classes", sparsity.ClassCounts(x, glyphs().test.Y, 10).Data())
			r.numbers("skewness", sparsity.Skewness(x.Data()))
			m := metrics.Confusion(glyphs().test.Y, metrics.Predictions(x.Slice(0, x.Rows())), x.Width())
			bits(r, "confusion", m.Data())
			r.numbers("accuracy", metrics.Accuracy(m))
			r.numbers("recall", metrics.Recall(m)...)
			r.numbers("precision", metrics.Precision(m)...)
		}},
	}
}

// features returns the net inputs of 40 random units. Their codes are not trivial, and do not depend on training.
func features(x *tensor.Tensor) *tensor.Tensor {
	w := tensor.New(40, 784)
	tensor.Stream(9, "features").Normal(w.Data(), 0, 0.1)
	return autograd.Linear(autograd.NewTape(1).Input(x), autograd.NewParam(w), nil).Value()
}

func recordNeighbours(r *record, near *retrieval.Neighbours, labels, queryLabels []int) {
	bits(r, "neighbours", near.ID)
	bits(r, "distances", near.Distance)
	for name, vote := range map[string]retrieval.Vote{
		"uniform": retrieval.UniformVote, "inverse distance": retrieval.InverseDistance,
	} {
		r.integers("errors, votes "+name, retrieval.Errors(retrieval.Classify(near, labels, 10, vote), queryLabels))
	}
	r.numbers("mean average precision", retrieval.MeanAveragePrecision(near, labels, queryLabels))
}

// recordMap lays out neighbours on a map and, if distances are given, records the quality of the map.
func recordMap(t *testing.T, r *record, near *retrieval.Neighbours, hamming bool, c embed.TSNE,
	distances func(d []float32, i int)) {
	a, err := embed.NewAffinities(near, hamming, 10)
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.Fit(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	bits(r, "map", m.Y.Data())
	r.numbers("divergence", m.KL, a.KL(m.Y))
	if distances != nil {
		trust := embed.Trustworthiness(m.Y, 8, func(i int, d []float32) { distances(d, i) }, 1)
		r.numbers("trustworthiness", trust)
	}
}
