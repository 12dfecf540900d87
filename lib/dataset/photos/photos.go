// SPDX-License-Identifier: Apache-2.0

// Package photos reads labelled photographs from a folder with one sub-folder for each class:
//
//	photos/cat/1.jpg   photos/cat/2.png   photos/dog/rex.webp
//
// PNG, JPEG, GIF, BMP and WebP files are read, whatever their size, as images [N, C, H, W] of one size with values from
// 0 to 1. A [Folder] need not fit into memory: [Folder.Stream] reads batches while a network trains, on all cores.
// [Folder.Load] reads everything at once.
package photos

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Config is the form that photographs are brought to. The zero value means 32 x 32 pixels in colour. The JSON of a
// Config is saved with a model.
type Config struct {
	Height int  `json:"height"` // of the images; 0 means 32
	Width  int  `json:"width"`  // 0 means 32
	Grey   bool `json:"grey"`   // one channel, the brightness, instead of red, green and blue

	// Whole squeezes the whole photograph into the image. Otherwise the largest centred part of the right proportions is
	// used.
	Whole bool `json:"whole"`
}

// Channels returns 1 or 3.
func (c Config) Channels() int {
	if c.Grey {
		return 1
	}
	return 3
}

func (c Config) withDefaults() Config {
	c.Height, c.Width = cmp.Or(c.Height, 32), cmp.Or(c.Width, 32)
	return c
}

// A Folder is a list of photographs with their classes.
type Folder struct {
	Config
	Root    string
	Classes []string // names of the sub-folders, sorted
	Files   []string // paths from Root
	Y       []int    // class of each file
}

var endings = []string{".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp"}

// Open lists the photographs of a folder and its sub-folders, sorted by class and name. Hidden files are ignored, and
// files with other endings too, such as texts. It reads the header of every photograph; the error names the files that
// are no photographs, up to ten of them. It is an error if a folder cannot be read, if there is no sub-folder with a
// photograph, or if a sub-folder is empty.
func Open(root string, c Config) (*Folder, error) {
	c = c.withDefaults()
	if c.Height < 1 || c.Width < 1 {
		return nil, fmt.Errorf("photos: images of %d x %d pixels: want at least 1 x 1", c.Height, c.Width)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("photos: %w: name a folder with one sub-folder for each class", err)
	}
	f := &Folder{Config: c, Root: root}
	for _, e := range entries {
		if !isFolder(root, e) || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		n := len(f.Files)
		if err := f.list(e.Name(), len(f.Classes)); err != nil {
			return nil, err
		}
		if len(f.Files) == n {
			return nil, fmt.Errorf("photos: %s contains no photograph: put PNG, JPEG, GIF, BMP or WebP files there, or "+
				"remove it", filepath.Join(root, e.Name()))
		}
		f.Classes = append(f.Classes, e.Name())
	}
	if len(f.Files) == 0 {
		return nil, fmt.Errorf("photos: %s contains no photographs in sub-folders: make one sub-folder for each class, such "+
			"as %s", root, filepath.Join(root, "cat", "1.jpg"))
	}
	isClass := func(name string) bool { return !slices.Contains(splits, strings.ToLower(name)) }
	if len(f.Classes) > 1 && !slices.ContainsFunc(f.Classes, isClass) {
		return nil, fmt.Errorf("photos: the sub-folders of %s are %q, which are parts of a set rather than classes: "+
			"open them one by one, the others with the classes of the first (WithClasses)", root, f.Classes)
	}
	return f, f.check()
}

// splits are the usual names of the parts of a set.
var splits = []string{"train", "training", "valid", "validation", "val", "test", "testing"}

// isFolder reports whether an entry is a folder or a link to one.
func isFolder(root string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.IsDir()
	}
	info, err := os.Stat(filepath.Join(root, e.Name()))
	return err == nil && info.IsDir()
}

// list adds the photographs below a folder.
func (f *Folder) list(folder string, class int) error {
	top := filepath.Join(f.Root, folder)
	if real, err := filepath.EvalSymlinks(top); err == nil {
		top = real // WalkDir does not follow a link
	}
	return filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("photos: %w", err)
		case d.IsDir() || strings.HasPrefix(d.Name(), "."):
		case slices.Contains(endings, strings.ToLower(filepath.Ext(path))):
			below, err := filepath.Rel(top, path)
			if err != nil {
				return fmt.Errorf("photos: %w", err)
			}
			f.Files, f.Y = append(f.Files, filepath.Join(folder, below)), append(f.Y, class)
		}
		return nil
	})
}

// check reads the headers of all files.
func (f *Folder) check() error {
	const most = 10
	problems := make([]error, len(f.Files))
	each(len(f.Files), func(i int) { problems[i] = checkHeader(f.path(i)) })
	problems = slices.DeleteFunc(problems, func(err error) bool { return err == nil })
	if n := len(problems); n > most {
		problems = append(problems[:most], fmt.Errorf("photos: and %d more", n-most))
	}
	return errors.Join(problems...)
}

// each calls do for 0 to n-1 on all cores.
func each(n int, do func(i int)) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				do(int(i))
			}
		})
	}
	workers.Wait()
}

func (f *Folder) path(i int) string { return filepath.Join(f.Root, f.Files[i]) }

// Len returns the number of photographs.
func (f *Folder) Len() int { return len(f.Files) }

// Read implements [dataset.Reader]: it puts the photographs idx into b.X [len(idx), C, H, W] and their classes into
// b.Y, on all cores. The error names a file that cannot be read.
func (f *Folder) Read(b *dataset.Batch, idx []int) error {
	b.X.Resize(len(idx), f.Channels(), f.Height, f.Width)
	b.Y = slices.Grow(b.Y[:0], len(idx))[:len(idx)]
	errs := make([]error, len(idx))
	each(len(idx), func(k int) {
		b.Y[k] = f.Y[idx[k]]
		errs[k] = f.Config.read(b.X.Row(k), f.path(idx[k]))
	})
	return errors.Join(errs...)
}

// Read returns one photograph as an image [1, C, H, W].
func (c Config) Read(path string) (*tensor.Tensor, error) {
	c = c.withDefaults()
	x := tensor.New(1, c.Channels(), c.Height, c.Width)
	return x, c.read(x.Row(0), path)
}

// Stream returns the photographs as data that is read while it is used.
func (f *Folder) Stream() *dataset.Stream { return dataset.NewStream(f) }

// Load reads all photographs.
func (f *Folder) Load() (*dataset.Set, error) {
	var b dataset.Batch
	all := make([]int, f.Len())
	for i := range all {
		all[i] = i
	}
	if err := f.Read(&b, all); err != nil {
		return nil, err
	}
	return &dataset.Set{
		Name: filepath.Base(f.Root), X: &b.X, Y: b.Y, Classes: f.Classes, Sum: f.Fingerprint(),
		Source: fmt.Sprintf("%d photographs of %s", f.Len(), filepath.Base(f.Root)),
	}, nil
}

// Fingerprint identifies the photographs by the names, sizes and times of their files and by the form they are brought
// to, because reading all of them takes long.
func (f *Folder) Fingerprint() string {
	h := sha256.New()
	fmt.Fprintln(h, f.Height, f.Width, f.Grey, f.Whole, f.Classes)
	for i, name := range f.Files {
		fmt.Fprintln(h, filepath.ToSlash(name), f.Y[i])
		if info, err := os.Stat(f.path(i)); err == nil {
			fmt.Fprintln(h, info.Size(), info.ModTime().UnixNano())
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Subset returns a folder of the photographs idx, in that order. It panics if there is no such photograph.
func (f *Folder) Subset(idx []int) *Folder {
	s := *f
	s.Files, s.Y = make([]string, len(idx)), make([]int, len(idx))
	for k, i := range idx {
		s.Files[k], s.Y[k] = f.Files[i], f.Y[i]
	}
	return &s
}

// WithClasses returns the folder with the classes of another, such as that of the training photographs. It is an error
// if the folder has a class that is not among them.
func (f *Folder) WithClasses(classes []string) (*Folder, error) {
	s := f.Subset(nil)
	s.Classes = classes
	for i, y := range f.Y {
		class := slices.Index(classes, f.Classes[y])
		if class < 0 {
			return nil, fmt.Errorf("photos: %s: there is no class %q among %q: rename or remove the folder",
				f.path(i), f.Classes[y], classes)
		}
		s.Files, s.Y = append(s.Files, f.Files[i]), append(s.Y, class)
	}
	return s, nil
}
