// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

var delimiter = []byte("<IDS|MSG>")

// ErrSignature reports a message that was not signed with the connection's key.
var ErrSignature = errors.New("wire: message signature does not match the connection's key")

// Codec writes and reads signed frames. An empty Key turns signing off, as the
// protocol allows.
type Codec struct {
	Key []byte
}

// Encode returns the frames of m.
func (c Codec) Encode(m *Message) ([][]byte, error) {
	header, err := json.Marshal(m.Header)
	if err != nil {
		return nil, fmt.Errorf("wire: header: %w", err)
	}
	parent := []byte("{}")
	if m.Parent.ID != "" {
		if parent, err = json.Marshal(m.Parent); err != nil {
			return nil, fmt.Errorf("wire: parent header: %w", err)
		}
	}
	metadata := []byte("{}")
	if len(m.Metadata) > 0 {
		if metadata, err = json.Marshal(m.Metadata); err != nil {
			return nil, fmt.Errorf("wire: metadata: %w", err)
		}
	}
	content := []byte(m.Content)
	if len(content) == 0 {
		content = []byte("{}")
	}

	frames := append([][]byte{}, m.Identities...)
	frames = append(frames, delimiter, c.sign(header, parent, metadata, content),
		header, parent, metadata, content)
	return append(frames, m.Buffers...), nil
}

// Decode reads the frames of one message. It returns [ErrSignature] if the
// message was not signed with the codec's key.
func (c Codec) Decode(frames [][]byte) (*Message, error) {
	at := 0
	for at < len(frames) && !bytes.Equal(frames[at], delimiter) {
		at++
	}
	if len(frames)-at < 6 {
		return nil, fmt.Errorf("wire: %d frames do not make a message: no delimiter followed by signature, header, "+
			"parent header, metadata and content", len(frames))
	}
	signature, parts := frames[at+1], frames[at+2:at+6]
	if !hmac.Equal(signature, c.sign(parts...)) {
		return nil, ErrSignature
	}

	m := &Message{Identities: frames[:at], Content: parts[3], Buffers: frames[at+6:]}
	for i, into := range []any{&m.Header, &m.Parent, &m.Metadata} {
		if err := json.Unmarshal(parts[i], into); err != nil {
			return nil, fmt.Errorf("wire: %s: %w", [...]string{"header", "parent header", "metadata"}[i], err)
		}
	}
	if !json.Valid(m.Content) {
		return nil, fmt.Errorf("wire: content of a %s message is not JSON", m.Header.Type)
	}
	return m, nil
}

// sign returns the hexadecimal HMAC-SHA256 of parts, empty without a key.
func (c Codec) sign(parts ...[]byte) []byte {
	if len(c.Key) == 0 {
		return []byte{}
	}
	mac := hmac.New(sha256.New, c.Key)
	for _, part := range parts {
		mac.Write(part)
	}
	return hex.AppendEncode(nil, mac.Sum(nil))
}
