// SPDX-License-Identifier: Apache-2.0

//go:build !unix || !(amd64 || arm64 || riscv64 || loong64 || ppc64le)

package retrieval

// MapCodes is LoadCodes here: this system does not map files, or its byte order differs from that of the files.
func MapCodes(path string) (*MappedCodes, error) {
	c, err := LoadCodes(path)
	if err != nil {
		return nil, err
	}
	return &MappedCodes{Codes: c, sum: c.checksum()}, nil
}

// Close releases the memory. The codes must not be used afterwards.
func (m *MappedCodes) Close() error {
	m.Codes = nil
	return nil
}
