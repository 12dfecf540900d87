// SPDX-License-Identifier: Apache-2.0

package linear

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
)

// A Config says what to fit. C is required.
type Config struct {
	Loss Loss    // default SquaredHinge, the support vector machine
	C    float64 // cost of the losses, relative to the penalty of the weights; positive

	// Weights are those of the samples [N], at least 0: u_i in the objective. nil is 1 for all.
	Weights []float32
	// Intercept is the value of the constant feature whose weight makes the intercept; 0 is 1, and a negative number means
	// no intercept. As in liblinear (and scikit-learn's intercept_scaling) that weight is regularised like the others:
	// the larger Intercept, the less so.
	Intercept float64
	// Tolerance is how far a problem's objective may be above its minimum, as a share of it; default 1e-4. The excess is
	// bounded, not estimated: see [Classifier].
	Tolerance float64
	Steps     int            // limit of Newton steps; default 100
	Workers   int            // goroutines; 0 is one per core. Results do not depend on it
	Progress  func(Progress) // called after each Newton step; may be nil
}

// Progress is how far a fit is.
type Progress struct {
	Step     int     // Newton steps taken
	Passes   int     // over the samples
	Problems int     // to solve at the same time: one per class and fold, or one per fold for Multinomial
	Done     int     // problems solved
	Gap      float64 // largest bound of the others' relative excess
}

// A ConvergenceError reports that Newton's method did not reach the tolerance within the limit of steps.
type ConvergenceError struct {
	Failed, Problems int
	Gap, Tolerance   float64 // largest bound of the relative excess, and what it should be
	Steps            int
}

func (e *ConvergenceError) Error() string {
	return fmt.Sprintf("linear: %d of %d problems may be up to %.2g of their objective above the minimum after %d steps, "+
		"want %.2g: scale the features to about 1, lower C, or raise Steps or Tolerance",
		e.Failed, e.Problems, e.Gap, e.Steps, e.Tolerance)
}

// Fit finds the classifier of the samples x [N, D] with the labels y [N], numbers of classes from 0. Each class up to
// the largest label must have a sample, and there must be two.
//
// An error about the input or the settings comes before any work. Fit returns an error that wraps context.Cause(ctx) if
// ctx is cancelled, and a classifier together with a [*ConvergenceError] if it is less exact than asked for.
func (c Config) Fit(ctx context.Context, x *Features, y []int) (*Classifier, error) {
	c = c.withDefaults()
	labels, classes, err := c.check(x, y)
	if err != nil {
		return nil, err
	}
	s := c.solver(x, labels)
	s.columns = c.problems(classes, -1, nil)
	s.start()
	err = s.solve(ctx)
	var inexact *ConvergenceError
	if err != nil && !errors.As(err, &inexact) {
		return nil, err
	}
	return c.classifier(s, classes), err
}

func (c Config) withDefaults() Config {
	c.Tolerance = cmp.Or(c.Tolerance, 1e-4)
	c.Steps = cmp.Or(c.Steps, 100)
	c.Intercept = max(cmp.Or(c.Intercept, 1), 0)
	return c
}

// check returns the labels and the number of classes, or what is wrong with the settings or the samples.
func (c Config) check(x *Features, y []int) (labels []int32, classes int, err error) {
	switch {
	case c.Loss < SquaredHinge || c.Loss > Multinomial:
		return nil, 0, fmt.Errorf("linear: unknown loss %d: take SquaredHinge, Logistic or Multinomial", int(c.Loss))
	case !(c.C > 0) || math.IsInf(c.C, 1):
		return nil, 0, fmt.Errorf("linear: C is %v: want a positive number", c.C)
	case !(c.Tolerance > 0):
		return nil, 0, fmt.Errorf("linear: Tolerance is %v: want a positive number", c.Tolerance)
	case c.Steps < 1:
		return nil, 0, fmt.Errorf("linear: Steps is %d: want at least 1", c.Steps)
	case math.IsNaN(c.Intercept) || math.IsInf(c.Intercept, 0):
		return nil, 0, fmt.Errorf("linear: Intercept is %v: want a number", c.Intercept)
	case len(y) != x.n:
		return nil, 0, fmt.Errorf("linear: %d labels for %d samples: want one each", len(y), x.n)
	case x.d < 1:
		return nil, 0, errors.New("linear: the samples have no features")
	case c.Weights != nil && len(c.Weights) != x.n:
		return nil, 0, fmt.Errorf("linear: %d weights for %d samples: want one each", len(c.Weights), x.n)
	}
	for i, u := range c.Weights {
		if !(u >= 0) || math.IsInf(float64(u), 1) {
			return nil, 0, fmt.Errorf("linear: the weight of sample %d is %v: want 0 or a positive number", i, u)
		}
	}
	if labels, classes, err = countClasses(y, c.Weights); err != nil {
		return nil, 0, err
	}
	return labels, classes, x.check()
}

// maxClasses bounds the labels: a class needs a vector of weights, and each up to the largest label a sample.
const maxClasses = 1 << 16

// countClasses returns the labels as the solver takes them and the number of classes.
func countClasses(y []int, weights []float32) ([]int32, int, error) {
	labels, count := make([]int32, len(y)), []int(nil)
	for i, label := range y {
		if label < 0 || label >= maxClasses {
			return nil, 0, fmt.Errorf("linear: label %d of sample %d: want 0 to %d", label, i, maxClasses-1)
		}
		for label >= len(count) {
			count = append(count, 0)
		}
		if weights == nil || weights[i] > 0 {
			count[label]++
		}
		labels[i] = int32(label)
	}
	if len(count) == 0 {
		return nil, 0, errors.New("linear: no samples: want at least one of each of two classes")
	}
	present, last := 0, 0
	for class, n := range count {
		if n > 0 {
			present, last = present+1, class
		}
	}
	if present < 2 {
		return nil, 0, fmt.Errorf("linear: all %d samples are of class %d: want at least two classes", len(y), last)
	}
	for class, n := range count {
		if n == 0 {
			return nil, 0, fmt.Errorf("linear: no sample of class %d, although there are labels up to %d: "+
				"number the classes that there are from 0", class, len(count)-1)
		}
	}
	return labels, len(count), nil
}

// problems appends the columns of a fold: one per class, or only that of class 1 if it is the mirror image of the
// other.
func (c Config) problems(classes int, fold int32, list []column) []column {
	first := 0
	if classes == 2 && c.Loss != Multinomial {
		first = 1
	}
	for class := first; class < classes; class++ {
		list = append(list, column{int32(class), fold, c.C})
	}
	return list
}

func (c Config) solver(x *Features, labels []int32) *solver {
	return &solver{
		sampleSet: sampleSet{loss: c.Loss, y: labels, weight: c.Weights},
		features:  x, chunks: x.chunks(),
		intercept: c.Intercept, tolerance: c.Tolerance, most: c.Steps, workers: c.Workers, progress: c.Progress,
	}
}
