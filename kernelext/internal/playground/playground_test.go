// SPDX-License-Identifier: Apache-2.0

package playground_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/kernelext/internal/playground"
	"github.com/lateral-ml/lateral/kernelext/internal/playground/data"
)

// files returns the data of a demonstration.
func files(t *testing.T, d playground.Demo) playground.Files {
	t.Helper()
	files := playground.Files{}
	for _, name := range d.Files {
		content, err := data.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = content
	}
	return files
}

// Every demonstration answers from its start, moves with every control and draws views that fit together.
func TestDemos(t *testing.T) {
	for _, d := range playground.Demos() {
		t.Run(d.Name, func(t *testing.T) {
			s, err := d.Start(files(t, d))
			if err != nil {
				t.Fatal(err)
			}
			check(t, s.Views())
			for _, c := range d.Controls {
				var values []float64
				switch c.Kind {
				case playground.Slider:
					values = []float64{c.Min, c.Max, c.Value}
				case playground.Choice, playground.Pick:
					for i := range c.Choices {
						values = append(values, float64(i))
					}
				case playground.Toggle:
					values = []float64{1, 0}
				default:
					values = []float64{1}
				}
				for _, v := range values {
					e := playground.Event{Control: c.Name, Value: v}
					if c.Kind == playground.Pad {
						e.Pixels = bar(c.Side)
					}
					if err := s.Do(e); err != nil {
						t.Fatalf("%s = %v: %v", c.Name, v, err)
					}
					for i := 0; s.Work() && i < 3; i++ {
					}
					check(t, s.Views())
				}
			}
			if err := s.Do(playground.Event{Control: "nothing"}); err == nil {
				t.Error("an unknown control is no error")
			}
		})
	}
}

// bar is a drawing of a vertical line.
func bar(side int) []byte {
	pixels := make([]byte, side*side)
	for y := side / 6; y < side-side/6; y++ {
		pixels[y*side+side/2], pixels[y*side+side/2+1] = 255, 160
	}
	return pixels
}

// check looks at views: one answer, and images, names and marks in equal numbers.
func check(t *testing.T, views []playground.View) {
	t.Helper()
	answers := 0
	for _, v := range views {
		n := 0
		switch v.Kind {
		case playground.Answer:
			if answers++; v.Text == "" || strings.Contains(v.Text, "NaN") || strings.Contains(v.Text, "%!") {
				t.Errorf("the answer is %q", v.Text)
			}
		case playground.Images, playground.PadView:
			if v.Width*v.Height == 0 || len(v.Pixels) == 0 || len(v.Pixels)%(v.Width*v.Height) != 0 {
				t.Fatalf("%q: %d pixels for images of %d x %d", v.Label, len(v.Pixels), v.Width, v.Height)
			}
			n = len(v.Pixels) / (v.Width * v.Height)
		case playground.Bars:
			n = len(v.Values)
		case playground.TableView:
			for _, row := range v.Rows {
				if len(row) != len(v.Rows[0]) {
					t.Errorf("%q: a row of %d cells below %d", v.Label, len(row), len(v.Rows[0]))
				}
			}
		case playground.FieldView:
			if len(v.Values) != 1 {
				t.Errorf("the field %q gets %v", v.Label, v.Values)
			}
		case playground.Lines:
			for _, s := range v.Series {
				if len(s.X) != len(s.Y) || s.Max <= 0 {
					t.Errorf("%q: line %q has %d and %d values up to %v", v.Label, s.Name, len(s.X), len(s.Y), s.Max)
				}
			}
		default:
			t.Errorf("a view of kind %q", v.Kind)
		}
		if v.Kind != playground.Answer && v.Label == "" || v.Names != nil && len(v.Names) != n ||
			v.Marks != nil && len(v.Marks) != n {
			t.Errorf("%s %q: %d elements, %d names, %d marks", v.Kind, v.Label, n, len(v.Names), len(v.Marks))
		}
	}
	if answers != 1 {
		t.Errorf("%d answers", answers)
	}
}

// In the game of one-shot trials, the net answers as well as notebook 10 has measured: two of three, and pixels guess.
func TestOneshot(t *testing.T) {
	d, err := playground.Find("oneshot")
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Start(files(t, d))
	if err != nil {
		t.Fatal(err)
	}
	do := func(control string, value float64) {
		if err := s.Do(playground.Event{Control: control, Value: value}); err != nil {
			t.Fatal(err)
		}
	}
	const games = 6
	right := map[string][4]int{} // by round: person, net, pixels, trials
	for range games {
		for range 20 { // trials of four rounds
			do("choice", 2)
			for s.Work() {
			}
			do("choice", 3) // too late
			for _, v := range s.Views() {
				if v.Kind != playground.TableView || v.Rows[len(v.Rows)-1][4] != "20" {
					continue // before the last trial of the game
				}
				for _, row := range v.Rows[1:] {
					sum := right[row[0]]
					for i := range sum {
						n, err := strconv.Atoi(row[i+1])
						if err != nil {
							t.Fatal(err)
						}
						sum[i] += n
					}
					right[row[0]] = sum
				}
			}
			do("next", 1)
		}
	}
	t.Log(right)
	all, solids := right["all"], right["different superclass"]
	if all[3] != games*20 || solids[3] != games*5 {
		t.Fatalf("%d trials in %d games, %d of them in the second round", all[3], games, solids[3])
	}
	if all[1] < all[3]*45/100 || all[0] > all[3]*35/100 || all[2] > all[3]*35/100 {
		t.Errorf("of %d trials, the net finds %d, whoever always takes the third picture %d, pixels %d", all[3], all[1],
			all[0], all[2])
	}
	if solids[1] <= right["stick figures"][1] {
		t.Errorf("the net finds %d of %d solids and %d stick figures, which it has never seen", solids[1], solids[3],
			right["stick figures"][1])
	}
}

// Notebooks, files and texts of the demonstrations are there: two sentences say what to try.
func TestDeclarations(t *testing.T) {
	sentences := regexp.MustCompile(`[.?!]( |$)`)
	for _, d := range playground.Demos() {
		if n := len(sentences.FindAllString(d.Try, -1)); n != 2 {
			t.Errorf("%s: %d sentences to try: %s", d.Name, n, d.Try)
		}
		notebook := filepath.Join("..", "..", "..", "notebooks", d.Notebook+".ipynb")
		if _, err := os.Stat(notebook); err != nil {
			t.Errorf("%s: %v", d.Name, err)
		}
		for _, name := range d.Files {
			if content, err := data.Files.ReadFile(name); err != nil || len(content) > 500_000 {
				t.Errorf("%s: %s has %d bytes, %v", d.Name, name, len(content), err)
			}
		}
		if len(d.Files) > 0 {
			if _, err := d.Start(nil); err == nil || !strings.Contains(err.Error(), d.Files[0]) {
				t.Errorf("%s starts without its files: %v", d.Name, err)
			}
		}
	}
}

// A page talks in JSON, and hears what is wrong.
func TestTable(t *testing.T) {
	d, err := playground.Find("pursuit")
	if err != nil {
		t.Fatal(err)
	}
	var table playground.Table
	session, err := table.Start("pursuit", files(t, d))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := table.Do(session, []byte(`[{"control": "atoms", "value": 7}]`))
	if err != nil {
		t.Fatal(err)
	}
	var reply struct {
		Views []playground.View
		Busy  bool
	}
	if err := json.Unmarshal(answer, &reply); err != nil {
		t.Fatal(err)
	}
	check(t, reply.Views)
	if !strings.Contains(string(answer), "7 of 144 atoms") {
		t.Errorf("seven atoms: %.300s", answer)
	}
	for _, bad := range []string{`[{"control": "none"}]`, `{`, `[{"control": "pad", "pixels": "AAAA"}]`} {
		if _, err := table.Do(session, []byte(bad)); err == nil {
			t.Errorf("%s is no error", bad)
		}
	}
	if _, err := table.Do(7, []byte(`[]`)); err == nil {
		t.Error("a session that nobody started answers")
	}
	if _, err := table.Start("chess", nil); err == nil || !strings.Contains(err.Error(), "pursuit") {
		t.Errorf("a demonstration that is not there: %v", err)
	}
	damaged := files(t, d)
	damaged["atoms.safetensors"] = damaged["atoms.safetensors"][:1000]
	if _, err := table.Start("pursuit", damaged); err == nil {
		t.Error("a damaged file is no error")
	}
}
