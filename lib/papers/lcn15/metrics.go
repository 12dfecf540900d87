// SPDX-License-Identifier: Apache-2.0

package lcn15

import (
	"slices"

	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/retrieval"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Neighbours are the candidate numbers of nearest submasks, from which one is chosen on the validation images. The
// document says that 5 is usually a good choice [LCN15, section 3.2].
var Neighbours = []int{1, 3, 5, 7, 9, 11, 15, 21}

// Metrics are the results of a setting: numbers of misclassified test images [LCN15, table 1].
type Metrics struct {
	Images  int       `json:"images"`  // test images
	Softmax int       `json:"softmax"` // errors of the softmax output
	Submask int       `json:"submask"` // errors of a vote of the K nearest submasks in the last hidden layer
	K       int       `json:"k"`       // number of neighbours with the fewest validation errors
	Epoch   int       `json:"epoch"`   // epoch with the lowest validation error, counted from 1
	Valid   []float64 `json:"valid"`   // validation error after each epoch
}

// Measure classifies the test images. It chooses K on the validation images, with the network that was not trained on
// them and the submasks of the other training images. It then lets all images vote that the final network was trained
// on.
func (r *Result) Measure(d *experiment.Data) Metrics {
	last, classes, vote := len(r.Net.Hidden)-1, len(d.Train.Classes), retrieval.InverseDistance
	nearest := func(n *Net, among, x *tensor.Tensor, k int) *retrieval.Neighbours {
		return (&retrieval.Index{Codes: n.Submasks(among, last)}).Search(n.Submasks(x, last), k)
	}
	m := Metrics{
		Images: d.Test.Len(), Softmax: retrieval.Errors(r.Net.Predictions(d.Test.X), d.Test.Y),
		Epoch: r.History.Best + 1, Valid: r.History.ValidSeries("error"),
	}
	near := nearest(r.ValidationNet(), d.Train.X, d.Valid.X, slices.Max(Neighbours))
	m.K, _ = retrieval.ChooseK(near, d.Train.Y, d.Valid.Y, classes, vote, Neighbours)
	learnt := r.TrainingSet(d)
	near = nearest(r.Net, learnt.X, d.Test.X, m.K)
	m.Submask = retrieval.Errors(retrieval.Classify(near, learnt.Y, classes, vote), d.Test.Y)
	return m
}
