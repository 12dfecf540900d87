// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"

	"github.com/lateral-ml/lateral/lib/figure"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A densityCase is the product of a batch of inputs and the weights of a layer at several input densities, computed
// with all elements of the inputs and without the zeros.
type densityCase struct {
	layerCase
	dense  result
	sparse []result // one result per element of percentages
}

// density is the mode -density of the command. It writes a table for each layer and, unless file is empty, plots both
// methods against the density to show where they cross.
func (s *session) density(ctx context.Context, w io.Writer, file string) error {
	s.cores = []int{1}
	cases := []densityCase{
		{layerCase: layerCase{784, 128, 100, 100}}, {layerCase: layerCase{1000, 1000, 100, 100}},
	}
	fmt.Fprintf(w, "The outputs of a layer for 100 inputs, of which a part is not zero, on one core. %s.\n", machine())
	for i := range cases {
		c := &cases[i]
		var err error
		if c.dense, err = s.measure(ctx, c.product(100, false)); err != nil {
			return err
		}
		fmt.Fprintf(w, "\n| %d-%d, not zero | all multiplied | zeros left out | ratio | chosen |\n", c.in, c.out)
		fmt.Fprint(w, "| --: | --: | --: | --: | :-- |\n")
		for _, percent := range percentages {
			r, err := s.measure(ctx, c.product(percent, true))
			if err != nil {
				return err
			}
			c.sparse = append(c.sparse, r)
			dense, sparse := c.dense.ours[0].median, r.ours[0].median
			chosen := "zeros left out"
			if c.operation(percent).Cost(c.batch, c.out, c.in) >= 1 {
				chosen = "all"
			}
			fmt.Fprintf(w, "| %d %% | %s | %s | %.2f | %s |\n", percent, seconds(dense), seconds(sparse), dense/sparse, chosen)
		}
	}
	if file == "" {
		return nil
	}
	var panels []*figure.Figure
	for _, c := range cases {
		panels = append(panels, c.panel())
	}
	return save(panels, file)
}

// operation is the product x·wᵀ.
func (c densityCase) operation(percent int) simd.SparseProduct {
	return simd.SparseProduct{TransB: true, Density: float64(percent) / 100}
}

// product is the item that multiplies all elements or, with sparse, lists the nonzero elements first and multiplies
// only those.
func (c densityCase) product(percent int, sparse bool) item {
	c.percent = percent
	return c.item("density", func(int) func() {
		x, w := c.tensor(percent, c.batch, c.in), bigLayer(c.in, c.out).Weight.Data()
		y := tensor.New(c.batch, c.out).Data()
		if !sparse {
			return func() { simd.GemmNT(c.batch, c.out, c.in, x.Data(), c.in, w, c.in, y, c.out, false) }
		}
		list, op := new(simd.Sparse), c.operation(percent)
		return func() {
			list.Reset(c.batch, c.in, op.Density)
			list.FillRows(0, list.Bands(), x.Data(), c.in)
			list.Mul(op, 0, c.batch, c.out, w, c.in, y, c.out)
		}
	})
}

// panel plots both methods.
func (c densityCase) panel() *figure.Figure {
	all, few := figure.Series{Name: "all multiplied"}, figure.Series{Name: "zeros left out"}
	for i, percent := range percentages {
		all.X, all.Y = append(all.X, float64(percent)), append(all.Y, 1e6*c.dense.ours[0].median)
		few.X, few.Y = append(few.X, float64(percent)), append(few.Y, 1e6*c.sparse[i].ours[0].median)
	}
	axes := figure.Axes{
		Title: fmt.Sprintf("%d-%d, batches of %d", c.in, c.out, c.batch),
		X:     "inputs that are not zero (%)", Y: "time of the product (µs)", LogX: true, LogY: true,
	}
	return figure.Lines(axes, all, few)
}
