// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/lateral-ml/lateral/data"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// MNIST loads the 60,000 training and 10,000 test images of handwritten digits, [N, 1, 28, 28], pixels in [0, 1] from
// background to ink.
//
// It reads the four canonical files (train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte,
// t10k-labels-idx1-ubyte, plain or .gz, also spelled train-images.idx3-ubyte) from dir or its sub-folder mnist. If dir
// is empty, it searches $LATERAL_DATA and then the cache (see CacheDir). If neither has the files, it downloads them
// into the cache, with progress on standard error. It returns an error if the bytes are not MNIST's, by SHA-256; IDX
// reads other sets in the same format.
func MNIST(dir string) (train, test *Set, err error) {
	return likeMNIST("mnist", dir)
}

// likeMNIST loads a set of the manifest that consists of four files as MNIST does.
func likeMNIST(id, dir string) (train, test *Set, err error) {
	set := manifest(id)
	place, err := locate(set, dir)
	if err != nil {
		return nil, nil, err
	}
	return loadMNIST(set, place)
}

// locate finds the files of a set, and downloads missing ones unless a directory was named.
func locate(set data.Set, dir string) (Place, error) {
	place, found, err := Find(set, dir)
	switch {
	case err != nil:
		return Place{}, err
	case !found && set.Recipe != "":
		return Place{}, notOffered(set, dir)
	case !found && dir != "":
		return Place{}, fmt.Errorf("dataset: no file of %s in %s: run `%s`, or %s",
			set.Name, dir, Place{Dir: dir, given: true}.get(set), whatToPut(set, dir))
	case !found || set.Recipe == "" && place.Cache && len(place.Missing(set)) > 0:
		return Fetch(context.Background(), set, "", Lines(os.Stderr))
	}
	return place, nil
}

// Digits loads MNIST if its files are in $LATERAL_DATA or in the cache, and otherwise generates the embedded
// replacement, Glyphs, from the seed. It never downloads. If some files of MNIST are present but the set is incomplete
// or damaged, it returns the error of MNIST rather than falling back silently.
func Digits(seed uint64) (train, test *Set, err error) {
	set := mnist()
	place, found, err := Find(set, "")
	if err != nil {
		return nil, nil, err
	}
	if found {
		return loadMNIST(set, place)
	}
	train, test = Glyphs(seed)
	return train, test, nil
}

func mnist() data.Set { return manifest("mnist") }

// manifest returns a set of the manifest.
func manifest(id string) data.Set {
	set, ok := data.Lookup(id)
	if !ok {
		panic("dataset: the manifest lacks " + id)
	}
	return set
}

func loadMNIST(set data.Set, place Place) (train, test *Set, err error) {
	if err := place.complete(set); err != nil {
		return nil, nil, err
	}
	want := [2][]data.File{set.Files[0:2], set.Files[2:4]}
	if set.Files[0].SHA256 == "" { // the sums, or at least the sizes, are those of the files as they are
		if err := errors.Join(place.Check(set)...); err != nil {
			return nil, nil, place.damaged(set, err)
		}
		want = [2][]data.File{}
	}
	err = both(
		func() (err error) { train, err = readPair(place.Paths[0], place.Paths[1], want[0]); return },
		func() (err error) { test, err = readPair(place.Paths[2], place.Paths[3], want[1]); return },
	)
	if err != nil {
		return nil, nil, place.damaged(set, err)
	}
	for _, s := range []*Set{train, test} {
		s.Name = set.Name
		s.Source = fmt.Sprintf("%s from %s (%s + %s images)", set.Name, place.Label, group(int64(train.Len())),
			group(int64(test.Len())))
	}
	return train, test, nil
}

// IDX loads images and labels in MNIST's format of unsigned bytes, plain or gzip-compressed, such as Fashion-MNIST or a
// selection of MNIST: X [N, 1, H, W] in [0, 1]. The classes are the numbers from 0 to the largest label.
func IDX(images, labels string) (*Set, error) {
	s, err := readPair(images, labels, nil)
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	s.Name = strings.TrimSuffix(filepath.Base(images), ".gz")
	s.Source = fmt.Sprintf("%s and %s (%s images)", filepath.Base(images), filepath.Base(labels), group(int64(s.Len())))
	return s, nil
}

// readPair reads an image file and its label file and, unless want is nil, compares them with the manifest.
func readPair(imagePath, labelPath string, want []data.File) (*Set, error) {
	var images, labels *idx
	limits := [2]int64{maxUnpacked, maxUnpacked}
	if want != nil {
		limits = [2]int64{want[0].Size, want[1].Size}
	}
	err := both(
		func() (err error) { images, err = readIDX(imagePath, imageRank, limits[0]); return },
		func() (err error) { labels, err = readIDX(labelPath, labelRank, limits[1]); return },
	)
	if err != nil {
		return nil, err
	}
	n, h, w := images.dims[0], images.dims[1], images.dims[2]
	if n != labels.dims[0] {
		return nil, fmt.Errorf("%s has %s images and %s has %s labels: they do not belong together",
			imagePath, group(int64(n)), labelPath, group(int64(labels.dims[0])))
	}
	if len(images.values) == 0 {
		return nil, fmt.Errorf("%s holds no image: its dimensions are %s", imagePath, times(images.dims))
	}

	s := &Set{Y: make([]int, n)}
	err = both(
		func() (err error) { s.Sum, err = checkSums(images, labels, imagePath, labelPath, want); return },
		func() error { s.X = tensor.New(n, 1, h, w); unitRange(s.X.Data(), images.values); return nil },
	)
	if err != nil {
		return nil, err
	}
	for i, v := range labels.values {
		s.Y[i] = int(v)
	}
	s.Classes = numbers(slices.Max(s.Y) + 1)
	return s, nil
}

// both runs two functions concurrently and returns the errors of both, those of f first.
func both(f, g func() error) error {
	result := make(chan error)
	go func() { result <- f() }()
	err := g()
	return errors.Join(<-result, err)
}

// checkSums returns the SHA-256 over the bytes of both files and compares the sum of each file with the manifest, if
// given.
func checkSums(images, labels *idx, imagePath, labelPath string, want []data.File) (string, error) {
	h := sha256.New()
	h.Write(images.raw)
	imageSum := hexSum(h)
	h.Write(labels.raw)
	if want == nil {
		return hexSum(h), nil
	}
	labelSum := sha256.Sum256(labels.raw)
	for i, sum := range []string{imageSum, hex.EncodeToString(labelSum[:])} {
		if sum != want[i].SHA256 {
			return "", fmt.Errorf("%s %w", []string{imagePath, labelPath}[i], &sumError{want[i].Name, sum, want[i].SHA256})
		}
	}
	return hexSum(h), nil
}

// A sumError reports that a file differs from the manifest. It continues a sentence that begins with the file's path.
type sumError struct{ name, sum, want string }

func (e *sumError) Error() string {
	of := "its uncompressed bytes"
	if strings.HasSuffix(e.name, ".gz") { // an archive, hashed as it is
		of = "its bytes"
	}
	return fmt.Sprintf("is not the original %s: SHA-256 of %s is %s, want %s: it is damaged or belongs to another data "+
		"set with the same file names", e.name, of, e.sum, e.want)
}

func hexSum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// unit[b] is b / 255.
var unit = func() (t [256]float32) {
	for b := range t {
		t[b] = float32(b) / 255
	}
	return t
}()

// unitRange sets x[i] = b[i] / 255 on all processors. Most of the time goes into page faults of fresh memory.
func unitRange(x []float32, b []byte) {
	var workers sync.WaitGroup
	for chunk := range slices.Chunk(b, len(b)/runtime.GOMAXPROCS(0)+1) {
		part := x[:len(chunk)]
		x = x[len(chunk):]
		workers.Go(func() {
			for i, v := range chunk {
				part[i] = unit[v]
			}
		})
	}
	workers.Wait()
}

// numbers returns the class names "0" to n-1.
func numbers(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	return names
}

// notOffered is the error for a set without mirrors that was not found in dir or, if dir is empty, in any place.
func notOffered(set data.Set, dir string) error {
	where, elsewhere := "in "+dir, ""
	if dir == "" {
		where, elsewhere = "anywhere", fmt.Sprintf("\nor into a directory that $%s names", Env)
		if cache, _, err := CacheDir(); err == nil {
			dir = filepath.Join(cache, set.ID)
		}
	}
	return fmt.Errorf("dataset: no file of %s %s, and nobody offers it for download: %s; then %s%s",
		set.Name, where, set.Recipe, whatToPut(set, dir), elsewhere)
}

// whatToPut lists the files (all if none is named) to put into a directory.
func whatToPut(set data.Set, dir string, names ...string) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "put these files into %s", dir)
	if a := set.Archive; a != nil {
		fmt.Fprintf(&b, "\n  %s as it is (%s bytes), or from its folder %s", a.Name, group(a.Size), a.Folder)
	}
	for _, f := range set.Files {
		switch {
		case len(names) > 0 && !slices.Contains(names, f.Name):
		case set.Plain:
			fmt.Fprintf(&b, "\n  %s (%s bytes)", f.Name, group(f.Size))
		default:
			fmt.Fprintf(&b, "\n  %s.gz, or %s (%s bytes)", f.Name, f.Name, group(f.Size))
		}
	}
	return b.String()
}
