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

// A Setting is one network or model of a document and how it is trained: all that its result depends on. Its JSON is
// the key of the result. It embeds a [Source] and has a field Seed of type uint64 with the JSON name "seed".
type Setting[S any] interface {
	At(src Source, seed uint64) S // the setting for some images, with a seed
	Check() error                 // names the invalid fields
	String() string               // describes the setting in a few words, without the images; ends with the seed
	Samples() int                 // images that training shows, each as often as it shows it
}

// A Grid is a set of settings: each of some cells with every seed.
type Grid[S Setting[S]] struct {
	Name  string
	About string // what it is for
	Cells []S    // without images and seed
	Seeds int    // results for each cell, with seeds from 0: a grid of fewer has a part of the results of one of more
}

// Len returns the number of settings.
func (g Grid[S]) Len() int { return len(g.Cells) * g.Seeds }

// Settings returns the grid's settings for some images, cell by cell, in each seed by seed.
func (g Grid[S]) Settings(src Source) []S {
	settings := make([]S, 0, g.Len())
	for _, cell := range g.Cells {
		for seed := range uint64(g.Seeds) {
			settings = append(settings, cell.At(src, seed))
		}
	}
	return settings
}

// Options do not change a result.
type Options struct {
	Workers int                // goroutines of a step; 0 is one for each core
	Dir     string             // folder for checkpoints, from which a killed run resumes; "" keeps none
	Every   time.Duration      // save within an epoch when this much time has passed; 0 saves after epochs only
	OnStep  func(*train.Event) // called after each step; may be nil
	OnEpoch func(*train.Event) // called after each epoch; may be nil
}

// Grids are the grids of a document, with settings of type S whose results are of type R.
type Grids[S Setting[S], R any] struct {
	Document string                                                        // its key among the sources of package lib
	Load     func(data string) (*Data, error)                              // Load or LoadSplit
	List     func(profile string) []Grid[S]                                // at the size of a profile
	Train    func(ctx context.Context, s S, d *Data, o Options) (R, error) // what depends on the setting alone
	Cost     func(s S, d *Data) float64                                    // of training, in any unit
	Resume   bool                                                          // trainings are long, and keep checkpoints
}

// Measured returns a function for Grids.Train: it trains, and keeps the metrics of the result.
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

// Lookup returns the grid of a name at the size of a profile.
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

// Sweep returns the sweep that trains some settings, seed by seed, and keeps the results in a file; "" keeps none. A
// setting trains on one core, or on more where there are fewer settings than cores. Where trainings are long, each
// keeps its checkpoints in [CheckpointDir]: a sweep that is killed goes on within them.
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

// CheckpointDir returns the folder in which a sweep with a file of results keeps the checkpoints of a setting: beside
// the file, and shared by all sweeps there, so that a setting which is in two of them is trained once.
func CheckpointDir(file string, setting any) string {
	sum := sha256.Sum256([]byte(keyOf(setting)))
	return filepath.Join(filepath.Dir(file), "checkpoints", fmt.Sprintf("%x", sum[:8]))
}

// keyOf returns the JSON of a setting: what tells it from others.
func keyOf(setting any) string {
	key, err := json.Marshal(setting)
	if err != nil {
		panic(fmt.Sprintf("experiment: a setting is no JSON: %v: its method Check knows why", err))
	}
	return string(key)
}
