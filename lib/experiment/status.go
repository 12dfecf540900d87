// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lateral-ml/lateral/lib/sweep"
)

// A Status tells how much of a grid, at a profile and on certain images, has results.
type Status struct {
	Entry   Entry
	Profile string
	Source  Source
	Done    int       // settings with a result
	Total   int       // settings
	Seeds   int       // number of seeds, from 0, with results for all cells; may exceed the profile's
	Missing []Missing // cells with missing results, in the order of the grid
}

// A Missing is the description of a cell and its seeds without a result.
type Missing struct {
	Cell  string
	Seeds []uint64
}

// StatusOf compares the combined results of the files with the entries at every profile. It returns the number of
// results, and the status of every entry with at least one result, grouped by image set. The files may still be
// growing.
func StatusOf(entries []Entry, files ...string) (results int, found []Status, err error) {
	rows, err := sweep.ReadRows[json.RawMessage, json.RawMessage](files...)
	if err != nil {
		return 0, nil, err
	}
	done, known := map[string]bool{}, map[Source]bool{}
	var sources []Source
	for _, r := range rows {
		done[string(r.Setting)] = true
		var id identity
		if json.Unmarshal(r.Setting, &id) != nil { // an unrelated sweep
			continue
		}
		if !known[id.Source] {
			known[id.Source] = true
			sources = append(sources, id.Source)
		}
	}
	for _, src := range sources {
		for _, profile := range Profiles() {
			for _, e := range entries {
				s, err := e.status(profile, src, done)
				if err != nil {
					return 0, nil, err
				}
				if s.Done > 0 {
					found = append(found, s)
				}
			}
		}
	}
	return len(rows), found, nil
}

func (e Entry) status(profile string, src Source, done map[string]bool) (Status, error) {
	cells, seeds, err := e.Cells(profile)
	s := Status{Entry: e, Profile: profile, Source: src, Total: len(cells) * seeds}
	for _, c := range cells {
		var m Missing
		for seed := range uint64(seeds) {
			key, text := c.At(src, seed)
			if done[key] {
				s.Done++
				continue
			}
			m.Cell, m.Seeds = text[:max(0, strings.LastIndex(text, ", seed "))], append(m.Seeds, seed)
		}
		if m.Seeds != nil {
			s.Missing = append(s.Missing, m)
		}
	}
	for complete := s.Done > 0; complete; {
		for _, c := range cells {
			key, _ := c.At(src, uint64(s.Seeds))
			complete = complete && done[key]
		}
		if complete {
			s.Seeds++
		}
	}
	return s, err
}

// String returns the status in one line: "fc1 on MNIST, quick: 8 of 15, 7 missing".
func (s Status) String() string {
	text := fmt.Sprintf("%s on %s, %s: %d of %d", s.Entry.Name, s.Source.Data, s.Profile, s.Done, s.Total)
	switch {
	case s.Seeds == 1:
		text += ", complete for 1 seed"
	case s.Seeds > 1:
		text += fmt.Sprintf(", complete for %d seeds", s.Seeds)
	}
	if n := s.Total - s.Done; n > 0 {
		text += fmt.Sprintf(", %d missing", n)
	}
	return text
}
