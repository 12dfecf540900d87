// SPDX-License-Identifier: Apache-2.0

package superres

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/data"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/dataset/synth"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// named lists the folders of photographs that [Load] knows: a folder below superres, one of its files, and the number
// of its photographs.
var named = []struct {
	name, about, folder, file string
	photos                    int
}{
	{"set5", "Set5", "Set5", "butterfly.png", 5},
	{"set14", "Set14, in colour", "Set14_colour", "bridge.bmp", 14},
	{"bsds500-train", "the training images of BSDS500", "BSDS500/train", "100075.jpg", 200},
	{"bsds500-test", "the test images of BSDS500", "BSDS500/test", "100007.jpg", 200},
}

// Names returns the names that [Load] accepts.
func Names() []string {
	names := []string{"leaves-train", "leaves-test"}
	for _, n := range named {
		names = append(names, n.name)
	}
	return names
}

// Load returns photographs by name:
//
//	leaves-train, leaves-test     the embedded default, 100 and 20 images made by [Leaves]
//	set5, set14                   Set5 and Set14, the test sets of most papers (table 12 uses set14)
//	bsds500-train, bsds500-test   200 photographs each; bsds500-test is "BSD200" of table 13
//
// The folders superres/Set5, superres/Set14_colour, superres/BSDS500/train and superres/BSDS500/test are searched in
// $LATERAL_DATA and in the cache (see [dataset.CacheDir]). Nothing is downloaded: the licences of these photographs
// allow research only. Load returns an error if the name is unknown, the folder is missing or lacks photographs, or one
// of them is damaged.
func Load(name string) ([]Photo, error) {
	switch name {
	case "leaves-train":
		return Leaves(100, 160, 1, "train"), nil
	case "leaves-test":
		return Leaves(20, 160, 1, "test"), nil
	}
	for _, n := range named {
		if n.name != name {
			continue
		}
		folder := filepath.Join("superres", filepath.FromSlash(n.folder))
		place, found, err := dataset.Find(data.Set{ID: folder, Name: n.about, Files: []data.File{{Name: n.file}}}, "")
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, fmt.Errorf("superres: Load: no folder %s with %s in $%s or the cache: put %s there, or use "+
				"leaves-train and leaves-test, which need no files (%w)", folder, n.file, dataset.Env, n.about, fs.ErrNotExist)
		}
		photos, err := Folder(place.Dir)
		if err == nil && len(photos) != n.photos {
			err = fmt.Errorf("superres: Load: %s has %d photographs, but %s are %d: copy the others", place.Dir, len(photos),
				n.about, n.photos)
		}
		return photos, err
	}
	return nil, fmt.Errorf("superres: Load: there are no photographs %q: use one of %s", name, strings.Join(Names(), ", "))
}

// Leaves makes n photographs of side x side pixels of dead leaves, which have natural second-order statistics; see
// [synth.Leaves]. The streams "train" and "test" give different images. It panics as synth.Leaves does.
func Leaves(n, side int, seed uint64, stream string) []Photo {
	x := synth.Leaves(n, side, seed, stream)
	photos := make([]Photo, n)
	for i := range photos {
		levels := slices.Clone(x.Row(i))
		for p, v := range levels {
			levels[p] = 255 * v
		}
		photos[i] = Photo{fmt.Sprintf("leaves %d", i+1), Levels(tensor.From(levels, side, side))}
	}
	return photos
}
