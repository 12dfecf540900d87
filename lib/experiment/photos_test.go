// SPDX-License-Identifier: Apache-2.0

package experiment_test

import (
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/dataset"
	. "github.com/lateral-ml/lateral/lib/experiment"
)

// Without files the photographs are leaves; their source depends on the pixels. Nothing else is loaded in silence.
func TestLoadPhotos(t *testing.T) {
	t.Setenv(dataset.Env, t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	d, err := LoadPhotos("leaves")
	if err != nil {
		t.Fatal(err)
	}
	src := d.Source()
	if d.Name() != "leaves" || src.Images != 100 || len(src.Checksum) != 16 ||
		!strings.Contains(d.About(), "dead leaves") || len(d.Photos.Test) != 1 || len(d.Photos.Test[0].Photos) != 20 {
		t.Errorf("%v, %q", src, d.About())
	}
	const want = "the setting is for no data, but the data are 100 samples of leaves"
	if err := d.Check(Source{}); err == nil || !strings.Contains(err.Error(), want) {
		t.Error(err)
	}
	if _, err := LoadPhotos("urban100"); err == nil || !strings.Contains(err.Error(), "use bsds500 or leaves") {
		t.Errorf("an unknown name: %v", err)
	}
	if _, err := LoadPhotos("bsds500"); err == nil || !strings.Contains(err.Error(), "bsds500") &&
		!strings.Contains(err.Error(), "BSDS500") {
		t.Errorf("missing files: %v", err)
	}
}

// A text is data too: its source counts words.
func TestTextAsData(t *testing.T) {
	c := dataset.Sentences(1)
	d := &Data{Text: c}
	if s := d.Source(); s.Data != "Sentences" || s.Images != len(c.Train.Tokens) || s.Checksum != c.Sum[:16] ||
		d.About() != c.Source || d.Check(s) != nil {
		t.Errorf("%v, %q", s, d.About())
	}
}
