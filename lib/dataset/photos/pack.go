// SPDX-License-Identifier: Apache-2.0

package photos

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/durable"
)

// Pack writes all photographs, in the form that Config describes, as bytes to the file path, which ends in .npy, and
// their labels and classes beside it, as [dataset.OpenRows] reads them. Training then reads rows instead of decoding
// photographs. It needs memory for a few hundred photographs. After an error or a kill, no samples are left beside the
// labels of others.
func (f *Folder) Pack(path string) error {
	stem, ok := strings.CutSuffix(path, ".npy")
	if !ok {
		return fmt.Errorf("photos: Pack: %s does not end in .npy", path)
	}
	out, err := durable.Create(path)
	if err != nil {
		return fmt.Errorf("photos: Pack: %w", err)
	}
	defer out.Discard()
	if _, err := out.Write(npyHeader("|u1", f.Len(), f.Channels(), f.Height, f.Width)); err != nil {
		return fmt.Errorf("photos: Pack: %w", err)
	}
	const size = 200
	var b dataset.Batch
	var idx []int
	var levels []byte
	for first := 0; first < f.Len(); first += size {
		idx, levels = idx[:0], levels[:0]
		for i := first; i < min(first+size, f.Len()); i++ {
			idx = append(idx, i)
		}
		if err := f.Read(&b, idx); err != nil {
			return err
		}
		for _, v := range b.X.Data() {
			levels = append(levels, byte(v*255+0.5))
		}
		if _, err := out.Write(levels); err != nil {
			return fmt.Errorf("photos: Pack: %w", err)
		}
	}
	// First the samples of an earlier pack go: beside new labels, nobody would notice that they are old.
	if old, err := filepath.EvalSymlinks(path); err == nil {
		if err := os.Remove(old); err != nil {
			return fmt.Errorf("photos: Pack: %w", err)
		}
	}
	labels := npyHeader("<u2", f.Len())
	for _, y := range f.Y {
		labels = append(labels, byte(y), byte(y>>8))
	}
	if err := durable.WriteFile(stem+"-labels.npy", labels); err != nil {
		return fmt.Errorf("photos: Pack: %w", err)
	}
	if err := durable.WriteFile(stem+"-classes.txt", []byte(strings.Join(f.Classes, "\n")+"\n")); err != nil {
		return fmt.Errorf("photos: Pack: %w", err)
	}
	if err := out.Commit(); err != nil {
		return fmt.Errorf("photos: Pack: %w", err)
	}
	return nil
}

// npyHeader returns the start of a file of numpy.save, up to the first element, in version 1.0 of the format.
func npyHeader(descr string, shape ...int) []byte {
	dims := strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", ", "), "[]")
	if len(shape) == 1 {
		dims += ","
	}
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, dims)
	for (len(text)+11)%64 != 0 { // elements start at a multiple of 64 bytes
		text += " "
	}
	text += "\n"
	return append([]byte{0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, byte(len(text)), byte(len(text) >> 8)}, text...)
}
