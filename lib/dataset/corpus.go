// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"crypto/sha1"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lateral-ml/lateral/data"
	"github.com/lateral-ml/lateral/lib/dataset/synth"
)

// A Corpus is a text for language models, cut into three parts that share a vocabulary.
type Corpus struct {
	Name               string // "Penn Treebank"
	Vocabulary         *Vocabulary
	Train, Valid, Test *Text
	Source             string // origin of the text for people, without paths of this machine: it is part of results
	Sum                string // identifies the tokens of all parts by 64 hexadecimal digits
}

// corpusOf returns a corpus of lines, with the vocabulary of the training part, of at most limit words.
func corpusOf(name, source string, train, valid, test [][]string, limit int) (*Corpus, error) {
	c := &Corpus{Name: name, Source: source, Vocabulary: NewVocabulary(train, limit)}
	for _, part := range []struct {
		name  string
		lines [][]string
		text  **Text
	}{{"training", train, &c.Train}, {"validation", valid, &c.Valid}, {"test", test, &c.Test}} {
		tokens, unknown, err := c.Vocabulary.Encode(part.lines)
		if err != nil {
			return nil, fmt.Errorf("%s: the %s text: %w", name, part.name, err)
		}
		if len(tokens) < 2 {
			return nil, fmt.Errorf("dataset: %s: the %s text has no words", name, part.name)
		}
		*part.text = &Text{tokens, unknown}
	}
	c.Sum = tokenSum(c.Train, c.Valid, c.Test)
	return c, nil
}

// maxText is the largest text file that is read.
const maxText = 1 << 30

// TextCorpus reads a corpus from three UTF-8 files of words that are separated by spaces, one sentence a line. The
// vocabulary is that of the training text, of at most limit words (see [NewVocabulary]); others become [Unknown]. It
// returns an error that names the file if one is missing, empty or not UTF-8.
func TextCorpus(train, valid, test string, limit int) (*Corpus, error) {
	var parts [3][][]string
	for i, path := range []string{train, valid, test} {
		lines, err := readLines(path, maxText)
		if err != nil {
			return nil, err
		}
		parts[i] = words(lines)
	}
	var names []string
	for _, path := range []string{train, valid, test} {
		names = append(names, filepath.Base(path))
	}
	return corpusOf(names[0], "the text files "+strings.Join(names, ", "), parts[0], parts[1], parts[2], limit)
}

// ptb is the Penn Treebank in Mikolov's preprocessing. Its licence does not allow to distribute the training text.
var ptb = data.Set{ID: "ptb", Name: "Penn Treebank", Files: []data.File{
	{Name: "ptb.train.txt"},
	{Name: "ptb.valid.txt", Size: 399782, SHA256: "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2"},
	{Name: "ptb.test.txt", Size: 449945, SHA256: "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0"},
}}

// ptbTrain identifies the training text: the SHA-1 that git gives it.
const ptbTrain = "04d78dc94771b5c04adc40b3be08bd8c82942e7f"

// PTB reads the Penn Treebank as language models use it: 929,589, 73,760 and 82,430 tokens with the ends of sentences,
// a vocabulary of 10,000. The files ptb.train.txt, ptb.valid.txt and ptb.test.txt, in Mikolov's preprocessing, are read
// from dir or its sub-folder ptb; if dir is empty, from $LATERAL_DATA or the cache (see [CacheDir]). They are never
// downloaded. It returns an error that names the file if one is missing, truncated or another text.
func PTB(dir string) (*Corpus, error) {
	place, err := findPTB(dir)
	if err != nil {
		return nil, err
	}
	if place.Paths[0] == "" {
		return nil, fmt.Errorf("dataset: PTB: no ptb.train.txt in %s: copy it from simple-examples/data of Mikolov's "+
			"preprocessing of the Penn Treebank, which its licence does not allow us to distribute (%w)", place.Dir,
			os.ErrNotExist)
	}
	text, err := os.ReadFile(place.Paths[0])
	if err != nil {
		return nil, fmt.Errorf("dataset: PTB: %w", err)
	}
	blob := append(fmt.Appendf(nil, "blob %d\x00", len(text)), text...)
	if sum := fmt.Sprintf("%x", sha1.Sum(blob)); sum != ptbTrain {
		return nil, fmt.Errorf("dataset: PTB: %s has %d bytes with the git check sum %s, want %s: it is truncated or "+
			"another text; copy it again, or use TextCorpus for other texts", place.Paths[0], len(text), sum, ptbTrain)
	}
	return readPTB("Penn Treebank", place, func(parts [3][][]string) [3][][]string { return parts })
}

// PTBValid is a small stand-in for the Penn Treebank where its training text is missing: it trains on the first nine
// tenths of the validation text, 3033 sentences, validates on the rest, and tests on the test text. It returns errors
// as [PTB] does.
func PTBValid(dir string) (*Corpus, error) {
	place, err := findPTB(dir)
	if err != nil {
		return nil, err
	}
	place.Paths[0] = place.Paths[1]
	return readPTB("Penn Treebank, validation text", place, func(parts [3][][]string) [3][][]string {
		n := len(parts[0]) * 9 / 10
		return [3][][]string{parts[0][:n], parts[0][n:], parts[2]}
	})
}

// findPTB returns the place of the files, of which validation and test text are there and undamaged.
func findPTB(dir string) (Place, error) {
	place, found, err := Find(ptb, dir)
	if err != nil {
		return Place{}, err
	}
	if !found {
		return Place{}, fmt.Errorf("dataset: PTB: no ptb.train.txt, ptb.valid.txt and ptb.test.txt in %s: copy them from "+
			"simple-examples/data of Mikolov's preprocessing of the Penn Treebank (%w)", searched(dir), os.ErrNotExist)
	}
	for i, f := range ptb.Files[1:] {
		path := place.Paths[i+1]
		if path == "" {
			return Place{}, fmt.Errorf("dataset: PTB: no %s in %s: copy it there (%w)", f.Name, place.Dir, os.ErrNotExist)
		}
		if err := Check(path, f); err != nil {
			return Place{}, fmt.Errorf("dataset: PTB: %w; copy it again", err)
		}
	}
	return place, nil
}

// searched describes where files were searched.
func searched(dir string) string {
	if dir != "" {
		return dir
	}
	return "$" + Env + " or the cache"
}

func readPTB(name string, place Place, cut func([3][][]string) [3][][]string) (*Corpus, error) {
	var parts [3][][]string
	for i, path := range place.Paths {
		lines, err := readLines(path, maxText)
		if err != nil {
			return nil, err
		}
		parts[i] = words(lines)
	}
	parts = cut(parts)
	return corpusOf(name, "Penn Treebank in Mikolov's preprocessing, from "+place.Label, parts[0], parts[1], parts[2], 0)
}

// KingJames reads the King James Bible, which is about as long as the Penn Treebank and in the public domain: 31,102
// verses, of which of each thousand in turn the first 900 are for training, 50 for validation and 50 for testing. Words
// are in lower case, punctuation marks are words of their own, and the vocabulary has 10,000 words.
//
// The file kjv.txt, one verse a line after its reference ("Ge1:1 In the beginning ..."), is read from dir or its
// sub-folder text; if dir is empty, from $LATERAL_DATA or the cache (see [CacheDir]). It is never downloaded: the error
// says how to make it. Truncated files and other editions are errors that name the file.
func KingJames(dir string) (*Corpus, error) {
	set := manifest("text")
	place, found, err := Find(set, dir)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("dataset: KingJames: no kjv.txt in %s: %s (%w)", searched(dir), set.Recipe, os.ErrNotExist)
	}
	if err := Check(place.Paths[0], set.Files[0]); err != nil {
		return nil, fmt.Errorf("dataset: KingJames: %w; %s, or use TextCorpus for other texts", err, set.Recipe)
	}
	lines, err := readLines(place.Paths[0], maxText)
	if err != nil {
		return nil, err
	}
	var parts [3][][]string
	for i, line := range lines {
		_, verse, _ := strings.Cut(line, " ")
		part := 0
		if k := i % 1000; k >= 950 {
			part = 2
		} else if k >= 900 {
			part = 1
		}
		parts[part] = append(parts[part], wordsAndMarks(verse))
	}
	return corpusOf("King James Bible", "King James Bible from "+place.Label, parts[0], parts[1], parts[2], 10000)
}

// wordsAndMarks splits a verse into words in lower case, which may contain apostrophes and hyphens, and punctuation.
func wordsAndMarks(verse string) []string {
	var list []string
	start := -1
	end := func(i int) {
		if start >= 0 {
			list = append(list, strings.ToLower(verse[start:i]))
		}
		start = -1
	}
	for i, r := range verse {
		switch {
		case strings.ContainsRune(".,:;?!()", r):
			end(i)
			list = append(list, string(r))
		case r == ' ':
			end(i)
		case start < 0:
			start = i
		}
	}
	end(len(verse))
	return list
}

// Sentences makes the embedded default corpus, see [synth.Sentences]: 20,000, 1000 and 1000 sentences made from the
// seed, about 200,000 tokens.
func Sentences(seed uint64) *Corpus {
	c, err := corpusOf("Sentences", fmt.Sprintf("Sentences, made from seed %d by a small grammar", seed),
		synth.Sentences(20000, seed, "train"), synth.Sentences(1000, seed, "valid"), synth.Sentences(1000, seed, "test"), 0)
	if err != nil {
		panic(err) // the training part has every word of the grammar
	}
	return c
}
