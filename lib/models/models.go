// SPDX-License-Identifier: Apache-2.0

// Package models trains a few networks to start from, on the embedded digits or on another set of images, and keeps
// them where notebooks and programs find them:
//
//	model, err := models.Load("lwta", "")   // after `lateral train lwta`
//
// No weights are downloaded: training takes seconds to a few minutes.
package models

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/lateral-ml/lateral/lib/classify"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/experiment"
)

// A Recipe is a network that can be trained.
type Recipe struct {
	Name  string
	About string // what it is, for people

	network classify.Network
	epochs  int
	keep    float64 // share of the weights that remain after training; 0 means all
}

// Recipes returns all recipes.
func Recipes() []Recipe {
	dense := func(activation string, block, units int) classify.Network {
		return classify.Network{Hidden: []int{units}, Filters: []int{}, Activation: activation, Block: block}
	}
	return []Recipe{
		{"relu", "128 rectified units", dense(classify.ReLU, 0, 128), 60, 0},
		{"lwta", "128 units in pairs, of which the larger passes", dense(classify.LWTA, 2, 128), 60, 0},
		{"maxout", "128 units, of which the largest of each four is the output", dense(classify.Maxout, 4, 128), 60, 0},
		{"kwta", "128 units, of which the 16 largest pass", dense(classify.KWTA, 8, 128), 60, 0},
		{"pruned", "128 rectified units with a tenth of their weights", dense(classify.ReLU, 0, 128), 60, 0.1},
		{"conv", "two convolutional layers of 16 and 32 rectified filters, and 128 rectified units",
			classify.Network{Filters: []int{16, 32}, Hidden: []int{128}}, 10, 0},
	}
}

// Lookup returns the recipe of a name.
func Lookup(name string) (Recipe, error) {
	var names []string
	for _, r := range Recipes() {
		if r.Name == name {
			return r, nil
		}
		names = append(names, r.Name)
	}
	return Recipe{}, fmt.Errorf("models: there is no model %q: use one of %s", name, strings.Join(names, ", "))
}

// Path returns the file of a model that was trained on the named images; "" means the embedded digits. It is in the
// sub-folder models of [dataset.CacheDir]. It need not exist.
func Path(name, data string) (string, error) {
	dir, _, err := dataset.CacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "models", name+"-"+source(data)+".safetensors"), nil
}

// source returns the name of images; see [experiment.Load].
func source(data string) string {
	if data == "" {
		return "glyphs"
	}
	return data
}

// Train trains a model on the named images, see [experiment.Load], and keeps it. It returns the model and its score on
// the test images, which take no part in training. The same call gives the same model on machines with the same
// kernels. If training is stopped, nothing is kept.
func Train(ctx context.Context, name, data string) (*classify.Model, *classify.Score, error) {
	r, err := Lookup(name)
	if err != nil {
		return nil, nil, err
	}
	images, err := experiment.Load(source(data))
	if err != nil {
		return nil, nil, err
	}
	return r.train(ctx, images, source(data))
}

func (r Recipe) train(
	ctx context.Context, images *experiment.Data, data string,
) (*classify.Model, *classify.Score, error) {
	path, err := Path(r.Name, data)
	if err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, nil, fmt.Errorf("models: no folder for models: %w", err)
	}
	examples, config := classify.Set(images.Train), classify.Config{Network: r.network, Epochs: r.epochs, Seed: 1}
	m, err := classify.Fit(ctx, examples, config)
	if err != nil {
		return nil, nil, err
	}
	if r.keep > 0 {
		if err := m.Prune(ctx, examples, r.keep, config); err != nil {
			return nil, nil, err
		}
	}
	score, err := m.Score(classify.Set(images.Test))
	if err != nil {
		return nil, nil, err
	}
	return m, score, m.Save(path)
}

// Load returns a model that was trained on the named images; "" means the embedded digits. The error says how to train
// it if it was not.
func Load(name, data string) (*classify.Model, error) {
	if _, err := Lookup(name); err != nil {
		return nil, err
	}
	path, err := Path(name, data)
	if err != nil {
		return nil, err
	}
	m, err := classify.Load(path)
	if errors.Is(err, fs.ErrNotExist) {
		command := "lateral train " + name
		if data != "" {
			command += " --data " + data
		}
		return nil, fmt.Errorf("models: %s was not trained on %s here: run `%s`, or call models.Train", name, source(data),
			command)
	}
	return m, err
}
