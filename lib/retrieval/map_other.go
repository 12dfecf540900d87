// SPDX-License-Identifier: Apache-2.0

//go:build !unix || !(amd64 || arm64 || riscv64 || loong64 || ppc64le)

package retrieval

// MapCodes is Load: this system does not map files, or has another byte order than they.
func MapCodes(path string) (*MappedCodes, error) {
	c, err := LoadCodes(path)
	if err != nil {
		return nil, err
	}
	return &MappedCodes{Codes: c, sum: c.checksum()}, nil
}

// Close gives the memory back. The codes must not be used any more.
func (m *MappedCodes) Close() error {
	m.Codes = nil
	return nil
}
