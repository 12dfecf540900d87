// SPDX-License-Identifier: Apache-2.0

package of96

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/dataset/synth"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/internal/race"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// small are three little images of leaves, whitened, one for each use.
var small = func() *experiment.Data {
	x, err := dataset.WhitenSpectrum(synth.Leaves(3, 64, 1, "of96"), dataset.OlshausenCutoff, dataset.OlshausenVariance)
	if err != nil {
		panic(err)
	}
	all := &dataset.Set{Name: "few leaves", X: x, Sum: "sum"}
	return &experiment.Data{Train: all.Slice(0, 1), Valid: all.Slice(1, 2), Test: all.Slice(2, 3)}
}()

// tiny returns a setting of a cost that takes a moment.
func tiny(cost string) Setting {
	s := Photographs(cost).On(small)
	s.Lambda /= 4 // patches are small, too
	s.Size, s.Atoms, s.Patches, s.Epochs, s.Batch = 6, 50, 600, 2, 100
	return s
}

func Example() {
	d := small // or experiment.LoadScenes("")
	s := Photographs(L0).On(d)
	s.Size, s.Atoms, s.Patches, s.Epochs, s.Batch = 6, 50, 600, 2, 100
	r, err := Train(context.Background(), s, d, experiment.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	loss := r.History.TrainSeries("loss")
	fmt.Println(s)
	fmt.Println("the objective falls:", loss[1] < loss[0], "with atoms", r.Dictionary.Atoms().Shape())
	// Output:
	// l0, 50 atoms of 6x6, lambda 0.3, seed 0
	// the objective falls: true with atoms [50 6 6]
}

// Every cost learns: the held-out objective is below that of the random atoms, and the measurements are in range.
func TestTrain(t *testing.T) {
	for _, cost := range Costs() {
		s := tiny(cost)
		r, err := Train(t.Context(), s, small, experiment.Options{})
		if err != nil {
			t.Fatal(err)
		}
		test, err := s.PatchesOf(small.Test, held, 0)
		if err != nil {
			t.Fatal(err)
		}
		before, err := Measure(s.Encoder(1), s.Dictionary(), test.Tensor(0, held))
		if err != nil {
			t.Fatal(err)
		}
		m := r.Metrics
		if !(m.Objective < before.Objective) || len(m.Gabors) != 50 || !(m.Error > 0 && m.Error < 1) ||
			!(m.Gini > 0 && m.Gini < 1) || !(m.Active >= 1 && m.Active <= 50) || !(m.Kurtosis > 0) {
			n := len(m.Gabors)
			m.Gabors = nil
			t.Errorf("%s: objective %v after and %v before; %d Gabors, %+v", cost, m.Objective, before.Objective, n, m)
		}
		if all, none := m.Share(math.Inf(-1)), m.Share(1); all != 1 || none != 0 {
			t.Errorf("shares of Gabors %v and %v", all, none)
		}
		if last := r.History.ValidSeries("loss"); len(last) != 2 {
			t.Errorf("%s: %d epochs", cost, len(last))
		}
	}
}

// With the settings of the smallest profile, each cost learns Gabors from leaves: localised, oriented, band-pass atoms.
func TestGabors(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("takes some seconds")
	}
	d, err := experiment.LoadScenes("leaves")
	if err != nil {
		t.Fatal(err)
	}
	for _, cost := range Costs() {
		s := Sized(Photographs(cost), experiment.Quick).On(d)
		r, err := Train(t.Context(), s, d, experiment.Options{})
		if err != nil {
			t.Fatal(err)
		}
		before, err := Measure(s.Encoder(0), s.Dictionary(), r.Dictionary.Reconstruct(tensor.New(1, s.Atoms)))
		if err != nil {
			t.Fatal(err)
		}
		if share := r.Metrics.Share(0.7); share < 0.8 || before.Share(0.7) > 0.1 {
			t.Errorf("%s: %.2f of the atoms are Gabors, %.2f of the random ones were", cost, share, before.Share(0.7))
		}
		local, band := 0, 0
		fits := r.Metrics.Fitted(0.7)
		for _, g := range fits {
			if min(g.Width, g.Length) < float64(s.Size)/4 {
				local++
			}
			if b := g.Bandwidth(); b < 4 {
				band++
			}
		}
		if 10*local < 9*len(fits) || 2*band < len(fits) {
			t.Errorf("%s: of %d Gabors, %d are local and %d have a band below 4 octaves", cost, len(fits), local, band)
		}
		t.Logf("%s: %d of %d atoms are Gabors, %d local, %d with a band", cost, len(fits), s.Atoms, local, band)
	}
}

// A run that was stopped resumes and ends with the same dictionary, which comes back from its files.
func TestResume(t *testing.T) {
	s := tiny(Abs)
	want, err := Train(t.Context(), s, small, experiment.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	_, err = Train(ctx, s, small, experiment.Options{Dir: dir, OnStep: func(e *train.Event) {
		if e.Step == 7 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("the error is %v", err)
	}
	got, err := Train(t.Context(), s, small, experiment.Options{Dir: dir, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Dictionary.Atoms().Data(), want.Dictionary.Atoms().Data()) {
		t.Error("the run that was stopped learnt another dictionary")
	}
	files := t.TempDir()
	if err := got.Save(files); err != nil {
		t.Fatal(err)
	}
	var back Result
	if err := back.Load(files); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(back.Dictionary.Atoms().Data(), want.Dictionary.Atoms().Data()) ||
		!reflect.DeepEqual(back.Setting, s) || !reflect.DeepEqual(back.Metrics, want.Metrics) ||
		len(back.History.Epochs) != 2 {
		t.Errorf("came back as %+v", back)
	}

	// A dictionary of another size, and a damaged record, are refused.
	other := tiny(Abs)
	other.Size = 5
	if err := other.Dictionary().Save(filepath.Join(files, atomsFile)); err != nil {
		t.Fatal(err)
	}
	if err := back.Load(files); err == nil || !strings.Contains(err.Error(), "atoms of 5x5 pixels, want 6x6") {
		t.Errorf("a dictionary of another size: %v", err)
	}
	if err := os.WriteFile(filepath.Join(files, recordFile), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := back.Load(files); err == nil || !strings.Contains(err.Error(), recordFile) {
		t.Errorf("a damaged record: %v", err)
	}
}

// The settings of every grid are valid, and those of the document's size have its patches.
func TestSettings(t *testing.T) {
	for _, profile := range experiment.Profiles() {
		for _, g := range grids(profile) {
			for _, s := range g.Cells {
				if err := s.Check(); err != nil {
					t.Errorf("%s, %s: %v", g.Name, profile, err)
				}
				if profile == experiment.Paper && s.Size != 16 {
					t.Errorf("%s: %v", g.Name, s)
				}
			}
		}
	}
	bad := Setting{Cost: "l2", Size: 2, Lambda: -1, Sigma: 1}
	err := bad.Check()
	for _, want := range []string{`Cost is "l2": want exp, log, abs or l0`, "Size is 2: want at least 4",
		"Atoms is 0: want at least 1", "Lambda is -1: want a number > 0", "Sigma is 1: want 0", "Patches is 0",
		"Epochs is 0", "Batch is 0", "Rate is 0"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
	if _, err := Train(t.Context(), bad, small, experiment.Options{}); err == nil {
		t.Error("an invalid setting was trained")
	}
	large := tiny(Abs)
	large.Size = 60
	if _, err := Train(t.Context(), large, small, experiment.Options{}); err == nil ||
		!strings.Contains(err.Error(), "patches of 60x60 pixels, 4 off the edge, do not fit into images [1 1 64 64]") {
		t.Errorf("patches larger than the images: %v", err)
	}
	other := tiny(Abs)
	other.Checksum = "0"
	if _, err := Train(t.Context(), other, small, experiment.Options{}); err == nil ||
		!strings.Contains(err.Error(), "adapt it with its method On") {
		t.Errorf("other images: %v", err)
	}
	poor := *small
	poor.Train = &dataset.Set{Name: poor.Train.Name, Sum: poor.Train.Sum, X: poor.Train.X.Clone()}
	poor.Train.X.Set(float32(math.NaN()), 0, 0, 5, 7)
	if _, err := Train(t.Context(), tiny(Abs), &poor, experiment.Options{}); err == nil ||
		!strings.Contains(err.Error(), "image 0: the pixel in row 5, column 7 is NaN") {
		t.Errorf("a pixel that is no number: %v", err)
	}
}

// A patch made of two atoms is explained by them: what a small lambda leaves is in proportion to it.
func TestMeasure(t *testing.T) {
	s := tiny(Abs)
	s.Lambda = 1e-3
	d := s.Dictionary()
	x := d.Reconstruct(tensor.From(append(make([]float32, 48), 3, -1), 1, 50))
	m, err := Measure(s.Encoder(1), d, x)
	if err != nil {
		t.Fatal(err)
	}
	if !(m.Error < 1e-4) || !(m.Active >= 2) || !(m.Objective < 0.0041 && m.Objective > 0) {
		t.Errorf("%+v", m)
	}
}
