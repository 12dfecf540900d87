// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// An idx is the content of an IDX file of unsigned bytes, the format of MNIST and of sets modelled on it: two zero
// bytes, the element type (8: unsigned bytes), the rank, each dimension as a big-endian 32-bit number, then the
// elements in row-major order.
type idx struct {
	raw    []byte // the uncompressed file
	dims   []int
	values []byte // the elements, which are the end of raw
}

const (
	imageRank = 3 // count, height, width
	labelRank = 1 // count
)

// maxUnpacked limits the uncompressed size of a compressed file whose size is unknown: 2.7 million images of MNIST's
// size. A few megabytes of gzip can expand to gigabytes, and float32 values need four times as much memory.
const maxUnpacked = 1 << 31

// readIDX reads a plain or gzip-compressed file, told apart by content rather than name, and requires the given rank. A
// compressed file may unpack to at most limit bytes. The error names the file and what is wrong with it.
func readIDX(path string, rank int, limit int64) (*idx, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	a, err := parseIDX(f, info.Size(), rank, limit)
	if err != nil {
		return nil, fmt.Errorf("%s %w", path, err)
	}
	return a, nil
}

// gzipMagic begins every gzip file.
var gzipMagic = []byte{0x1f, 0x8b}

// maxInflation is the largest number of bytes that one byte of a deflate stream can expand to.
const maxInflation = 1032

// parseIDX parses a file of the given size. Whatever the header claims, it allocates no more than the file can hold or,
// if it is compressed, than unpacked. Errors continue a sentence that begins with the file's name.
func parseIDX(r io.Reader, size int64, rank int, unpacked int64) (*idx, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	limit := size
	content := io.Reader(in)
	if magic, _ := in.Peek(2); bytes.Equal(magic, gzipMagic) {
		z, err := gunzip(in)
		if err != nil {
			return nil, fmt.Errorf("is damaged: its gzip header cannot be read (%v)", err)
		}
		content, limit = z, min(size*maxInflation, unpacked)
	}

	var head [16]byte
	header := head[:4+4*rank]
	switch n, err := io.ReadFull(content, header); {
	case err == io.EOF:
		return nil, errors.New("is empty")
	case err == io.ErrUnexpectedEOF && n < 4:
		return nil, fmt.Errorf("is not an IDX file: it ends after %d bytes", n)
	case err == io.ErrUnexpectedEOF:
		if err := checkMagic(header[:4], rank); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("is truncated: it ends within its header, after %d of %d bytes", n, len(header))
	case err != nil:
		return nil, fmt.Errorf("is damaged: %v", err)
	}
	if err := checkMagic(header[:4], rank); err != nil {
		return nil, err
	}

	dims, elements := make([]int, rank), int64(1)
	for i := range dims {
		d := binary.BigEndian.Uint32(header[4+4*i:])
		dims[i] = int(d)
		if d > 0 && elements > limit/int64(d) {
			elements = limit + 1 // more than the file can hold, and no overflow
			continue
		}
		elements *= int64(d)
	}
	switch {
	case int64(len(header))+elements <= limit:
	case limit == unpacked:
		return nil, fmt.Errorf("is too large: its header declares %s values, %s bytes are allowed: if that is correct, "+
			"unpack it first", times(dims), group(unpacked))
	default:
		return nil, fmt.Errorf("is truncated: its header declares %s values, which %s bytes on disk cannot hold", times(dims),
			group(size))
	}

	raw := make([]byte, int64(len(header))+elements)
	copy(raw, header)
	switch n, err := io.ReadFull(content, raw[len(header):]); {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return nil, fmt.Errorf("is truncated: its header declares %s = %s values, it ends after %s", times(dims),
			group(elements), group(int64(n)))
	case err != nil:
		return nil, fmt.Errorf("is damaged after %s of %s values: %v", group(int64(n)), group(elements), err)
	}
	// Reading to the end also makes gzip verify its check sum.
	switch _, err := io.ReadFull(content, head[:1]); {
	case err == nil:
		return nil, fmt.Errorf("is too long: bytes follow the %s = %s values that its header declares", times(dims),
			group(elements))
	case err == io.ErrUnexpectedEOF:
		return nil, errors.New("is truncated: the end of its gzip data is missing")
	case err != io.EOF:
		return nil, fmt.Errorf("is damaged at its end: %v", err)
	}
	return &idx{raw: raw, dims: dims, values: raw[len(header):]}, nil
}

// checkMagic returns an error if the file is not an IDX file of unsigned bytes with the given rank.
func checkMagic(magic []byte, rank int) error {
	kinds := map[int]string{imageRank: "images", labelRank: "labels"}
	got := int(magic[3])
	switch {
	case magic[0] != 0 || magic[1] != 0:
		return fmt.Errorf("is not an IDX file: it starts with %q, want magic number 0x%08x", magic, 0x800+rank)
	case magic[2] != 8:
		return fmt.Errorf("has elements of IDX type 0x%02x, want unsigned bytes, type 0x08", magic[2])
	case got != rank && kinds[got] != "":
		return fmt.Errorf("holds %s (magic number 0x%08x) where %s belong (0x%08x): the files are swapped", kinds[got],
			0x800+got, kinds[rank], 0x800+rank)
	case got != rank:
		return fmt.Errorf("has %d dimensions, want %d, magic number 0x%08x", got, rank, 0x800+rank)
	}
	return nil
}

// times formats dimensions as 60000x28x28.
func times(dims []int) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(dims), "[]"), " ", "x")
}

// group formats a number with commas between groups of three digits.
func group(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
