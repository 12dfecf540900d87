// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"fmt"
	"os"
	"sync"
	"time"
)

// A LiveFigure is a picture that is redrawn in place while the data behind it grows: a learning curve during
// training, the weights of a layer, the units that win. Done leaves the final picture and its caption, which is what
// the saved notebook holds. In a headless run and outside a notebook only the final picture is drawn.
//
//	var loss []float64
//	live := kernelext.NewLiveFigure(func() kernelext.Drawing {
//		return figure.LearningCurves(figure.Axes{X: "epoch", Y: "loss"}, figure.Series{Name: "train", Y: loss})
//	})
//	for range epochs {
//		loss = append(loss, trainEpoch())
//		live.Update()
//	}
//	live.Done()
type LiveFigure struct {
	mu       sync.Mutex
	draw     func() Drawing
	ids      [2]string // display ids of the picture and its caption
	shown    bool
	live     bool      // whether pictures before the last are drawn at all
	next     time.Time // no redraw before
	finished bool
}

// NewLiveFigure prepares a picture that draw makes. Nothing is shown before the first Update or Done. draw runs
// inside Update and Done, never at another time, so it may read the data that the caller is collecting.
func NewLiveFigure(draw func() Drawing) *LiveFigure {
	return &LiveFigure{draw: draw, ids: [2]string{newDisplayID(), newDisplayID()}, live: inNotebook && !Headless()}
}

// Update redraws the picture if it is time: at most twice a second, and rarely enough that drawing takes no more
// than a twentieth of the time.
func (l *LiveFigure) Update() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.live || l.finished || time.Now().Before(l.next) {
		return
	}
	start := time.Now()
	bundles, err := l.render(l.draw())
	if err != nil {
		return // Done reports it; early data may be too little to draw
	}
	if l.shown {
		l.live = kernel.update(bundles[0]) == nil
	} else {
		l.shown = true
		l.live = kernel.deliver(bundles...) == nil
	}
	took := time.Since(start)
	l.next = time.Now().Add(max(500*time.Millisecond, 19*took))
}

// Done draws the picture a last time, shows its caption, and waits until the notebook has both. It does nothing when
// called again.
func (l *LiveFigure) Done() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.finished {
		return
	}
	l.finished = true
	d := l.draw()
	bundles, err := l.render(d)
	if err != nil {
		fmt.Fprintf(os.Stderr, "kernelext: LiveFigure: %v\n", err)
		return
	}
	emit(bundles...)
	keepFigure(d)
}

// render draws the picture and its caption, both bound to their place in the notebook. The caption is there from the
// first picture: one added at the end would stand below text printed in between.
func (l *LiveFigure) render(d Drawing) ([]bundle, error) {
	bundles, err := drawingBundles(d)
	if err != nil {
		return nil, err
	}
	for i := range bundles {
		bundles[i].id = l.ids[i]
	}
	return bundles, nil
}
