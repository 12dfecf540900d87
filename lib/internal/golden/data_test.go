// SPDX-License-Identifier: Apache-2.0

package golden

import (
	"sync"
	"testing"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/hebbian"
)

// digits are training, validation and test images.
type digits struct{ train, valid, test *dataset.Set }

// glyphs are the first of the embedded digits, enough for a few steps.
var glyphs = sync.OnceValue(func() digits {
	train, test := dataset.Glyphs(1)
	return digits{train.Slice(0, 1000), train.Slice(1000, 1300), test.Slice(0, 500)}
})

// few returns a smaller set, for large networks.
func (d digits) few() digits {
	return digits{d.train.Slice(0, 300), d.valid.Slice(0, 100), d.test.Slice(0, 100)}
}

// split returns the images with validation images, for thesis21 and lcn15.
func (d digits) split() *experiment.Data {
	return &experiment.Data{Train: d.train, Valid: d.valid, Test: d.test}
}

// whole returns the images without validation images, for the rendering mixtures.
func (d digits) whole() *experiment.Data { return &experiment.Data{Train: d.train, Test: d.test} }

// data records the bits of images and the order of labels.
func data() []subject {
	images := func(r *record, name string, s *dataset.Set) {
		bits(r, name+" images", s.X.Data())
		r.indices(name+" labels", s.Y)
	}
	return []subject{
		{name: "data: glyphs and what is made of them", record: func(t *testing.T, r *record) {
			d := glyphs()
			images(r, "train", d.train)
			images(r, "unit length", hebbian.UnitLength(d.train))
			x := d.train.X.Slice(0, 200).Clone()
			dataset.NormalizeContrast(x, 2)
			bits(r, "contrast", x.Data())
			w, err := dataset.FitZCA(x, 0.1)
			if err != nil {
				t.Fatal(err)
			}
			bits(r, "whitened", w.Transform(d.test.X.Slice(0, 20)).Data())
		}},
		{name: "data: splits by name", record: func(t *testing.T, r *record) {
			a, err := experiment.LoadSplit("glyphs")
			if err != nil {
				t.Fatal(err)
			}
			images(r, "train", a.Train)
			images(r, "valid", a.Valid)
			images(r, "test", a.Test)
			part := a.Part(100)
			images(r, "part of train", part.Train)
			images(r, "part of valid", part.Valid)
			images(r, "part of test", part.Test)
			d, err := experiment.Load("glyphs")
			if err != nil {
				t.Fatal(err)
			}
			images(r, "unsplit train", d.Train)
			images(r, "unsplit test", d.Test)
		}},
	}
}
