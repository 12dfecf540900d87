// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/lateral-ml/lateral/data"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// SVHN loads the Street View house numbers, cropped to single digits, [N, 3, 32, 32] with the channels red, green and
// blue, pixels in [0, 1], in ten classes: 73,257 training and 26,032 test images.
//
// It reads the two original files, train_32x32.mat and test_32x32.mat, from dir or its sub-folder svhn. If dir is
// empty, it finds or downloads them as MNIST does. It returns an error if the bytes are not the originals', by SHA-256.
func SVHN(dir string) (train, test *Set, err error) {
	set := manifest("svhn")
	place, err := locate(set, dir)
	if err != nil {
		return nil, nil, err
	}
	return loadSVHN(set, place)
}

func loadSVHN(set data.Set, place Place) (train, test *Set, err error) {
	if err := place.complete(set); err != nil {
		return nil, nil, err
	}
	var sets [2]*Set
	err = place.each(set, func(i int, r io.Reader) error {
		b := bytes.NewBuffer(make([]byte, 0, set.Files[i].Size))
		err := copyChecked(b, r, set.Files[i])
		if err == nil {
			sets[i], err = readSVHN(b.Bytes())
		}
		if err != nil {
			return fmt.Errorf("%s %w", place.Paths[i], err)
		}
		return nil
	})
	if err != nil {
		return nil, nil, place.damaged(set, err)
	}
	for _, s := range sets {
		s.Source = fmt.Sprintf("%s from %s (%s + %s images)", set.Name, place.Label, group(int64(sets[0].Len())),
			group(int64(sets[1].Len())))
	}
	return sets[0], sets[1], nil
}

// readSVHN reads X [32, 32, 3, N] and y [N, 1], in which 10 stands for the digit 0.
func readSVHN(content []byte) (*Set, error) {
	variables, err := matVariables(content)
	if err != nil {
		return nil, err
	}
	x, y := variables["X"], variables["y"]
	n := len(y.data)
	if len(x.dims) != 4 || x.dims[0] != 32 || x.dims[1] != 32 || x.dims[2] != 3 || x.dims[3] != n || n == 0 ||
		len(x.data) != n*cifarPixels {
		return nil, fmt.Errorf("it holds X %v and y %v, want images 32 x 32 x 3 x N and N labels", x.dims, y.dims)
	}
	sum := sha256.Sum256(content)
	s := &Set{Name: "SVHN", X: tensor.New(n, 3, 32, 32), Y: make([]int, n), Classes: numbers(10),
		Sum: hex.EncodeToString(sum[:])}
	for i, v := range y.data {
		if v < 1 || v > 10 {
			return nil, fmt.Errorf("label %d is %d, want 1 to 10", i, v)
		}
		s.Y[i] = int(v) % 10
		image := s.X.Row(i)
		for at, p := range x.data[i*cifarPixels : (i+1)*cifarPixels] { // the row index varies fastest, then the column index
			channel, col, row := at/1024, at/32%32, at%32
			image[channel*1024+row*32+col] = unit[p]
		}
	}
	return s, nil
}

// A matVariable is an array of bytes in column-major order.
type matVariable struct {
	dims []int
	data []byte
}

// maxMat limits the unpacked size of a file: the 73,257 training images, with room for labels of eight bytes.
const maxMat = 73_257*(cifarPixels+8) + 1<<16

// Element types of level 5 MAT-files that hold arrays of bytes.
const (
	matInt32, matUint8, matMatrix, matCompressed = 5, 2, 14, 15
)

// matVariables returns the arrays of bytes of a level 5 MAT-file and skips other variables. Source: MathWorks, MAT-File
// Format, chapter 1.
func matVariables(content []byte) (map[string]matVariable, error) {
	if len(content) < 128 || content[126] != 'I' || content[127] != 'M' {
		return nil, errors.New("it is not a little-endian MAT-file of level 5")
	}
	found := map[string]matVariable{}
	left := int64(maxMat) // bytes that may still be unpacked
	for rest := content[128:]; len(rest) > 0; {
		kind, body, after, err := matElement(rest)
		if err != nil {
			return nil, err
		}
		rest = after
		if kind == matCompressed {
			z, err := zlib.NewReader(bytes.NewReader(body))
			if err != nil {
				return nil, err
			}
			plain, err := io.ReadAll(io.LimitReader(z, left+1))
			if err != nil {
				return nil, err
			}
			if left -= int64(len(plain)); left < 0 {
				return nil, fmt.Errorf("it unpacks to more than %s bytes, the limit for SVHN", group(maxMat))
			}
			if kind, body, _, err = matElement(plain); err != nil {
				return nil, err
			}
		}
		if kind != matMatrix {
			continue
		}
		// Flags, dimensions, name, values.
		var parts [4][]byte
		var kinds [4]uint32
		for i := range parts {
			if kinds[i], parts[i], body, err = matElement(body); err != nil {
				return nil, err
			}
		}
		if kinds[1] != matInt32 || kinds[3] != matUint8 {
			continue
		}
		v := matVariable{data: parts[3]}
		for d := parts[1]; len(d) >= 4; d = d[4:] {
			v.dims = append(v.dims, int(int32(binary.LittleEndian.Uint32(d))))
		}
		found[string(parts[2])] = v
	}
	return found, nil
}

// matElement splits off the first element: its type and content. Up to 4 bytes of content share the 8 bytes of the tag.
// Elements are padded to 8 bytes, except compressed ones.
func matElement(b []byte) (kind uint32, body, rest []byte, err error) {
	if len(b) < 8 {
		return 0, nil, nil, errors.New("it ends within an element")
	}
	kind = binary.LittleEndian.Uint32(b)
	if size := kind >> 16; size > 0 {
		if size > 4 {
			return 0, nil, nil, fmt.Errorf("a short element has %d bytes", size)
		}
		return kind & 0xffff, b[4 : 4+size], b[8:], nil
	}
	size := int64(binary.LittleEndian.Uint32(b[4:]))
	end := 8 + size
	if end > int64(len(b)) {
		return 0, nil, nil, errors.New("it ends within an element")
	}
	body = b[8:end]
	if kind != matCompressed {
		end = min((end+7)/8*8, int64(len(b)))
	}
	return kind, body, b[end:], nil
}
