// SPDX-License-Identifier: Apache-2.0

// Package report shows how a training proceeds: a progress bar on a terminal, and the learning curves as a figure.
//
//	ctx, done := report.Bar(ctx, os.Stderr, "digits")
//	history, err := train.Run(ctx, config)
//	done()
//	err = report.SaveCurves("curves.svg", history)
package report

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/lateral-ml/lateral/lib/durable"
	"github.com/lateral-ml/lateral/lib/figure"
	"github.com/lateral-ml/lateral/lib/train"
)

// Bar returns a context in which [train.Run] draws a progress bar with the rate, the remaining time, the epoch and the
// loss, in place, if out is a terminal. If it is not, such as a file or a pipe, nothing is written. Call done after
// training: it removes the bar. One run at a time may use the context.
func Bar(ctx context.Context, out *os.File, title string) (watched context.Context, done func()) {
	if !term.IsTerminal(int(out.Fd())) {
		return ctx, func() {}
	}
	return bar(ctx, out, title)
}

// bar is Bar for any writer.
func bar(ctx context.Context, out io.Writer, title string) (watched context.Context, done func()) {
	const between = 100 * time.Millisecond
	var b *progressbar.ProgressBar
	var drawn time.Time
	watched = train.Watched(ctx, func(e *train.Event) {
		if b == nil { // a resumed run begins in the middle
			b = progressbar.NewOptions(e.Steps, progressbar.OptionSetWriter(out), progressbar.OptionShowIts(),
				progressbar.OptionSetItsString("steps"), progressbar.OptionSetWidth(20), progressbar.OptionShowCount(),
				progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(true))
			b.Set(e.Step - 1)
		}
		if time.Since(drawn) < between && e.Step < e.Steps {
			return
		}
		drawn = time.Now()
		text := fmt.Sprintf("%s, epoch %d/%d", title, e.Epoch, e.Epochs)
		if !math.IsNaN(e.Loss) {
			text += fmt.Sprintf(", loss %.3g", e.Loss)
		}
		b.Describe(text)
		b.Set(e.Step)
	})
	return watched, func() {
		if b != nil {
			b.Exit() // no further drawing
			fmt.Fprint(out, "\r\x1b[K")
		}
	}
}

// Curves returns the learning curves of a run: one panel for each metric, with the training and the validation data and
// a note of the best epoch. A single epoch has no curve, but is drawn as a point. It panics if the history has no
// epochs.
func Curves(h *train.History) *figure.Figure {
	if len(h.Epochs) == 0 {
		panic("report: Curves: the history has no epochs")
	}
	var names []string
	for _, e := range h.Epochs {
		for name := range e.Train {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	epochs := make([]float64, len(h.Epochs))
	for i := range epochs {
		epochs[i] = float64(i + 1)
	}
	var panels []*figure.Figure
	for _, name := range names {
		series := []figure.Series{{Name: "training", X: epochs, Y: h.TrainSeries(name)}}
		title := ""
		if h.Epochs[0].Valid != nil {
			series = append(series, figure.Series{Name: "validation", X: epochs, Y: h.ValidSeries(name)})
			title = fmt.Sprintf("best epoch: %d", h.Best+1)
		}
		axes := figure.Axes{X: "epoch", Y: name, Title: title}
		panels = append(panels, figure.LearningCurves(axes, series...))
	}
	return figure.Panels(min(2, len(panels)), panels...)
}

// SaveCurves writes [Curves] to an SVG file, completely or not at all.
func SaveCurves(path string, h *train.History) error { return Save(path, Curves(h)) }

// Save writes a figure to an SVG file, completely or not at all.
func Save(path string, f *figure.Figure) error {
	out, err := durable.Create(path)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	defer out.Discard()
	if err := f.WriteSVG(out); err != nil {
		return fmt.Errorf("report: %s: %w", path, err)
	}
	if err := out.Commit(); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}
