// SPDX-License-Identifier: Apache-2.0

package wta15

import (
	"context"
	"math"
	"slices"

	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/linear"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Prices are the values of C from which [Stack.Classify] chooses, for features scaled by [Scale]. The more labels there
// are, the smaller is the best one.
func Prices() []float64 { return []float64{0.1, 0.3, 1, 3, 10, 30, 100} }

// A Judge is how features are judged: by a linear support vector machine.
type Judge struct {
	Cs      []float64 // prices to choose from, ascending; nil means Prices
	Layers  []int     // layers whose features are used, side by side; see Stack.Features
	Workers int       // goroutines; 0 means one per core. Results do not depend on it
}

// A Judgement is what a linear support vector machine makes of features. Errors are shares of images.
type Judgement struct {
	C           float64   `json:"c"`           // the price with the smallest error on the validation images
	Error       float64   `json:"error"`       // on the test images, after learning from training and validation images
	ValidErrors []float64 `json:"validErrors"` // of each price tried, after learning from the training images
}

// Classify judges the features of a stack. For each price C it fits a support vector machine to the training images and
// measures its error on the validation images; with the best price, it fits another one to both and measures the error
// on the test images. Of equal prices, the smallest is best. Prices are tried in ascending order, until two in a row
// are no better than the best. Without validation images, a sixth of the training images serves as such.
//
// The errors of Classify are those of [linear.Config.Fit].
func (s *Stack) Classify(ctx context.Context, d *experiment.Data, j Judge) (*Judgement, error) {
	train, valid := d.Train, d.Valid
	if valid == nil {
		train, valid = train.Split(5.0/6, tensor.Stream(1, "split"))
	}
	images, learn := tensor.New(append([]int{train.Len() + valid.Len()}, train.X.Shape()[1:]...)...), train.Len()
	copy(images.Data(), train.X.Data())
	copy(images.Slice(learn, images.Rows()).Data(), valid.X.Data())
	x := s.Features(images, j.Workers, j.Layers...)
	scale := Scale(x)
	simd.Scale(x.Data(), scale, x.Data())
	first, rest := linear.Dense(x.Slice(0, learn)), linear.Dense(x.Slice(learn, x.Rows()))

	result := &Judgement{}
	cs := j.Cs
	if cs == nil {
		cs = Prices()
	}
	c := linear.Config{Workers: j.Workers}
	best := 0
	for i, price := range cs {
		if c.C = price; i > best+2 {
			break
		}
		classifier, err := c.Fit(ctx, first, train.Y)
		if err != nil {
			return nil, err
		}
		result.ValidErrors = append(result.ValidErrors, classifier.Error(rest, valid.Y))
		if result.ValidErrors[i] < result.ValidErrors[best] {
			best = i
		}
	}
	c.C = cs[best]
	classifier, err := c.Fit(ctx, linear.Dense(x), slices.Concat(train.Y, valid.Y))
	if err != nil {
		return nil, err
	}
	test := s.Features(d.Test.X, j.Workers, j.Layers...)
	simd.Scale(test.Data(), scale, test.Data())
	result.C, result.Error = c.C, classifier.Error(linear.Dense(test), d.Test.Y)
	return result, nil
}

// Scale returns the number that features x [N, D] are multiplied by before they are classified, so that the prices of a
// classifier do not depend on the scale of the code, which an autoencoder is free to choose: with it, the mean of their
// rows' squared lengths is 1. It is 1 if all features are 0.
func Scale(x *tensor.Tensor) float32 {
	sum := 0.0
	for i := range x.Rows() {
		sum += float64(simd.SumSquares(x.Row(i)))
	}
	if sum == 0 {
		return 1
	}
	return float32(math.Sqrt(float64(x.Rows()) / sum))
}
