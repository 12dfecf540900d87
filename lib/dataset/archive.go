// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/lateral-ml/lateral/data"
)

// Check reads the files of a set in the place where they were found and compares the sizes and SHA-256 of their
// uncompressed bytes with the manifest. It returns one error, or nil, for each file. The error for a file that was not
// found wraps fs.ErrNotExist.
func (p Place) Check(set data.Set) []error {
	result := make([]error, len(set.Files))
	for i, f := range set.Files {
		result[i] = fmt.Errorf("%s is not in %s (%w)", f.Name, p.Dir, fs.ErrNotExist)
	}
	err := p.each(set, func(i int, r io.Reader) error {
		result[i] = copyChecked(io.Discard, r, set.Files[i])
		if result[i] != nil {
			result[i] = fmt.Errorf("%s %w", p.Paths[i], result[i])
		}
		return nil
	})
	if err != nil { // the archive is damaged, or a file cannot be opened
		for i := range result {
			if result[i] != nil {
				result[i] = err
			}
		}
	}
	return result
}

// each calls use with the content of every file that was found, compressed or not, in the order of the manifest or, for
// an archive, in the archive's order. Errors name the file; those of use are returned unchanged.
func (p Place) each(set data.Set, use func(i int, r io.Reader) error) error {
	if p.Archive != "" {
		f, err := os.Open(p.Archive)
		if err != nil {
			return err
		}
		defer f.Close()
		return unpack(f, p.Archive, set, use)
	}
	for i, path := range p.Paths {
		if path == "" {
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		err = use(i, f)
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// unpack reads an archive and calls use with the content of each of the set's files, in whichever folder of the archive
// it is. Each file must be there exactly once. Errors begin with the archive's name; those of use are returned
// unchanged.
func unpack(archive io.Reader, name string, set data.Set, use func(i int, r io.Reader) error) error {
	z, err := gunzip(bufio.NewReaderSize(archive, 1<<16))
	if err != nil {
		return fmt.Errorf("%s is damaged: its gzip header cannot be read (%w)", name, err)
	}
	seen := make([]bool, len(set.Files))
	for entries := tar.NewReader(z); ; {
		h, err := entries.Next()
		switch {
		case err == io.EOF:
			if at := slices.Index(seen, false); at >= 0 {
				return fmt.Errorf("%s lacks %s: it is another archive or incomplete", name, set.Files[at].Name)
			}
			return nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return fmt.Errorf("%s is truncated: it ends within its entries", name)
		case err != nil:
			return fmt.Errorf("%s is damaged: %w", name, err)
		}
		i := slices.IndexFunc(set.Files, func(f data.File) bool { return f.Name == path.Base(h.Name) })
		if i < 0 || h.Typeflag != tar.TypeReg {
			continue
		}
		if seen[i] {
			return fmt.Errorf("%s holds %s twice", name, set.Files[i].Name)
		}
		seen[i] = true
		if err := use(i, entries); err != nil {
			return err
		}
	}
}

// archived makes sure that a place has all files of a set undamaged, and otherwise downloads their archive.
func (d *download) archived(ctx context.Context, place Place) (Place, error) {
	if !slices.ContainsFunc(place.Check(d.set), func(err error) bool { return err != nil }) {
		return place, nil
	}
	a := d.set.Archive
	part := filepath.Join(place.Dir, a.Name+".part")
	err := d.fetch(ctx, a.Name, a.Size, part, func() error { return d.installArchive(part, place.Dir) })
	if err != nil {
		return Place{}, err
	}
	place.Archive = ""
	for i, f := range d.set.Files {
		place.Paths[i] = filepath.Join(place.Dir, f.Name)
	}
	return place, nil
}

// installArchive checks a downloaded archive and stores its files. It removes the download in either case.
func (d *download) installArchive(part, dir string) error {
	defer os.Remove(part)
	in, err := os.Open(part)
	if err != nil {
		return err
	}
	defer in.Close()
	a, h := d.set.Archive, sha256.New()
	n, err := io.Copy(h, in)
	switch sum := hexSum(h); {
	case err != nil:
		return err
	case n < a.Size:
		return fmt.Errorf("the download is truncated: it ends after %s of %s bytes", group(n), group(a.Size))
	case sum != a.SHA256:
		return fmt.Errorf("the download %w", &sumError{a.Name, sum, a.SHA256})
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return unpack(in, "the download", d.set, func(i int, r io.Reader) error {
		f := d.set.Files[i]
		return store(filepath.Join(dir, f.Name), r, f)
	})
}
