// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/lateral-ml/lateral/lib/dataset"
)

// corpora lists the texts that have a name.
var corpora = []struct {
	name string
	load func(dir string) (*dataset.Corpus, error)
}{
	{"ptb", dataset.PTB},
	{"ptb-valid", dataset.PTBValid},
	{"kjv", dataset.KingJames},
	{"sentences", func(string) (*dataset.Corpus, error) { return dataset.Sentences(1), nil }},
}

// TextNames returns the names that LoadText accepts.
func TextNames() []string {
	var names []string
	for _, c := range corpora {
		names = append(names, c.name)
	}
	return names
}

// LoadText returns a text by name: "ptb" is the Penn Treebank, whose training text only its licensees have; "ptb-valid"
// is a small stand-in made of its validation text; "kjv" is the King James Bible; and "sentences" is the embedded
// default. The empty name means the first of ptb, kjv and sentences whose files are found. Nothing is downloaded. It
// returns an error if the name is unknown, or files are missing or damaged: it does not fall back in silence from files
// that are damaged.
func LoadText(name string) (*dataset.Corpus, error) {
	if name == "" {
		for _, c := range []string{"ptb", "kjv"} {
			if text, err := LoadText(c); !errors.Is(err, fs.ErrNotExist) {
				return text, err
			}
		}
		return dataset.Sentences(1), nil
	}
	for _, c := range corpora {
		if c.name == name {
			return c.load("")
		}
	}
	return nil, fmt.Errorf("experiment: there is no text %q: use %s", name, oneOf(TextNames()))
}
