// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// haveOmniglot skips a test without the archives.
func haveOmniglot(t *testing.T) {
	t.Helper()
	if _, err := OmniglotRuns(""); errors.Is(err, fs.ErrNotExist) {
		t.Skip("Omniglot is neither in $LATERAL_DATA nor in data/cache")
	}
}

func TestOmniglotSmall(t *testing.T) {
	haveOmniglot(t)
	for number, want := range map[int][2]int{1: {2720, 136}, 2: {3120, 156}} {
		s, err := OmniglotSmall("", number)
		if err != nil {
			t.Fatal(err)
		}
		if place, _, _ := Find(manifest("omniglot"), ""); s.Source != "Omniglot from "+place.Label {
			t.Errorf("source %q", s.Source)
		}
		if s.Len() != want[0] || len(s.Classes) != want[1] || len(s.Sum) != 64 {
			t.Errorf("small %d: %d images of %d characters", number, s.Len(), len(s.Classes))
		}
		for c, m := range s.members() {
			if len(m) != 20 {
				t.Errorf("small %d: %s has %d images", number, s.Classes[c], len(m))
			}
		}
		ink := 0.0
		for _, v := range s.X.Data() {
			if v != 0 && v != 1 {
				t.Fatalf("pixel %g", v)
			}
			ink += float64(v)
		}
		if share := ink / float64(s.X.Len()); !(share > 0.02 && share < 0.12) {
			t.Errorf("small %d: %.3f of the pixels are ink", number, share)
		}
	}
}

// The classifier of the data set's makers, by the modified Hausdorff distance of the inked pixels, gets 38.8 % wrong,
// as they say of theirs: images, runs and answers are read right.
func TestOmniglotRuns(t *testing.T) {
	haveOmniglot(t)
	if testing.Short() {
		t.Skip("compares 8000 pairs of images")
	}
	runs, err := OmniglotRuns("")
	if err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for _, r := range runs {
		trains := make([][][2]float32, r.Train.Rows())
		for i := range trains {
			trains[i] = inked(r.Train.Row(i))
		}
		for i := range r.Test.Rows() {
			test, best, nearest := inked(r.Test.Row(i)), -1, math.Inf(1)
			for j, train := range trains {
				if d := hausdorff(test, train); d < nearest {
					best, nearest = j, d
				}
			}
			if best != r.Answer[i] {
				wrong++
			}
		}
	}
	if share := float64(wrong) / 400; len(runs) != 20 || math.Abs(share-0.388) > 0.0026 {
		t.Errorf("%d runs, error %.4f, want 0.388", len(runs), share)
	}
}

// inked returns the places of the ink from their mean.
func inked(pixels []float32) (list [][2]float32) {
	var mx, my float32
	for i, v := range pixels {
		if v > 0 {
			x, y := float32(i%strokes), float32(i/strokes)
			list, mx, my = append(list, [2]float32{x, y}), mx+x, my+y
		}
	}
	for i := range list {
		list[i][0] -= mx / float32(len(list))
		list[i][1] -= my / float32(len(list))
	}
	return list
}

// hausdorff returns the modified Hausdorff distance: the larger of the mean distances from the points of one set to the
// nearest of the other.
func hausdorff(a, b [][2]float32) float64 {
	const far = math.MaxFloat32
	var fromA, fromB float64
	nearest := slices.Repeat([]float32{far}, len(b)) // squares of distances
	for _, p := range a {
		best := float32(far)
		for j, q := range b {
			dx, dy := p[0]-q[0], p[1]-q[1]
			d := dx*dx + dy*dy
			best, nearest[j] = min(best, d), min(nearest[j], d)
		}
		fromA += math.Sqrt(float64(best)) / float64(len(a))
	}
	for _, d := range nearest {
		fromB += math.Sqrt(float64(d)) / float64(len(b))
	}
	return max(fromA, fromB)
}

func TestOmniglotErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := OmniglotRuns(dir); err == nil || !errors.Is(err, fs.ErrNotExist) ||
		!strings.Contains(err.Error(), "no all_runs.zip in "+dir+": copy the named files from the folder python of") {
		t.Errorf("nothing there: %v", err)
	}
	name := filepath.Join(dir, "images_background_small1.zip")
	if err := os.WriteFile(name, []byte("PK"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OmniglotSmall(dir, 1); err == nil || !strings.Contains(err.Error(), name) ||
		!strings.Contains(err.Error(), "replace the named file with a good copy") {
		t.Errorf("truncated: %v", err)
	}
	if _, err := OmniglotSmall(dir, 2); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the other is missing: %v", err)
	}
}
