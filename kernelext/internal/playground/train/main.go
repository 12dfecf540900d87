// SPDX-License-Identifier: Apache-2.0

// Command train makes the networks of the playgrounds, in the ways of the notebooks and on embedded data:
//
//	go run ./kernelext/internal/playground/train kernelext/internal/playground/data
//
// It takes a few minutes on two cores, and a quarter of an hour more for the Siamese network unless notebook 10 has
// trained it here. The same program gives the same files on the same processor. With names after the folder, it makes
// only these files.
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"log"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/lateral-ml/lateral/kernelext"
	"github.com/lateral-ml/lateral/kernelext/internal/playground"
	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/durable"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/papers/ninai17"
	"github.com/lateral-ml/lateral/lib/papers/ninai17/similarity"
	"github.com/lateral-ml/lateral/lib/papers/wta15"
	"github.com/lateral-ml/lateral/lib/sparsecode"
	"github.com/lateral-ml/lateral/lib/train"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("train: name the folder for the files")
	}
	digits, err := experiment.Load("glyphs")
	if err != nil {
		log.Fatal("train: ", err)
	}
	made := []struct {
		name string
		make func(*experiment.Data, string) error
	}{
		{playground.Digits, saveDigits},
		{"ReLU.safetensors", rule("ReLU")},
		{"LWTA.safetensors", rule("LWTA")},
		{"maxout.safetensors", rule("maxout")},
		{"wide.safetensors", wide},
		{"atoms.safetensors", atoms},
		{"lifetime.safetensors", lifetime},
		{"maps.safetensors", maps},
		{"drmm.safetensors", rendering},
		{"siamese.safetensors", siamese},
	}
	for _, m := range made {
		if len(os.Args) > 2 && !slices.Contains(os.Args[2:], m.name) {
			continue
		}
		if err := m.make(digits, filepath.Join(os.Args[1], m.name)); err != nil {
			log.Fatalf("train: %s: %v", m.name, err)
		}
	}
}

// saveDigits writes the images that the pages know, to learn from and then to test with, as MNIST does: an IDX file of
// images, an IDX file of labels, one after the other and compressed.
func saveDigits(d *experiment.Data, path string) error {
	learn, test := d.Train.Slice(0, playground.Learn), d.Test.Slice(0, playground.Test)
	n := uint32(playground.Learn + playground.Test)
	var raw bytes.Buffer
	for _, v := range []uint32{0x803, n, 28, 28} {
		_ = binary.Write(&raw, binary.BigEndian, v)
	}
	for _, set := range []*dataset.Set{learn, test} {
		for _, v := range set.X.Data() {
			raw.WriteByte(byte(math.Round(float64(v) * 255)))
		}
	}
	for _, v := range []uint32{0x801, n} {
		_ = binary.Write(&raw, binary.BigEndian, v)
	}
	for _, y := range slices.Concat(learn.Y, test.Y) {
		raw.WriteByte(byte(y))
	}
	out, err := durable.Create(path)
	if err != nil {
		return err
	}
	defer out.Discard()
	z, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(raw.Bytes()); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return out.Commit()
}

// rule trains a net of 64 hidden units under a rule of competition, as the quick start does.
func rule(name string) func(*experiment.Data, string) error {
	return func(d *experiment.Data, path string) error {
		net := playground.NewRuleNet(name, 1)
		c := train.Config{Train: d.Train, Epochs: 15, BatchSize: 100, Seed: 1, Learner: &train.GradientDescent{
			Model: net, Schedule: optim.Linear(0.002, 0, 15), Loss: func(b *train.Batch) *autograd.Var {
				_, logits := net.Forward(b.X)
				b.Error(logits)
				return loss.CrossEntropy(logits, b.Y)
			}}}
		return fit(c, d, path, net)
	}
}

// fit trains by a configuration, says how good the model is on the test images, and saves it.
func fit(c train.Config, d *experiment.Data, path string, model any) error {
	if _, err := train.Run(context.Background(), c); err != nil {
		return err
	}
	test, err := train.Evaluate(c, d.Test)
	if err != nil {
		return err
	}
	log.Printf("%s: %v", filepath.Base(path), test)
	return nn.Save(path, model)
}

// wide trains the net that is pruned: 128 units, a penalty on their activity, as the notebook on pruning does.
func wide(d *experiment.Data, path string) error {
	net := playground.NewWideNet(1)
	c := train.Config{Train: d.Train, Epochs: 15, BatchSize: 100, Seed: 1, Learner: &train.GradientDescent{
		Model: net, Schedule: optim.Linear(0.002, 0, 15), Loss: func(b *train.Batch) *autograd.Var {
			logits := net.Forward(b.X)
			b.Error(logits)
			return loss.CrossEntropy(logits, b.Y)
		}}}
	return fit(c, d, path, net)
}

// atoms learns a dictionary for patches of dead leaves, as the notebook on sparse coding does.
func atoms(_ *experiment.Data, path string) error {
	patches, err := dataset.NewPatches(dataset.Leaves(1).X,
		dataset.PatchConfig{Size: playground.Patch, N: 40_000, Seed: 1, Border: 4})
	if err != nil {
		return err
	}
	norm, some := 0.0, patches.Tensor(0, 1000)
	for i := range some.Rows() {
		square := 0.0
		for _, v := range some.Row(i) {
			square += float64(v) * float64(v)
		}
		norm += math.Sqrt(square) / float64(some.Rows())
	}
	dictionary := sparsecode.RandomDictionary(playground.Atoms, 1, playground.Patch, playground.Patch)
	learner := &sparsecode.Online{Dictionary: dictionary, Encoder: &sparsecode.CoordinateDescent{Lambda: 0.15 * norm}}
	h, err := train.Run(context.Background(), train.Config{Learner: learner, Train: patches, Epochs: 4, BatchSize: 500,
		Seed: 1})
	if err != nil {
		return err
	}
	log.Printf("%s: nonzeros %.1f", filepath.Base(path), h.TrainSeries("nonzeros"))
	return dictionary.Save(path)
}

// lifetime trains a fully connected winner-take-all autoencoder of 64 units.
func lifetime(d *experiment.Data, path string) error {
	s := wta15.FullyConnected()
	s.Layers[0].Units, s.Layers[0].Epochs, s.Layers[0].Tied = 64, 20, false
	return autoencoder(s, d, path)
}

// maps trains a convolutional winner-take-all autoencoder of 16 maps.
func maps(d *experiment.Data, path string) error {
	s := wta15.Convolutional(16)
	s.Learn = 4000
	s.Layers[0].Before, s.Layers[0].Epochs = []int{16}, 12
	return autoencoder(s, d, path)
}

func autoencoder(s wta15.Setting, d *experiment.Data, path string) error {
	r, err := wta15.Train(context.Background(), s.On(d), d, experiment.Options{})
	if err != nil {
		return err
	}
	log.Printf("%s: %+v", filepath.Base(path), r.Metrics())
	return nn.Save(path, r.Stack.Layers[0])
}

// rendering trains a deep rendering mixture model of a quarter of the document's size, with all labels.
func rendering(d *experiment.Data, path string) error {
	s := ninai17.Digits(1000, ninai17.MPC).On(d)
	s.Shape, s.Epochs = playground.RenderingShape, 12
	r, err := ninai17.Train(context.Background(), s, d, experiment.Options{OnEpoch: func(e *train.Event) {
		log.Printf("epoch %d, test errors %.3f", e.Epoch, e.History.ValidSeries("error"))
	}})
	if err != nil {
		return err
	}
	log.Printf("%s: test errors %.4f", filepath.Base(path), r.Metrics.Error)
	return nn.Save(path, r.Net)
}

// siamese trains the branch of the Siamese network that notebook 10 looks at, or takes it from that notebook's
// checkpoints.
func siamese(_ *experiment.Data, path string) error {
	d, err := similarity.Load("objects-large")
	if err != nil {
		return err
	}
	grid, err := similarity.Grids.Lookup("similarity", experiment.Standard)
	if err != nil {
		return err
	}
	s := grid.Settings(d.Source())[0]
	r, err := similarity.Train(context.Background(), s, d,
		experiment.Options{Dir: experiment.CheckpointDir(kernelext.SweepFile("similarity"), s)})
	if err != nil {
		return err
	}
	for _, c := range similarity.Conditions() {
		log.Printf("%s: %s, right answers %.3f", filepath.Base(path), c, r.Metrics.Test()[c])
	}
	branch, err := playground.NewBranch() // whose parameters have no names yet
	if err != nil {
		return err
	}
	from, to := nn.StateOf(r.Net.DRMM), nn.StateOf(branch)
	for i, p := range from.Params {
		to.Params[i].Value().CopyFrom(p.Value())
	}
	for i, b := range from.Buffers {
		to.Buffers[i].Tensor.CopyFrom(b.Tensor)
	}
	return nn.Save(path, branch)
}
