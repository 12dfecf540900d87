// SPDX-License-Identifier: Apache-2.0

//go:build unix && (amd64 || arm64 || riscv64 || loong64 || ppc64le)

package retrieval

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// MapCodes opens the file path without reading its codes. It checks only the header and the size; see
// [MappedCodes.Verify]. The codes must not be written to, nor used after Close, and the file must not be truncated
// meanwhile. If the system or its byte order does not allow mapping, MapCodes is LoadCodes.
func MapCodes(path string) (*MappedCodes, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("retrieval: map: %w", err)
	}
	defer f.Close()
	c, sum, err := readHeader(f)
	if err != nil {
		return nil, fmt.Errorf("retrieval: map %s: %w", path, err)
	}
	m := &MappedCodes{Codes: c, sum: sum}
	if c.n == 0 {
		return m, nil
	}
	m.memory, err = syscall.Mmap(int(f.Fd()), 0, headerSize+8*c.n*c.words, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("retrieval: map %s: %w", path, err)
	}
	c.data = unsafe.Slice((*uint64)(unsafe.Pointer(&m.memory[headerSize])), c.n*c.words)
	return m, nil
}

// Close releases the memory. The codes must not be used afterwards.
func (m *MappedCodes) Close() error {
	if m.memory == nil {
		return nil
	}
	memory := m.memory
	m.memory, m.Codes = nil, nil
	return syscall.Munmap(memory)
}
