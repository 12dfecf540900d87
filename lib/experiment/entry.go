// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/lateral-ml/lateral/lib/sweep"
)

// An Entry is a grid without its Go types, so that grids of different types fit in one list: a name, sizes, and a
// function that runs its sweep.
type Entry struct {
	Document string // key of its document
	Name     string
	About    string
	Data     []string // names of the data it is trained on by default: the first that is found

	// Cells returns the grid's cells and number of seeds at a profile.
	Cells func(profile string) (cells []Cell, seeds int, err error)
	// Run trains the settings that have no result yet. The error is that of [sweep.Sweep.Run], or it reports invalid
	// options.
	Run func(ctx context.Context, o RunOptions) error
}

// A Cell is a setting of a grid without images and seed.
type Cell interface {
	// At returns the setting for the given images and seed: its key, as in the rows of a sweep, and its description.
	At(src Source, seed uint64) (key, text string)
}

// RunOptions select the part of a grid to train, and how.
type RunOptions struct {
	Profile string
	Seeds   int         // number per cell; 0 for the profile's number
	Data    string      // name of the data, such as that of images; "" for the grid's default
	File    string      // file of results
	Shard   sweep.Shard // part of the grid; the zero value is all of it
	Workers int         // settings trained at the same time; 0 means one per core

	Begin    func(d *Data)                  // called with the images before training starts; may be nil
	OnResult func(e *sweep.Event[Progress]) // see sweep.Sweep; may be nil
}

// A Progress is a setting, of any type, that a sweep has just finished.
type Progress interface {
	String() string
	Samples() int // images shown in its training
}

// Size returns the number of settings at a profile with the given number of seeds per cell; 0 means the profile's
// number.
func (e Entry) Size(profile string, seeds int) (int, error) {
	cells, own, err := e.Cells(profile)
	return len(cells) * cmp.Or(seeds, own), err
}

// Entries returns the grids as entries of a list. It uses the grids of the profile paper, which has all names.
func (g Grids[S, R]) Entries() []Entry {
	var entries []Entry
	for _, grid := range g.List(Paper) {
		name, data := grid.Name, g.Data
		if grid.Data != "" {
			data = []string{grid.Data}
		}
		entries = append(entries, Entry{
			Document: g.Document, Name: name, About: grid.About, Data: data,
			Cells: func(profile string) (cells []Cell, seeds int, err error) {
				grid, err := g.Lookup(name, profile)
				for _, s := range grid.Cells {
					cells = append(cells, cell[S]{s})
				}
				return cells, grid.Seeds, err
			},
			Run: func(ctx context.Context, o RunOptions) error { return g.run(ctx, name, o) },
		})
	}
	return entries
}

func (g Grids[S, R]) run(ctx context.Context, name string, o RunOptions) error {
	grid, err := g.Lookup(name, o.Profile)
	if err != nil {
		return err
	}
	if o.Seeds < 0 {
		return fmt.Errorf("experiment: %d seeds: want at least 1, or 0 for as many as the profile has", o.Seeds)
	}
	grid.Seeds = cmp.Or(o.Seeds, grid.Seeds)
	d, err := g.Load(cmp.Or(o.Data, grid.Data))
	if err != nil {
		return err
	}
	if o.Begin != nil {
		o.Begin(d)
	}
	s := g.Sweep(grid.Settings(d.Source()), d, o.File)
	s.Shard, s.Workers = o.Shard, o.Workers
	if o.OnResult != nil {
		s.OnResult = func(e *sweep.Event[S]) { o.OnResult(untyped(e)) }
	}
	_, err = s.Run(ctx)
	return err
}

// untyped returns the event without the type of its setting.
func untyped[S Setting[S]](e *sweep.Event[S]) *sweep.Event[Progress] {
	u := &sweep.Event[Progress]{
		Done: e.Done, Total: e.Total, Reused: e.Reused, Failed: e.Failed, Elapsed: e.Elapsed, Left: e.Left,
		Took: e.Took, Err: e.Err,
	}
	if e.Setting != nil {
		p := Progress(*e.Setting)
		u.Setting = &p
	}
	return u
}

type cell[S Setting[S]] struct{ setting S }

func (c cell[S]) At(src Source, seed uint64) (key, text string) {
	s := c.setting.At(src, seed)
	return keyOf(s), s.String()
}

// identity is the part that the JSON of every setting contains.
type identity struct {
	Source
	Seed uint64 `json:"seed"`
}

func identify(setting any) identity {
	var id identity
	if err := json.Unmarshal([]byte(keyOf(setting)), &id); err != nil {
		panic(fmt.Sprintf("experiment: the JSON of a setting has no source and seed: %v", err))
	}
	return id
}
