// SPDX-License-Identifier: Apache-2.0

// Package table reads labelled samples from CSV files, plain or compressed by gzip.
//
//	height,width,colour,species
//	5.1,3.5,blue,setosa
//	4.9,,red,virginica
//
// A column is a feature, the label, or dropped. A feature is a number or one of a set of words; [Infer] decides from
// the whole file which it is. The resulting [Schema] reads further files with the same columns. Missing cells become
// NaN, which package transform fills in.
package table

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Config says how to understand a file. The zero value reads a file with a header, without labels.
type Config struct {
	Label    string   // column of the labels; "" for none. Without a header, columns are called "1", "2", ...
	Drop     []string // columns that are neither feature nor label, such as names and numbers of rows
	Words    []string // columns of numbers that only name things, such as postal codes: they are features of words
	Missing  []string // further spellings of a missing cell, besides "", "NA", "N/A", "null", "None", "-" and "?"
	NoHeader bool     // the first line is a sample
	Comma    rune     // separator; 0 takes the one of , ; and tab that the first line contains most often
}

// A Schema describes the columns of a file. Its JSON is saved with a model.
type Schema struct {
	Features []Column `json:"features"`
	Label    string   `json:"label"`   // "" for none
	Classes  []string `json:"classes"` // words of the label column, sorted, as numbers if they are
	Missing  []string `json:"missing"`
	NoHeader bool     `json:"no_header"`
	Comma    rune     `json:"comma"`
}

// A Column is a feature.
type Column struct {
	Name  string   `json:"name"`
	Words []string `json:"words"` // sorted; nil for a column of numbers
}

// missing lists the spellings of a missing cell.
var missing = []string{"", "NA", "N/A", "null", "None", "-", "?"}

// maxWords is the number of different words from which a column is taken for names rather than for a feature.
const maxWords = 1000

// Load infers the schema of a file and reads it; see [Infer] and [Schema.Read].
func Load(path string, c Config) (*dataset.Set, *Schema, error) {
	s, err := Infer(path, c)
	if err != nil {
		return nil, nil, err
	}
	set, err := s.Read(path)
	return set, s, err
}

// Infer reads a file to find out what its columns are. Errors begin with path:line where there is one. Besides damaged
// files, these are errors: a row with fewer or more cells than the header, a cell that is no number in a column where
// nine of ten are, NaN and infinite numbers, a label that is missing, a column without any value, and a column with
// more than 1000 different words.
func Infer(path string, c Config) (*Schema, error) {
	f, err := open(path, c.Comma, c.NoHeader)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := &Schema{Label: c.Label, Missing: slices.Concat(missing, c.Missing), NoHeader: c.NoHeader, Comma: f.comma}
	for _, name := range append(slices.Concat(c.Drop, c.Words), c.Label) {
		if name != "" && !slices.Contains(f.header, name) {
			return nil, fmt.Errorf("%s:1: there is no column %q; the columns are %q", path, name, f.header)
		}
	}
	columns := make([]survey, len(f.header))
	for i, name := range f.header {
		columns[i] = survey{name: name, dropped: slices.Contains(c.Drop, name), words: map[string]int{}}
	}
	for {
		row, line, err := f.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		for i, cell := range row {
			if err := columns[i].add(s.clean(cell), line); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", path, line, err)
			}
		}
	}
	if f.rows == 0 {
		return nil, fmt.Errorf("%s: no rows below the header: want at least one sample", path)
	}
	for i := range columns {
		col := &columns[i]
		switch {
		case col.dropped:
		case col.name == c.Label:
			if s.Classes, err = col.classes(); err != nil {
				return nil, fmt.Errorf("%s:%w", path, err)
			}
		default:
			words, err := col.kind(slices.Contains(c.Words, col.name))
			if err != nil {
				return nil, fmt.Errorf("%s:%w", path, err)
			}
			s.Features = append(s.Features, Column{col.name, words})
		}
	}
	if len(s.Features) == 0 {
		return nil, fmt.Errorf("%s: no features: it has only the columns %q", path, f.header)
	}
	return s, nil
}

// A survey is what a column contains.
type survey struct {
	name            string
	dropped         bool
	numbers, others int
	gap             int            // line of the first missing cell; 0 for none
	odd             int            // line of the first cell that is no number
	oddText         string         // that cell
	words           map[string]int // the different cells, up to maxWords + 1, with the lines where they first occur
}

func (v *survey) add(cell string, line int) error {
	if v.dropped {
		return nil
	}
	if cell == "" {
		if v.gap == 0 {
			v.gap = line
		}
		return nil
	}
	if _, known := v.words[cell]; !known && len(v.words) <= maxWords {
		v.words[cell] = line
	}
	switch x, err := strconv.ParseFloat(cell, 32); {
	case err != nil && !errors.Is(err, strconv.ErrRange):
		v.others++
		if v.odd == 0 {
			v.odd, v.oddText = line, cell
		}
	case math.IsNaN(x) || math.IsInf(x, 0):
		return fmt.Errorf("column %q is %s: correct or remove it, or leave the cell empty if its value is missing", v.name,
			cell)
	default:
		v.numbers++
	}
	return nil
}

// kind returns the words of a feature, or nil for numbers. Errors continue "path:".
func (v *survey) kind(asWords bool) ([]string, error) {
	n := v.numbers + v.others
	switch {
	case n == 0:
		return nil, fmt.Errorf(" column %q is empty: name it in Drop", v.name)
	case v.others == 0 && !asWords:
		return nil, nil
	case v.others > 0 && v.numbers >= 9*v.others && !asWords:
		return nil, fmt.Errorf("%d: column %q is %q, but %d of its %d cells are numbers: correct it, leave it empty if the "+
			"number is missing, or name the column in Words", v.odd, v.name, v.oddText, v.numbers, n)
	case len(v.words) > maxWords:
		return nil, fmt.Errorf(" column %q has more than %d different words: name it in Drop", v.name, maxWords)
	}
	return ordered(v.words), nil
}

// classes returns the words of the label column. Errors continue "path:".
func (v *survey) classes() ([]string, error) {
	switch {
	case v.gap > 0:
		return nil, fmt.Errorf("%d: the label %q is missing: fill it in, or remove the row", v.gap, v.name)
	case len(v.words) > maxWords:
		return nil, fmt.Errorf(" the label %q has more than %d different values: want a class", v.name, maxWords)
	case len(v.words) == 1:
		return nil, fmt.Errorf(" the label %q is the same in all rows: want at least two classes", v.name)
	}
	return ordered(v.words), nil
}

// ordered returns words in ascending order: of their values if all are numbers, otherwise of their letters.
func ordered(words map[string]int) []string {
	list := make([]string, 0, len(words))
	values := map[string]float64{}
	for w := range words {
		list = append(list, w)
		if x, err := strconv.ParseFloat(w, 64); err == nil {
			values[w] = x
		}
	}
	slices.SortFunc(list, func(a, b string) int {
		if len(values) == len(list) && values[a] != values[b] {
			if values[a] < values[b] {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	return list
}

// clean returns a cell without white space around it, "" if it is missing.
func (s *Schema) clean(cell string) string {
	cell = strings.TrimSpace(cell)
	if slices.Contains(s.Missing, cell) {
		return ""
	}
	return cell
}

// Read reads a file with the columns of the schema, in any order; other columns are ignored. The set has X [N, D] with
// one value per feature: the number, the index of the word, or NaN for a missing cell and for a word that the schema
// does not have. If the file has no label column, Y is nil. Errors begin with path:line, as those of [Infer]; a label
// that is no class of the schema is one.
func (s *Schema) Read(path string) (*dataset.Set, error) {
	f, err := open(path, s.Comma, s.NoHeader)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	at := make([]int, len(s.Features)) // cell of each feature
	for i, col := range s.Features {
		if at[i] = slices.Index(f.header, col.Name); at[i] < 0 {
			return nil, fmt.Errorf("%s:1: there is no column %q; the columns are %q", path, col.Name, f.header)
		}
	}
	label := slices.Index(f.header, s.Label)
	if s.Label == "" {
		label = -1
	}
	set := &dataset.Set{Name: filepath.Base(path), Classes: s.Classes}
	var values []float32
	for {
		row, line, err := f.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		for i, col := range s.Features {
			x, err := col.value(s.clean(row[at[i]]))
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", path, line, err)
			}
			values = append(values, x)
		}
		if label >= 0 {
			class := slices.Index(s.Classes, s.clean(row[label]))
			if class < 0 {
				return nil, fmt.Errorf("%s:%d: the label %q is %q, want one of %q", path, line, s.Label, row[label], s.Classes)
			}
			set.Y = append(set.Y, class)
		}
	}
	if f.rows == 0 {
		return nil, fmt.Errorf("%s: no rows below the header: want at least one sample", path)
	}
	set.X = tensor.From(values, f.rows, len(s.Features))
	set.Sum = hex.EncodeToString(f.sum.Sum(nil))
	set.Source = fmt.Sprintf("%d rows of %s", f.rows, filepath.Base(path))
	return set, nil
}

// Line returns the line of a file on which a sample begins, counted from 1, for messages about it. It is 0 if the file
// has changed and has no such sample.
func (s *Schema) Line(path string, sample int) int {
	f, err := open(path, s.Comma, s.NoHeader)
	if err != nil {
		return 0
	}
	defer f.Close()
	for {
		_, line, err := f.next()
		if err != nil {
			return 0
		}
		if f.rows == sample+1 {
			return line
		}
	}
}

// value returns the number that stands for a cell.
func (c Column) value(cell string) (float32, error) {
	nan := float32(math.NaN())
	switch {
	case cell == "":
		return nan, nil
	case c.Words != nil:
		if w, ok := slices.BinarySearch(c.Words, cell); ok {
			return float32(w), nil
		}
		if w := slices.Index(c.Words, cell); w >= 0 { // sorted as numbers
			return float32(w), nil
		}
		return nan, nil
	}
	x, err := strconv.ParseFloat(cell, 32)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0, fmt.Errorf("column %q is %q: want a number, or an empty cell if it is missing", c.Name, cell)
	}
	return float32(x), nil
}

// A file is a CSV file that is being read.
type file struct {
	path   string
	closer io.Closer
	csv    *csv.Reader
	comma  rune
	sum    hash.Hash // of the uncompressed bytes
	header []string
	first  []string // the first row of a file without a header, until it is returned
	rows   int      // samples returned
}

// open opens a file and reads its header.
func open(path string, comma rune, noHeader bool) (*file, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("table: %w", err)
	}
	f := &file{path: path, closer: in, comma: comma, sum: sha256.New()}
	if err := f.begin(in, noHeader); err != nil {
		in.Close()
		return nil, err
	}
	return f, nil
}

func (f *file) begin(in io.Reader, noHeader bool) error {
	text := bufio.NewReaderSize(in, 1<<16)
	if magic, _ := text.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(text)
		if err != nil {
			return fmt.Errorf("%s: damaged gzip data (%w): copy or download the file again", f.path, err)
		}
		text = bufio.NewReaderSize(z, 1<<16)
	}
	start, _ := text.Peek(1 << 15)
	if bytes.HasPrefix(start, []byte("\ufeff")) { // as some programs mark UTF-8
		text.Discard(3)
		start = start[3:]
	}
	line, _, whole := bytes.Cut(start, []byte("\n"))
	for i := 1; i < utf8.UTFMax && !whole && !utf8.Valid(line); i++ {
		line = line[:len(line)-1] // of a longer line, the last character may be cut
	}
	if len(start) == 0 {
		return fmt.Errorf("%s: the file is empty", f.path)
	}
	if bytes.IndexByte(line, 0) >= 0 || !utf8.Valid(line) {
		return fmt.Errorf("%s:1: this is not text in UTF-8: export the table as CSV", f.path)
	}
	if f.comma == 0 {
		f.comma = ','
		for _, c := range ";\t" {
			if bytes.Count(line, []byte(string(c))) > bytes.Count(line, []byte(string(f.comma))) {
				f.comma = c
			}
		}
	}
	f.csv = csv.NewReader(io.TeeReader(text, f.sum))
	f.csv.Comma, f.csv.ReuseRecord = f.comma, true
	f.csv.TrimLeadingSpace = !unicode.IsSpace(f.comma) // which would remove the separator after an empty cell
	row, err := f.csv.Read()
	if err != nil {
		return f.explain(err)
	}
	if noHeader {
		f.first = slices.Clone(row)
		for i := range row {
			f.header = append(f.header, strconv.Itoa(i+1))
		}
		return nil
	}
	for i, name := range row {
		name = strings.TrimSpace(name)
		if name == "" {
			name = strconv.Itoa(i + 1)
		}
		if slices.Contains(f.header, name) {
			return fmt.Errorf("%s:1: two columns are called %q: rename one", f.path, name)
		}
		f.header = append(f.header, name)
	}
	if !slices.ContainsFunc(f.header, isWord) {
		return fmt.Errorf("%s:1: the first line has only numbers: add a line with the names of the columns, or set NoHeader",
			f.path)
	}
	return nil
}

func isWord(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err != nil
}

// next returns the next row, which is valid until the following call, and its line. The error is io.EOF at the end.
func (f *file) next() (row []string, line int, err error) {
	if f.first != nil {
		row, f.first = f.first, nil
		f.rows++
		return row, 1, nil
	}
	row, err = f.csv.Read()
	if err == io.EOF {
		return nil, 0, err
	}
	if err != nil {
		return nil, 0, f.explain(err)
	}
	f.rows++
	line, _ = f.csv.FieldPos(0)
	for i, cell := range row {
		if !utf8.ValidString(cell) {
			line, _ = f.csv.FieldPos(i)
			return nil, 0, fmt.Errorf("%s:%d: column %q is %q, which is not text in UTF-8: export the table as UTF-8", f.path,
				line, f.header[i], cell)
		}
	}
	return row, line, nil
}

// explain adds the place and the remedy to an error of package csv.
func (f *file) explain(err error) error {
	var at *csv.ParseError
	if !errors.As(err, &at) {
		return fmt.Errorf("%s: damaged after %d rows (%w): copy or download the file again", f.path, f.rows, err)
	}
	switch {
	case errors.Is(at.Err, csv.ErrFieldCount):
		return fmt.Errorf("%s:%d: this row does not have %d cells as the first line: add or remove separators %q", f.path,
			at.StartLine, f.csv.FieldsPerRecord, f.comma)
	case errors.Is(at.Err, csv.ErrBareQuote):
		return fmt.Errorf("%s:%d: byte %d of the line is a quotation mark, but its cell begins before: remove the spaces "+
			"there, or put the whole cell into quotation marks and write each one inside it twice", f.path, at.Line, at.Column)
	case errors.Is(at.Err, csv.ErrQuote):
		return fmt.Errorf("%s:%d: a cell that begins with a quotation mark does not end with one (line %d, byte %d): add "+
			"it, and write each one inside the cell twice", f.path, at.StartLine, at.Line, at.Column)
	}
	return fmt.Errorf("%s:%d: byte %d of the line: %w", f.path, at.Line, at.Column, at.Err)
}

// Close closes the file.
func (f *file) Close() error { return f.closer.Close() }
