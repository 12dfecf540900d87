// SPDX-License-Identifier: Apache-2.0

package table_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/dataset/table"
)

func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// Numbers, words, missing cells of both, quotes, white space, and labels that sort as numbers.
func TestLoad(t *testing.T) {
	const text = "id,height, colour,grade\n" +
		"a,1.5,red,10\nb, NA ,\"dark, blue\",9\nc,-2e-1,,10\n"
	config := table.Config{Label: "grade", Drop: []string{"id"}}
	set, schema, err := table.Load(write(t, "a.csv", text), config)
	if err != nil {
		t.Fatal(err)
	}
	wantSchema := []table.Column{{Name: "height"}, {Name: "colour", Words: []string{"dark, blue", "red"}}}
	if !reflect.DeepEqual(schema.Features, wantSchema) || !slices.Equal(schema.Classes, []string{"9", "10"}) {
		t.Errorf("%+v", schema)
	}
	nan := float32(math.NaN())
	want := []float32{1.5, 1, nan, 0, -0.2, nan}
	same := func(a, b float32) bool { return a == b || a != a && b != b }
	if !slices.Equal(set.X.Shape(), []int{3, 2}) || !slices.EqualFunc(set.X.Data(), want, same) ||
		!slices.Equal(set.Y, []int{1, 0, 1}) || len(set.Sum) != 64 || set.Source != "3 rows of a.csv" {
		t.Errorf("%v %v, source %q", set.X, set.Y, set.Source)
	}

	if line := schema.Line(write(t, "a.csv", text), 2); line != 4 {
		t.Errorf("the third sample is on line %d", line)
	}

	// Compressed, with a mark of UTF-8, semicolons and carriage returns, it is the same.
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	other := strings.NewReplacer(", colour", "; colour", "dark, blue", "dark, blue", ",", ";").Replace(text)
	other = strings.ReplaceAll(strings.ReplaceAll(other, "dark; blue", "dark, blue"), "\n", "\r\n")
	z.Write([]byte("\ufeff" + other))
	z.Close()
	again, _, err := table.Load(write(t, "a.csv.gz", b.String()), config)
	if err != nil || !slices.EqualFunc(again.X.Data(), want, same) || !slices.Equal(again.Y, set.Y) {
		t.Errorf("compressed: %v, %v", again, err)
	}

	// The schema survives its JSON, and reads other files: columns in another order, no labels, an unknown word.
	saved, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	var restored table.Schema
	if err := json.Unmarshal(saved, &restored); err != nil {
		t.Fatal(err)
	}
	next, err := restored.Read(write(t, "b.csv", "colour,more,height\nred,x,1\ngreen,y,\n"))
	if err != nil || next.Y != nil || !slices.EqualFunc(next.X.Data(), []float32{1, 1, nan, nan}, same) {
		t.Errorf("%v, %v", next, err)
	}
}

func TestNoHeader(t *testing.T) {
	set, schema, err := table.Load(write(t, "iris.data", "5.1\t3.5\tsetosa\n6\t3\tvirginica\n"),
		table.Config{NoHeader: true, Label: "3"})
	if err != nil || set.Len() != 2 || set.X.At(1, 0) != 6 || schema.Features[1].Name != "2" {
		t.Errorf("%v, %v", set, err)
	}

	// Empty cells between tabs.
	set, _, err = table.Load(write(t, "gaps.tsv", "1\t\t 2\tx\n\t3\t4\ty\n"), table.Config{NoHeader: true, Label: "4"})
	if err != nil || fmt.Sprint(set.X.Data()) != "[1 NaN 2 NaN 3 4]" || !slices.Equal(set.Y, []int{0, 1}) {
		t.Errorf("empty cells between tabs: %v, %v", set, err)
	}
}

// A first line that is longer than what is looked at may be cut within a character.
func TestLongFirstLine(t *testing.T) {
	for pad := range 3 {
		path := write(t, "wide.csv", strings.Repeat("x", pad)+strings.Repeat("µ", 1<<15)+",b\n1,2\n")
		if _, _, err := table.Load(path, table.Config{}); err != nil {
			t.Error(err)
		}
	}
}

// Every error names the file and, if there is one, the line.
func TestBadFiles(t *testing.T) {
	many := "a,b\n"
	for i := range 20 {
		many += fmt.Sprintf("%d,x\n", i)
	}
	names := "name,label\n"
	for i := range 1100 {
		names += fmt.Sprintf("w%d,%d\n", i, i%2)
	}
	for name, c := range map[string]struct {
		text, want string
		config     table.Config
	}{
		"empty":          {"", ": the file is empty", table.Config{}},
		"header alone":   {"a,b\n", ": no rows below the header", table.Config{}},
		"ragged":         {"a,b\n1,2\n3\n", ":3: this row does not have 2 cells", table.Config{}},
		"quote":          {"a,b\n1,\"2\n3,4\n", ":2: a cell that begins with a quotation mark does not", table.Config{}},
		"space, quote":   {"a\tb\n1\t \"x\"\n", ":2: byte 4 of the line is a quotation mark", table.Config{}},
		"NaN":            {"a,b\n1,2\n3,NaN\n", `:3: column "b" is NaN`, table.Config{}},
		"infinite":       {"a,b\n1,2\n-Inf,3\n", `:3: column "a" is -Inf`, table.Config{}},
		"odd cell":       {many + "12o,x\n", `:22: column "a" is "12o", but 20 of its 21 cells are numbers`, table.Config{}},
		"names":          {names, `column "name" has more than 1000 different words`, table.Config{Label: "label"}},
		"one class":      {"a,b\n1,x\n2,x\n", `the label "b" is the same in all rows`, table.Config{Label: "b"}},
		"missing label":  {"a,b\n1,x\n2,\n", `:3: the label "b" is missing`, table.Config{Label: "b"}},
		"wrong label":    {"a,b\n1,x\n", `:1: there is no column "c"; the columns are ["a" "b"]`, table.Config{Label: "c"}},
		"no header":      {"1,2\n3,4\n", ":1: the first line has only numbers", table.Config{}},
		"same names":     {"a,a\n3,4\n", `:1: two columns are called "a"`, table.Config{}},
		"empty column":   {"a,b\n3,\n4,\n", `column "b" is empty`, table.Config{}},
		"not text":       {"\x89PNG\x00\x00\n", ":1: this is not text", table.Config{}},
		"Latin-1":        {"a,b\n1,x\n2,gr\xf6n\n", `:3: column "b" is "gr\xf6n", which is not text`, table.Config{}},
		"damaged gzip":   {"\x1f\x8b\x08", ": damaged gzip", table.Config{}},
		"label alone":    {"a\nx\ny\n", ": no features", table.Config{Label: "a"}},
		"too many label": {strings.ReplaceAll(names, ",", "0,"), "more than 1000", table.Config{Label: "name0"}},
	} {
		path := write(t, "bad.csv", c.text)
		_, _, err := table.Load(path, c.config)
		if err == nil || !strings.HasPrefix(err.Error(), path+":") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: want an error with %q, got %v", name, c.want, err)
		}
	}
	if _, _, err := table.Load(filepath.Join(t.TempDir(), "none.csv"), table.Config{}); err == nil {
		t.Error("a file that is not there")
	}
	schema, err := table.Infer(write(t, "a.csv", "a,b\n1,x\n2,y\n"), table.Config{Label: "b"})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"a,b\n1,z\n":  `:2: the label "b" is "z", want one of ["x" "y"]`,
		"b\nx\n":      `:1: there is no column "a"`,
		"a,b\none,x":  `:2: column "a" is "one": want a number`,
		"a,b\n1,2,3,": ":2: this row does not have 2 cells",
	} {
		path := write(t, "later.csv", text)
		if _, err := schema.Read(path); err == nil || !strings.HasPrefix(err.Error(), path+want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

// A cell NaN is a missing value if the user says so.
func TestMissingSpellings(t *testing.T) {
	set, _, err := table.Load(write(t, "a.csv", "a,b\n1,2\nNaN,3\n"), table.Config{Missing: []string{"NaN"}})
	if err != nil || set.X.At(1, 0) == set.X.At(1, 0) {
		t.Errorf("%v, %v", set, err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("a,b\n1,x\n2,y\n", "b")
	f.Add("a;b\n\"1\n\";x\n", "")
	f.Add("\x1f\x8b\x08\x00", "a")
	f.Fuzz(func(t *testing.T, text, label string) {
		set, schema, err := table.Load(write(t, "f.csv", text), table.Config{Label: label})
		if err == nil && (set.X.Width() != len(schema.Features) || set.Y != nil && len(set.Y) != set.Len()) {
			t.Errorf("%v %v %+v", set.X, set.Y, schema)
		}
	})
}

func Example() {
	dir, err := os.MkdirTemp("", "table")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "flowers.csv")
	os.WriteFile(path, []byte("height,colour,species\n5.1,blue,setosa\n,red,virginica\n"), 0o666)

	set, schema, err := table.Load(path, table.Config{Label: "species"})
	fmt.Println(set.X, set.Y, schema.Classes, err)
	// Output: tensor[2 2][5.1 0 NaN 1] [0 1] [setosa virginica] <nil>
}
