// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"github.com/lateral-ml/lateral/lib/sweep"
	"github.com/lateral-ml/lateral/lib/train"
)

// A Setting describes one network or model of a document and its training completely: the result depends on nothing
// else. Its JSON is the key of the result. It embeds a [Source] and has a field Seed of type uint64 with the JSON name
// "seed".
type Setting[S any] interface {
	At(src Source, seed uint64) S // returns the setting for the given images and seed
	Check() error                 // returns an error that names the invalid fields
	String() string               // describes the setting briefly, without the images; ends with ", seed N"
	Samples() int                 // returns the number of images shown in training, counting repeats
}

// A Grid is a set of settings: every cell with every seed.
type Grid[S Setting[S]] struct {
	Name  string
	About string // its purpose
	Cells []S    // settings without images and seed
	Seeds int    // results per cell, with seeds from 0; results of fewer seeds are part of those of more
	Data  string // name of the data that the grid is for, if it is not the default of its document
}

// Len returns the number of settings.
func (g Grid[S]) Len() int { return len(g.Cells) * g.Seeds }

// Settings returns the grid's settings for the given images, ordered by cell and then by seed.
func (g Grid[S]) Settings(src Source) []S {
	settings := make([]S, 0, g.Len())
	for _, cell := range g.Cells {
		for seed := range uint64(g.Seeds) {
			settings = append(settings, cell.At(src, seed))
		}
	}
	return settings
}

// Options configure a training run without changing its result.
type Options struct {
	Workers int                // goroutines per step; 0 means one per core
	Dir     string             // folder for checkpoints, from which a killed run resumes; "" for none
	Every   time.Duration      // interval of checkpoints within an epoch; 0 saves only after epochs
	OnStep  func(*train.Event) // called after each step; may be nil
	OnEpoch func(*train.Event) // called after each epoch; may be nil
}

// Grids are the grids of a document. Their settings have type S and their results type R.
type Grids[S Setting[S], R any] struct {
	Document string                           // its key in the sources of package lib
	Load     func(data string) (*Data, error) // Load or LoadSplit
	Data     []string                         // what Load takes for "": the first that is found; the last always is
	List     func(profile string) []Grid[S]   // returns the grids at the size of a profile
	// Train returns results that depend only on the setting.
	Train  func(ctx context.Context, s S, d *Data, o Options) (R, error)
	Cost   func(s S, d *Data) float64 // relative cost of training
	Resume bool                       // keep checkpoints, since training is long
}

// Measured returns a function for Grids.Train that trains and keeps only the metrics of the result.
func Measured[S, T, R any](
	train func(ctx context.Context, s S, d *Data, o Options) (T, error), metrics func(result T, d *Data) R,
) func(ctx context.Context, s S, d *Data, o Options) (R, error) {
	return func(ctx context.Context, s S, d *Data, o Options) (r R, err error) {
		result, err := train(ctx, s, d, o)
		if err != nil {
			return r, err
		}
		return metrics(result, d), nil
	}
}

// Lookup returns the grid with the given name at the size of a profile.
func (g Grids[S, R]) Lookup(name, profile string) (Grid[S], error) {
	if err := CheckProfile(profile); err != nil {
		return Grid[S]{}, err
	}
	var names []string
	for _, grid := range g.List(profile) {
		if grid.Name == name {
			return grid, nil
		}
		names = append(names, grid.Name)
	}
	return Grid[S]{}, fmt.Errorf("experiment: %s has no grid %q: use %s", g.Document, name, oneOf(names))
}

// Sweep returns the sweep that trains the settings, ordered by seed, and writes the results to a file; "" keeps no
// file. Each setting trains on one core, or on more if there are fewer settings than cores. With g.Resume, each
// training keeps its checkpoints in [CheckpointDir], so that a killed sweep resumes in the middle of a training.
func (g Grids[S, R]) Sweep(settings []S, d *Data, file string) sweep.Sweep[S, R] {
	workers := max(1, runtime.GOMAXPROCS(0)/max(1, len(settings)))
	return sweep.Sweep[S, R]{
		Settings: settings,
		Do: func(ctx context.Context, s S) (R, error) {
			o := Options{Workers: workers}
			if g.Resume && file != "" {
				o.Dir, o.Every = CheckpointDir(file, s), 10*time.Minute
			}
			return g.Train(ctx, s, d, o)
		},
		File:  file,
		Round: func(s S) int { return int(identify(s).Seed) },
		Cost:  func(s S) float64 { return g.Cost(s, d) },
	}
}

// CheckpointDir returns the folder for the checkpoints of a setting in a sweep with a given file of results. The folder
// is beside the file and shared by all sweeps there, so that a setting that occurs in two of them is trained once.
func CheckpointDir(file string, setting any) string {
	sum := sha256.Sum256([]byte(keyOf(setting)))
	return filepath.Join(filepath.Dir(file), "checkpoints", fmt.Sprintf("%x", sum[:8]))
}

// keyOf returns the JSON of a setting, which identifies it.
func keyOf(setting any) string {
	key, err := json.Marshal(setting)
	if err != nil {
		panic(fmt.Sprintf("experiment: cannot encode a setting as JSON: %v; its method Check reports invalid fields", err))
	}
	return string(key)
}
