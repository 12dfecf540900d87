// SPDX-License-Identifier: Apache-2.0

package experiment_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/sweep"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// All published results were measured on these splits, so they must not change.
func TestSplitsStayAsTheyAre(t *testing.T) {
	d, err := experiment.LoadSplit("glyphs")
	if err != nil {
		t.Fatal(err)
	}
	for name, sum := range map[string]string{
		d.Train.Sum:            "98803c8f942fdb63cbc1572bbb7060da87d2551bbb20adeb0bc42ca9f3a3a218",
		d.Valid.Sum:            "cc2e1c196afeec1c4e6bfe1dd873021e89515b328f391a2931b3230895940dfd",
		d.Test.Sum:             "e810d21b5508ba675bff8bb155e44664148ba1b52b8813293cae711bf9f99015",
		d.Part(1000).Valid.Sum: "19d8e978d490ec33b8fb6bb57e026c2f3939b64918da82bd9ffee3bbf7930a9a",
	} {
		if name != sum {
			t.Errorf("check sum %s, want %s", name, sum)
		}
	}
	if d.Name() != "Glyphs" || d.Train.Len() != 8333 || d.Valid.Len() != 1667 || d.Test.Len() != 2000 {
		t.Errorf("%s: %d, %d and %d images", d.Name(), d.Train.Len(), d.Valid.Len(), d.Test.Len())
	}
	all, err := experiment.Load("glyphs")
	if err != nil || all.Train.Len() != 10000 || all.Valid != nil || all.Test.Sum != d.Test.Sum {
		t.Errorf("all images: %+v, %v", all, err)
	}
	if all.Source() == d.Source() || len(d.Source().Checksum) != 16 || d.Source().Images != 8333 {
		t.Errorf("sources %+v and %+v", all.Source(), d.Source())
	}
	if _, err := experiment.Load("letters"); err == nil ||
		!strings.Contains(err.Error(), "use mnist, cifar10, cifar100, svhn, fashion-mnist, kmnist, ") {
		t.Errorf("unknown data: %v", err)
	}
}

// Images without labels are found by name, too: eight to learn from, one for validation and one for testing.
func TestLoadScenes(t *testing.T) {
	if _, err := experiment.Load("leaves"); err == nil ||
		!strings.Contains(err.Error(), "the images of leaves have no labels: use mnist, cifar10") {
		t.Errorf("leaves for a classifier: %v", err)
	}
	if _, err := experiment.LoadScenes("mnist"); err == nil ||
		!strings.Contains(err.Error(), `no images "mnist" to cut patches from: use olshausen or leaves`) {
		t.Errorf("digits for patches: %v", err)
	}
	if !slices.Contains(experiment.DataNames(), "leaves") || !slices.Contains(experiment.DataNames(), "glyphs") {
		t.Errorf("names %v", experiment.DataNames())
	}
	if testing.Short() {
		t.Skip("makes ten large images")
	}
	d, err := experiment.LoadScenes("leaves")
	if err != nil {
		t.Fatal(err)
	}
	if d.Train.Len() != 8 || d.Valid.Len() != 1 || d.Test.Len() != 1 || d.Name() != "Leaves" || d.Source().Images != 8 {
		t.Errorf("%s: %d, %d and %d images", d.Name(), d.Train.Len(), d.Valid.Len(), d.Test.Len())
	}
	all := dataset.Leaves(1)
	for from, part := range map[int]*dataset.Set{2: d.Test, 6: d.Valid, 9: d.Train.Slice(7, 8)} {
		if !slices.Equal(part.X.Data(), all.X.Row(from)) {
			t.Errorf("image %d is not where it belongs", from)
		}
	}
	again, err := experiment.LoadScenes("leaves")
	if err != nil || again.Source() != d.Source() {
		t.Errorf("sources %v and %v, %v", d.Source(), again.Source(), err)
	}
}

// images returns n images with a given check sum.
func images(n int, sum string) *dataset.Set {
	return &dataset.Set{Name: "dots", Sum: sum, X: tensor.New(n, 1, 2, 2), Y: make([]int, n), Classes: []string{"a"}}
}

func TestPart(t *testing.T) {
	d := &experiment.Data{Train: images(600, "a"), Valid: images(200, "b"), Test: images(400, "c")}
	part := d.Part(299)
	if part.Train.Len() != 299 || part.Valid.Len() != 100 || part.Test.Len() != 200 || part.Source() == d.Source() ||
		d.Part(600) != d {
		t.Errorf("%d, %d and %d images", part.Train.Len(), part.Valid.Len(), part.Test.Len())
	}
	if d.Valid = nil; d.Part(300).Valid != nil {
		t.Error("there are validation images where there were none")
	}
	defer func() {
		if got := recover(); got != "experiment: Part: 601 of 600 images" {
			t.Errorf("panicked with %v", got)
		}
	}()
	d.Part(601)
}

func TestSources(t *testing.T) {
	d := &experiment.Data{Train: images(600, "a"), Test: images(400, "c")}
	src := d.Source()
	if err := d.Check(src); err != nil {
		t.Error(err)
	}
	for _, change := range []func(){
		func() { src.Data = "dashes" }, func() { src.Checksum = "0" }, func() { src.Images = 5 },
		func() { src = experiment.Source{} },
	} {
		src = d.Source()
		change()
		if err := d.Check(src); err == nil || !strings.Contains(err.Error(), "adapt it with its method On") {
			t.Errorf("%+v: error %v", src, err)
		}
	}
}

func TestProfiles(t *testing.T) {
	for i, p := range experiment.Profiles() {
		if got := experiment.Pick(p, 0, 1, 2); got != i || experiment.CheckProfile(p) != nil {
			t.Errorf("%s picks %d, want %d", p, got, i)
		}
	}
	if err := experiment.CheckProfile("huge"); err == nil ||
		!strings.Contains(err.Error(), "use quick, standard or paper") {
		t.Errorf("error %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("no panic for an unknown profile")
		}
	}()
	experiment.Pick("huge", 1, 2, 3)
}

// Every invalid field is reported with its name, its value and the valid values. NaN and infinities are never valid.
func TestCheck(t *testing.T) {
	c := experiment.Check{Package: "p"}
	c.OneOf("Kind", "round", "round", "square")
	c.AtLeast("Epochs", 1, 1)
	c.Positive("Rate", 1e-300)
	c.NotNegative("Lambda", 0)
	c.Finite("KL", -1)
	c.Share("Dropout", 0)
	c.That(true, "Hidden", nil, "")
	c.Add(nil)
	if err := c.Err(); err != nil {
		t.Errorf("valid fields: %v", err)
	}
	c.OneOf("Kind", "oval", "round", "square")
	c.AtLeast("Epochs", 0, 1)
	c.Positive("Rate", 0)
	c.NotNegative("Lambda", -0.5)
	c.Share("Dropout", 1)
	c.Add(errors.New("p: something else"))
	want := `p: Kind is "oval": want round or square
p: Epochs is 0: want at least 1
p: Rate is 0: want a number > 0
p: Lambda is -0.5: want a number >= 0
p: Dropout is 1: want a number >= 0 and < 1
p: something else`
	if err := c.Err(); err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for name, check := range map[string]func(*experiment.Check){
			"Positive":    func(c *experiment.Check) { c.Positive("X", x) },
			"NotNegative": func(c *experiment.Check) { c.NotNegative("X", x) },
			"Finite":      func(c *experiment.Check) { c.Finite("X", x) },
			"Share":       func(c *experiment.Check) { c.Share("X", x) },
		} {
			var c experiment.Check
			if check(&c); c.Err() == nil {
				t.Errorf("%s accepts %v", name, x)
			}
		}
	}
}

// A trial is the setting type of these tests.
type trial struct {
	experiment.Source
	Size int    `json:"size"`
	Seed uint64 `json:"seed"`
}

func (s trial) At(src experiment.Source, seed uint64) trial {
	s.Source, s.Seed = src, seed
	return s
}
func (s trial) Check() error   { return nil }
func (s trial) String() string { return fmt.Sprintf("size %d, seed %d", s.Size, s.Seed) }
func (s trial) Samples() int   { return s.Images }

type outcome struct {
	Product int `json:"product"`
}

// trials are grids of two cells; the result of the larger cell depends on nothing but its setting.
var trials = experiment.Grids[trial, outcome]{
	Document: "Doc",
	Load: func(string) (*experiment.Data, error) {
		return &experiment.Data{Train: images(6, "a"), Test: images(4, "c")}, nil
	},
	List: func(profile string) []experiment.Grid[trial] {
		return []experiment.Grid[trial]{
			{Name: "one", About: "first", Cells: []trial{{Size: 1}, {Size: 2}},
				Seeds: experiment.Pick(profile, 1, 2, 3)},
			{Name: "other", About: "second", Cells: []trial{{Size: 7}}, Seeds: 1},
		}
	},
	Train: func(_ context.Context, s trial, d *experiment.Data, o experiment.Options) (outcome, error) {
		if err := d.Check(s.Source); err != nil {
			return outcome{}, err
		}
		if o.Dir != "" {
			if err := os.MkdirAll(o.Dir, 0o777); err != nil {
				return outcome{}, err
			}
		}
		return outcome{s.Size * int(s.Seed+1)}, nil
	},
	Cost: func(s trial, _ *experiment.Data) float64 { return float64(s.Size) },
}

// An entry lists its grid, trains it, and reports missing results.
func TestEntries(t *testing.T) {
	entries := trials.Entries()
	if len(entries) != 2 || entries[0].Name != "one" || entries[1].About != "second" || entries[0].Document != "Doc" {
		t.Fatalf("%+v", entries)
	}
	for _, c := range []struct {
		profile     string
		seeds, want int
	}{{experiment.Quick, 0, 2}, {experiment.Paper, 0, 6}, {experiment.Paper, 5, 10}} {
		if n, err := entries[0].Size(c.profile, c.seeds); err != nil || n != c.want {
			t.Errorf("%+v: %d settings, %v", c, n, err)
		}
	}
	file := filepath.Join(t.TempDir(), "one.jsonl")
	var lines []string
	run := func(o experiment.RunOptions) error {
		lines = nil
		o.File, o.Workers = file, 1
		o.Begin = func(d *experiment.Data) { lines = append(lines, d.Name()) }
		o.OnResult = func(e *sweep.Event[experiment.Progress]) {
			if e.Setting != nil {
				lines = append(lines, fmt.Sprintf("%v: %d of %d, %d images", *e.Setting, e.Done, e.Total,
					(*e.Setting).Samples()))
			}
		}
		return entries[0].Run(t.Context(), o)
	}
	status := func() string {
		n, all, err := experiment.StatusOf(entries, file)
		text := fmt.Sprintln(n, err)
		for _, s := range all {
			text += fmt.Sprintln(s, s.Missing)
		}
		return text
	}
	// The first shard of two: ordered by seed, then with expensive settings first.
	if err := run(experiment.RunOptions{Profile: experiment.Standard, Shard: sweep.Shard{I: 0, N: 2}}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"dots", "size 2, seed 0: 1 of 2, 6 images",
		"size 2, seed 1: 2 of 2, 6 images"}; !slices.Equal(lines, want) {
		t.Errorf("%q, want %q", lines, want)
	}
	if want := "2 <nil>\none on dots, quick: 1 of 2, 1 missing [{size 1 [0]}]\n" +
		"one on dots, standard: 2 of 4, 2 missing [{size 1 [0 1]}]\n" +
		"one on dots, paper: 2 of 6, 4 missing [{size 1 [0 1 2]} {size 2 [2]}]\n"; status() != want {
		t.Errorf("got\n%swant\n%s", status(), want)
	}
	if err := run(experiment.RunOptions{Profile: experiment.Standard}); err != nil || len(lines) != 3 {
		t.Errorf("%q, %v", lines, err)
	}
	if want := "one on dots, quick: 2 of 2, complete for 2 seeds []\n" +
		"one on dots, standard: 4 of 4, complete for 2 seeds []\n"; !strings.Contains(status(), want) {
		t.Errorf("%s lacks\n%s", status(), want)
	}
	if err := run(experiment.RunOptions{Profile: "huge"}); err == nil || len(lines) != 0 {
		t.Errorf("a profile that is not there: %v, %q", err, lines)
	}
	if err := run(experiment.RunOptions{Profile: experiment.Quick, Seeds: -1}); err == nil || len(lines) != 0 {
		t.Errorf("-1 seeds: %v, %q", err, lines)
	}
}

// Results of an unrelated sweep are counted and otherwise ignored.
func TestStatusOfAnotherSweep(t *testing.T) {
	file := filepath.Join(t.TempDir(), "other.jsonl")
	do := func(context.Context, string) (int, error) { return 1, nil }
	other := sweep.Sweep[string, int]{Settings: []string{"a", "b"}, Do: do, File: file}
	if _, err := other.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, all, err := experiment.StatusOf(trials.Entries(), file); n != 2 || len(all) != 0 || err != nil {
		t.Errorf("%d results, %v, %v", n, all, err)
	}
}

// Long trainings keep checkpoints beside the results, in one folder per setting, which two sweeps share.
func TestCheckpointsBesideTheResults(t *testing.T) {
	long := trials
	long.Resume = true
	d, _ := long.Load("")
	dir := t.TempDir()
	settings := long.List(experiment.Quick)[0].Settings(d.Source())
	for _, name := range []string{"a.jsonl", "b.jsonl"} {
		if _, err := long.Sweep(settings, d, filepath.Join(dir, name)).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	made, _ := filepath.Glob(filepath.Join(dir, "checkpoints", "*"))
	want := experiment.CheckpointDir(filepath.Join(dir, "c.jsonl"), settings[0])
	if len(made) != 2 || !slices.Contains(made, want) {
		t.Errorf("folders %q, want two, one of them %s", made, want)
	}
}

// A custom grid: two cells, three seeds.
func Example() {
	grid := experiment.Grid[trial]{Name: "mine", Cells: []trial{{Size: 1}, {Size: 2}}, Seeds: 3}
	settings := grid.Settings(experiment.Source{Data: "MNIST", Checksum: "0123456789abcdef", Images: 60000})
	fmt.Println(len(settings), "settings, the last:", settings[5])
	// Output: 6 settings, the last: size 2, seed 2
}
