// SPDX-License-Identifier: Apache-2.0

package durable

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// A sealed text is exactly
//
//	{"sha256":"64 hexadecimal digits","content":CONTENT}
//
// so it is JSON if the content is, and a flipped bit anywhere in the text is detected.
const (
	sealStart = `{"sha256":"`
	sealMid   = `","content":`
	sealEnd   = `}`
	sumLen    = 2 * sha256.Size
)

// ErrDamaged reports that a text differs from what Seal wrote.
var ErrDamaged = errors.New("damaged")

// Seal returns content, a JSON text, within a JSON object that also holds its SHA-256.
func Seal(content []byte) []byte {
	sum := sha256.Sum256(content)
	sealed := make([]byte, 0, len(sealStart)+sumLen+len(sealMid)+len(content)+len(sealEnd))
	sealed = append(sealed, sealStart...)
	sealed = hex.AppendEncode(sealed, sum[:])
	sealed = append(sealed, sealMid...)
	sealed = append(sealed, content...)
	return append(sealed, sealEnd...)
}

// Open returns the content that Seal was given. It ignores white space around the sealed text. The error wraps
// [ErrDamaged] if any bit has changed. The content shares memory with sealed.
func Open(sealed []byte) (content []byte, err error) {
	text := bytes.TrimSpace(sealed)
	start, end := len(sealStart)+sumLen+len(sealMid), len(text)-len(sealEnd)
	switch {
	case start > end:
		return nil, fmt.Errorf("%w: %d bytes are too few", ErrDamaged, len(text))
	case string(text[:len(sealStart)]) != sealStart || string(text[start-len(sealMid):start]) != sealMid ||
		string(text[end:]) != sealEnd:
		return nil, fmt.Errorf("%w: it is not a text with a check sum", ErrDamaged)
	}
	content = text[start:end]
	sum := sha256.Sum256(content)
	if string(text[len(sealStart):start-len(sealMid)]) != hex.EncodeToString(sum[:]) {
		return nil, fmt.Errorf("%w: the content does not have the SHA-256 that was written with it", ErrDamaged)
	}
	return content, nil
}
