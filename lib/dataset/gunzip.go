// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bufio"
	"compress/gzip"
	"io"
)

// A gunzipper reads gzip data: one or more members, possibly followed by zeros, which tape drives and some mirrors
// append. (Package gzip treats the zeros as a damaged member.)
type gunzipper struct {
	in *bufio.Reader
	z  *gzip.Reader
}

// gunzip returns the uncompressed content of in. It does not read in beyond the end of the gzip data and its zeros.
func gunzip(in *bufio.Reader) (io.Reader, error) {
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	return &gunzipper{in, z}, nil
}

func (g *gunzipper) Read(p []byte) (n int, err error) {
	for n == 0 && err == nil && len(p) > 0 {
		if n, err = g.z.Read(p); err == io.EOF {
			err = g.next()
		}
	}
	return n, err
}

// next begins the next member, and returns io.EOF if there is none.
func (g *gunzipper) next() error {
	for {
		b, err := g.in.ReadByte()
		if err != nil {
			return err
		}
		if b != 0 {
			g.in.UnreadByte()
			break
		}
	}
	if err := g.z.Reset(g.in); err != nil {
		return err
	}
	g.z.Multistream(false)
	return nil
}
