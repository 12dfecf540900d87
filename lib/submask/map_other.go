// SPDX-License-Identifier: Apache-2.0

//go:build !unix || !(amd64 || arm64 || riscv64 || loong64 || ppc64le)

package submask

// Map is Load: this system does not map files, or has another byte order than they.
func Map(path string) (*Mapped, error) {
	c, err := Load(path)
	if err != nil {
		return nil, err
	}
	return &Mapped{Codes: c, sum: c.checksum()}, nil
}

// Close gives the memory back. The codes must not be used any more.
func (m *Mapped) Close() error {
	m.Codes = nil
	return nil
}
