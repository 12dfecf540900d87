// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"

	"github.com/lateral-ml/lateral/lib/superres"
)

// Photos are photographs for super-resolution.
type Photos struct {
	Name  string
	About string // origin of the photographs, a sentence for people
	Train []superres.Photo
	Test  []TestPhotos
	Sum   string // identifies the sizes and pixels of all photographs by 64 hexadecimal digits
}

// TestPhotos are a set of photographs on which results are reported.
type TestPhotos struct {
	Name   string
	Photos []superres.Photo
}

// LoadPhotos returns photographs by name: "bsds500" trains on the training images of BSDS500 and tests on Set14 and on
// the test images of BSDS500, "leaves" is the embedded stand-in. The empty name means bsds500 if its files are found,
// otherwise leaves. Nothing is downloaded. It returns an error if the name is unknown, or files are missing or damaged.
func LoadPhotos(name string) (*Data, error) {
	if name == "" {
		if d, err := LoadPhotos("bsds500"); !errors.Is(err, fs.ErrNotExist) {
			return d, err
		}
		name = "leaves"
	}
	p := &Photos{Name: name}
	train, tests := "leaves-train", []string{"leaves-test"}
	switch name {
	case "leaves":
		p.About = "Leaves, images of dead leaves made from seed 1"
	case "bsds500":
		train, tests = "bsds500-train", []string{"set14", "bsds500-test"}
		p.About = "photographs of BSDS500, and Set14, from $LATERAL_DATA or the cache"
	default:
		return nil, fmt.Errorf("experiment: there are no photographs %q: use bsds500 or leaves", name)
	}
	var err error
	if p.Train, err = superres.Load(train); err != nil {
		return nil, err
	}
	for _, t := range tests {
		photos, err := superres.Load(t)
		if err != nil {
			return nil, err
		}
		p.Test = append(p.Test, TestPhotos{t, photos})
	}
	p.Sum = p.sum()
	return &Data{Photos: p}, nil
}

func (p *Photos) source() Source { return Source{p.Name, p.Sum[:16], len(p.Train)} }

func (p *Photos) sum() string {
	h := sha256.New()
	add := func(photos []superres.Photo) {
		for _, f := range photos {
			b := fmt.Appendf(nil, "%v", f.Y.Shape())
			for _, v := range f.Y.Data() {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
			}
			h.Write(b)
		}
	}
	add(p.Train)
	for _, t := range p.Test {
		add(t.Photos)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}
