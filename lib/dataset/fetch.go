// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lateral-ml/lateral/data"
	"github.com/lateral-ml/lateral/lib/durable"
)

// Progress is the state of a download.
type Progress struct {
	Set, File   string // "MNIST", "train-images-idx3-ubyte.gz"
	Host        string // the mirror
	Done, Total int64  // bytes; Total is 0 if the mirror does not send it
}

// Fetch makes sure that all files of a set are present with the right bytes, and returns their place. It downloads
// missing or damaged files to the folder where Find found others of the set. If Find found none, it uses the sub-folder
// named after the set's ID in dir or, if dir is empty, in the cache. Files are stored uncompressed, because these load
// fastest.
//
// Mirrors are tried in order. An interrupted download leaves a .part file from which the next one continues. A file
// gets its name only when it is complete and its SHA-256 is right. A set that is not offered for download is only
// checked. report, unless nil, is called as bytes arrive.
func Fetch(ctx context.Context, set data.Set, dir string, report func(Progress)) (Place, error) {
	place, found, err := Find(set, dir)
	if err != nil && (dir == "" || !errors.Is(err, os.ErrNotExist)) {
		return Place{}, err
	}
	if set.Recipe != "" {
		if !found {
			return Place{}, notOffered(set, dir)
		}
		if err := errors.Join(place.Check(set)...); err != nil {
			return Place{}, place.damaged(set, err)
		}
		return place, nil
	}
	if !found {
		places, err := roots(dir)
		if err != nil {
			return Place{}, err
		}
		places = slices.DeleteFunc(places, func(p Place) bool { return p.spare })
		place = places[len(places)-1] // the directory given, or the cache
		place.Dir, place.Paths = filepath.Join(place.Dir, set.ID), make([]string, len(set.Files))
	}
	if err := os.MkdirAll(place.Dir, 0o755); err != nil {
		return Place{}, fmt.Errorf("dataset: no folder for %s: %w; set %s to a directory that can be written", set.Name, err,
			Env)
	}
	d := download{client: newClient(), stall: 30 * time.Second, set: set, report: report}
	if set.Archive != nil {
		return d.archived(ctx, place)
	}
	for i, f := range set.Files {
		if place.Paths[i] != "" && Check(place.Paths[i], f) == nil {
			continue
		}
		place.Paths[i] = filepath.Join(place.Dir, f.Name)
		if err := d.file(ctx, f, place.Paths[i]); err != nil {
			return Place{}, err
		}
		if f.Gzip != "" {
			place.Paths[i] += ".gz"
		}
	}
	return place, nil
}

// Check reads a file, plain or compressed, and compares the size and SHA-256 of its uncompressed bytes with the
// manifest, or the SHA-256 of its compressed bytes if the manifest has that. The error names the file.
func Check(path string, f data.File) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := copyChecked(io.Discard, in, f); err != nil {
		return fmt.Errorf("%s %w", path, err)
	}
	return nil
}

// copyChecked copies the uncompressed bytes of in and checks them. Errors continue a sentence that begins with the
// file's name, except for those of w.
func copyChecked(w io.Writer, in io.Reader, f data.File) error {
	packed := sha256.New()
	if f.Gzip != "" {
		in = io.TeeReader(in, packed)
	}
	content := bufio.NewReaderSize(in, 1<<16)
	var r io.Reader = content
	compressed := false
	if magic, _ := content.Peek(2); bytes.Equal(magic, gzipMagic) {
		compressed = true
		z, err := gunzip(content)
		if err != nil {
			return fmt.Errorf("is damaged: its gzip header cannot be read (%w)", err)
		}
		r = z
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(h, w), io.LimitReader(r, f.Size+1))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) || err == nil && n < f.Size:
		return fmt.Errorf("is truncated: it ends after %s of %s bytes", group(n), group(f.Size))
	case err != nil:
		return fmt.Errorf("is damaged after %s of %s bytes: %w", group(n), group(f.Size), err)
	case n > f.Size:
		return fmt.Errorf("is too long: it has more than %s bytes", group(f.Size))
	}
	if sum := hexSum(h); f.SHA256 != "" && sum != f.SHA256 {
		return &sumError{f.Name, sum, f.SHA256}
	}
	if f.Gzip != "" && compressed {
		if _, err := io.Copy(io.Discard, content); err != nil {
			return fmt.Errorf("is damaged at its end: %w", err)
		}
		if sum := hexSum(packed); sum != f.Gzip {
			return &sumError{f.Name + ".gz", sum, f.Gzip}
		}
	}
	return nil
}

// A download fetches files of a set.
type download struct {
	client client
	stall  time.Duration // longest time without a byte
	set    data.Set
	report func(Progress)
}

// file downloads one file from the first mirror that has it.
func (d *download) file(ctx context.Context, f data.File, path string) error {
	ending := ".gz"
	if d.set.Plain {
		ending = ""
	}
	part := path + ending + ".part"
	if f.Gzip != "" { // kept compressed, because only the sum of that is known
		return d.fetch(ctx, f.Name+ending, f.Size, part, func() error { return installPacked(part, path+ending, f) })
	}
	return d.fetch(ctx, f.Name+ending, f.Size, part, func() error { return install(part, path, f) })
}

// fetch downloads the file called name from a mirror, about size bytes at most, into the file part, and installs it.
func (d *download) fetch(ctx context.Context, name string, size int64, part string, install func() error) error {
	var failures strings.Builder
	for _, mirror := range d.set.Mirrors {
		err := d.from(ctx, mirror+name, size, part, install)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("dataset: download of %s interrupted: %w; run it again to go on from there", name,
				context.Cause(ctx))
		}
		if local := new(os.PathError); errors.As(err, &local) {
			return fmt.Errorf("dataset: %s cannot be stored: %w; make room, or set %s to another directory", name, err, Env)
		}
		fmt.Fprintf(&failures, "\n  %s: %v", mirror+name, err)
	}
	return fmt.Errorf("dataset: %s of %s was not found and cannot be downloaded:%s\nWithout a network, download them on "+
		"another computer and %s\nor into a directory that $%s names",
		name, d.set.Name, failures.String(), whatToPut(d.set, filepath.Dir(part)), Env)
}

// from downloads from one mirror and installs. If the bytes are wrong and began in an earlier download, perhaps from
// another mirror, it restarts the download from the beginning.
func (d *download) from(ctx context.Context, address string, size int64, part string, install func() error) error {
	resumed, err := d.transfer(ctx, address, part, size)
	if err != nil {
		return err
	}
	err = install()
	if err != nil && resumed {
		if _, err = d.transfer(ctx, address, part, size); err == nil {
			err = install()
		}
	}
	return err
}

// install checks a finished download and stores its uncompressed bytes under their name. It removes the download in
// either case.
func install(part, path string, f data.File) error {
	defer os.Remove(part)
	in, err := os.Open(part)
	if err != nil {
		return err
	}
	defer in.Close()
	return store(path, in, f)
}

// installPacked checks a finished download and gives it its name. It removes the download if it is wrong.
func installPacked(part, path string, f data.File) error {
	if err := Check(part, f); err != nil {
		os.Remove(part)
		return fmt.Errorf("the download is wrong: %w", err)
	}
	return os.Rename(part, path)
}

// store checks the content of a file and stores its uncompressed bytes under its name.
func store(path string, content io.Reader, f data.File) error {
	out, err := durable.Create(path)
	if err != nil {
		return err
	}
	defer out.Discard()
	if err := copyChecked(out, content, f); err != nil {
		return fmt.Errorf("the download %w", err)
	}
	return out.Commit()
}

// Lines returns a report function for Fetch that writes a line when a file begins, every two seconds, and when it ends.
func Lines(w io.Writer) func(Progress) {
	var file string
	var last time.Time
	return func(p Progress) {
		done := p.Done == p.Total
		if p.File == file && !done && time.Since(last) < 2*time.Second {
			return
		}
		file, last = p.File, time.Now()
		of := ""
		if p.Total > 0 {
			of = " of " + megabytes(p.Total)
		}
		fmt.Fprintf(w, "%s: %s: %s%s MB from %s\n", p.Set, p.File, megabytes(p.Done), of, p.Host)
	}
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f", float64(n)/1e6) }
