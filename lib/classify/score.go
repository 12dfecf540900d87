// SPDX-License-Identifier: Apache-2.0

package classify

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/figure"
	"github.com/lateral-ml/lateral/lib/metrics"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train/report"
)

// A Score compares predictions with the true classes.
type Score struct {
	Classes     []string
	Samples     int
	Accuracy    float64        // share of correct predictions
	LogLoss     float64        // mean of -log of the probability of the true class
	Confusion   *tensor.Tensor // [classes, classes], true class by predicted class
	Precision   []float64      // of each class; NaN if it was never predicted
	Recall      []float64      // of each class; NaN if it has no samples
	Calibration []metrics.CalibrationBin
	ECE         float64 // expected calibration error
}

// calibrationBins is the number of bins of a score's calibration.
const calibrationBins = 10

// Score predicts examples and compares the predictions with their classes. The classes of the examples must be those of
// the model. The error is that of [Model.Predict], or reports missing or other classes.
func (m *Model) Score(e *Examples) (*Score, error) {
	if e.Y == nil || fmt.Sprint(e.Classes) != fmt.Sprint(m.Classes) {
		return nil, fmt.Errorf("classify: %s has the classes %q, and the model %q: read the examples with Model.Read",
			e.Name, e.Classes, m.Classes)
	}
	p, err := m.Predict(e)
	if err != nil {
		return nil, err
	}
	s := &Score{Classes: m.Classes, Samples: e.Len()}
	s.Confusion = metrics.Confusion(e.Y, metrics.Predictions(p), len(m.Classes))
	s.Accuracy, s.Precision = metrics.Accuracy(s.Confusion), metrics.Precision(s.Confusion)
	s.Recall = metrics.Recall(s.Confusion)
	s.Calibration, s.ECE = metrics.Calibration(p, e.Y, calibrationBins)
	for i, y := range e.Y {
		s.LogLoss -= math.Log(math.Max(float64(p.At(i, y)), 1e-30)) / float64(len(e.Y))
	}
	return s, nil
}

// String returns the score as lines of text.
func (s *Score) String() string { return s.Table().Text() }

// Table returns precision and recall of each class as a table, with the other numbers in its caption.
func (s *Score) Table() *figure.Table {
	t := &figure.Table{
		Columns: []string{"class", "samples", "precision (%)", "recall (%)"},
		Caption: fmt.Sprintf("Accuracy %.1f %% of %d samples, log loss %.3f, calibration error %.1f %%", 100*s.Accuracy,
			s.Samples, s.LogLoss, 100*s.ECE),
	}
	percent := func(share float64) string {
		if math.IsNaN(share) {
			return "–"
		}
		return fmt.Sprintf("%.1f", 100*share)
	}
	for k, name := range s.Classes {
		n := float32(0)
		for _, v := range s.Confusion.Row(k) {
			n += v
		}
		t.Rows = append(t.Rows, []string{name, fmt.Sprint(n), percent(s.Precision[k]), percent(s.Recall[k])})
	}
	return t
}

// Figure draws the confusion matrix, and beside it how often predictions are right against how sure they are.
func (s *Score) Figure() *figure.Figure {
	confusion := figure.HeatMap(figure.Axes{
		X: "predicted class", Y: "true class", Z: "samples", XNames: s.Classes, YNames: s.Classes, Values: true,
		Title: fmt.Sprintf("Accuracy %.1f %%", 100*s.Accuracy),
	}, s.Confusion)
	var x, y []float64
	for _, b := range s.Calibration {
		if b.Samples > 0 {
			x, y = append(x, 100*b.Confidence), append(y, 100*b.Accuracy)
		}
	}
	calibration := figure.Lines(figure.Axes{
		X: "probability of the predicted class (%)", Y: "correct (%)", XRange: [2]float64{0, 100},
		YRange: [2]float64{0, 100}, Title: fmt.Sprintf("Calibration error %.1f %%", 100*s.ECE),
	}, figure.Series{Name: "predictions", X: x, Y: y},
		figure.Series{Name: "calibrated", X: []float64{0, 100}, Y: []float64{0, 100}})
	return figure.Panels(2, confusion, calibration).WithCaption("Left: how many samples of each class are predicted as " +
		"each class; off the diagonal are mistakes. Right: below the diagonal, predictions are surer than they are right.")
}

// Save writes [Score.Figure] to an SVG file.
func (s *Score) Save(path string) error { return report.Save(path, s.Figure()) }
