// SPDX-License-Identifier: Apache-2.0

package train_test

import (
	"context"
	"fmt"
	"math"
	"os"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// KMeans moves the centre nearest to a sample towards it. The step is one over the number of samples that the centre
// has had, so each centre is the mean of its samples.
type KMeans struct {
	Centres *tensor.Tensor // [k, inputs]
	counts  []int          // [k]
}

// nearest returns the centre nearest to a sample and their squared distance.
func (k *KMeans) nearest(x []float32) (centre int, least float64) {
	least = math.Inf(1)
	for c := range k.Centres.Rows() {
		sum := 0.0
		for i, v := range k.Centres.Row(c) {
			d := float64(x[i] - v)
			sum += d * d
		}
		if sum < least {
			centre, least = c, sum
		}
	}
	return centre, least
}

// pass reports the mean squared distance of samples to their centres, and moves the centres if learn is set.
func (k *KMeans) pass(b *dataset.Batch, r *train.Recorder, learn bool) error {
	sum := 0.0
	for n := range b.X.Rows() {
		x := b.X.Row(n)
		c, d := k.nearest(x)
		if sum += d; !learn {
			continue
		}
		k.counts[c]++
		centre, share := k.Centres.Row(c), 1/float32(k.counts[c])
		for i, v := range centre {
			centre[i] = v + share*(x[i]-v)
		}
	}
	r.Report("loss", sum/float64(b.X.Rows()))
	return nil
}

func (k *KMeans) Step(b *dataset.Batch, r *train.Recorder) error { return k.pass(b, r, true) }

func (k *KMeans) Measure(b *dataset.Batch, r *train.Recorder) error { return k.pass(b, r, false) }

func (k *KMeans) State() train.State {
	return train.State{
		Model:  []tensor.Named{{Name: "centres", Tensor: k.Centres}},
		Values: []train.Value{{Name: "counts", Of: k.counts}},
	}
}

// A learner that is not gradient descent: k-means, stopped and resumed.
func ExampleLearner() {
	points := &dataset.Set{X: tensor.New(300, 2)}
	tensor.Stream(1, "points").Normal(points.X.Data(), 0, 0.5)
	for i := range points.Len() {
		points.X.Row(i)[i%2] += 4 // two clouds, around (4, 0) and (0, 4)
	}
	dir, err := os.MkdirTemp("", "kmeans")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	run := func(stop int) (*KMeans, error) {
		k := &KMeans{points.X.Slice(0, 2).Clone(), make([]int, 2)}
		ctx, cancel := context.WithCancel(context.Background())
		_, err := train.Run(ctx, train.Config{
			Learner: k, Train: points, Epochs: 5, BatchSize: 20, Dir: dir,
			OnStep: func(e *train.Event) {
				if e.Step == stop {
					cancel()
				}
			},
		})
		return k, err
	}
	_, err = run(40)
	fmt.Println(err)
	k, err := run(0)
	fmt.Printf("centres %.1f and %.1f, %v\n", k.Centres.Row(0), k.Centres.Row(1), err)
	// Output:
	// train: interrupted after step 40 of 75; run again to go on from there: context canceled
	// centres [4.0 0.1] and [0.0 4.0], <nil>
}
