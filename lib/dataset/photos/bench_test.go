// SPDX-License-Identifier: Apache-2.0

package photos_test

import (
	"context"
	"flag"
	"fmt"
	"image"
	"path/filepath"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/dataset/photos"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

var images = flag.Int("images", 2000, "number of images of BenchmarkTraining")

// BenchmarkTraining trains a network for epochs on images in memory, in packed rows on disk, and in PNG and JPEG files,
// and reports the images per second of the fastest epoch of each. There are at most 4000 files, whose images are
// repeated in memory and in rows:
//
//	go test -run xxx -bench Training -benchtime 5x ./lib/dataset/photos -images 100000
func BenchmarkTraining(b *testing.B) {
	dir := b.TempDir()
	digits, _ := dataset.Glyphs(1)
	files := min(*images, 4000)
	for i := range files {
		m := image.NewGray(image.Rect(0, 0, 28, 28))
		for p, v := range digits.X.Row(i % digits.Len()) {
			m.Pix[p] = uint8(255 * v)
		}
		class := digits.Classes[digits.Y[i%digits.Len()]]
		for _, format := range []string{"png", "jpg"} {
			save(b, filepath.Join(dir, format, class, fmt.Sprintf("%06d.%s", i, format)), m)
		}
	}
	form := photos.Config{Height: 28, Width: 28, Grey: true}
	open := func(format string) *photos.Folder {
		f, err := photos.Open(filepath.Join(dir, format), form)
		if err != nil {
			b.Fatal(err)
		}
		return f
	}
	many := make([]int, *images)
	for i := range many {
		many[i] = i % files
	}
	folder := open("png").Subset(many)
	packed := filepath.Join(dir, "packed.npy")
	if err := folder.Pack(packed); err != nil {
		b.Fatal(err)
	}
	rows, err := dataset.OpenRows(packed, 1.0/255)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	set, err := folder.Load()
	if err != nil {
		b.Fatal(err)
	}
	sources := []struct {
		name string
		data train.Data
	}{
		{"memory", set}, {"rows", dataset.NewStream(rows)}, {"png", open("png").Stream()}, {"jpg", open("jpg").Stream()},
	}
	for _, net := range []string{"dense", "conv"} {
		b.Run(net, func(b *testing.B) {
			least := make([]time.Duration, len(sources))
			for b.Loop() { // in turn, because the machine may be busy
				for i, source := range sources {
					start := time.Now()
					epoch(b, net, source.data)
					if t := time.Since(start); least[i] == 0 || t < least[i] {
						least[i] = t
					}
				}
			}
			for i, source := range sources {
				b.ReportMetric(float64(source.data.Len())/least[i].Seconds(), source.name+"/s")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// epoch trains a network for an epoch.
func epoch(b *testing.B, kind string, data train.Data) {
	rng := tensor.Stream(1, "weights")
	net := nn.Sequential{nn.NewDense(784, 128, nil, rng), nn.Func(autograd.ReLU), nn.NewDense(128, 10, nil, rng)}
	if kind == "conv" {
		halve := nn.Func(func(x *autograd.Var) *autograd.Var { return autograd.MaxPool2D(x, autograd.Pool{H: 2, W: 2}) })
		net = nn.Sequential{
			nn.NewConv2D(1, 16, 3, 3, autograd.SamePadding(3, 3), nil, rng), nn.Func(autograd.ReLU), halve,
			nn.NewConv2D(16, 32, 3, 3, autograd.SamePadding(3, 3), nil, rng), nn.Func(autograd.ReLU), halve,
			nn.NewDense(32*49, 128, nil, rng), nn.Func(autograd.ReLU), nn.NewDense(128, 10, nil, rng),
		}
	}
	_, err := train.Run(context.Background(), train.Config{
		Learner: &train.GradientDescent{Model: net, Loss: func(b *train.Batch) *autograd.Var {
			return loss.CrossEntropy(net.Forward(b.X), b.Y)
		}},
		Train: data, Epochs: 1,
	})
	if err != nil {
		b.Fatal(err)
	}
}
