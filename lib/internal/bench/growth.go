// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/durable"
	"github.com/lateral-ml/lateral/lib/figure"
)

// A growth is the dependence of a training step's cost on one of its sizes.
type growth struct {
	size, fixed string // description of the varying size and of the fixed ones
	values      []int
	network     func(size int) network
	results     []result
}

func growths() []growth {
	mlp := func(hidden, batch int) network { return network{hidden, batch, autograd.ReLU, 1e-3} }
	return []growth{
		{size: "images in a batch", fixed: "128 units", values: []int{10, 32, 100, 320, 1000},
			network: func(n int) network { return mlp(128, n) }},
		{size: "hidden units", fixed: "batches of 100", values: []int{32, 64, 128, 256, 512, 1024, 2048},
			network: func(n int) network { return mlp(n, 100) }},
	}
}

// name returns the name of the item, which the peer's script uses too.
func (n network) name() string { return fmt.Sprintf("mlp%d_batch%d", n.hidden, n.batch) }

// growth is the mode -growth of the command. It writes a section in Markdown and, unless file is empty, draws a figure.
func (s *session) growth(ctx context.Context, w io.Writer, file string) error {
	all := growths()
	known := map[string]result{}
	for i := range all {
		g := &all[i]
		for _, size := range g.values {
			n := g.network(size)
			if _, done := known[n.name()]; !done {
				r, err := s.measure(ctx, n.item(n.name()))
				if err != nil {
					return fmt.Errorf("%s: %w", n.name(), err)
				}
				known[n.name()] = r
			}
			g.results = append(g.results, known[n.name()])
		}
	}
	fmt.Fprintf(w, "A training step of 784-n-10 (ReLU, activity penalty, cross-entropy, Adam), per image. %s.\n",
		machine())
	for _, g := range all {
		if err := g.table(w); err != nil {
			return err
		}
	}
	if file == "" {
		return nil
	}
	return draw(all, file)
}

// table writes one row per size.
func (g growth) table(w io.Writer) error {
	first := g.results[0]
	head, rule := []string{fmt.Sprintf("%s (%s)", g.size, g.fixed)}, []string{"--:"}
	add := func(columns ...string) {
		for _, c := range columns {
			head, rule = append(head, c), append(rule, "--:")
		}
	}
	for _, n := range first.cores {
		add(cores(n), "of the ceiling")
	}
	if len(first.cores) > 1 {
		add("gain")
	}
	if len(first.peers) > 0 {
		add("PyTorch", "ratio")
	}
	lines := [][]string{head, rule}
	for i, r := range g.results {
		line := []string{fmt.Sprint(g.values[i])}
		for c, t := range r.ours {
			line = append(line, seconds(t.median/r.item.work), fmt.Sprintf("%.0f %%", 100*r.share(c)))
		}
		if len(r.ours) > 1 {
			line = append(line, fmt.Sprintf("%.2f", r.ours[0].median/r.ours[1].median))
		}
		for _, p := range r.peers {
			ratio, _ := r.ratio(r.best(), p.script)
			line = append(line, seconds(p.median/r.item.work), fmt.Sprintf("%.2f", ratio))
		}
		lines = append(lines, line)
	}
	fmt.Fprintln(w)
	for _, line := range lines {
		if _, err := fmt.Fprintf(w, "| %s |\n", strings.Join(line, " | ")); err != nil {
			return err
		}
	}
	return nil
}

// draw plots the time per image against each size.
func draw(all []growth, file string) error {
	var panels []*figure.Figure
	for _, g := range all {
		byName := map[string]*figure.Series{}
		var order []string
		add := func(name string, size int, y float64) {
			if byName[name] == nil {
				byName[name] = &figure.Series{Name: name}
				order = append(order, name)
			}
			s := byName[name]
			s.X, s.Y = append(s.X, float64(size)), append(s.Y, 1e6*y)
		}
		for i, r := range g.results {
			for c, t := range r.ours {
				add(cores(r.cores[c]), g.values[i], t.median/r.item.work)
			}
			for _, p := range r.peers {
				add("PyTorch", g.values[i], p.median/r.item.work)
			}
		}
		var series []figure.Series
		for _, name := range order {
			series = append(series, *byName[name])
		}
		axes := figure.Axes{Title: g.fixed, X: g.size, Y: "time per image (µs)", LogX: true, LogY: true}
		panels = append(panels, figure.Lines(axes, series...))
	}
	return save(panels, file)
}

// save writes panels side by side into a file, in the format given by its name.
func save(panels []*figure.Figure, file string) error {
	write := map[string]func(*figure.Figure, io.Writer) error{
		".svg": (*figure.Figure).WriteSVG, ".png": (*figure.Figure).WritePNG, ".pdf": (*figure.Figure).WritePDF,
	}[filepath.Ext(file)]
	if write == nil {
		return fmt.Errorf("-figure %s: the name must end with .svg, .png or .pdf", file)
	}
	var picture bytes.Buffer
	if err := write(figure.Panels(2, panels...), &picture); err != nil {
		return fmt.Errorf("-figure %s: %w", file, err)
	}
	return durable.WriteFile(file, picture.Bytes())
}
