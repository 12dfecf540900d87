// SPDX-License-Identifier: Apache-2.0

package tensor

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"strings"
)

// LoadNPZ reads the arrays of a file that numpy.savez or numpy.savez_compressed wrote, with their names, in the order
// of the file. Each is read as [ReadNPY] does.
func LoadNPZ(path string) ([]Named, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, fmt.Errorf("tensor: load %s: %w: want a file of numpy.savez", path, err)
	}
	defer z.Close()
	var arrays []Named
	for _, entry := range z.File {
		name, ok := strings.CutSuffix(entry.Name, ".npy")
		if !ok {
			return nil, fmt.Errorf("tensor: load %s: it contains %s: want only arrays of numpy.savez", path, entry.Name)
		}
		t, err := readArray(entry)
		if err != nil {
			return nil, fmt.Errorf("load %s: array %s: %w", path, name, err)
		}
		arrays = append(arrays, Named{name, t})
	}
	if len(arrays) == 0 {
		return nil, fmt.Errorf("tensor: load %s: it contains no arrays", path)
	}
	return arrays, nil
}

func readArray(entry *zip.File) (*Tensor, error) {
	r, err := entry.Open()
	if err != nil {
		return nil, fmt.Errorf("tensor: npz: %w", err)
	}
	defer r.Close()
	t, err := ReadNPY(r)
	if err != nil {
		return nil, err
	}
	switch n, err := io.ReadFull(r, make([]byte, 1)); { // the check sum is compared only at the end
	case n > 0:
		return nil, errors.New("tensor: npz: there is data after the array: want a file of numpy.savez")
	case err != io.EOF:
		return nil, fmt.Errorf("tensor: npz: damaged (%w): copy or download the file again", err)
	}
	return t, nil
}
