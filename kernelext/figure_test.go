// SPDX-License-Identifier: Apache-2.0

package kernelext_test

import (
	"testing"

	"github.com/lateral-ml/lateral/kernelext"
	"github.com/lateral-ml/lateral/lib/figure"
)

// The package does not import the figure library, but is made for it.
var (
	_ kernelext.Drawing    = (*figure.Figure)(nil)
	_ kernelext.Explorable = (*figure.Figure)(nil)
	_ kernelext.Grid       = (*figure.Table)(nil)
)

func TestShowReadsCaptionAndAltOfFigures(t *testing.T) {
	f := figure.LearningCurves(figure.Axes{X: "epoch", Y: "loss"}, figure.Series{Name: "train", Y: []float64{2, 1}}).
		WithCaption("It falls.")
	caption, alt := kernelext.CaptionAndAlt(f)
	if caption != "It falls." || alt == "" || alt != f.Alt {
		t.Errorf("caption %q, alt %q", caption, alt)
	}
}
