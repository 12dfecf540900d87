// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/lateral-ml/lateral/lib/sweep"
)

// An Entry is a grid as a list of grids of any types has it: a name, sizes, and a sweep whose types are hidden.
type Entry struct {
	Document string // key of its document
	Name     string
	About    string

	// Cells returns the grid's cells at a profile and its number of seeds.
	Cells func(profile string) (cells []Cell, seeds int, err error)
	// Run trains what has no result yet. The error is that of [sweep.Sweep.Run], or says what is wrong with the
	// options.
	Run func(ctx context.Context, o RunOptions) error
}

// A Cell is a setting of a grid without images and seed.
type Cell interface {
	// At returns the key of the setting for some images and a seed, as rows of a sweep have it, and the setting in
	// words.
	At(src Source, seed uint64) (key, text string)
}

// RunOptions choose what of a grid is trained, and how.
type RunOptions struct {
	Profile string
	Seeds   int         // for each cell; 0 for as many as the profile has
	Data    string      // name of the images, see Load
	File    string      // of results
	Shard   sweep.Shard // part of the grid; the zero value is all of it
	Workers int         // settings at a time; 0 is one for each core

	Begin    func(d *Data)                  // called with the images before anything is trained; may be nil
	OnResult func(e *sweep.Event[Progress]) // see sweep.Sweep; may be nil
}

// A Progress is a setting that a sweep has just ended with, of whatever type.
type Progress interface {
	String() string
	Samples() int // images that its training has shown
}

// Size returns the number of settings at a profile with some seeds for each cell, 0 for as many as the profile has.
func (e Entry) Size(profile string, seeds int) (int, error) {
	cells, own, err := e.Cells(profile)
	return len(cells) * cmp.Or(seeds, own), err
}

// Entries returns the grids as entries of a list. They are those of the profile paper, which has every name.
func (g Grids[S, R]) Entries() []Entry {
	var entries []Entry
	for _, grid := range g.List(Paper) {
		name := grid.Name
		entries = append(entries, Entry{
			Document: g.Document, Name: name, About: grid.About,
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
	grid.Seeds = cmp.Or(o.Seeds, grid.Seeds)
	d, err := g.Load(o.Data)
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

// untyped returns an event without the type of its setting.
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

// identity is what every setting of a grid has in its JSON.
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
