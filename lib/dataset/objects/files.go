// SPDX-License-Identifier: Apache-2.0

package objects

import (
	"archive/tar"
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lateral-ml/lateral/lib/render"
)

// Limits of what is read: the number of solids, and the bytes of one.
const (
	maxSolids = 100_000
	maxBytes  = 1 << 28
)

// ReadFiles reads the solids of a folder with OBJ files, or of a .tar.gz archive of them, in the order of their names;
// numbers in names count as numbers. Each solid is a superclass of its own, named as its file without the extension.
// Other files are skipped.
//
// The error names the file, and the line of a file that is not a mesh (see [render.ReadOBJ]). If skip is not nil, such
// files are passed to it, with that error, and left out. It is an error if no solid remains.
func ReadFiles(name string, skip func(error)) (*Collection, error) {
	var found []named
	read := func(name string, r io.Reader) error {
		if !strings.EqualFold(path.Ext(name), ".obj") {
			return nil
		}
		if len(found) == maxSolids {
			return fmt.Errorf("more than %d OBJ files", maxSolids)
		}
		text, err := io.ReadAll(io.LimitReader(r, maxBytes)) // first, so that a truncated archive is not a bad line
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		m, err := render.ReadOBJ(bytes.NewReader(text), name)
		switch {
		case err == nil:
			found = append(found, named{strings.TrimSuffix(path.Base(name), path.Ext(name)), m})
		case skip != nil:
			skip(err)
			return nil
		}
		return err
	}
	var err error
	if info, statErr := os.Stat(name); statErr != nil {
		return nil, fmt.Errorf("dataset/objects: %w", statErr)
	} else if info.IsDir() {
		err = eachFile(name, read)
	} else {
		err = eachEntry(name, read)
	}
	if err != nil {
		return nil, fmt.Errorf("dataset/objects: %s: %w", name, err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("dataset/objects: %s holds no OBJ file that can be used", name)
	}
	slices.SortStableFunc(found, func(a, b named) int { return compareNames(a.name, b.name) })
	c := &Collection{}
	for i, f := range found {
		c.add(f.mesh, i)
		c.Names = append(c.Names, f.name)
	}
	return c, nil
}

type named struct {
	name string
	mesh *render.Mesh
}

// compareNames orders names that are numbers by value, before all others.
func compareNames(a, b string) int {
	x, errA := strconv.Atoi(a)
	y, errB := strconv.Atoi(b)
	switch {
	case errA == nil && errB == nil:
		return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
	case errA == nil:
		return -1
	case errB == nil:
		return 1
	}
	return cmp.Compare(a, b)
}

// eachFile calls read with the regular files of a folder.
func eachFile(dir string, read func(name string, r io.Reader) error) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		f, err := os.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		err = read(e.Name(), f)
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

var errTruncated = errors.New("the archive is truncated: copy or download it again")

// eachEntry calls read with the regular files of an archive.
func eachEntry(archive string, read func(name string, r io.Reader) error) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		return fmt.Errorf("it is neither a folder nor a .tar.gz archive (%w)", err)
	}
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if err == io.EOF {
			// The check sum is compared only at the end. Zeros may follow, which tape drives append.
			if _, err = io.Copy(io.Discard, z); err == nil || err == gzip.ErrHeader {
				return nil
			}
		}
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF):
			return errTruncated
		case err != nil:
			return fmt.Errorf("the archive is damaged (%w): copy or download it again", err)
		}
		if h.Typeflag == tar.TypeReg {
			if err := read(h.Name, t); errors.Is(err, io.ErrUnexpectedEOF) {
				return errTruncated
			} else if err != nil {
				return err
			}
		}
	}
}
