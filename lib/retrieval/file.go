// SPDX-License-Identifier: Apache-2.0

package retrieval

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"math"
	"os"
	"slices"

	"github.com/lateral-ml/lateral/lib/durable"
)

// A file of codes is a header and the words of the codes, all little-endian:
//
//	bytes  0-7   "LATCODES"
//	bytes  8-11  version, 1
//	bytes 12-15  CRC-32C of the words
//	bytes 16-23  number of codes
//	bytes 24-31  bits of a code
//	bytes 32-59  zeros
//	bytes 60-63  CRC-32C of the 60 bytes before
const (
	magic      = "LATCODES"
	version    = 1
	headerSize = 64
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Save writes the codes to the file path, atomically.
func (c *Codes) Save(path string) error {
	f, err := durable.Create(path)
	if err != nil {
		return fmt.Errorf("retrieval: save %s: %w", path, err)
	}
	defer f.Discard()
	if err := c.write(f); err != nil {
		return fmt.Errorf("retrieval: save %s: %w", path, err)
	}
	if err := f.Commit(); err != nil {
		return fmt.Errorf("retrieval: save %s: %w", path, err)
	}
	return nil
}

func (c *Codes) write(w io.Writer) error {
	header := append(make([]byte, 0, headerSize), magic...)
	header = binary.LittleEndian.AppendUint32(header, version)
	header = binary.LittleEndian.AppendUint32(header, c.checksum())
	header = binary.LittleEndian.AppendUint64(header, uint64(c.n))
	header = binary.LittleEndian.AppendUint64(header, uint64(c.bits))
	header = header[:60]
	header = binary.LittleEndian.AppendUint32(header, crc32.Checksum(header, castagnoli))
	if _, err := w.Write(header); err != nil {
		return err
	}
	for b := range c.chunks() {
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// chunks yields the words as bytes.
func (c *Codes) chunks() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		b := make([]byte, 0, 1<<16)
		for words := range slices.Chunk(c.data, cap(b)/8) {
			b = b[:0]
			for _, w := range words {
				b = binary.LittleEndian.AppendUint64(b, w)
			}
			if !yield(b) {
				return
			}
		}
	}
}

func (c *Codes) checksum() uint32 {
	sum := uint32(0)
	for b := range c.chunks() {
		sum = crc32.Update(sum, castagnoli, b)
	}
	return sum
}

// LoadCodes reads the codes in the file path and verifies every byte.
func LoadCodes(path string) (*Codes, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("retrieval: load: %w", err)
	}
	defer f.Close()
	c, sum, err := readHeader(f)
	if err != nil {
		return nil, fmt.Errorf("retrieval: load %s: %w", path, err)
	}
	c.data = make([]uint64, c.n*c.words) // the file has this size: the header was compared with it
	got, b := uint32(0), make([]byte, 1<<16)
	for words := range slices.Chunk(c.data, len(b)/8) {
		b = b[:8*len(words)]
		if _, err := io.ReadFull(f, b); err != nil {
			return nil, fmt.Errorf("retrieval: load %s: %w", path, err)
		}
		got = crc32.Update(got, castagnoli, b)
		for i := range words {
			words[i] = binary.LittleEndian.Uint64(b[8*i:])
		}
	}
	if got != sum {
		return nil, fmt.Errorf(
			"retrieval: load %s: the codes are damaged (checksum %08x, want %08x): copy or make the file again", path, got, sum)
	}
	if i := c.stray(); i >= 0 {
		return nil, fmt.Errorf("retrieval: load %s: code %d has a 1 beyond its %d bits: make the file again", path, i, c.bits)
	}
	return c, nil
}

// readHeader returns zero codes of the right size, and the check sum of the words.
func readHeader(f *os.File) (*Codes, uint32, error) {
	var h [headerSize]byte
	if _, err := io.ReadFull(f, h[:]); err != nil || string(h[:8]) != magic {
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, 0, err
		}
		return nil, 0, errors.New("not a file of codes: it does not begin with " + magic)
	}
	if got, want := crc32.Checksum(h[:60], castagnoli), binary.LittleEndian.Uint32(h[60:]); got != want {
		return nil, 0, fmt.Errorf("the header is damaged (checksum %08x, want %08x): copy or make the file again", got, want)
	}
	if v := binary.LittleEndian.Uint32(h[8:]); v != version {
		return nil, 0, fmt.Errorf("version %d of the format: this program reads version %d", v, version)
	}
	n, bits := binary.LittleEndian.Uint64(h[16:]), binary.LittleEndian.Uint64(h[24:])
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	words := bits/64 + min(1, bits%64)
	room := uint64(max(0, info.Size()-headerSize)) / 8
	if bits == 0 || bits > math.MaxInt32 || n > math.MaxInt32 || n*words != room || info.Size()%8 != 0 {
		return nil, 0, fmt.Errorf("%d codes of %d bits do not fill a file of %d bytes: copy or make it again", n, bits,
			info.Size())
	}
	return &Codes{n: int(n), bits: int(bits), words: int(words)}, binary.LittleEndian.Uint32(h[12:]), nil
}

// MappedCodes are codes in a memory-mapped file: the system reads the pages that a search touches, and may evict them.
type MappedCodes struct {
	*Codes
	sum    uint32
	memory []byte
}

// Verify reads all codes and compares them with the file's check sum, which MapCodes does not verify.
func (m *MappedCodes) Verify() error {
	sum := m.checksum()
	if sum != m.sum {
		return fmt.Errorf("retrieval: the mapped codes are damaged (checksum %08x, want %08x): copy or make the file again",
			sum, m.sum)
	}
	if i := m.stray(); i >= 0 {
		return fmt.Errorf("retrieval: mapped code %d has a 1 beyond its %d bits: make the file again", i, m.bits)
	}
	return nil
}
