// SPDX-License-Identifier: Apache-2.0

package linear

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"slices"

	"github.com/lateral-ml/lateral/lib/durable"
)

// A record is what [FewLabels.Run] has measured so far, the last size perhaps in part. It is stored in a file after
// each draw.
type record struct {
	Key    string // identifies settings and samples
	Scores []LabelScore
}

// record returns the content of f.File, or an empty record if there is no file.
func (f FewLabels) record(x *Features, y []int, test *Features, testY []int) (*record, error) {
	if f.File == "" {
		return &record{}, nil
	}
	r := &record{Key: f.key(x, y, test, testY)}
	text, err := os.ReadFile(f.File)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	var found record
	content, err := durable.Open(text)
	if err == nil {
		err = json.Unmarshal(content, &found)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w: remove it to begin again", f.File, err)
	case found.Key != r.Key:
		return nil, fmt.Errorf("%s is of other settings or samples: name another file, or remove it", f.File)
	}
	return &found, nil
}

// save stores the record in f.File.
func (f FewLabels) save(r *record) error {
	if f.File == "" {
		return nil
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return durable.WriteFile(f.File, durable.Seal(text))
}

// key identifies everything that the scores depend on.
func (f FewLabels) key(x *Features, y []int, test *Features, testY []int) string {
	c := f.withDefaults()
	h := sha256.New()
	fmt.Fprintln(h, c.Loss, c.Intercept, c.Tolerance, c.Steps, f.Sizes, f.Draws, f.Cs, f.Folds, f.Seed)
	for _, part := range []*Features{x, test} {
		fmt.Fprintln(h, part, part.bounds)
		write(h, part.dense)
		write(h, part.index)
		write(h, part.value)
	}
	fmt.Fprintln(h, y, testY)
	return hex.EncodeToString(h.Sum(nil))
}

// write writes numbers, little-endian.
func write[T int32 | float32](h hash.Hash, x []T) {
	var buffer []byte
	for part := range slices.Chunk(x, 4096) {
		buffer, _ = binary.Append(buffer[:0], binary.LittleEndian, part) // cannot fail: the size is fixed
		h.Write(buffer)
	}
}
