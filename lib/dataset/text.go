// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// The tokens of a [Vocabulary] that are no words.
const (
	Unknown   = "<unk>" // any word outside the vocabulary
	EndOfLine = "<eos>" // the end of a line, which holds a sentence or a verse
)

// A Vocabulary numbers the words of a text. Token i is Words[i]; all words differ.
type Vocabulary struct {
	Words []string

	index map[string]int
}

// NewVocabulary returns the most frequent words of lines, with [EndOfLine] for each line, in the order of their
// frequency; equally frequent words are in the order of their bytes. [Unknown] is the last if the lines do not contain
// it. The vocabulary has at most limit words with these two; 0 is no limit. It panics if limit is negative or less than
// 3.
func NewVocabulary(lines [][]string, limit int) *Vocabulary {
	if limit < 0 || limit == 1 || limit == 2 {
		panic(fmt.Sprintf("dataset: NewVocabulary: a limit of %d words: want at least 3, or 0 for none", limit))
	}
	count := map[string]int{EndOfLine: len(lines)}
	for _, line := range lines {
		for _, w := range line {
			count[w]++
		}
	}
	v := &Vocabulary{Words: slices.Collect(maps.Keys(count))}
	slices.SortFunc(v.Words, func(a, b string) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b))
	})
	if limit > 0 && len(v.Words) > limit {
		v.Words = v.Words[:limit]
	}
	for _, must := range []string{EndOfLine, Unknown} {
		if slices.Contains(v.Words, must) {
			continue
		}
		if last := limit - 1; len(v.Words) == limit { // make room, but not in place of the other of the two
			for v.Words[last] == EndOfLine || v.Words[last] == Unknown {
				last--
			}
			v.Words = slices.Delete(v.Words, last, last+1)
		}
		v.Words = append(v.Words, must)
	}
	return v
}

// Len returns the number of words.
func (v *Vocabulary) Len() int { return len(v.Words) }

// Token returns the number of a word, and whether the vocabulary has it. It is not safe for concurrent use.
func (v *Vocabulary) Token(word string) (token int, ok bool) {
	if v.index == nil {
		v.index = make(map[string]int, len(v.Words))
		for i, w := range v.Words {
			v.index[w] = i
		}
	}
	token, ok = v.index[word]
	return token, ok
}

// Encode returns the tokens of lines of words, each line with [EndOfLine], and the number of words that became
// [Unknown]. It returns an error that names the word and its line (from 1) if a word is not in the vocabulary and
// neither is Unknown.
func (v *Vocabulary) Encode(lines [][]string) (tokens []int, unknown int, err error) {
	other, known := v.Token(Unknown)
	end, ok := v.Token(EndOfLine)
	if !ok {
		return nil, 0, fmt.Errorf("dataset: Encode: the vocabulary lacks %s", EndOfLine)
	}
	for i, line := range lines {
		for _, w := range line {
			token, ok := v.Token(w)
			if !ok && !known {
				return nil, 0, fmt.Errorf("dataset: Encode: line %d: the word %q is not in the vocabulary, which has no %s", i+1,
					w, Unknown)
			}
			if !ok {
				token = other
				unknown++
			}
			tokens = append(tokens, token)
		}
		tokens = append(tokens, end)
	}
	return tokens, unknown, nil
}

// Decode returns the words of tokens, separated by spaces, with a new line for [EndOfLine]. It panics if a token is not
// in the vocabulary.
func (v *Vocabulary) Decode(tokens []int) string {
	var b strings.Builder
	start := true
	for i, t := range tokens {
		if t < 0 || t >= v.Len() {
			panic(fmt.Sprintf("dataset: Decode: token %d is %d, but the vocabulary has %d words", i, t, v.Len()))
		}
		if v.Words[t] == EndOfLine {
			b.WriteByte('\n')
			start = true
			continue
		}
		if !start {
			b.WriteByte(' ')
		}
		b.WriteString(v.Words[t])
		start = false
	}
	return b.String()
}

// A Text is a sequence of tokens.
type Text struct {
	Tokens  []int
	Unknown int // number of tokens that are Unknown because the vocabulary lacks the word
}

// Segments cuts the text for training on sequences. It is divided into so many streams of equal length, which are
// processed side by side, and each stream into segments of steps tokens; the rest is left out. Segment k of stream s is
// sample k·streams + s, so that a batch of streams samples, in order, continues the previous one.
//
// It returns an error unless the text has at least one segment for each stream, and panics unless streams >= 1 and
// steps >= 1.
func (t *Text) Segments(streams, steps int) (*Segments, error) {
	if streams < 1 || steps < 1 {
		panic(fmt.Sprintf("dataset: Segments: %d streams of %d steps", streams, steps))
	}
	s := &Segments{tokens: t.Tokens, streams: streams, steps: steps, length: len(t.Tokens) / streams}
	s.count = max(s.length-1, 0) / steps // the last token of a segment needs a next one
	if s.count == 0 {
		return nil, fmt.Errorf("dataset: Segments: a text of %d tokens is too short for %d streams of %d steps: want at "+
			"least %d tokens, fewer streams or fewer steps", len(t.Tokens), streams, steps, streams*(steps+1))
	}
	return s, nil
}

// Segments are the segments of a text, as data for training.
type Segments struct {
	tokens                        []int
	streams, steps, length, count int // length of a stream in tokens, number of its segments
}

// Len returns the number of segments of all streams.
func (s *Segments) Len() int { return s.streams * s.count }

// InOrder reports that a segment continues an earlier one, so that shuffling would make no sense.
func (s *Segments) InOrder() bool { return true }

// Gather puts the segments idx into b: Tokens [n, steps], Y [n, steps] with the next token of each, and X [n, 1], which
// is 0 for the first segment of a stream and 1 for one that continues the stream. It panics if an index is outside.
func (s *Segments) Gather(b *Batch, idx []int) {
	n := len(idx) * s.steps
	b.Tokens, b.Y = slices.Grow(b.Tokens[:0], n)[:0], slices.Grow(b.Y[:0], n)[:0]
	b.X.Resize(len(idx), 1)
	for i, k := range idx {
		if k < 0 || k >= s.Len() {
			panic(fmt.Sprintf("dataset: Gather: index %d of %d segments", k, s.Len()))
		}
		at := k%s.streams*s.length + k/s.streams*s.steps
		b.Tokens = append(b.Tokens, s.tokens[at:at+s.steps]...)
		b.Y = append(b.Y, s.tokens[at+1:at+1+s.steps]...)
		b.X.Data()[i] = 1
		if k < s.streams {
			b.X.Data()[i] = 0
		}
	}
}

// readLines returns the lines of a text file of at most limit bytes, without line ends. It returns an error that names
// the file if it cannot be read, is empty or too long, or, with the line, if it is not UTF-8.
func readLines(path string, limit int64) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, fmt.Errorf("dataset: %s is not a text file of at most %d bytes", path, limit)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	if len(strings.TrimSpace(string(text))) == 0 {
		return nil, fmt.Errorf("dataset: %s is empty: want a text", path)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for i, line := range lines {
		if !utf8.ValidString(line) {
			return nil, fmt.Errorf("dataset: %s: line %d is not UTF-8 text: convert the file, for instance with iconv", path,
				i+1)
		}
		lines[i] = strings.TrimSuffix(line, "\r")
	}
	return lines, nil
}

// words splits lines at white space and leaves out empty lines.
func words(lines []string) [][]string {
	var split [][]string
	for _, line := range lines {
		if w := strings.Fields(line); len(w) > 0 {
			split = append(split, w)
		}
	}
	return split
}

// tokenSum returns the SHA-256 over the tokens of texts, as little-endian 64-bit numbers, each text with its length.
func tokenSum(texts ...*Text) string {
	h := sha256.New()
	for _, t := range texts {
		b := binary.LittleEndian.AppendUint64(nil, uint64(len(t.Tokens)))
		for _, token := range t.Tokens {
			b = binary.LittleEndian.AppendUint64(b, uint64(token))
		}
		h.Write(b)
	}
	return hexSum(h)
}
