// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, text)
	z.Close()
	return b.String()
}

func TestGunzip(t *testing.T) {
	long := strings.Repeat("lateral ", 50_000)
	one, zeros := zipped("abc"), strings.Repeat("\x00", 1000)
	for name, c := range map[string]struct{ file, want, err string }{
		"one member":      {one, "abc", ""},
		"zeros behind":    {one + zeros, "abc", ""},
		"two members":     {one + zipped(long), "abc" + long, ""},
		"zeros between":   {one + zeros + zipped("def") + zeros, "abcdef", ""},
		"an empty member": {zipped("") + one, "abc", ""},
		"text behind":     {one + "some other text", "abc", "gzip: invalid header"},
		"text far behind": {one + zeros + "some other text", "abc", "gzip: invalid header"},
		"cut":             {one[:len(one)-3], "abc", "unexpected EOF"},
		"flipped":         {one[:len(one)-6] + "\x55" + one[len(one)-5:], "abc", "gzip: invalid checksum"},
	} {
		for _, in := range []io.Reader{strings.NewReader(c.file), iotest.OneByteReader(strings.NewReader(c.file))} {
			r, err := gunzip(bufio.NewReader(in))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got, err := io.ReadAll(r)
			said := ""
			if err != nil {
				said = err.Error()
			}
			if string(got) != c.want || said != c.err {
				t.Errorf("%s: %d bytes, error %q; want %d and %q", name, len(got), said, len(c.want), c.err)
			}
		}
	}
}
