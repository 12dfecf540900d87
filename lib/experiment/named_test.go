// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"math"
	"testing"

	"github.com/lateral-ml/lateral/data"
	"github.com/lateral-ml/lateral/lib/dataset"
)

// The number of training images that LoadSplit keeps: 50,000 of MNIST, with 10,000 for validation, as in [Thesis21,
// section 2.2.4] and [LCN15, figure 4]; the CIFAR sets have the same number for validation.
func TestShares(t *testing.T) {
	for name, images := range map[string][2]float64{
		"mnist": {60000, 50000}, "": {60000, 50000}, "cifar10": {50000, 40000}, "cifar100": {50000, 40000},
		"svhn": {73257, 61048}, "glyphs": {10000, 8333},
	} {
		found := false
		for _, n := range named {
			if n.name != name {
				continue
			}
			found = true
			if got := math.Round(n.share * images[0]); got != images[1] {
				t.Errorf("%q: %v of %v images are left, want %v", name, got, images[0], images[1])
			}
		}
		if !found {
			t.Errorf("there is no data set %q", name)
		}
	}
}

// The split of MNIST is the one behind all published results. The test needs its files.
func TestSplitOfMNIST(t *testing.T) {
	set, _ := data.Lookup("mnist")
	if _, found, err := dataset.Find(set, ""); err != nil || !found {
		t.Skip("the files of MNIST are not available")
	}
	d, err := LoadSplit("mnist")
	if err != nil {
		t.Fatal(err)
	}
	if d.Train.Len() != 50000 || d.Train.Sum != "1381a6dc5f634942a235221e8da0aafbbb2d41d15c3cc33d1a0233b81d639390" ||
		d.Valid.Sum != "18c65496b704192b5d0d37496748c0124f0e85cede669f1ab12fc26f1402eb1a" {
		t.Errorf("%d images with the sums %s and %s", d.Train.Len(), d.Train.Sum, d.Valid.Sum)
	}
}
