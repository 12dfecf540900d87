// SPDX-License-Identifier: Apache-2.0

package papers_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/papers"
	"github.com/lateral-ml/lateral/lib/papers/ninai17/clustering"
	"github.com/lateral-ml/lateral/lib/papers/ninai17/normalization"
	"github.com/lateral-ml/lateral/lib/papers/ninai17/pruning"
	"github.com/lateral-ml/lateral/lib/papers/ninai17/similarity"
	"github.com/lateral-ml/lateral/lib/papers/of96"
	"github.com/lateral-ml/lateral/lib/papers/thesis21"
	"github.com/lateral-ml/lateral/lib/papers/wta15"
	"github.com/lateral-ml/lateral/lib/prune"
	"github.com/lateral-ml/lateral/lib/sweep"
)

// Grid names are unique, every grid has settings at every profile, and its document is in the list of sources.
func TestGrids(t *testing.T) {
	sources, err := os.ReadFile("../doc.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, e := range papers.Grids() {
		if seen[e.Name] || e.Name == "" || e.About == "" ||
			!strings.Contains(string(sources), "\n//\t"+e.Document+" ") {
			t.Errorf("grid %q of %q, %q: seen before: %v", e.Name, e.Document, e.About, seen[e.Name])
		}
		seen[e.Name] = true
		if len(e.Data) == 0 {
			t.Errorf("%s: no data", e.Name)
		}
		last := 0
		for _, profile := range experiment.Profiles() {
			n, err := e.Size(profile, 0)
			if err != nil || n < last || n == 0 {
				t.Errorf("%s, %s: %d settings, %v; the profile before has %d", e.Name, profile, n, err, last)
			}
			last = n
		}
		if _, err := e.Size("huge", 0); err == nil || !strings.Contains(err.Error(), "quick, standard or paper") {
			t.Errorf("%s: a profile that is not there: %v", e.Name, err)
		}
	}
	_, err = papers.Lookup("fc9")
	for name := range seen {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("the error for an unknown grid does not name %s: %v", name, err)
		}
	}
}

// Grids say what their data are if no files are found.
func TestDefaultData(t *testing.T) {
	if testing.Short() {
		t.Skip("draws images and photographs")
	}
	t.Chdir(t.TempDir()) // outside of the module, whose cache may hold data
	for _, name := range []string{dataset.Env, dataset.ModuleEnv} {
		t.Setenv(name, "")
	}
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} {
		t.Setenv(name, t.TempDir())
	}
	type source struct {
		load  func(name string) (*experiment.Data, error)
		names []string
	}
	for document, s := range map[string]source{
		"thesis21":             {thesis21.Grids.Load, thesis21.Grids.Data},
		"of96":                 {of96.Grids.Load, of96.Grids.Data},
		"normalization images": {normalization.ImageGrids.Load, normalization.ImageGrids.Data},
		"normalization text":   {normalization.TextGrids.Load, normalization.TextGrids.Data},
		"normalization photos": {normalization.PhotoGrids.Load, normalization.PhotoGrids.Data},
	} {
		got, err := s.load("")
		if err != nil {
			t.Fatal(err)
		}
		want, err := s.load(s.names[len(s.names)-1])
		if err != nil || got.Source() != want.Source() {
			t.Errorf("%s: %v without files, %v of %q: %v", document, got.Source(), want.Source(), s.names, err)
		}
	}
}

// The grids of chapter 3 of the thesis and their numbers of networks at the thesis' own size.
func Example() {
	for _, e := range papers.Grids()[:3] {
		n, err := e.Size(experiment.Paper, 0)
		if err != nil {
			panic(err)
		}
		fmt.Println(e.Name, n)
	}
	// Output:
	// fc1 1600
	// fc2 1600
	// fc3 2100
}

// TestKnownResults checks that the results that the module has are of the settings and measurements of their grids as
// they are now: a field that was added or renamed leaves a file unreadable.
func TestKnownResults(t *testing.T) {
	const dir = "../../data/results/"
	read := map[string]func(file string) (int, error){
		"norm-images":         readable[normalization.ImageSetting, normalization.ImageMetrics],
		"norm-others":         readable[normalization.ImageSetting, normalization.ImageMetrics],
		"norm-lstm":           readable[normalization.TextSetting, normalization.TextMetrics],
		"clusters":            readable[clustering.Setting, clustering.Metrics],
		"norm-photos":         readable[normalization.PhotoSetting, normalization.PhotoMetrics],
		"norm-online":         readable[normalization.ImageSetting, normalization.ImageMetrics],
		"norm-rates":          readable[normalization.ImageSetting, normalization.ImageMetrics],
		"norm-rnn":            readable[normalization.TextSetting, normalization.TextMetrics],
		"prune-curve":         readable[pruning.Setting, pruning.Metrics],
		"prune-drmm":          readable[pruning.Setting, pruning.Metrics],
		"prune-drmm-other":    readable[pruning.Setting, pruning.Metrics],
		"prune-lenet":         readable[pruning.Setting, pruning.Metrics],
		"similarity":          readable[similarity.Setting, similarity.Metrics],
		"similarity-labels":   readable[similarity.Setting, similarity.Metrics],
		"similarity-omniglot": readable[similarity.Setting, similarity.Metrics],
		"similarity-phases":   readable[similarity.Setting, similarity.Metrics],
		"similarity-online":   readable[similarity.Setting, similarity.Metrics],
		"wta":                 readable[wta15.Setting, wta15.Metrics],
	}
	files, err := filepath.Glob(dir + "*.jsonl")
	if err != nil || len(files) != len(read) {
		t.Errorf("%d files in %s, want %d: %v", len(files), dir, len(read), err)
	}
	for name, count := range read {
		if n, err := count(dir + name + ".jsonl"); n == 0 || err != nil {
			t.Errorf("%s: %d results, %v", name, n, err)
		}
	}
}

// Smaller networks of table 10 have the rate with the fewest errors in images held out.
func TestChosenRates(t *testing.T) {
	const file = "../../data/results/norm-rates.jsonl"
	rows, err := sweep.ReadRows[normalization.ImageSetting, normalization.ImageMetrics](file)
	if err != nil {
		t.Fatal(err)
	}
	best, tried := map[normalization.Variant]normalization.ImageSetting{}, map[normalization.Variant]int{}
	least := map[normalization.Variant]float64{}
	for _, r := range rows {
		v := r.Setting.Variant
		if tried[v]++; tried[v] == 1 || r.Result.Error < least[v] {
			best[v], least[v] = r.Setting, r.Result.Error
		}
	}
	for _, v := range []normalization.Variant{normalization.Baseline, normalization.BN, normalization.DNStar} {
		got := normalization.SizedImages(normalization.Classified(v), experiment.Standard).Rate
		if tried[v] != 4 || got != best[v].Rate {
			t.Errorf("%s: rate %g, best of %d is %g", v, got, tried[v], best[v].Rate)
		}
	}
}

// The DRMM is pruned by the schedule with fewer errors, for each rule and seed.
func TestChosenSchedules(t *testing.T) {
	type network struct {
		score prune.Score
		seed  uint64
	}
	read := func(name string) map[network]float64 {
		rows, err := sweep.ReadRows[pruning.Setting, pruning.Metrics]("../../data/results/" + name + ".jsonl")
		if err != nil {
			t.Fatal(err)
		}
		errors := map[network]float64{}
		for _, r := range rows {
			if !r.Setting.Units {
				errors[network{r.Setting.Score, r.Setting.Seed}] = r.Result.Stages[0].Error
			}
		}
		return errors
	}
	chosen, others := read("prune-drmm"), read("prune-drmm-other")
	if len(chosen) != 4 || len(others) != 4 {
		t.Fatalf("%d and %d networks, want 4 and 4", len(chosen), len(others))
	}
	for n, e := range chosen {
		if e > others[n] {
			t.Errorf("%s, seed %d: error %g, and %g by the other schedule", n.score, n.seed, e, others[n])
		}
	}
}

func readable[S, M any](file string) (int, error) {
	rows, err := sweep.ReadRows[S, M](file)
	return len(rows), err
}
