// SPDX-License-Identifier: Apache-2.0

package similarity

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/dataset/objects"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/siamese"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Omniglot is the name of [Load] for handwritten characters: the first small background set of Omniglot to train on,
// the second for validation and as test images, at 64 x 64 pixels. A class is a character, a superclass an alphabet.
// Two of the five alphabets are in both sets.
const Omniglot = "omniglot"

func loadOmniglot() (*experiment.Data, error) {
	var sets [2]*dataset.Set
	for i := range sets {
		s, err := dataset.OmniglotSmall("", i+1)
		if err != nil {
			return nil, err
		}
		s.Name, s.X = Omniglot, shrink(s.X)
		sets[i] = s
	}
	return &experiment.Data{Train: sets[0], Valid: sets[1], Test: sets[1]}, nil
}

// shrink returns square images [N, 1, S, S] at 64 x 64 pixels, each the mean of the area that it covers. S is at least
// 64.
func shrink(x *tensor.Tensor) *tensor.Tensor {
	from := x.Shape()[2]
	type share struct {
		at     int
		weight float32
	}
	areas := make([][]share, side) // of the rows and of the columns
	scale := float64(from) / side
	for i := range areas {
		lo, hi := float64(i)*scale, float64(i+1)*scale
		for at := int(lo); at < from && float64(at) < hi; at++ {
			if w := min(hi, float64(at+1)) - max(lo, float64(at)); w > 0 {
				areas[i] = append(areas[i], share{at, float32(w / scale)})
			}
		}
	}
	small := tensor.New(x.Rows(), 1, side, side)
	for n := range x.Rows() {
		in, out := x.Row(n), small.Row(n)
		for i, rows := range areas {
			for j, columns := range areas {
				var sum float32
				for _, r := range rows {
					for _, c := range columns {
						sum += r.weight * c.weight * in[r.at*from+c.at]
					}
				}
				out[i*side+j] = sum
			}
		}
	}
	return small
}

// OneShot returns the share of the test images of Omniglot's runs whose character a network finds: the training image
// with the largest cosine. Ties go to the first. Chance is 1 in 20.
func OneShot(embed func(x *tensor.Tensor) *tensor.Tensor, runs []dataset.OneShotRun) float64 {
	right, total := 0, 0
	for _, r := range runs {
		n := r.Train.Rows()
		shape := r.Train.Shape()
		both := tensor.New(n+r.Test.Rows(), 1, shape[2], shape[3])
		copy(both.Data(), r.Train.Data())
		copy(both.Data()[r.Train.Len():], r.Test.Data())
		alike := siamese.Cosine(embed(shrink(both)))
		for i, answer := range r.Answer {
			best := 0
			for j := 1; j < n; j++ {
				if alike(n+i, j) > alike(n+i, best) {
					best = j
				}
			}
			if best == answer {
				right++
			}
			total++
		}
	}
	return float64(right) / float64(total)
}

// LoadFiles renders n images of each solid of a folder or archive of OBJ files, with the textures of the test images:
// shapes that no one here made. Errors and skip are those of [objects.ReadFiles].
func LoadFiles(name string, n int, skip func(error)) (*dataset.Set, error) {
	c, err := objects.ReadFiles(name, skip)
	if err != nil {
		return nil, fmt.Errorf("similarity: %w", err)
	}
	v := objects.Views{Side: side, Seed: 1, Stream: "files", Textures: objects.TestTextures}
	return NewSet("files", c, n, v), nil
}
