// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/embed"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/retrieval"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// mapping is the work of the mode -maps: a t-SNE map of the submasks of images in an untrained layer. It measures the
// time and the quality of the map. All maps are compared with the same affinities, those of the exact neighbours.
type mapping struct {
	codes      *retrieval.Codes
	iterations int
	near       *retrieval.Neighbours
	affinities *embed.Affinities
}

const (
	mapBits       = 1000
	mapPerplexity = 30
	mapRank       = 12 // neighbours of a point that count for the trustworthiness
)

// newMapping encodes n of the 10,000 images of Glyphs with a layer of rectified units with random weights.
func newMapping(n, iterations int) (*mapping, error) {
	images, _ := dataset.Glyphs(1)
	if n < 3*mapPerplexity+2 || n > images.Len() {
		return nil, fmt.Errorf("-maps %d: want %d to %d codes", n, 3*mapPerplexity+2, images.Len())
	}
	layer := nn.NewDense(784, mapBits, nn.He, tensor.Stream(1, "maps"))
	z := layer.Forward(autograd.NewTape(0).Input(images.X.Slice(0, n))).Value()
	return &mapping{codes: retrieval.ActiveCodes(z), iterations: iterations}, nil
}

// A drawn is a map with its cost.
type drawn struct {
	name    string
	seconds float64
	y       *tensor.Tensor
}

// ours computes the map with this library, and keeps the neighbours and affinities.
func (m *mapping) ours(ctx context.Context) (drawn, error) {
	start := time.Now()
	index := retrieval.Index{Codes: m.codes}
	m.near = index.Search(m.codes, 3*mapPerplexity+1).WithoutSelf()
	a, err := embed.NewAffinities(m.near, true, mapPerplexity)
	if err != nil {
		return drawn{}, err
	}
	m.affinities = a
	drew, err := embed.TSNE{Iterations: m.iterations, Seed: 1}.Fit(ctx, a)
	if err != nil {
		return drawn{}, err
	}
	return drawn{"Lateral", time.Since(start).Seconds(), drew.Y}, nil
}

// peer computes the map with a Python program.
func (m *mapping) peer(ctx context.Context, python, dir, program string) (drawn, error) {
	codes := filepath.Join(dir, "codes")
	bytesOf := make([]byte, 0, m.codes.Len()*m.codes.Bits())
	for i := range m.codes.Len() {
		for j := range m.codes.Bits() {
			b := byte(0)
			if m.codes.At(i, j) {
				b = 1
			}
			bytesOf = append(bytesOf, b)
		}
	}
	if err := os.WriteFile(codes, bytesOf, 0o600); err != nil {
		return drawn{}, err
	}
	n := m.codes.Len()
	y := tensor.New(n, 2)
	r, err := runScript(ctx, python, dir, "maps.py", y.Data(), program, codes, n, m.iterations, mapPerplexity)
	return drawn{r.Name, r.Seconds, y}, err
}

// maps is the mode -maps of the command. dir contains the peers' scripts; it is "" without peers.
func maps(ctx context.Context, n, iterations int, dir string, stdout, log io.Writer) error {
	m, err := newMapping(n, iterations)
	if err != nil {
		return err
	}
	first, err := m.ours(ctx)
	if err != nil {
		return err
	}
	all := []drawn{first}
	if dir != "" {
		programs := []string{"scikit-learn", "openTSNE", "openTSNE FFT"}
		all = append(all, eachPeer(log, programs, func(python, program string) (drawn, error) {
			return m.peer(ctx, python, dir, program)
		})...)
	}
	fmt.Fprintf(stdout, "t-SNE of %d codes of %d bits, perplexity %d, %d steps. %s.\n\n", n, mapBits, mapPerplexity,
		iterations, machine())
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "program\ttime\tratio\tKL divergence\ttrustworthiness\t")
	for _, d := range all {
		trust := embed.Trustworthiness(d.y, mapRank, func(i int, to []float32) { m.codes.Distances(to, i) }, 0)
		fmt.Fprintf(w, "%s\t%.2f s\t%.2f\t%.4f\t%.4f\t\n",
			d.name, d.seconds, d.seconds/first.seconds, m.affinities.KL(d.y), trust)
	}
	return w.Flush()
}
