// SPDX-License-Identifier: Apache-2.0

package normalization

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/superres"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// A PhotoSetting describes a network for super-resolution and its training completely: the result depends on nothing
// else.
type PhotoSetting struct {
	experiment.Source
	Variant Variant `json:"variant"`
	Strength
	Scale  int     `json:"scale"`          // of the enlargement
	Crops  int     `json:"crops"`          // training crops of 33 x 33 pixels
	Batch  int     `json:"batch"`          // crops in a step
	Epochs int     `json:"epochs"`         // passes through the crops
	Rate   float64 `json:"rate"`           // of Adam, falls to a hundredth along a cosine
	Test   int     `json:"test,omitempty"` // photographs of each test set that are used; 0 for all
	Seed   uint64  `json:"seed"`           // of the initial weights, the crops and their order
}

// cropSize is the side of the training crops, that of the document's authors.
const cropSize = 33

// Enlarged returns the setting of a row of tables 12 and 13. The document's DN* has sigma = 1, see [NewSRCNN]; BN has
// the usual 0.01. The authors' program trains by gradient descent at a rate of 1e-4 for an unknown number of steps, up
// to 1e8; Adam takes far fewer. Of a few rates and sizes of batches, ours leave the least error on 6,400 crops that are
// shown eight times.
func Enlarged(v Variant, scale int) PhotoSetting {
	s := PhotoSetting{Variant: v, Scale: scale, Crops: 40_000, Batch: 16, Epochs: 60, Rate: 3e-3}
	switch v {
	case Baseline:
	case DN, DNStar:
		s.Sigma = 1
	default:
		s.Sigma = plain
	}
	return s
}

// On returns the setting for the given photographs.
func (s PhotoSetting) On(d *experiment.Data) PhotoSetting { return s.At(d.Source(), s.Seed) }

// At implements [experiment.Setting].
func (s PhotoSetting) At(src experiment.Source, seed uint64) PhotoSetting {
	s.Source, s.Seed = src, seed
	return s
}

// String describes the setting briefly.
func (s PhotoSetting) String() string {
	return fmt.Sprintf("x%d, %s, %d crops, %d epochs, seed %d", s.Scale, s.Variant, s.Crops, s.Epochs, s.Seed)
}

// Check returns an error that names the invalid fields.
func (s PhotoSetting) Check() error {
	c := experiment.Check{Package: "normalization"}
	c.Add(s.Variant.Check())
	s.Strength.check(&c, s.Variant)
	c.That(s.Scale >= 2 && s.Scale <= 8, "Scale", s.Scale, "2 to 8")
	c.AtLeast("Crops", s.Crops, 1)
	c.AtLeast("Batch", s.Batch, 1)
	c.AtLeast("Epochs", s.Epochs, 1)
	c.AtLeast("Test", s.Test, 0)
	c.Positive("Rate", s.Rate)
	return c.Err()
}

// Samples implements [experiment.Setting]: the crops that are shown.
func (s PhotoSetting) Samples() int { return s.Epochs * s.Crops }

// A Quality is the mean over a set of test photographs; see [superres.Pair.Score].
type Quality struct {
	PSNR float64 `json:"psnr"` // dB
	SSIM float64 `json:"ssim"`
}

// PhotoMetrics are the results of a [PhotoSetting], by name of the test photographs.
type PhotoMetrics struct {
	Bicubic map[string]Quality `json:"bicubic"`
	Network map[string]Quality `json:"network"`
	Loss    []float64          `json:"loss"`   // of the training crops in each epoch
	Detail  Detail             `json:"detail"` // of the network, for [DetailPair]
}

// A Detail is the middle of an estimate for one photograph: what figure 12 of the document shows, kept so that it can
// be drawn without another training.
type Detail struct {
	Photo  string  `json:"photo"`
	PSNR   float64 `json:"psnr"`   // of the whole estimate, dB
	Side   int     `json:"side"`   // of the middle
	Pixels []byte  `json:"pixels"` // levels of the middle, row by row
}

// detailSide is the largest side of a [Detail].
const detailSide = 90

// DetailPair returns the photograph of details at a scale: the fifth of the first test set, or its last.
func DetailPair(tests []experiment.TestPhotos, scale int) (superres.Pair, error) {
	photos := tests[0].Photos
	at := min(4, len(photos)-1)
	pairs, err := superres.Pairs(photos[at:at+1], scale)
	if err != nil {
		return superres.Pair{}, err
	}
	return pairs[0], nil
}

// NewDetail returns the detail of an estimate [H, W], in levels from 0 to 255.
func NewDetail(p superres.Pair, estimate *tensor.Tensor) Detail {
	h, w := estimate.Dim(0), estimate.Dim(1)
	e := Detail{Photo: p.Name, Side: min(detailSide, h, w)}
	e.PSNR, _ = p.Score(estimate)
	for r := range e.Side {
		for c := range e.Side {
			v := estimate.At((h-e.Side)/2+r, (w-e.Side)/2+c)
			e.Pixels = append(e.Pixels, byte(max(0, min(255, v))+0.5))
		}
	}
	return e
}

// A PhotoResult is a trained network.
type PhotoResult struct {
	Net     *SRCNN
	History *train.History
	Metrics PhotoMetrics
}

// TrainPhotos trains the network of a setting. With o.Dir it keeps checkpoints, from which a killed run resumes.
func TrainPhotos(ctx context.Context, s PhotoSetting, d *experiment.Data, o experiment.Options) (*PhotoResult, error) {
	if d.Photos == nil {
		return nil, errors.New("normalization: the data are no photographs: load them with experiment.LoadPhotos")
	}
	if err := errors.Join(s.Check(), d.Check(s.Source)); err != nil {
		return nil, err
	}
	pairs, err := superres.Pairs(d.Photos.Train, s.Scale)
	if err != nil {
		return nil, err
	}
	crops, err := superres.Crops(pairs, s.Crops, cropSize, tensor.Stream(s.Seed, "crops"))
	if err != nil {
		return nil, err
	}
	net, err := NewSRCNN(s.Variant, s.Strength, tensor.Stream(s.Seed, "weights"))
	if err != nil {
		return nil, err
	}
	r := &PhotoResult{Net: net}
	r.History, err = train.Run(ctx, train.Config{
		Learner: &train.GradientDescent{
			Model: net, Optimizer: &optim.Adam{}, Workers: o.Workers,
			Loss: func(b *train.Batch) *autograd.Var { return net.Loss(b.X, b.Target) },
			Schedule: func(epoch float64) float64 {
				return s.Rate/100 + 0.99*s.Rate*(1+math.Cos(math.Pi*epoch/float64(s.Epochs)))/2
			},
		},
		Train: crops, Epochs: s.Epochs, BatchSize: s.Batch, Seed: s.Seed, Key: s,
		Dir: o.Dir, Every: o.Every, OnStep: o.OnStep, OnEpoch: o.OnEpoch,
	})
	if err != nil {
		return r, err
	}
	r.Metrics.Loss = r.History.TrainSeries("loss")
	r.Metrics.Bicubic, r.Metrics.Network = map[string]Quality{}, map[string]Quality{}
	for _, t := range d.Photos.Test {
		photos := t.Photos
		if s.Test > 0 {
			photos = photos[:min(s.Test, len(photos))]
		}
		pairs, err := superres.Pairs(photos, s.Scale)
		if err != nil {
			return r, err
		}
		r.Metrics.Bicubic[t.Name] = quality(pairs, func(p superres.Pair) *tensor.Tensor { return p.Low })
		r.Metrics.Network[t.Name] = quality(pairs, func(p superres.Pair) *tensor.Tensor {
			return net.Enlarge(p.Low, o.Workers)
		})
	}
	if len(d.Photos.Test) == 0 {
		return r, nil
	}
	pair, err := DetailPair(d.Photos.Test, s.Scale)
	if err != nil {
		return r, err
	}
	r.Metrics.Detail = NewDetail(pair, net.Enlarge(pair.Low, o.Workers))
	return r, nil
}

// quality returns the mean scores of estimates.
func quality(pairs []superres.Pair, estimate func(superres.Pair) *tensor.Tensor) (q Quality) {
	for _, p := range pairs {
		psnr, ssim := p.Score(estimate(p))
		q.PSNR += psnr / float64(len(pairs))
		q.SSIM += ssim / float64(len(pairs))
	}
	return q
}
